"""The search sink against real servers: OpenSearch 2.19 and the core of Elasticsearch 8.19, with a
proxy before them for what they cannot do themselves (TLS, logins, half answers)."""

import json
import pathlib
import re
import shutil
import threading
import urllib.error
import urllib.request

import pytest
import yaml

from services.certificates import make_certificate
from services.proxy import CUT, HALF_CLOSE, Proxy, answer, delay
from support import programs
from support.agents import INDEX_PREFIX, by_id, kafka_config, search_sink, set_up_topics

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
CASES = ("loss_spike_recovers", "saturation", "resume")


@pytest.fixture(params=["opensearch", "elasticsearch"])
def server(request):
    return request.getfixturevalue(request.param)


def config_of(folder, url, prefix, **sink):
    (folder / "runs").mkdir(exist_ok=True)
    return programs.write_config(folder / "agent.yaml", {
        "state_dir": str(folder / "state"),
        "sources": [{"directory": {"path": str(folder / "runs")}}],
        "delivery": {"backoff_first": "50ms", "backoff_max": "300ms"},
        "http": {"listen": "127.0.0.1:0"},
        "sinks": [{"elasticsearch": {"name": "search", "urls": [url] if isinstance(url, str) else url,
                                     "index_prefix": prefix, "timeout": "60s", **sink}}]})


def put_runs(folder, cases=CASES):
    for case in cases:
        run = folder / "runs" / case
        run.mkdir(parents=True)
        shutil.copy(GOLDEN / case / "records.jsonl", run / "telemetry.jsonl")


def expected_of(folder):
    """What an undisturbed analysis makes of the runs: ({id: advisory}, {id: chart})."""
    done = programs.trainward("analyze", "--format", "charts", folder / "runs", timeout=120)
    charts = [json.loads(line) for line in done.stdout.splitlines()]
    advisories = by_id(programs.documents_of(folder / "runs"))
    return ({name: json.loads(text) for name, text in advisories.items()},
            {chart["event"]["id"]: chart for chart in charts
             if chart["trainward"]["kind"] != "run"})


