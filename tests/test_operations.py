"""Running the agent: metrics, health, status, signals, systemd's protocol and the log. Without a
broker: the telemetry is files."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.process import free_port, wait_until
from support import programs, telemetry
from support.systemd import NotifySocket

CLOSED = "127.0.0.1:1"  # nobody listens on port 1 (tcpmux)
DEAD_MAIL = {"email": {"name": "mail", "server": f"smtp://{CLOSED}", "tls": "none",
                       "from": "a@example.org", "to": ["b@example.org"], "min_severity": "info",
                       "group_wait": "0s"}}


def open_run(folder, name, case="divergence_critical"):
    """A run that diverged and has not ended."""
    records = [record for record in telemetry.CASES[case]() if record["kind"] != "end"]
    for record in records:
        record["run"] = name
    programs.write_run(folder, records, telemetry.to_json_lines, "telemetry.jsonl")
    return records


@pytest.fixture
def place(tmp_path):
    (tmp_path / "runs").mkdir()
    return tmp_path


@pytest.fixture
def systemd(tmp_path):
    made = NotifySocket(tmp_path)
    yield made
    made.close()


def configuration(place, **more):
    return {"state_dir": str(place / "state"),
            "sources": [{"directory": {"path": str(place / "runs")}}],
            "sinks": [], "http": {"listen": "127.0.0.1:0"}, **more}


def write(place, **more):
    return programs.write_config(place / "agent.yaml", configuration(place, **more))


def get(url):
    """(status, content type, text)"""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def metrics(url):
    """{(name, labels as a frozenset): value}"""
    status, kind, text = get(f"{url}/metrics")
    assert status == 200 and kind == "text/plain; version=0.0.4; charset=utf-8"
    return {(sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def value(found, name, **labels):
    return found.get((name, frozenset(labels.items())))


def status_of(url):
    return json.loads(get(f"{url}/-/status")[2])


def wait_for_records(agent, url, n):
    agent.wait_until(lambda: sum(source["records"] for source in status_of(url)["sources"]) >= n,
                     60, f"{n} records")


def names_of_the_code():
    return re.findall(r"^\| `([a-z_]+)`", programs.run("tests/tools/print_options",
                                                       "metrics").stdout, re.MULTILINE)


# ---- HTTP ----

def test_the_metrics_say_what_came_in_and_what_was_told(place, agents):
    folder = place / "runs" / "bad"
    records = open_run(folder, "bad")
    with open(folder / "telemetry.jsonl", "a") as log:
        log.write("no record\n")
    agent = agents(write(place, sinks=[{"terminal": {"stream": "stderr"}}, DEAD_MAIL])).start()
    url = agent.url()
    wait_for_records(agent, url, len(records))
    told = [json.loads(line) for line in
            (place / "state" / "advisories.jsonl").read_text().splitlines()]
    opened = [document for document in told
              if document["event"]["action"] == "opened"]
    assert opened
    delivered = {"sink": "terminal", "kind": "terminal"}
    agent.wait_until(lambda: value(metrics(url), "trainward_sink_delivered_total", **delivered)
                     == len(told), 30, "the delivery in the metrics")
    agent.wait_until(lambda: (value(metrics(url), "trainward_sink_failures_total", sink="mail",
                                    kind="email") or 0) > 0, 30, "the failure in the metrics")
    agent.wait_until(lambda: value(metrics(url), "trainward_checkpoints_total"), 30, "a checkpoint")
    found = metrics(url)
    source = {"source": f"directory:{place / 'runs'}"}
    assert value(found, "trainward_records_total", **source) == len(records)
    assert value(found, "trainward_broken_records_total", **source) == 1
    assert value(found, "trainward_runs", **source) == 1
    assert value(found, "trainward_snapshots_total", **source) >= 1
    saved, = (place / "state" / "runs").glob("*.state")
    assert value(found, "trainward_snapshot_bytes_total", **source) >= saved.stat().st_size
    assert value(found, "trainward_ready") == 1
    assert value(found, "trainward_sink_failing", sink="mail", kind="email") == 1
    assert value(found, "trainward_sink_last_success_timestamp_seconds", **delivered) > 1.7e9
    assert value(found, "trainward_sink_lag_bytes", sink="mail", kind="email") == 0
    assert value(found, "trainward_sink_unsent_notifications", sink="mail", kind="email") == 1
    assert value(found, "trainward_sink_notifications_total", sink="mail", kind="email") == 0
    assert value(found, "trainward_sink_unsent_notifications", **delivered) is None
    by_kind = {}
    for document in told:
        key = (document["trainward"]["detector"], document["trainward"]["severity"],
               document["event"]["action"])
        by_kind[key] = by_kind.get(key, 0) + 1
    for (detector, severity, action), n in by_kind.items():
        assert value(found, "trainward_advisories_total", detector=detector, severity=severity,
                     action=action) == n
    assert sum(number for (name, _), number in found.items()
               if name == "trainward_open_episodes") == status_of(url)["episodes"]["open"] > 0
    resident = int(re.search(r"VmRSS:\s+(\d+) kB",
                             pathlib.Path(f"/proc/{agent.process.pid}/status").read_text()).group(1))
    assert value(found, "process_resident_memory_bytes") == pytest.approx(resident * 1024, rel=.2)


def test_every_metric_has_its_type_its_help_and_its_place_in_the_table(place, agents):
    agent = agents(write(place, sinks=[{"terminal": {}}])).start()
    text = get(f"{agent.url()}/metrics")[2]
    families = list(text_string_to_metric_families(text))
    helped = re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE)
    typed = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert sorted(helped) == sorted(typed) == sorted(names_of_the_code())
    assert len(helped) == len(set(helped))
    for name, kind in typed.items():
        assert (kind == "counter") == name.endswith("_total"), name
        assert re.match(r"(trainward|process)_", name)
    assert {sample.name for family in families for sample in family.samples} <= set(typed)
    build, = [family for family in families if family.name == "trainward_build_info"]
    version = programs.trainward("--version").stdout.split()[1]
    assert [(sample.labels, sample.value) for sample in build.samples] == [({"version": version}, 1)]


def test_counters_outlive_a_restart_of_the_life_only(place, agents):
    records = open_run(place / "runs" / "bad", "bad")
    agent = agents(write(place)).start()
    wait_for_records(agent, agent.url(), len(records))
    assert agent.stop() == 0
    agent.start()
    agent.log_path.write_text("")
    url = agent.url()
    found = metrics(url)
    source = {"source": f"directory:{place / 'runs'}"}
    assert value(found, "trainward_records_total", **source) == 0
    assert value(found, "trainward_restored_runs_total", **source) == 1
    assert status_of(url)["episodes"]["open"] >= 1, "restored with the run"


def test_only_its_own_pages_are_answered_and_nothing_is_taken(place, agents):
    agent = agents(write(place)).start()
    url = agent.url()
    assert get(f"{url}/-/healthy")[::2] == (200, "healthy\n")
    assert get(f"{url}/")[0] == 404
    request = urllib.request.Request(f"{url}/metrics", data=b"x" * 100000, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 405
    host, port = url.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), 30) as kept:
        for _ in range(2):  # one connection, several questions
            kept.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"200 OK" in kept.recv(4096)
        kept.sendall(b"nonsense\r\n\r\n")
    assert get(f"{url}/-/healthy")[0] == 200


def test_it_is_not_ready_while_its_state_cannot_be_saved(place, agents):
    open_run(place / "runs" / "bad", "bad")
    agent = agents(write(place)).start()
    url = agent.url()
    agent.wait_until(lambda: get(f"{url}/-/ready")[::2] == (200, "ready\n"), 30, "readiness")
    assert agent.stop() == 0
    saved = place / "state" / "runs"
    saved.rename(place / "state" / "aside")
    saved.write_text("no directory\n")
    agent.start()
    agent.log_path.write_text("")
    url = agent.url()
    open_run(place / "runs" / "worse", "worse")
    agent.wait_until(lambda: get(f"{url}/-/ready")[0] == 503, 30, "that it is not ready")
    assert "state file" in get(f"{url}/-/ready")[2]
    assert get(f"{url}/-/healthy")[0] == 200
    assert value(metrics(url), "trainward_ready") == 0
    assert programs.trainward("status", "--url", url).returncode == 1
    saved.unlink()
    saved.mkdir()
    agent.wait_until(lambda: get(f"{url}/-/ready")[0] == 200, 60, "that it is ready again")
    complaints = [line for line in agent.log_text().splitlines() if "not watched until" in line]
    assert len(complaints) == 1, "one line, however many logs and looks"
    assert "watched again" in agent.log_text()


def test_it_is_not_ready_between_lives_that_fail_one_after_the_other(place, agents):
    records = open_run(place / "runs" / "bad", "bad")
    agent = agents(write(place)).start()
    url = agent.url()
    agent.wait_until(lambda: get(f"{url}/-/ready")[0] == 200, 30, "readiness")
    saved, = (place / "state" / "runs").glob("*.state")
    obstacle = saved.with_suffix(".tmp")  # it can be read, and not replaced
    obstacle.mkdir()
    lives = agent.log_text().count("watching; ")
    with open(place / "runs" / "bad" / "telemetry.jsonl", "a") as log:
        log.write(telemetry.to_json({**records[-1], "step": records[-1]["step"] + 1}) + "\n")
    failed = set()

    def has_failed(times):
        status, _, reason = get(f"{url}/-/ready")
        failed.update([(status, "state file" in reason)] if failed or status != 200 else [])
        return value(metrics(url), "trainward_lives_failed_total") >= times
    agent.wait_until(lambda: has_failed(4), 60, "four lives that failed")
    assert failed == {(503, True)}, "not once ready in between"
    obstacle.rmdir()
    agent.wait_until(lambda: get(f"{url}/-/ready")[0] == 200, 60, "that it is ready again")
    text = agent.log_text()
    assert text.count("watching; ") == lives and text.count(" ready; ") == 2
    assert text.count("works again after") == 1


# ---- two agents ----

def test_an_address_that_was_asked_for_and_is_taken_is_a_mistake(place):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        path = write(place, http={"listen": f"127.0.0.1:{port}"})
        done = programs.trainward("agent", "--config", path, timeout=30)
    assert done.returncode == 2
    assert re.fullmatch(rf"trainward agent: http.listen: 127.0.0.1:{port} is in use, .*none.*\n",
                        done.stderr)


def test_the_default_address_may_be_another_agents(place, agents):
    config = configuration(place)
    del config["http"]

    def taken():
        with contextlib.suppress(OSError):
            return socket.create_server(("127.0.0.1", 9464))
    try:
        other = wait_until(taken, 30, "the address, which a test beside this one may have for a while")
    except TimeoutError:
        other = None  # somebody keeps it: as well
    agent = agents(programs.write_config(place / "agent.yaml", config)).start()
    agent.wait_until(lambda: "127.0.0.1:9464 is in use" in agent.log_text(), 30, "the warning")
    agent.wait_until(lambda: " ready; " in agent.log_text(), 30, "it to work all the same")
    assert agent.stop() == 0
    if other:
        other.close()


@pytest.mark.parametrize("listen", ["", "none"])
def test_the_server_can_be_left_out(place, agents, listen):
    agent = agents(write(place, http={"listen": listen})).start()
    agent.wait_until(lambda: " ready; " in agent.log_text(), 30, "it to work")
    listening = subprocess.run(["ss", "-ltnp"], capture_output=True, text=True).stdout
    assert f"pid={agent.process.pid}," not in listening
    done = programs.trainward("status", "--config", place / "agent.yaml")
    assert done.returncode == 2 and "answers nobody" in done.stderr


# ---- status ----

def test_status_tells_what_is_watched_and_open(place, agents):
    for i in range(3):
        open_run(place / "runs" / f"bad-{i}", f"bad-{i}")
    open_run(place / "runs" / "well", "well", "healthy")
    path = write(place, sinks=[{"terminal": {"stream": "stderr"}}, DEAD_MAIL],
                 http={"listen": f"127.0.0.1:{free_port()}"})
    agent = agents(path).start()
    url = agent.url()
    agent.wait_until(lambda: status_of(url)["episodes"]["open"] >= 3, 60, "the episodes")
    agent.wait_until(lambda: status_of(url)["sinks"][1]["failing"], 30, "the failure")
    done = programs.trainward("status", "--config", path, "--episodes", "2")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    assert ": ready\n" in text
    assert re.search(rf"^directory:{re.escape(str(place / 'runs'))} +4 ", text, re.MULTILINE)
    assert re.search(r"^mail +email .*connection refused", text, re.MULTILINE)
    open_ones = status_of(url)["episodes"]["open"]
    assert f"\n{open_ones} open episodes in 4 runs\n" in text
    assert f"\nand {open_ones - 2} more\n" in text
    assert len(re.findall(r"^critical +divergence ", text, re.MULTILINE)) == 2
    heads = text.splitlines()[text.splitlines().index(
        f"{open_ones} open episodes in 4 runs") + 1:]
    assert heads[0].index("RUN") == heads[1].index("bad-") == heads[2].index("bad-"), "aligned"
    done = programs.trainward("status", "--url", url + "/", "--format", "json")
    printed = json.loads(done.stdout)
    assert printed["runs"] == 4 and printed["pid"] == agent.process.pid
    assert [sink["name"] for sink in printed["sinks"]] == ["terminal", "mail"]
    severities = [episode["severity"] for episode in printed["episodes"]["first"]]
    assert severities == sorted(severities, key=["critical", "warning", "info"].index)


def test_a_runs_name_never_drives_the_terminal(place, agents):
    name = "evil\x1b[2J\u202egnp\u2066\nFAKE"
    open_run(place / "runs" / "bad", name)
    agent = agents(write(place)).start()
    url = agent.url()
    agent.wait_until(lambda: status_of(url)["episodes"]["open"], 60, "the episode")
    printed = [programs.trainward("status", "--url", url).stdout,
               programs.trainward("analyze", place / "runs" / "bad").stdout,
               agent.log_text()]
    assert "evil" in printed[0] and "evil" in printed[1]
    for text in printed:
        assert not re.search("[\x1b\u202e\u2066]|\nFAKE", text)
    assert status_of(url)["episodes"]["first"][0]["run"] == name


@pytest.mark.parametrize("arguments, line", [
    ("--url http://127.0.0.1:1", "no agent answers: http://127.0.0.1:1"),
    ("--format xml", "xml: no such format"),
    ("--config missing.yaml", "missing.yaml: "),
    ("--episodes -1", "--episodes"),
    ("surplus", "surplus: takes no arguments"),
])
def test_status_says_what_is_wrong_in_one_line(place, arguments, line):
    done = programs.trainward("status", *arguments.split(), cwd=place)
    assert done.returncode == 2 and done.stdout == ""
    assert re.fullmatch(rf"trainward status: .*{re.escape(line)}.*\n", done.stderr)


def test_status_refuses_what_is_no_agent(mail_like_server):
    done = programs.trainward("status", "--url", mail_like_server)
    assert done.returncode == 2 and "no status of an agent" in done.stderr


@pytest.fixture
def mail_like_server():
    """Answers everything with a JSON list."""
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[1, 2]")

        def log_message(self, *arguments):
            pass
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


# ---- SIGHUP ----

def reloads(url):
    config = status_of(url)["config"]
    return config["reloads"], config["reloads_refused"]


def test_sinks_rules_and_level_change_while_the_sources_go_on(place, agents):
    open_run(place / "runs" / "bad", "bad")
    (place / "mine.yaml").write_text("[]\n")
    path = write(place)
    agent = agents(path).start()
    url = agent.url()
    agent.wait_until(lambda: status_of(url)["episodes"]["open"], 60, "the episode")
    write(place, sinks=[{"terminal": {"stream": "stderr"}}], rules=[str(place / "mine.yaml")],
          log={"format": "json"})
    agent.reload()
    agent.wait_until(lambda: reloads(url) == (1, 0), 30, "the reload")
    agent.wait_until(lambda: "CRITICAL  divergence" in agent.log_text(), 30,
                     "the new sink to deliver what is in the log")
    assert agent.log_text().count("watching; ") == 1, "the sources' life goes on"
    assert '"message":"configuration reloaded"' in agent.log_text()
    assert value(metrics(url), "trainward_restored_runs_total",
                 source=f"directory:{place / 'runs'}") == 0


@pytest.mark.parametrize("change, complaint", [
    ({"sinks": [{"emial": {}}]}, "emial"),
    ({"sinks": [{"email": {"server": "http://a", "from": "a@b.c", "to": ["d@e.f"]}}]},
     r"agent.yaml:\d+:\d+: sink email: .*smtp"),
    ({"rules": ["missing.yaml"]}, "missing.yaml"),
    ({"sources": [{"directory": {"path": "/nowhere/at/all"}}]}, "/nowhere/at/all"),
    ({"sources": []}, "no sources"),
    ({"http": {"listen": "127.0.0.1"}}, "ADDRESS:PORT"),
])
def test_a_bad_file_leaves_the_old_one_in_force(place, agents, change, complaint):
    agent = agents(write(place)).start()
    url = agent.url()
    write(place, **change)
    agent.reload()
    agent.wait_until(lambda: reloads(url) == (0, 1), 30, "the refusal")
    assert re.search(complaint, agent.log_text())
    assert agent.log_text().count("watching; ") == 1
    found = metrics(url)
    assert value(found, "trainward_config_last_reload_successful") == 0
    assert value(found, "trainward_config_reload_failures_total") == 1
    open_run(place / "runs" / "late", "late")
    agent.wait_until(lambda: status_of(url)["episodes"]["open"], 60, "the old one at work")
    write(place)
    agent.reload()
    agent.wait_until(lambda: reloads(url) == (1, 1), 30, "the mended file")
    assert value(metrics(url), "trainward_config_last_reload_successful") == 1


def test_another_source_takes_a_new_life_and_goes_on_from_what_is_durable(place, agents):
    records = open_run(place / "runs" / "bad", "bad")
    agent = agents(write(place)).start()
    url = agent.url()
    wait_for_records(agent, url, len(records))
    (place / "more").mkdir()
    write(place, sources=[{"directory": {"path": str(place / name)}} for name in ("runs", "more")])
    agent.reload()
    agent.wait_until(lambda: reloads(url) == (1, 0), 30, "the reload")
    agent.wait_until(lambda: len(status_of(url)["sources"]) == 2, 30, "the second source")
    source = {"source": f"directory:{place / 'runs'}"}
    assert value(metrics(url), "trainward_restored_runs_total", **source) == 1
    assert value(metrics(url), "trainward_records_total", **source) == len(records)


def test_the_address_can_change(place, agents):
    agent = agents(write(place)).start()
    old, port = agent.url(), free_port()
    write(place, http={"listen": f"127.0.0.1:{port}"})
    agent.reload()
    new = f"http://127.0.0.1:{port}"
    agent.wait_until(lambda: f"metrics and status at {new}" in agent.log_text(), 30, "the address")
    assert get(f"{new}/-/healthy")[0] == 200
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{old}/-/healthy", timeout=5)


# ---- SIGTERM ----

def test_a_stop_is_bounded_though_a_sink_is_away(place, agents):
    records = open_run(place / "runs" / "bad", "bad")
    agent = agents(write(place, sinks=[DEAD_MAIL], shutdown_timeout="1s")).start()
    wait_for_records(agent, agent.url(), len(records))
    assert agent.stop(timeout=60) == 0
    agent.start()
    agent.log_path.write_text("")
    assert value(metrics(agent.url()), "trainward_restored_runs_total",
                 source=f"directory:{place / 'runs'}") == 1


def test_a_second_sigterm_ends_it_at_once(place, agents, systemd):
    records = open_run(place / "runs" / "bad", "bad")
    path = write(place, sinks=[DEAD_MAIL], shutdown_timeout="1h")
    agent = agents(path, {"NOTIFY_SOCKET": systemd.path}).start()
    wait_for_records(agent, agent.url(), len(records))
    agent.process.send_signal(signal.SIGTERM)
    systemd.wait_for("STOPPING=1")
    agent.process.send_signal(signal.SIGTERM)
    assert agent.process.wait(30) == 128 + signal.SIGTERM
    agent.process = None


# ---- no broker yet ----

def test_brokers_that_do_not_answer_yet_are_waited_for(place, agents, systemd):
    (place / "more").mkdir()
    path = write(place, sources=[{"kafka": {"brokers": CLOSED}}])
    agent = agents(path, {"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "1000000"}).start()
    url = agent.url()
    assert get(f"{url}/-/healthy")[0] == 200
    agent.wait_until(lambda: get(f"{url}/-/ready")[::2] == (503, "waiting for the brokers\n"), 60,
                     "the reason")
    systemd.wait_for("STATUS=waiting for the brokers", seconds=60)
    systemd.wait_for("WATCHDOG=1", times=5)
    assert agent.log_text().count("waiting for the brokers") == 1
    # It need not wait for ever: another file may be given.
    write(place)
    agent.reload()
    agent.wait_until(lambda: get(f"{url}/-/ready")[0] == 200, 60, "the directory to be watched")
    assert agent.stop() == 0


def test_waiting_for_brokers_ends_with_a_sigterm(place, agents):
    agent = agents(write(place, sources=[{"kafka": {"brokers": CLOSED}}])).start()
    url = agent.url()
    agent.wait_until(lambda: get(f"{url}/-/ready")[0] == 503, 30, "it to wait")
    assert agent.stop() == 0


# ---- systemd ----

def test_systemd_is_told_of_start_reload_and_stop(place, agents, systemd):
    open_run(place / "runs" / "bad", "bad")
    path = write(place)
    agent = agents(path, {"NOTIFY_SOCKET": systemd.path}).start()
    systemd.wait_for("READY=1")
    assert systemd.lines()[0] == "READY=1", "nothing before it"
    write(place, sinks=[{"terminal": {"stream": "stderr"}}])
    agent.reload()
    systemd.wait_for("READY=1", times=2)
    write(place, sinks=[{"emial": {}}])
    agent.reload()
    systemd.wait_for("READY=1", times=3)
    write(place, detectors={"divergence": {"critical_ratio": 1.6}})
    agent.reload()
    systemd.wait_for("READY=1", times=4)
    assert agent.stop() == 0
    systemd.wait_for("STOPPING=1")
    states = [line for line in systemd.lines() if re.match("(READY|RELOADING|STOPPING)=", line)]
    assert states == ["READY=1"] + 3 * ["RELOADING=1", "READY=1"] + ["STOPPING=1"]
    for told in systemd.told:
        if told.startswith("RELOADING=1"):
            assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", told)
    assert [line for line in systemd.lines() if re.match(r"STATUS=1 runs, \d+ open", line)]


def test_the_watchdog_is_fed(place, agents, systemd):
    agent = agents(write(place), {"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "200000"}).start()
    systemd.wait_for("WATCHDOG=1", times=10)
    assert agent.stop() == 0


def test_without_a_watchdog_none_is_fed(place, agents, systemd):
    agent = agents(write(place), {"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "200000",
                                  "WATCHDOG_PID": "1"}).start()
    systemd.wait_for("READY=1")
    assert agent.stop() == 0
    assert systemd.count("WATCHDOG=1") == 0, "it was meant for another process"


# ---- the log ----

def test_json_lines_carry_their_fields(place, agents):
    open_run(place / "runs" / "bad", "bad")
    agent = agents(write(place, sinks=[DEAD_MAIL], log={"format": "json"})).start()
    agent.wait_until(lambda: '"sink":"mail"' in agent.log_text(), 30, "the sink's failure")
    assert agent.stop() == 0
    lines = [json.loads(line) for line in agent.log_text().splitlines()]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["level"] in ("error", "warning", "info") and line["message"]
    assert [line for line in lines if line.get("sink") == "mail" and line["level"] == "warning"]
    assert [line for line in lines if line.get("source") == f"directory:{place / 'runs'}"]


def test_the_journal_gets_priorities_and_no_times(place):
    log = place / "journal"
    with open(log, "wb") as stream:
        status = os.fstat(stream.fileno())
        process = subprocess.Popen(
            [programs.program("trainward"), "agent", "--config", str(write(place))],
            stderr=stream, env=programs.environment(
                {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}))
    try:
        wait_until(lambda: "ready" in log.read_text(), 30, "the log")
    finally:
        process.terminate()
        process.wait(60)
    for line in log.read_text().splitlines():
        assert re.match(r"<[3467]>[a-z]", line), line


# ---- the configuration ----

def test_the_configuration_in_force_is_printed_without_secrets(place):
    secret = "hush-hush-4711"
    (place / "agent.yaml").write_text(f"""
