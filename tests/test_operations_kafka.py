"""Running the agent on Kafka: lag, partitions, readiness, a reload that moves no partition, and a
broker that goes away under a watchdog."""

import json

import pytest

from services.process import wait_until
from support import programs, telemetry
from support.agents import kafka_config
from support.systemd import NotifySocket
from test_operations import get, metrics, reloads, status_of, value

RUNS = 6
PARTITIONS = 3


@pytest.fixture
def systemd(tmp_path):
    made = NotifySocket(tmp_path)
    yield made
    made.close()


@pytest.fixture
def config(kafka, tmp_path, test_name):
    """A configuration whose topics are there."""
    made = kafka_config(tmp_path, kafka, test_name)
    made["http"] = {"listen": "127.0.0.1:0"}
    path = programs.write_config(tmp_path / "agent.yaml", made)
    kafka.create_topics(f"{test_name}.telemetry", partitions=PARTITIONS)
    done = programs.trainward("setup", "kafka", "--config", path, "--partitions", PARTITIONS)
    assert done.returncode == 0, done.stderr
    return made


def send(kafka, topic, runs, steps):
    """Returns how many records were sent."""
    messages = []
    for run in runs:
        for step in steps:
            record = {"v": 1, "run": run, "attempt": "a1", "seq": step, "step": step,
                      "loss": 2 / step ** .3}
            messages.append((run.encode(), json.dumps(record).encode()))
    kafka.produce(topic, messages)
    return len(messages)


def partitions_of(url):
    source, = status_of(url)["sources"]
    return {partition["partition"]: partition for partition in source["partitions"]}


def wait_for_records(agent, url, n):
    def have_come():  # between two lives the source is not there
        return sum(source["records"] for source in status_of(url)["sources"]) >= n
    agent.wait_until(have_come, 60, f"{n} records")


def test_partitions_their_lag_and_their_runs_are_told(kafka, config, agents, tmp_path, test_name,
                                                      systemd):
    topic = f"{test_name}.telemetry"
    runs = [f"run-{i}" for i in range(RUNS)]
    sent = send(kafka, topic, runs, range(1, 101))
    kafka.produce(topic, [(b"run-0", b"no record")])
    agent = agents(tmp_path / "agent.yaml", {"NOTIFY_SOCKET": systemd.path}).start()
    url = agent.url()
    systemd.wait_for("READY=1", seconds=60)
    text = agent.log_text()
    assert text.rindex(" partitions taken") < text.index(" ready; "), "ready once all is restored"
    wait_for_records(agent, url, sent)
    agent.wait_until(lambda: sum(partition["lag"] or 0 for partition in
                                 partitions_of(url).values()) == 0, 30, "no lag")
    held = partitions_of(url)
    assert sorted(held) == list(range(PARTITIONS))
    assert sum(partition["runs"] for partition in held.values()) == RUNS == \
        status_of(url)["runs"]
    found = metrics(url)
    source = {"source": f"kafka:{topic}"}
    assert value(found, "trainward_records_total", **source) == sent
    assert value(found, "trainward_broken_records_total", **source) == 1
    assert value(found, "trainward_dead_letters_total", **source) == 1
    for number, partition in held.items():
        assert value(found, "trainward_partition_runs", partition=str(number), **source) == \
            partition["runs"]
        if partition["runs"]:
            assert value(found, "trainward_consumer_lag_messages", partition=str(number),
                         **source) == 0
    # Sent again with the numbers they had: repeats, and no new runs.
    assert send(kafka, topic, runs, range(1, 101)) == sent
    agent.wait_until(lambda: value(metrics(url), "trainward_repeated_records_total", **source)
                     == sent, 60, "the repeats")
    # Sinks change, partitions do not move.
    taken = agent.log_text().count(" partitions taken")
    config["sinks"] = [{"terminal": {"stream": "stderr"}}]
    programs.write_config(tmp_path / "agent.yaml", config)
    agent.reload()
    agent.wait_until(lambda: reloads(url) == (1, 0), 30, "the reload")
    more = send(kafka, topic, runs, range(101, 151))
    wait_for_records(agent, url, 2 * sent + more)
    assert agent.log_text().count(" partitions taken") == taken
    assert agent.stop() == 0
    # The next process restores them.
    agent.start()
    agent.log_path.write_text("")
    url = agent.url()
    agent.wait_until(lambda: value(metrics(url), "trainward_restored_runs_total", **source) == RUNS,
                     60, "the restored runs")


