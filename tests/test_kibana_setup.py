"""`trainward setup kibana` and `check` against a server that answers as Kibana does."""

import base64
import json
import urllib.parse

import pytest

from support import kibana, programs
from support.kibana_server import basic, boom, kibana_server
from support.programs import trainward

COMMITTED = kibana.committed()
N = len(COMMITTED.all)
DASHBOARDS = ("fleet", "project", "run")


def config_file(tmp_path, url, prefix=None, **more):
    config = {"state_dir": str(tmp_path / "state"), "kibana": {"url": url, **more}}
    if prefix:
        config["sinks"] = [{"elasticsearch": {"urls": ["http://127.0.0.1:9"],
                                              "index_prefix": prefix}}]
    return programs.write_config(tmp_path / "config.yaml", config)


def setup(path, *options):
    return trainward("setup", "kibana", "--config", path, *options)


def refused(done):
    """The one line that says why."""
    assert done.returncode == 2, done.stdout
    line, = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("is_dashboards", [False, True])
def test_setup_imports_all_and_may_be_repeated(tmp_path, is_dashboards):
    with kibana_server(is_dashboards=is_dashboards) as server:
        path = config_file(tmp_path, server.url)
        for _ in range(2):
            done = setup(path)
            assert done.returncode == 0, done.stderr
            assert f"{N} objects are in place" in done.stdout
            assert f"{server.url}/app/dashboards#/view/trainward_fleet" in done.stdout
        assert {name: each for (_, _, name), each in server.objects.items()} == COMMITTED.by_id
        request, headers, _ = server.requests[0]
        assert request == "/api/saved_objects/_import?overwrite=true"
        assert headers["kbn-xsrf"] == headers["osd-xsrf"] == "true"


def test_prefix_and_space_are_in_all_names(tmp_path):
    with kibana_server(base="/base", spaces=("ml",)) as server:
        path = config_file(tmp_path, server.url + "/", prefix="acme", space="ml")
        assert setup(path).returncode == 0
        assert server.requests[0][0].startswith("/base/s/ml/api/")
        objects = kibana.Objects("\n".join(json.dumps(each) for each in server.objects.values()))
    assert set(objects.by_id) == {name.replace("trainward_", "ml_acme_")
                                  for name in COMMITTED.by_id}
    assert {each["attributes"]["title"] for each in objects.of_type("index-pattern")} == \
        {"acme-advisories-*", "acme-runs", "acme-charts"}
    text = json.dumps(objects.all)
    assert "trainward-" not in text and "trainward_" not in text and "[acme] Fleet" in text
    assert "#/view/ml_acme_run" in text and "trainward.run.id" in text


def test_a_prefix_of_kibanas_own_holds(tmp_path):
    path = config_file(tmp_path, "http://127.0.0.1:9", prefix="acme", index_prefix="other")
    assert '"id":"other_fleet"' in setup(path, "--export").stdout


def test_export_prints_what_can_be_imported_by_hand(tmp_path):
    done = setup(config_file(tmp_path, "http://127.0.0.1:9"), "--export")
    assert done.returncode == 0 and done.stdout == kibana.PATH.read_text()
    bare = programs.write_config(tmp_path / "bare.yaml", {"log": {"level": "info"}})
    assert setup(bare, "--export").stdout == done.stdout
    assert "names no Kibana" in refused(setup(bare))


def test_a_dry_run_changes_nothing_and_says_what_would(tmp_path):
    with kibana_server() as server:
        path = config_file(tmp_path, server.url)
        done = setup(path, "--dry-run")
        assert done.returncode == 0, done.stderr
        assert not server.objects and done.stdout.count("would be created") == N
        assert setup(path).returncode == 0
        del server.objects[("default", "dashboard", "trainward_run")]
        done = setup(path, "--dry-run")
        assert done.stdout.count("would be replaced") == N - 1
        line, = [line for line in done.stdout.splitlines() if line.endswith("would be created")]
        assert line.startswith("dashboard trainward_run ")


# ---- logins ----

@pytest.mark.parametrize("given, expected", [
    ({"username": "ann", "password": "a:b\"c"}, basic("ann", "a:b\"c")),
    ({"api_key": "id1:key1"}, "ApiKey " + base64.b64encode(b"id1:key1").decode()),
    ({"api_key": "aWQxOmtleTE="}, "ApiKey aWQxOmtleTE="),
    ({"bearer_token": "token1"}, "Bearer token1")])
def test_logins(tmp_path, given, expected):
    with kibana_server(login=expected) as server:
        assert setup(config_file(tmp_path, server.url, **given)).returncode == 0
        wrong = {name: "wrong" for name in given}
        line = refused(setup(config_file(tmp_path, server.url, **wrong)))
    assert "401" in line and "check api_key, or username and password" in line
    assert not any(secret in line for name, secret in given.items() if name != "username")


def test_a_tenant_goes_into_the_header(tmp_path):
    with kibana_server(is_dashboards=True) as server:
        done = setup(config_file(tmp_path, server.url, tenant="research"))
        assert server.requests[0][1]["securitytenant"] == "research"
    assert "/app/dashboards?security_tenant=research#/view/trainward_fleet" in done.stdout


# ---- what goes wrong ----

