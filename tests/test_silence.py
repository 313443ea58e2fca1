"""Runs that send nothing any more: told once, in the same words through crashes, retired in the end;
and what looks like silence and is none."""

import json
import os
import signal
import subprocess
import time

import pytest
import yaml

from support import programs
from support.agents import advisories_in, by_id, kafka_config
from support.telemetry import Run, to_json
from test_contracts import complaint

QUICK = {"stalled-run": {"after": "3s", "after_unknown": "3s", "factor": 2}}


def steps(run, first, last):
    """A run that goes on now, ten steps a second by its own clock."""
    made = Run(run, start_ms=int(time.time() * 1000) - 100 * first)
    if first == 1:
        made.header()
    made.seq = first
    for step in range(first, last + 1):
        made.step(step, made.learning_curve(step))
    return made


def told(documents, run=None):
    """[(action, detector or status)], in the order of writing."""
    found = []
    for document in map(json.loads, documents):
        ours = document["trainward"]
        if run in (None, ours["run"]["id"]):
            found.append((document["event"]["action"], ours.get("detector", "run")))
    return found


# ---- directories ----

@pytest.fixture
def directory(tmp_path):
    class Directory:
        log = tmp_path / "runs" / "r1" / "telemetry.jsonl"
        config = programs.write_config(tmp_path / "agent.yaml", {
            "state_dir": str(tmp_path / "state"),
            "sources": [{"directory": {"path": str(tmp_path / "runs")}}],
            "detectors": QUICK, "limits": {"retire_after_silence": "9s"}})

        def append(self, made):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("a") as file:
                file.write("".join(to_json(record) + "\n" for record in made.records))

        def documents(self):
            path = tmp_path / "state" / "advisories.jsonl"
            return path.read_text().splitlines() if path.exists() else []
    return Directory()


OPENED, RECOVERED = ("opened", "stalled-run"), ("recovered", "stalled-run")
FAREWELL = [("still_open", "stalled-run"), ("interrupted", "run")]


def test_a_log_that_falls_silent_is_told_and_in_the_end_finished(directory, agents):
    directory.append(steps("r1", 1, 20))
    agent = agents(directory.config).start()
    agent.wait_until(lambda: told(directory.documents()) == [OPENED], 30, "a stalled run")
    directory.append(steps("r1", 21, 22))
    agent.wait_until(lambda: told(directory.documents()) == [OPENED, RECOVERED], 30,
                     "that it goes on")
    agent.wait_until(lambda: told(directory.documents())[2:] == [OPENED] + FAREWELL, 60,
                     "that it is over")
    # What comes after that goes on with all that was known.
    directory.append(steps("r1", 23, 24))
    agent.wait_until(lambda: told(directory.documents())[5:] == [RECOVERED], 30,
                     "that it goes on after all")
    assert agent.stop() == 0
    for document in directory.documents():
        assert complaint("advisory", json.loads(document)) is None
    opened = json.loads(directory.documents()[0])
    assert opened["trainward"]["evidence"]["value"] == 3
    assert opened["trainward"]["suggestions"][0]["change"]["op"] == "set"


def test_the_same_silence_is_told_in_the_same_words_through_crashes(directory, agents):
    directory.append(steps("r1", 1, 20))
    agent = agents(directory.config).start()
    agent.wait_until(lambda: told(directory.documents()) == [OPENED], 30, "a stalled run")
    first = directory.documents()[0]
    log = directory.log.parents[2] / "state" / "advisories.jsonl"
    agent.kill9()
    # As though the crash had come before the document was durable: it is written again.
    log.write_text("")
    agent.start()
    agent.wait_until(directory.documents, 30, "the document")
    assert directory.documents()[0] == first
    assert agent.stop() == 0


def test_a_log_of_last_year_is_no_stalled_run(directory, agents):
    made = Run("r1", start_ms=int(time.time() * 1000) - 365 * 86_400_000)
    made.header()
    for step in range(1, 30):
        made.step(step, made.learning_curve(step))
    directory.append(made)
    agent = agents(directory.config).start()
    agent.wait_until(lambda: told(directory.documents()), 60, "its end")
    assert told(directory.documents()) == [("interrupted", "run")]
    assert agent.stop() == 0