def test_an_agent_without_a_partition_is_ready_too(kafka, config, agents, tmp_path, test_name):
    made = [agents(tmp_path / "agent.yaml").start() for _ in range(1)]
    wait_until(lambda: get(f"{made[0].url()}/-/ready")[0] == 200, 60, "the first")
    made += [agents(tmp_path / "agent.yaml").start() for _ in range(PARTITIONS)]
    urls = [agent.url() for agent in made]
    wait_until(lambda: all(get(f"{url}/-/ready")[0] == 200 for url in urls), 60, "all of them")
    wait_until(lambda: sorted(len(partitions_of(url)) for url in urls)
               == [0] + [1] * PARTITIONS, 60, "one partition each, and one agent without")


def test_a_broker_that_is_away_neither_starves_the_watchdog_nor_hides(kafka, config, agents,
                                                                      tmp_path, test_name, systemd):
    topic = f"{test_name}.telemetry"
    agent = agents(tmp_path / "agent.yaml", {"NOTIFY_SOCKET": systemd.path,
                                             "WATCHDOG_USEC": "1000000"}).start()
    url = agent.url()
    systemd.wait_for("READY=1", seconds=60)
    sent = send(kafka, topic, ["before"], range(1, 301))
    wait_for_records(agent, url, sent)
    kafka.kill9()
    try:
        fed = systemd.count("WATCHDOG=1")
        systemd.wait_for("WATCHDOG=1", times=fed + 12, seconds=60)
        assert get(f"{url}/-/healthy")[0] == 200
        agent.wait_until(lambda: get(f"{url}/-/ready")[0] == 503, 60, "that it is not ready")
    finally:
        kafka.start()
    more = send(kafka, topic, ["after"], range(1, 301))
    wait_for_records(agent, url, sent + more)
    agent.wait_until(lambda: get(f"{url}/-/ready")[0] == 200, 60, "readiness")
    assert agent.stop() == 0


def test_a_stop_does_not_wait_for_what_was_waited_for_before(kafka, config, agents, tmp_path,
                                                             test_name):
    """Directories are saved once their advisories are durable: for a minute, while it works."""
    records = telemetry.nan_run("mine", steps=60, onset=40)
    config["sources"] = [{"directory": {"path": str(tmp_path / name)}} for name in "abc"]
    config["shutdown_timeout"] = "2s"
    for name in "abc":
        programs.write_run(tmp_path / name / "run", records[:20], telemetry.to_json_lines,
                           "telemetry.jsonl")
    agent = agents(programs.write_config(tmp_path / "agent.yaml", config)).start()
    url = agent.url()
    agent.wait_until(lambda: status_of(url)["runs"] == 3, 60, "the runs")
    kafka.kill9()
    try:
        for name in "abc":
            with open(tmp_path / name / "run" / "telemetry.jsonl", "ab") as file:
                file.write(telemetry.to_json_lines(records[20:-1]))
        agent.wait_until(lambda: status_of(url)["last_progress_age_seconds"] > 3, 60,
                         "it waits for the broker")
        assert agent.stop(timeout=30) == 0  # which is half of what it had been about to wait
    finally:
        kafka.start()


def test_a_stop_without_a_broker_is_bounded_and_loses_nothing(kafka, config, agents, tmp_path,
                                                             test_name):
    topic = f"{test_name}.telemetry"
    config["shutdown_timeout"] = "2s"
    programs.write_config(tmp_path / "agent.yaml", config)
    agent = agents(tmp_path / "agent.yaml").start()
    url = agent.url()
    agent.wait_until(lambda: get(f"{url}/-/ready")[0] == 200, 60, "readiness")
    sent = send(kafka, topic, ["mine"], range(1, 301))
    wait_for_records(agent, url, sent)
    kafka.kill9()
    try:
        assert agent.stop(timeout=60) == 0
    finally:
        kafka.start()
    agent.start()
    agent.log_path.write_text("")
    url = agent.url(seconds=60)
    agent.wait_until(lambda: status_of(url)["runs"] == 1, 60, "the run")
    send(kafka, topic, ["mine"], range(301, 351))
    source = {"source": f"kafka:{topic}"}

    def all_seen():
        found = metrics(url)
        return value(found, "trainward_restored_runs_total", **source) * sent + \
            value(found, "trainward_records_total", **source) >= sent + 50
    agent.wait_until(all_seen, 60, "every record, from the saved state or read again")