sources:
  - kafka:
      brokers: a:9092
      properties: {{security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: u,
                    sasl.password: {secret}, ssl.key.password: {secret}}}
  - directory: {{path: '/srv/$${{x}}'}}
sinks:
  - elasticsearch: {{name: es, urls: ["https://a:9200"], api_key: "id:{secret}"}}
  - email: {{server: "smtp://a:587", username: u, password: {secret}, from: a@b.c, to: [d@e.f]}}
http: {{listen: ''}}
""")
    done = programs.trainward("check", "--print", "--config", "agent.yaml", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert secret not in done.stdout
    assert done.stdout.count("<redacted>") == 4
    assert "sasl.username: u" in done.stdout and "backoff_max: 60s" in done.stdout
    (place / "again.yaml").write_text(done.stdout)
    again = programs.trainward("check", "--print", "--config", "again.yaml", cwd=place)
    assert again.stdout == done.stdout, "what is printed can be read again"


def test_the_agent_too_tells_every_mistake_with_its_place(place):
    (place / "agent.yaml").write_text(
        "sources: [{directory: {path: runs, recursve: true}}]\n"
        "sinks:\n"
        "  - email: {server: 'http://a', from: a@b.c, to: [d@e.f]}\n"
        "  - elasticsearch: {urls: ['ftp://a']}\n"
        "lgo: {level: info}\n"
        "http: {listen: nowhere}\n")
    for command in ("agent", "check"):
        done = programs.trainward(command, "--config", "agent.yaml", cwd=place)
        assert done.returncode == 2 and done.stdout == ""
        places = re.findall(rf"^trainward {command}: agent\.yaml:(\d+):\d+: ", done.stderr,
                            re.MULTILINE)
        assert sorted(places) == ["1", "3", "4", "5", "6"], done.stderr
        assert "did you mean 'log'" in done.stderr and "did you mean 'recursive'" in done.stderr


# ---- attach and the terminal ----

@pytest.mark.parametrize("content, told", [
    (b"", "is empty so far"),
    (b"these are\nno records\n", "no training record so far"),
    (bytes((i * 97 + 31) % 256 for i in range(4096)), "no training record so far"),
], ids=["empty", "words", "noise"])
def test_attach_says_when_there_is_nothing_to_read(place, content, told):
    (place / "log.jsonl").write_bytes(content)
    process = subprocess.Popen([programs.program("trainward"), "attach", "log.jsonl"], cwd=place,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=programs.environment())
    try:
        assert re.match(rf"trainward attach: log\.jsonl.*{told}.*; waiting for more\n",
                        process.stderr.readline())
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_what_a_closed_terminal_missed_is_printed_by_the_next_agent(place):
    open_run(place / "runs" / "bad", "bad")
    path = write(place, sinks=[{"terminal": {}}])
    reading, writing = os.pipe()
    os.close(reading)
    log = place / "log"
    arguments = [programs.program("trainward"), "agent", "--config", str(path)]
    with open(log, "wb") as stderr:
        process = subprocess.Popen(arguments, stdout=writing, stderr=stderr,
                                   env=programs.environment())
    os.close(writing)
    try:
        wait_until(lambda: "cannot print: Broken pipe" in log.read_text(), 30, "the complaint")
        url = re.search(r"metrics and status at (\S+)", log.read_text()).group(1)
        assert status_of(url)["sinks"][0]["delivered"] == 0
    finally:
        process.terminate()
        process.wait(60)
    printed = place / "printed"
    with open(printed, "wb") as stdout:
        process = subprocess.Popen(arguments, stdout=stdout, stderr=subprocess.DEVNULL,
                                   env=programs.environment())
    try:
        wait_until(lambda: "CRITICAL  divergence" in printed.read_text(), 30, "the advisory")
    finally:
        process.terminate()
        process.wait(60)
