"""`setup kafka` and `check`: what they create, what they find wrong, and in which words."""

import re

import pytest
import yaml

from support import programs
from support.agents import kafka_config, set_up_topics

ENDINGS = ["telemetry", "state", "dead-letters", "advisories", "charts", "notifications"]


@pytest.fixture
def config(kafka, tmp_path, test_name):
    return programs.write_config(tmp_path / "agent.yaml", kafka_config(tmp_path, kafka, test_name))


def check(config):
    return programs.trainward("check", "--config", config)


def refused(done):
    """The one line of an error."""
    assert done.returncode == 2, done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def settings_of(kafka, topic):
    from confluent_kafka.admin import ConfigResource
    admin = kafka.admin()
    [future] = admin.describe_configs([ConfigResource("topic", topic)]).values()
    return {name: entry.value for name, entry in future.result(20).items()}


def test_setup_creates_what_is_missing_and_changes_nothing_the_second_time(kafka, config, test_name):
    first = set_up_topics(config, "--partitions", "3")
    assert [line.split(":")[0] for line in first.splitlines()] == \
        [f"{test_name}.{ending}" for ending in ENDINGS]
    assert first.count(": created, 3 partitions, 1 replicas") == 5
    topics = kafka.topics()
    assert {ending: len(topics[f"{test_name}.{ending}"]) for ending in ENDINGS} == \
        {**dict.fromkeys(ENDINGS, 3), "notifications": 1}
    state = settings_of(kafka, f"{test_name}.state")
    assert (state["cleanup.policy"], state["max.message.bytes"]) == ("compact", "8388608")
    assert settings_of(kafka, f"{test_name}.notifications")["cleanup.policy"] == "compact"
    assert settings_of(kafka, f"{test_name}.dead-letters")["retention.ms"] == str(14 * 86_400_000)

    second = set_up_topics(config, "--partitions", "7")
    assert second.count(": exists, 3 partitions") == 5
    assert "created" not in second and "setup would" not in second
    done = check(config)
    assert done.returncode == 0, done.stderr
    assert "ok    kafka" in done.stdout and "ok    advisory_log" in done.stdout


def test_more_replicas_than_brokers_are_refused(config, test_name):
    assert re.search(rf"{test_name}\.telemetry: cannot be created: .*[Rr]eplication.*\b1\b",
                     refused(programs.trainward("setup", "kafka", "--config", config,
                                                "--replication", "3")))


def test_the_state_gets_as_many_partitions_as_the_telemetry_has(kafka, config, test_name):
    kafka.create_topics(f"{test_name}.telemetry", partitions=5)
    said = set_up_topics(config)
    assert f"{test_name}.state: created, 5 partitions" in said
    # Made by somebody else: told in what it differs, and left alone.
    assert f"{test_name}.telemetry: max.message.bytes is 1048588; setup would have made it 8388608" \
        in said.splitlines()


def test_another_number_of_partitions_of_the_state_is_refused(kafka, config, test_name):
    kafka.create_topics(f"{test_name}.telemetry", partitions=3)
    kafka.create_topics(f"{test_name}.state", partitions=2, config={"cleanup.policy": "compact"})
    wrong = rf"{test_name}\.state: has 2 partitions but {test_name}\.telemetry has 3; .*delete"
    assert re.search(wrong, refused(programs.trainward("setup", "kafka", "--config", config)))
    assert f"{test_name}.advisories" in kafka.topics(), "the others are made all the same"
    assert re.search(wrong, refused(check(config)))
    assert re.search(rf"{test_name}\.state: has 2 partitions but the telemetry has 3",
                     refused(programs.trainward("agent", "--config", config)))


def test_a_state_topic_that_forgets_is_refused(kafka, config, test_name):
    kafka.create_topics(*(f"{test_name}.{ending}" for ending in ENDINGS), partitions=2)
    # Notifications have to stay, too; the first mistake is told.
    wrong = rf"{test_name}\.state: its cleanup.policy is delete and has to be compact: " \
        "kafka-configs.sh .*cleanup.policy=compact"
    assert re.search(wrong, refused(programs.trainward("setup", "kafka", "--config", config)))
    assert re.search(wrong, refused(check(config)))


def test_each_missing_topic_is_told_with_the_remedy(kafka, config, test_name):
    done = check(config)
    assert done.returncode == 2
    for ending in ("telemetry", "state", "advisories"):
        assert re.search(rf"{test_name}\.{ending}: the topic is missing; 'trainward setup kafka'",
                         done.stderr)
    assert f"note  kafka: {test_name}.dead-letters is missing" in done.stdout
    assert re.search(rf"{test_name}\.telemetry: .*trainward setup kafka",
                     refused(programs.trainward("agent", "--config", config)))


def test_source_and_log_may_be_of_different_brokers(kafka, secure_kafka, tmp_path, test_name):
    config = kafka_config(tmp_path, kafka, test_name)
    config["advisory_log"]["kafka"]["brokers"] = secure_kafka.brokers
    config = programs.write_config(tmp_path / "agent.yaml", config)
    set_up_topics(config)
    assert f"{test_name}.state" in kafka.topics() and f"{test_name}.state" not in secure_kafka.topics()
    assert f"{test_name}.advisories" in secure_kafka.topics()
    assert f"{test_name}.advisories" not in kafka.topics()
    assert check(config).returncode == 0


@pytest.mark.parametrize("section", ["sources", "advisory_log"])
def test_what_trainward_sets_itself_is_refused_in_either_place(kafka, tmp_path, test_name, section):
    config = kafka_config(tmp_path, kafka, test_name)
    place = config["sources"][0] if section == "sources" else config["advisory_log"]
    place["kafka"]["properties"]["acks"] = 1
    path = programs.write_config(tmp_path / "agent.yaml", config)
    assert re.search(r"agent\.yaml:\d+:\d+: properties: 'acks' is always 'all' here",
                     refused(check(path)))
    assert yaml.safe_load(path.read_text()) == config