@pytest.mark.parametrize("answer, expected", [
    (boom(403, "Forbidden", "Unable to bulk_create dashboard"),
     "Unable to bulk_create dashboard; the login may not do this"),
    (boom(404, "Not Found", "Not Found"), "is the space there?"),
    (boom(409, "Conflict", "version conflict"), "HTTP status 409, version conflict"),
    (boom(413, "Request Entity Too Large", "Payload content length greater than maximum"),
     "savedObjects.maxImportPayloadBytes"),
    (boom(400, "Bad Request", "Invalid file extension"), "HTTP status 400, Invalid file extension"),
    ((503, "text/plain", b"Kibana server is not ready yet"), "it is not ready"),
    ((302, "text/html", b""), "it redirects"),
    ((502, "text/html", b"<html>Bad Gateway</html>"), "it is not ready"),
    ((200, "text/html", b"<html><title>Sign in</title></html>"), "not an answer of Kibana's"),
    ((200, "application/json", b"{\"cluster_name\": \"an Elasticsearch\"}"),
     "not an answer of Kibana's"),
    ((200, "application/json", b""), "not an answer of Kibana's"),
    ((200, "application/json", b"[" * 100000), "not an answer of Kibana's"),
    ((200, "application/json", b'{"success": true, "successCount": 3}'), f"took 3 of {N} objects"),
    ((200, "application/json", b'{"success": false}'), "no reason was given"),
])
def test_an_answer_that_is_no_success_is_told_in_one_line(tmp_path, answer, expected):
    with kibana_server() as server:
        server.answer = answer
        line = refused(setup(config_file(tmp_path, server.url)))
    assert expected in line and server.url in line


def test_objects_that_were_not_imported_are_told(tmp_path):
    with kibana_server() as server:
        server.refuse = {
            "trainward_run_loss": {"type": "unknown", "statusCode": 422,
                                   "message": "belongs to a more recent version [7.10.0]"},
            "trainward_run_state": {"type": "missing_references", "references": [
                {"type": "index-pattern", "id": "trainward_runs"}]},
            "trainward_fleet": {"type": "unsupported_type"}}
        done = setup(config_file(tmp_path, server.url))
    assert done.returncode == 2
    assert sorted(done.stdout.splitlines()) == [
        "not imported: dashboard trainward_fleet: unsupported_type",
        "not imported: search trainward_run_state: missing_references: index-pattern "
        "trainward_runs",
        "not imported: visualization trainward_run_loss: unknown: belongs to a more recent version "
        "[7.10.0]"]
    assert f"3 of {N} objects not imported" in refused(done)


def test_an_object_that_got_another_id_is_an_error(tmp_path):
    with kibana_server() as server:
        server.destination = "f00"
        line = refused(setup(config_file(tmp_path, server.url)))
    assert "under another id, f00" in line


def test_no_server_is_told_with_what_to_do(tmp_path):
    line = refused(setup(config_file(tmp_path, "http://127.0.0.1:9")))
    assert "http://127.0.0.1:9" in line and "is it running, and are host and port right?" in line


@pytest.mark.parametrize("given, expected", [
    ({"url": "localhost:5601"}, "url: begins with"),
    ({"url": "http://ann:pw@localhost:5601"}, "a password does not belong here"),
    ({"url": "http://localhost:5601/app/home#/"}, "only up to Kibana's base path"),
    ({"url": "http://h", "space": "a/b"}, "space: 1 to 100 letters"),
    ({"url": "http://h", "space": "a", "tenant": "b"}, "give one"),
    ({"url": "http://h", "api_key": "a", "username": "b", "password": "c"}, "exclude each other"),
    ({"url": "http://h", "username": "b"}, "belong together"),
    ({"url": "http://h", "index_prefix": "Ab"}, "index_prefix: use lower-case"),
    ({"urls": "http://h"}, "did you mean 'url'?")])
def test_mistakes_in_the_section_are_told(tmp_path, given, expected):
    path = programs.write_config(tmp_path / "config.yaml", {"kibana": given})
    assert expected in setup(path, "--export").stderr


# ---- check ----

def check(path):
    return trainward("check", "--config", path)


def test_check_looks_for_the_dashboards(tmp_path):
    with kibana_server(login="Bearer t") as server:
        path = config_file(tmp_path, server.url, bearer_token="t")
        assert "has no dashboard trainward_fleet; 'trainward setup kibana' imports it" in \
            check(path).stderr
        assert setup(path).returncode == 0
        done = check(path)
        assert done.returncode == 0 and "ok    kibana" in done.stdout, done.stderr
        del server.objects[("default", "dashboard", "trainward_run")]
        assert "has no dashboard trainward_run;" in check(path).stderr
        wrong = config_file(tmp_path, server.url, bearer_token="u")
        assert "the login was refused" in check(wrong).stderr
        server.answer = (200, "text/html", b"<html>Sign in</html>")
        assert "not an answer of Kibana's" in check(path).stderr
    assert "is it running" in check(path).stderr
    assert trainward("check", "--offline", "--config", path).returncode == 0


def test_no_request_holds_anything_but_the_objects(tmp_path):
    """The login goes into its header alone."""
    with kibana_server() as server:
        path = config_file(tmp_path, server.url, username="ann", password="s3cret")
        done = setup(path)
        for request, _, body in server.requests:
            assert "s3cret" not in urllib.parse.unquote(request) and b"s3cret" not in body
    assert "s3cret" not in done.stdout + done.stderr