def set_up(config, *options):
    done = programs.trainward("setup", "elasticsearch", "--config", config, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def check(config):
    """(exit status, what was wrong in one line)."""
    done = programs.trainward("check", "--config", config)
    lines = [line for line in done.stderr.splitlines() if "sink search" in line]
    assert len(lines) <= 1
    return done.returncode, lines[0] if lines else ""


def wait_for_all(agent, server, prefix, expected, seconds=180):
    advisories, charts = expected

    def all_there():
        return (server.count(f"{prefix}-advisories-*") >= len(advisories) and
                server.count(f"{prefix}-charts") >= len(charts))
    agent.wait_until(all_there, seconds, "every document in its index")


def assert_indexed(server, prefix, expected):
    advisories, charts = expected
    assert server.documents(f"{prefix}-advisories-*") == advisories
    assert server.documents(f"{prefix}-charts") == charts


def dead_letters(folder):
    return [json.loads(line) for path in sorted((folder / "state" / "dead-letters").glob("*.jsonl"))
            for line in path.read_text().splitlines()]


def gauge(agent, name, sink):
    with urllib.request.urlopen(agent.url() + "/metrics", timeout=30) as answer_:
        text = answer_.read().decode()
    found = re.search(rf'^{name}{{[^}}]*sink="{re.escape(sink)}"[^}}]*}} (\S+)$', text, re.MULTILINE)
    return float(found.group(1)) if found else None


# ---- what arrives ----

def test_runs_arrive_as_they_are_analyzed(server, agents, tmp_path, test_name):
    config = config_of(tmp_path, server.url, test_name)
    put_runs(tmp_path)
    expected = expected_of(tmp_path)
    set_up(config)
    assert check(config) == (0, "")
    agent = agents(config).start()
    wait_for_all(agent, server, test_name, expected)
    assert agent.stop() == 0
    assert_indexed(server, test_name, expected)
    states = server.documents(f"{test_name}-runs").values()
    last = {}
    for document in sorted(expected[0].values(), key=lambda one: one["trainward"]["transition"]):
        about = document["trainward"]
        last[about.get("episode_id") or (about["run"]["id"], about["run"].get("attempt"))] = document
    assert sorted(map(json.dumps, states)) == sorted(map(json.dumps, last.values()))
    assert dead_letters(tmp_path) == []


def test_a_second_delivery_of_everything_changes_nothing(server, agents, tmp_path, test_name):
    config = config_of(tmp_path, server.url, test_name)
    put_runs(tmp_path)
    expected = expected_of(tmp_path)
    set_up(config)
    agent = agents(config).start()
    wait_for_all(agent, server, test_name, expected)
    agent.stop()
    states = server.documents(f"{test_name}-runs")
    shutil.rmtree(tmp_path / "state" / "cursors")
    agent = agents(config).start()
    agent.wait_until(lambda: (gauge(agent, "trainward_sink_delivered_total", "search.charts") or 0)
                     >= len(expected[1]), 180, "everything delivered again")
    assert agent.stop() == 0
    assert_indexed(server, test_name, expected)
    assert server.documents(f"{test_name}-runs") == states
    assert dead_letters(tmp_path) == []


def test_compressed_bodies_arrive_too(server, agents, tmp_path, test_name):
    config = config_of(tmp_path, server.url, test_name, compress=True)
    put_runs(tmp_path, CASES[:1])
    expected = expected_of(tmp_path)
    set_up(config)
    agent = agents(config).start()
    wait_for_all(agent, server, test_name, expected)
    assert agent.stop() == 0
    assert_indexed(server, test_name, expected)


def test_charts_go_through_kafka_and_survive_a_kill(kafka, opensearch, agents, tmp_path, test_name):
    prefix = INDEX_PREFIX.format(test_name)
    put_runs(tmp_path)
    expected = expected_of(tmp_path)
    config = programs.write_config(tmp_path / "agent.yaml", kafka_config(
        tmp_path, kafka, test_name, [search_sink(opensearch, test_name)]))
    kafka.create_topics(f"{test_name}.telemetry", partitions=2)
    set_up_topics(config)
    set_up(config)
    messages = [(json.loads(line)["run"], line) for case in CASES
                for line in (GOLDEN / case / "records.jsonl").read_text().splitlines()]
    middle = len(messages) // 2
    agent = agents(config).start()
    kafka.produce(f"{test_name}.telemetry", messages[:middle])
    agent.wait_until(lambda: opensearch.count(f"{prefix}-charts") > 0, 120, "some charts")
    agent.kill9()
    kafka.produce(f"{test_name}.telemetry", messages[middle:])
    agent = agents(config).start()
    wait_for_all(agent, opensearch, prefix, expected)
    assert agent.stop() == 0
    in_topic = {}
    for _, value in kafka.read_all(f"{test_name}.charts"):
        document = json.loads(value)
        in_topic.setdefault(document["event"]["id"], []).append(document)
    for copies in in_topic.values():
        assert all(copy == copies[0] for copy in copies)
    assert {name: copies[0] for name, copies in in_topic.items()
            if copies[0]["trainward"]["kind"] != "run"} == expected[1]
    assert_indexed(opensearch, prefix, expected)


def test_files_of_charts_go_once_they_are_delivered(opensearch, agents, tmp_path, test_name):
    config = config_of(tmp_path, opensearch.url, test_name)
    programs.write_config(config, {**yaml.safe_load(config.read_text()), "charts_file_size": "64KiB"})
    put_runs(tmp_path)
    expected = expected_of(tmp_path)

    def pieces():
        return sorted(path.name for path in (tmp_path / "state").glob("charts.*.jsonl"))
    set_up(config)
    opensearch.stop()
    agent = agents(config).start()
    try:
        agent.wait_until(lambda: len(pieces()) > 3, 60, "a third file of charts")
        agent.kill9()
    finally:
        opensearch.start()
    agent.start()
    wait_for_all(agent, opensearch, test_name, expected)
    assert agent.stop() == 0
    put_runs(tmp_path, ["divergence_critical"])
    expected = expected_of(tmp_path)
    agent.start()  # what was delivered goes at a start, and once a minute: a slow life may have done it before
    wait_for_all(agent, opensearch, test_name, expected)
    assert "charts.00000001.jsonl" not in pieces() and pieces()
    assert agent.stop() == 0
    assert_indexed(opensearch, test_name, expected)


def test_without_charts_none_are_written(opensearch, agents, tmp_path, test_name):
    config = config_of(tmp_path, opensearch.url, test_name)
    config.write_text("charts: off\n" + config.read_text())
    put_runs(tmp_path, CASES[:1])
    expected = expected_of(tmp_path)[0], {}
    set_up(config)
    agent = agents(config).start()
    wait_for_all(agent, opensearch, test_name, expected)
    assert agent.stop() == 0
    assert_indexed(opensearch, test_name, expected)
    assert not (tmp_path / "state" / "charts.jsonl").exists()


# ---- setup ----

def test_setup_says_what_it_does_and_does_it_once(server, tmp_path, test_name):
    config = config_of(tmp_path, server.url, test_name)
    planned = set_up(config, "--dry-run")
    assert any(line.endswith("would be created") for line in planned)
    with pytest.raises(urllib.error.HTTPError):
        server.request("GET", f"/_index_template/{test_name}")
    made = set_up(config)
    assert f"index template {test_name}: created" in made
    assert f"index {test_name}-runs: created" in made
    again = set_up(config)
    assert all(line.endswith(("unchanged", "first document", "by itself")) for line in again), again
    server.request("PUT", f"/_index_template/{test_name}", {"index_patterns": [f"{test_name}-x-*"],
                                                            "priority": 510})
    assert f"index template {test_name}: changed (index_patterns.0)" in set_up(config)
    assert set_up(config) == again


class Retention:
    """ILM or ISM, by their documented answers, before a server that has neither."""

    def __init__(self, proxy, kind, prefix):
        self.kind, self.prefix = kind, prefix
        self.policies, self.templates, self.writes = {}, {}, 0
        self.policy_of = {}  # of the indices
        self.removal_fails = False
        answers = proxy.answers
        base = "/_ilm/policy/" if kind == "ilm" else "/_plugins/_ism/policies/"
        answers["GET", "/_ilm/status" if kind == "ilm" else "/_plugins/_ism/policies"] = \
            lambda body, path: (200, {})
        for ending in ("advisories", "charts"):
            name = f"{prefix}-{ending}"
            answers["GET", base + name] = lambda body, path, name=name: self.read(name)
            answers["PUT", base + name] = \
                lambda body, path, name=name: self.write(name, json.loads(body), path)
            answers["DELETE", base + name] = lambda body, path, name=name: (
                (200, {"result": "deleted"}) if self.policies.pop(name, None) else self.missing())
            target = name + ("-*" if ending == "advisories" else "")
            listing = (f"/{target}/_settings/index.lifecycle.name" if kind == "ilm"
                       else f"/_plugins/_ism/explain/{target}")
            answers["GET", listing] = lambda body, path, name=name: (200, self.indices(name))
        # The server behind does not know the setting that a template names an ILM policy with.
        for ending in ("", "-charts"):
            place = f"/_index_template/{prefix}{ending}"
            answers["PUT", place] = lambda body, path: (
                self.templates.update({path: json.loads(body)}), (200, {"acknowledged": True}))[1]
            answers["GET", place] = lambda body, path: (
                (200, {"index_templates": [{"index_template": self.templates[path]}]})
                if path in self.templates else self.missing())
        self.answers = answers

    @staticmethod
    def missing():
        return 404, {"error": {"type": "x", "reason": "it is not there"}, "status": 404}

    def read(self, name):
        if name not in self.policies:
            return self.missing()
        number, policy = self.policies[name]
        if self.kind == "ilm":
            return 200, {name: {"version": 1, **policy}}
        return 200, {"_id": name, "_seq_no": number, "_primary_term": 1, **policy}

    def write(self, name, policy, path):
        if self.kind == "ism" and name in self.policies:
            assert f"if_seq_no={self.policies[name][0]}&if_primary_term=1" in path
        self.writes += 1
        self.policies[name] = self.writes, policy
        return 200, {"acknowledged": True}

    def indices(self, start):
        of_these = {index: policy for index, policy in self.policy_of.items() if start in index}
        if self.kind == "ilm":
            return {index: {"settings": {"index.lifecycle.name": policy} if policy else {}}
                    for index, policy in of_these.items()}
        return {"total_managed_indices": len(of_these),
                **{index: {"index.plugins.index_state_management.policy_id": policy}
                   for index, policy in of_these.items()}}

    def manage(self, index, policy):
        self.policy_of[index] = policy
        place = f"/{index}/_ilm/remove" if self.kind == "ilm" else f"/_plugins/_ism/remove/{index}"
        self.answers["POST", place] = lambda body, path: (200, self.remove(index))

    def remove(self, index):
        if not self.removal_fails:
            self.policy_of[index] = None
        if self.kind == "ilm":
            return {"has_failures": self.removal_fails,
                    "failed_indexes": [index] * self.removal_fails}
        return {"updated_indices": 1 - self.removal_fails, "failures": self.removal_fails,
                "failed_indices": [{"index_name": index, "reason": "x"}] * self.removal_fails}

    def named_policies(self):
        """Those that the templates name."""
        return [template["template"]["settings"].get("index.lifecycle.name")
                for _, template in sorted(self.templates.items())]


@pytest.mark.parametrize("kind", ["ilm", "ism"])
def test_retention_is_by_what_the_server_offers(opensearch, tmp_path, test_name, kind):
    with Proxy(opensearch) as proxy:
        retention = Retention(proxy, kind, test_name)
        policies = retention.policies
        config = config_of(tmp_path, proxy.url, test_name)
        planned = set_up(config, "--dry-run")
        assert policies == retention.templates == {}
        assert f"{kind.upper()} policy {test_name}-charts: would be created" in planned
        made = set_up(config)
        assert f"{kind.upper()} policy {test_name}-charts: created" in made
        assert "90d" in json.dumps(policies[f"{test_name}-charts"])
        assert "400d" in json.dumps(policies[f"{test_name}-advisories"])
        assert retention.named_policies() == ([f"{test_name}-advisories", f"{test_name}-charts"]
                                              if kind == "ilm" else [None, None])
        again = set_up(config)
        assert f"{kind.upper()} policy {test_name}-charts: unchanged" in again
        config = config_of(tmp_path, proxy.url, test_name, charts_retention="30d")
        changed = set_up(config)
        assert any(line.startswith(f"{kind.upper()} policy {test_name}-charts: changed (policy.")
                   for line in changed), changed


@pytest.mark.parametrize("kind", ["ilm", "ism"])
def test_retention_that_is_switched_off_deletes_nothing_more(opensearch, tmp_path, test_name, kind):
    old, own = f"{test_name}-advisories-2026.09", f"{test_name}-advisories-2026.10"
    with Proxy(opensearch) as proxy:
        retention = Retention(proxy, kind, test_name)
        set_up(config_of(tmp_path, proxy.url, test_name))
        retention.manage(old, f"{test_name}-advisories")
        retention.manage(own, "their-own")
        retention.manage(f".ds-{test_name}-charts-000001", f"{test_name}-charts")
        before = json.dumps([retention.policies, retention.templates, retention.policy_of])
        config = config_of(tmp_path, proxy.url, test_name, advisories_retention=0)
        planned = set_up(config, "--dry-run")
        assert f"index {old}: would no longer be deleted by age" in planned
        assert before == json.dumps([retention.policies, retention.templates, retention.policy_of])
        retention.removal_fails = True
        done = programs.trainward("setup", "elasticsearch", "--config", config)
        assert done.returncode == 2 and f"index {old}: its policy could not be taken" in done.stderr
        retention.removal_fails = False
        # Once more: what could not be done is done now, and a further time there is nothing to do.
        assert f"index {old}: no longer deleted by age" in set_up(config)
        assert all(line.endswith(("unchanged", "first document")) for line in set_up(config))
        # Charts go on as before, and so does what others have decided.
        assert retention.policy_of == {
            old: None, own: "their-own", f".ds-{test_name}-charts-000001": f"{test_name}-charts"}
        if kind == "ilm":
            assert retention.named_policies() == [None, f"{test_name}-charts"]
        else:
            assert list(retention.policies) == [f"{test_name}-charts"]
        said = set_up(config_of(tmp_path, proxy.url, test_name, advisories_retention=0,
                                charts_retention=0))
        assert (f"index template {test_name}-charts: changed "
                "(template.settings.index.lifecycle.name)" if kind == "ilm"
                else f"ISM policy {test_name}-charts: deleted") in said
        assert retention.policy_of[f".ds-{test_name}-charts-000001"] is None


def test_retention_is_switched_off_where_a_server_offers_none(server, tmp_path, test_name):
    set_up(config_of(tmp_path, server.url, test_name))
    said = set_up(config_of(tmp_path, server.url, test_name, advisories_retention=0,
                            charts_retention=0))
    assert f"index template {test_name}: unchanged" in said


def test_export_connects_to_nothing_and_prints_requests(tmp_path, test_name):
    config = config_of(tmp_path, "http://localhost:1", test_name)
    text = "\n".join(set_up(config, "--export")) + "\n"
    requests = re.findall(r"^(PUT \S+)\n(\{.*?^\})?", text, re.MULTILINE | re.DOTALL)
    bodies = {request: json.loads(body) for request, body in requests if body}
    assert bodies[f"PUT _index_template/{test_name}-charts"]["data_stream"] == {}
    assert f"PUT _ilm/policy/{test_name}-charts" in bodies
    assert f"PUT _plugins/_ism/policies/{test_name}-advisories" in bodies
    assert (f"PUT _data_stream/{test_name}-charts", "") in requests
    assert "/remove" not in text
    text = "\n".join(set_up(config_of(tmp_path, "http://localhost:1", test_name, charts_retention=0),
                            "--export"))
    assert f"\"index.lifecycle.name\": \"{test_name}-charts\"" not in text
    assert f"POST {test_name}-charts/_ilm/remove" in text
    assert f"DELETE _plugins/_ism/policies/{test_name}-charts" in text
    assert f"{test_name}-advisories-*/_ilm/remove" not in text


# ---- what goes wrong on the way ----

def test_a_bad_connection_loses_and_doubles_nothing(server, agents, tmp_path, test_name):
    put_runs(tmp_path)
    expected = expected_of(tmp_path)
    with Proxy(server) as proxy:
        set_up(config_of(tmp_path, proxy.url, test_name))
        config = config_of(tmp_path, proxy.url, test_name, timeout="5s")
        proxy.faults = [CUT, HALF_CLOSE, delay(7), answer(429), answer(503), answer(502), CUT,
                        answer(500), answer(401), answer(403), HALF_CLOSE]
        proxy.faults = [fault if callable(fault) else (lambda body, fault=fault: fault)
                        for fault in proxy.faults]
        agent = agents(config).start()
        wait_for_all(agent, server, test_name, expected)
        assert proxy.faults == []
        assert agent.stop() == 0
    assert_indexed(server, test_name, expected)
    assert dead_letters(tmp_path) == []


def test_two_bodies_are_under_way_at_a_time(opensearch, agents, tmp_path, test_name):
    """The first is not answered before the second has come."""
    (tmp_path / "state").mkdir(mode=0o700)
    template = (GOLDEN / "story" / "advisories.jsonl").read_text().splitlines()
    episode = next(one for one in map(json.loads, template) if one["trainward"]["kind"] == "episode")
    with open(tmp_path / "state" / "advisories.jsonl", "w") as log:
        for number in range(900):
            episode["event"]["id"] = f"{number:032x}"
            log.write(json.dumps(episode) + "\n")
    both = threading.Barrier(2)
    with Proxy(opensearch) as proxy:
        config = config_of(tmp_path, proxy.url, test_name)
        set_up(config)
        proxy.faults = [lambda body: both.wait(60) and None] * 2
        agent = agents(config).start()
        agent.wait_until(lambda: opensearch.count(f"{test_name}-advisories-*") == 900, 120,
                         "every document in its index")
        assert proxy.faults == [] and not both.broken
        assert agent.stop() == 0
    assert dead_letters(tmp_path) == []


def test_the_next_host_takes_over(server, agents, tmp_path, test_name):
    put_runs(tmp_path, CASES[:1])
    expected = expected_of(tmp_path)
    config = config_of(tmp_path, ["http://localhost:1", server.url], test_name)
    set_up(config)
    agent = agents(config).start()
    wait_for_all(agent, server, test_name, expected)
    assert agent.stop() == 0
    assert_indexed(server, test_name, expected)


def test_bodies_that_are_too_large_are_split(server, agents, tmp_path, test_name):
    put_runs(tmp_path)
    expected = expected_of(tmp_path)
    with Proxy(server) as proxy:
        config = config_of(tmp_path, proxy.url, test_name)
        set_up(config)
        proxy.body_max = 40_000
        agent = agents(config).start()
        wait_for_all(agent, server, test_name, expected)
        assert agent.stop() == 0
        sent = [size for method, path, size in proxy.requests if path.startswith("/_bulk")]
    assert_indexed(server, test_name, expected)
    assert max(sent) > 40_000
    # Once it is known what goes through, bodies stay below it.
    assert sum(size > 40_000 for size in sent) <= 8 < len(sent)
    assert dead_letters(tmp_path) == []


def poisoned(document, number):
    """A document that no index of ours takes."""
    made = json.loads(json.dumps(document))
    made["event"]["id"] = f"{number:032x}"
    if made["trainward"]["kind"] == "episode":
        made["trainward"]["episode_id"] = f"{number + (1 << 64):032x}"
    made["trainward"]["step"] = "many"
    return made


def test_only_what_conflicts_with_the_mapping_goes_to_the_dead_letters(server, agents, tmp_path,
                                                                       test_name):
    put_runs(tmp_path)
    expected = expected_of(tmp_path)
    config = config_of(tmp_path, server.url, test_name)
    set_up(config)
    agent = agents(config).start()
    wait_for_all(agent, server, test_name, expected)
    agent.stop()
    bad = [poisoned(next(iter(part.values())), number) for number, part in enumerate(expected)]
    for document, stream in zip(bad, ("advisories", "charts")):
        with open(tmp_path / "state" / f"{stream}.jsonl", "a") as log:
            log.write(json.dumps(document) + "\n")
    agent = agents(config).start()
    agent.wait_until(lambda: len(dead_letters(tmp_path)) >= 2, 120, "two dead letters")
    assert agent.stop() == 0
    letters = dead_letters(tmp_path)
    assert sorted(json.dumps(letter["document"], sort_keys=True) for letter in letters) == \
        sorted(json.dumps(document, sort_keys=True) for document in bad)
    for letter in letters:
        assert "HTTP status 400" in letter["reason"] and "trainward.step" in letter["reason"]
    assert_indexed(server, test_name, expected)


def test_a_read_only_index_is_waited_for(server, agents, tmp_path, test_name):
    put_runs(tmp_path)
    expected = expected_of(tmp_path)
    config = config_of(tmp_path, server.url, test_name)
    set_up(config)
    agent = agents(config).start()
    wait_for_all(agent, server, test_name, expected)
    agent.stop()
    server.request("PUT", f"/{test_name}-*/_settings", {"index.blocks.write": True})
    try:
        assert "takes no writes at present" in check(config)[1]
        more = [json.dumps({**document, "event": {**document["event"], "id": f"{number:032x}"}})
                for number, document in enumerate(expected[0].values())]
        with open(tmp_path / "state" / "advisories.jsonl", "a") as log:
            log.write("".join(line + "\n" for line in more))
        agent = agents(config).start()
        agent.wait_until(lambda: "cluster_block_exception" in agent.log_text(), 120,
                         "what keeps the sink")
        assert server.count(f"{test_name}-advisories-*") == len(expected[0])
        # A disk that is full has the server refuse in another way.
        server.request("PUT", f"/{test_name}-*/_settings",
                       {"index.blocks.write": None, "index.blocks.read_only_allow_delete": True})
        agent.wait_until(lambda: "HTTP status 429" in agent.log_text(), 120, "the other refusal")
    finally:
        for block in ("read_only_allow_delete", "write"):
            server.request("PUT", f"/{test_name}-*/_settings", {f"index.blocks.{block}": None})
    agent.wait_until(lambda: server.count(f"{test_name}-advisories-*") ==
                     len(expected[0]) + len(more), 120, "what waited")
    assert agent.stop() == 0
    assert dead_letters(tmp_path) == []


def test_a_server_that_is_overloaded_is_waited_for(server, agents, tmp_path, test_name):
    put_runs(tmp_path)
    expected = expected_of(tmp_path)
    config = config_of(tmp_path, server.url, test_name)
    set_up(config)
    limit = "network.breaker.inflight_requests.limit"
    server.request("PUT", "/_cluster/settings", {"transient": {limit: "2kb"}})
    try:
        agent = agents(config).start()
        agent.wait_until(lambda: "429" in agent.log_text(), 120, "a refusal")
    finally:
        server.request("PUT", "/_cluster/settings", {"transient": {limit: None}})
    wait_for_all(agent, server, test_name, expected)
    assert agent.stop() == 0
    assert_indexed(server, test_name, expected)
    assert dead_letters(tmp_path) == []


# ---- logins and certificates ----

BASIC = "Basic dHJhaW53YXJkOmNvcnJlY3QgaG9yc2U="  # trainward:correct horse


@pytest.mark.parametrize("login, header", [
    ({"username": "trainward", "password": "correct horse"}, BASIC),
    ({"api_key": "id:key"}, "ApiKey aWQ6a2V5"),
    ({"api_key": "aWQ6a2V5"}, "ApiKey aWQ6a2V5"),
    ({"bearer_token": "token"}, "Bearer token"),
], ids=["basic", "api-key", "encoded-api-key", "bearer"])
def test_logins_and_own_authorities_are_accepted(opensearch, tmp_path, test_name, login, header):
    ca, certificate, key = make_certificate(tmp_path / "tls")
    secrets = {}
    for name, value in login.items():
        if name == "username":
            secrets[name] = value
            continue
        (tmp_path / name).write_text(value + "\n")
        (tmp_path / name).chmod(0o600)
        secrets[f"{name}_file"] = str(tmp_path / name)
    with Proxy(opensearch, (certificate, key), authorization=header) as proxy:
        config = config_of(tmp_path, proxy.url, test_name, ca_file=str(ca), **secrets)
        set_up(config)
        assert check(config) == (0, "")
        proxy.authorization = "another"
        status, line = check(config)
        assert status == 2 and "401" in line and "check api_key" in line
        for value in login.values():
            assert value == "trainward" or value not in line


def test_a_client_certificate_is_shown(opensearch, tmp_path, test_name):
    ca, certificate, key = make_certificate(tmp_path / "tls")
    with Proxy(opensearch, (certificate, key), client_ca=ca) as proxy:
        config = config_of(tmp_path, proxy.url, test_name, ca_file=str(ca),
                           cert_file=str(certificate), key_file=str(key))
        set_up(config)
        assert check(config) == (0, "")
        status, line = check(config_of(tmp_path, proxy.url, test_name, ca_file=str(ca)))
        assert status == 2 and "sink search" in line


# ---- one clear line for each mistake ----

def test_check_says_what_is_wrong_and_what_to_do(opensearch, tmp_path, test_name):
    ca, certificate, key = make_certificate(tmp_path / "tls")
    status, line = check(config_of(tmp_path, "http://localhost:1", test_name))
    assert status == 2 and "localhost:1" in line and "are host and port right?" in line
    with Proxy(opensearch, (certificate, key)) as proxy:
        status, line = check(config_of(tmp_path, proxy.url, test_name))
        assert status == 2 and "set ca_file to the authority" in line
    status, line = check(config_of(tmp_path, opensearch.url, test_name))
    assert status == 2 and "run trainward setup elasticsearch" in line
    with Proxy(opensearch) as proxy:
        config = config_of(tmp_path, proxy.url, test_name)
        set_up(config)
        assert check(config) == (0, "")
        # A login that may write and look at nothing is what an agent needs.
        proxy.refused = {("GET", "/_cluster/health"), ("GET", f"/_index_template/{test_name}"),
                         ("GET", f"/{test_name}-runs/_mapping")}
        assert check(config) == (0, "")
        proxy.refused = {"/_bulk"}
        status, line = check(config)
        assert status == 2 and f"create_index, create and index on {test_name}-*" in line
        proxy.refused = {("PUT", f"/_index_template/{test_name}")}
        opensearch.request("DELETE", f"/_index_template/{test_name}")
        done = programs.trainward("setup", "elasticsearch", "--config", config)
        assert done.returncode == 2 and "manage_index_templates" in done.stderr
        # Who may not look at the cluster's health may still set up.
        opensearch.request("DELETE", f"/{test_name}-runs")
        proxy.refused = {("GET", "/_cluster/health")}
        assert f"index {test_name}-runs: created" in set_up(config)
        proxy.authorization = "another"
        done = programs.trainward("setup", "elasticsearch", "--config", config)
        assert "check api_key" in done.stderr and "manage_index_templates" not in done.stderr
        proxy.authorization, proxy.refused = None, set()
        # Another server answers there, to everything.
        for told in ((200, {"hello": "world"}), (200, ["hello"]), (404, {})):
            proxy.answers["GET", "/_cluster/health"] = lambda body, path, told=told: told
            assert "this is no Elasticsearch or OpenSearch" in check(config)[1]
            for option in ([], ["--dry-run"]):
                done = programs.trainward("setup", "elasticsearch", "--config", config, *option)
                assert done.returncode == 2 and not done.stdout
                assert "this is no Elasticsearch or OpenSearch" in done.stderr


def refuse_looking(proxy, prefix):
    """As a cluster does to a login with the rights that docs/elasticsearch.md gives the agent."""
    proxy.refused = {("GET", "/_cluster/health")}
    proxy.refused |= {("GET", f"/_index_template/{prefix}{ending}")
                      for ending in ("", "-runs", "-charts")}
    proxy.refused |= {("GET", f"/{prefix}-{ending}/_mapping")
                      for ending in ("advisories-*", "runs", "charts")}


def test_a_login_that_may_only_write_finds_out_that_setup_is_missing(server, tmp_path, test_name):
    with Proxy(server) as proxy:
        config = config_of(tmp_path, proxy.url, test_name)
        refuse_looking(proxy, test_name)
        # The second check meets the document of the first.
        for _ in range(2):
            status, line = check(config)
            assert status == 2 and "the setup is missing" in line
            assert f"delete the index {test_name}-runs" in line
        server.request("DELETE", f"/{test_name}-runs")
        set_up(config_of(tmp_path, server.url, test_name))
        config = config_of(tmp_path, proxy.url, test_name)
        assert check(config) == (0, "")
        assert server.documents(f"{test_name}-runs") == {}
        # A cluster may make no index by itself.
        proxy.faults = [lambda body: (200, {"errors": True, "items": [{"create": {
            "status": 404, "error": {"type": "index_not_found_exception", "reason": "no such index"}
        }}]})]
        assert f"the index '{test_name}-runs' is missing" in check(config)[1]


def test_an_index_that_is_not_ours_is_left_alone(server, tmp_path, test_name):
    config = config_of(tmp_path, server.url, test_name)
    server.request("PUT", f"/{test_name}-runs", {"mappings": {"properties": {
        "event": {"properties": {"id": {"type": "text"}}}}}})
    status, line = check(config)
    assert status == 2 and "event.id is text, not keyword): choose another index_prefix" in line
    for option in ([], ["--dry-run"]):
        done = programs.trainward("setup", "elasticsearch", "--config", config, *option)
        assert done.returncode == 2 and not done.stdout
        assert f"{test_name}-runs" in done.stderr and "choose another index_prefix" in done.stderr
    # No template of ours stands over it.
    with pytest.raises(urllib.error.HTTPError):
        server.request("GET", f"/_index_template/{test_name}-runs")
    server.request("DELETE", f"/{test_name}-runs")
    server.request("PUT", f"/{test_name}-charts")
    done = programs.trainward("setup", "elasticsearch", "--config", config)
    assert done.returncode == 2 and "not a data stream" in done.stderr


@pytest.mark.parametrize("wrong, words", [
    ({"api_key": "a:b", "username": "u", "password": "p"}, "exclude each other"),
    ({"username": "u"}, "belong together"),
    ({"key_file": "/key.pem"}, "belongs to a cert_file"),
    ({"urls": ["localhost:9200"]}, "begins with https://"),
    ({"urls": ["https://u:secret@localhost:9200"]}, "does not belong here"),
    ({"index_prefix": "Mine"}, "lower-case"),
])
def test_a_configuration_that_cannot_work_is_refused(tmp_path, wrong, words):
    config = config_of(tmp_path, "http://localhost:9200", "tw", **wrong)
    done = programs.trainward("check", "--offline", "--config", config)
    assert done.returncode == 2 and words in done.stderr and "secret" not in done.stderr