def test_attach_tells_of_a_run_that_hangs(directory, tmp_path):
    directory.append(steps("r1", 1, 20))
    said = tmp_path / "said"
    with open(said, "w") as out:
        process = subprocess.Popen(
            [programs.program("trainward"), "attach", "-o", "detectors.stalled-run.after=2s",
             str(directory.log.parent)], stdout=out, env=programs.environment())
    deadline = time.monotonic() + 60
    while "stalled run" not in said.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    text = said.read_text()
    assert "WARNING  stalled run" in text.split("\nr1: ")[0]
    assert process.returncode == 1


def test_a_project_that_falls_silent_as_a_whole_is_told_once(directory, agents, tmp_path):
    for name in ("r1", "r2", "r3"):
        directory.log = tmp_path / "runs" / name / "telemetry.jsonl"
        directory.append(steps(name, 1, 20))
    agent = agents(directory.config).start()
    agent.wait_until(directory.documents, 30, "a silent project")
    time.sleep(4)
    assert told(directory.documents()) == [OPENED]
    opened = json.loads(directory.documents()[0])
    assert opened["trainward"]["scope"] == "project:tests"
    assert opened["trainward"]["evidence"]["runs"] == 3
    assert opened["trainward"]["suggestions"] == [] and "rule" not in opened
    directory.append(steps("r3", 21, 22))
    agent.wait_until(lambda: told(directory.documents())[1:2] == [RECOVERED], 30, "that it is over")
    agent.wait_until(lambda: len(directory.documents()) >= 4, 60, "its end")
    assert agent.stop() == 0
    for document in directory.documents():
        assert complaint("advisory", json.loads(document)) is None


def test_logs_beyond_the_limit_wait_and_are_read_whole(directory, agents, tmp_path):
    config = programs.write_config(tmp_path / "agent.yaml", {
        "state_dir": str(tmp_path / "state"),
        "sources": [{"directory": {"path": str(tmp_path / "runs")}}],
        "limits": {"runs": 3}})
    for number in range(8):
        directory.log = tmp_path / "runs" / f"r{number}" / "telemetry.jsonl"
        made = steps(f"r{number}", 1, 30)
        made.end(30)
        directory.append(made)
    agent = agents(config).start()
    agent.wait_until(lambda: len(directory.documents()) == 8, 60, "all runs' ends")
    assert agent.stop() == 0
    assert {json.loads(document)["trainward"]["step"] for document in directory.documents()} == {30}


# ---- Kafka ----

@pytest.fixture
def topic(kafka, tmp_path, test_name):
    config = kafka_config(tmp_path, kafka, test_name)
    config["detectors"] = QUICK
    config["limits"] = {"retire_after_end": "3s", "retire_after_silence": "8s"}
    kafka.create_topics(f"{test_name}.telemetry", partitions=2)
    path = programs.write_config(tmp_path / "agent.yaml", config)
    done = programs.trainward("setup", "kafka", "--partitions", "2", "--config", path)
    assert done.returncode == 0, done.stderr

    class Topic:
        config = path

        def send(self, made):
            kafka.produce(f"{test_name}.telemetry",
                          [(record["run"].encode(), to_json(record).encode())
                           for record in made.records])

        def documents(self):
            return list(by_id(advisories_in(kafka, test_name)).values())

        def saved(self):
            """{run: newest value} of the state topic; a tombstone is None."""
            return {key.decode(): value
                    for key, value in kafka.read_all(f"{test_name}.state") if key}
    return Topic()


