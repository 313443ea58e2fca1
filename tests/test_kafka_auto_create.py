"""Brokers that create every topic that is asked for, as Kafka's own default has it: a topic made so has
one partition and no compaction, and state in it would be forgotten. No client of ours makes one."""

import re
import time

import pytest

from conftest import SERVICE_LOGS
from services.kafka import Kafka
from support import programs, telemetry
from support.agents import kafka_config, set_up_topics

PATIENCE = 60


@pytest.fixture(scope="module")
def willing_kafka(tmp_path_factory):
    kafka = Kafka(tmp_path_factory.mktemp("willing-kafka"), SERVICE_LOGS, programs.BUILD,
                  name="willing-kafka", creates_topics=True)
    try:
        yield kafka.start()
    finally:
        kafka.stop()


def jsons(records):
    return map(telemetry.to_json, records)


def topics_of(kafka, prefix):
    return {name.removeprefix(prefix) for name in kafka.topics() if name.startswith(prefix)}


def test_a_job_without_a_topic_says_what_creates_it_and_does_not(willing_kafka, tmp_path, test_name):
    arguments = ["--quiet", "--max-steps", "100", "--kafka", willing_kafka.brokers, "--kafka-topic",
                 f"{test_name}.telemetry"]
    done = programs.run("trainward-train", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Unknown topic or partition; the topic is missing: 'trainward setup kafka' creates it" \
        in done.stderr
    assert topics_of(willing_kafka, test_name) == set()
    # Who watches without an agent may want it all the same, and says so.
    done = programs.run("trainward-train", *arguments, "--kafka-property",
                        "allow.auto.create.topics=true", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert topics_of(willing_kafka, test_name) == {".telemetry"}


def test_an_agent_without_topics_does_not_start_and_creates_none(willing_kafka, tmp_path, test_name):
    config = programs.write_config(tmp_path / "agent.yaml",
                                   kafka_config(tmp_path, willing_kafka, test_name))
    done = programs.trainward("agent", "--config", config)
    assert done.returncode == 2
    assert re.search(rf"{test_name}\.telemetry: .*trainward setup kafka", done.stderr)
    assert programs.trainward("check", "--config", config).returncode == 2
    assert topics_of(willing_kafka, test_name) == set()


@pytest.mark.parametrize("ending", ["state", "advisories", "dead-letters"])
def test_a_topic_that_is_deleted_under_an_agent_stays_so_until_it_is_set_up(
        willing_kafka, agents, tmp_path, test_name, ending):
    config = programs.write_config(tmp_path / "agent.yaml",
                                   kafka_config(tmp_path, willing_kafka, test_name))
    set_up_topics(config, "--partitions", "2")
    agent = agents(config).start()
    agent.wait_until(lambda: "2 are ours" in agent.log_text(), PATIENCE, "its partitions")
    willing_kafka.delete_topics(f"{test_name}.{ending}")
    stream = programs.EmitStream(willing_kafka.brokers, f"{test_name}.telemetry")
    stream.send(jsons(telemetry.nan_run("run", steps=80, onset=60)))
    stream.close()
    if ending == "dead-letters":
        willing_kafka.produce(f"{test_name}.telemetry", [(b"k", b"garbage")])
    says = "dead letters go to" if ending == "dead-letters" else "setup kafka"
    agent.wait_until(lambda: re.search(rf"{test_name}\.{ending}: .*{says}", agent.log_text()),
                     PATIENCE, "what it says")
    time.sleep(1)  # its next look for the topic
    assert f".{ending}" not in topics_of(willing_kafka, test_name)
    set_up_topics(config, "--partitions", "2")
    assert len(willing_kafka.topics()[f"{test_name}.{ending}"]) == 2