def test_a_silent_run_on_kafka_is_told_retired_and_known_when_its_records_come_again(
        topic, agents):
    made = steps("silent", 1, 20)
    topic.send(made)
    ended = steps("ended", 1, 20)
    ended.end(20)
    topic.send(ended)
    agent = agents(topic.config).start()
    agent.wait_until(lambda: told(topic.documents(), "silent") == [OPENED] + FAREWELL, 90,
                     "that it is over")
    assert told(topic.documents(), "ended") == [("completed", "run")]
    agent.wait_until(lambda: all(value.startswith(b"TWGONE01")
                                 for value in topic.saved().values()), 60, "both are retired")
    assert set(topic.saved()) == {"silent", "ended"}
    before = topic.documents()
    agent.kill9()
    agent.start()
    topic.send(ended)  # its producer repeats itself, hours later
    back = steps("silent", 21, 30)
    back.end(30)
    topic.send(back)
    agent.wait_until(lambda: len(told(topic.documents(), "silent")) > 3, 60, "that it came back")
    assert agent.stop() == 0
    assert told(topic.documents(), "ended") == [("completed", "run")]
    last = [json.loads(document) for document in topic.documents() if document not in before]
    assert [document["trainward"]["transition"] for document in last] == [1]
    assert "history was dropped" in last[0]["trainward"]["not_checked"][0]["reason"]
    for document in topic.documents():
        assert complaint("advisory", json.loads(document)) is None


def test_agents_that_share_a_topic_tell_of_each_run_once(topic, agents):
    runs = [f"shared-{number}" for number in range(6)]
    two = [agents(topic.config).start(), agents(topic.config).start()]
    for run in runs:
        topic.send(steps(run, 1, 20))

    def stalled():
        return [told(topic.documents(), run)[:1] for run in runs]
    two[0].wait_until(lambda: stalled() == [[OPENED]] * len(runs), 60, "that all are stalled")
    # Neither knows what the other's runs do: nothing is said of the project that all are of.
    scopes = {json.loads(document)["trainward"].get("scope") for document in topic.documents()}
    assert scopes <= {"run", None}
    two[0].kill9()
    two[1].wait_until(
        lambda: all(told(topic.documents(), run) == [OPENED] + FAREWELL for run in runs), 60,
        "that all are over, those of the other too")
    assert two[1].stop() == 0


# A broker that is frozen is noticed within 8 s.
@pytest.mark.parametrize("how, after", [("dead", 6), ("frozen", 15)])
def test_an_agent_that_was_stopped_and_a_broker_that_was_away_make_no_silence(
        kafka, topic, agents, how, after):
    config = yaml.safe_load(topic.config.read_text())
    config["detectors"] = {"stalled-run": {"after": f"{after}s", "after_unknown": f"{after}s"}}
    programs.write_config(topic.config, config)
    topic.send(steps("steady", 1, 20))
    agent = agents(topic.config).start()
    agent.wait_until(lambda: topic.saved(), 60, "the run")
    step = 21
    os.kill(agent.process.pid, signal.SIGSTOP)
    for _ in range(9):
        topic.send(steps("steady", step, step))
        step += 1
        time.sleep((after + 3) / 9)
    os.kill(agent.process.pid, signal.SIGCONT)
    topic.send(steps("steady", step, step))
    if how == "dead":
        kafka.kill9()
        time.sleep(after + 10)
        kafka.restart()
    else:  # its connections stand, and nothing comes
        os.kill(kafka.process.pid, signal.SIGSTOP)
        time.sleep(after + 10)
        os.kill(kafka.process.pid, signal.SIGCONT)
    assert agent.is_running()
    topic.send(steps("steady", step + 1, step + 2))
    time.sleep(1)
    assert told(topic.documents()) == []


def test_runs_beyond_the_limit_are_passed_over_and_counted(kafka, topic, agents, tmp_path):
    text = topic.config.read_text()
    assert "limits:" in text
    config = yaml.safe_load(text)
    config["limits"] = {"runs": 5}
    programs.write_config(topic.config, config)
    for number in range(8):
        made = steps(f"r{number}", 1, 20)
        made.end(20)
        topic.send(made)
    agent = agents(topic.config).start()
    agent.wait_until(lambda: len(told(topic.documents())) == 5, 60, "the ends of five")
    agent.wait_until(lambda: "no room for further runs" in agent.log_tail(), 30, "a line of it")
    assert agent.stop() == 0
    assert len(told(topic.documents())) == 5
