"""Logins and TLS: what works from the training to the advisory, and what is said where it does not.
No error shows a password."""

import concurrent.futures
import re

import pytest

from services.certificates import make_certificate
from services.kafka import USERS
from support import programs, telemetry
from support.agents import (advisories_in, by_id, documents_of_topic, kafka_config, set_up_topics)

SECRET = USERS["trainward"]


def login(mechanism="SCRAM-SHA-256", user="trainward", password=None):
    return {"sasl.mechanism": mechanism, "sasl.username": user,
            "sasl.password": password or USERS[user]}


def ways(kafka):
    """{name: (listener, properties)}"""
    tls = {"ssl.ca.location": str(kafka.ca)}
    return {
        "plain": ("SASL", {"security.protocol": "sasl_plaintext", **login("PLAIN")}),
        "scram": ("SASL", {"security.protocol": "sasl_plaintext", **login()}),
        "tls": ("SSL", {"security.protocol": "ssl", **tls}),
        "scram over tls": ("SASL_SSL", {"security.protocol": "sasl_ssl", **tls, **login()}),
    }


def options_of(properties):
    """For trainward-train."""
    return [word for name, value in properties.items()
            for word in ("--kafka-property", f"{name}={value}")]


def train(brokers, topic, properties, run="r"):
    return programs.run("trainward-train", *programs.bad_training(), "--run", run,
                        "--kafka", brokers, "--kafka-topic", topic, "--no-watch",
                        "--epochs", "1", *options_of(properties), timeout=120)


@pytest.mark.parametrize("way", ["plain", "scram", "tls", "scram over tls"])
def test_telemetry_comes_in_and_advisories_go_out(secure_kafka, agents, tmp_path, test_name, way):
    listener, properties = ways(secure_kafka)[way]
    brokers = secure_kafka.address(listener)
    config = programs.write_config(tmp_path / "agent.yaml", kafka_config(
        tmp_path, secure_kafka, test_name, brokers=brokers, properties=properties))
    set_up_topics(config, "--partitions", "1")
    done = programs.trainward("check", "--config", config)
    assert done.returncode == 0, done.stderr

    records = telemetry.nan_run("r", steps=60, onset=40)
    stream = programs.EmitStream(brokers, f"{test_name}.telemetry", properties)
    stream.send(map(telemetry.to_json, records))
    counts = stream.close()
    assert (counts["delivered"], counts["lost"]) == (counts["emitted"], 0)
    expected = documents_of_topic(secure_kafka, f"{test_name}.telemetry", tmp_path / "runs")
    assert expected
    agent = agents(config).start()
    agent.wait_until(lambda: len(by_id(advisories_in(secure_kafka, test_name))) >= len(expected),
                     60, "all advisories")
    assert agent.stop() == 0
    assert by_id(advisories_in(secure_kafka, test_name)) == expected


# ---- what is said ----

def at_once(make, items):
    """The results of `make(item)`, which wait side by side."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(make, items))


def wrong(kafka, name, folder):
    """(listener, properties, what is said)"""
    other_ca, _, _ = make_certificate(folder / "other")
    sasl, tls = {"security.protocol": "sasl_plaintext"}, {"security.protocol": "ssl"}
    refused = "the login is refused: check .*sasl.username and sasl.password"
    return {
        "scram password": ("SASL", {**sasl, **login(password="hunter2")}, refused),
        "plain password": ("SASL", {**sasl, **login("PLAIN", password="hunter2")}, refused),
        "user": ("SASL", {**sasl, **login(user="outsider", password="hunter2")}, refused),
        "mechanism": ("SASL", {**sasl, **login("SCRAM-SHA-512", password="hunter2")},
                      "the login is refused: check sasl.mechanism"),
        "authority": ("SSL", {**tls, "ssl.ca.location": str(other_ca)},
                      "certificate is not trusted: check ssl.ca.location"),
        "no authority": ("SSL", tls, "certificate is not trusted: check ssl.ca.location"),
        "plaintext to tls": ("SSL", {}, "check security.protocol"),
        "plaintext to sasl": ("SASL", {}, "check security.protocol"),
        "tls to plaintext": ("PLAINTEXT", tls, "check security.protocol"),
        "sasl to plaintext": ("PLAINTEXT", {**sasl, **login(password="hunter2")},
                              "check security.protocol|check sasl.mechanism"),
    }[name]


WRONG = ["scram password", "plain password", "user", "mechanism", "authority", "no authority",
         "plaintext to tls", "plaintext to sasl", "tls to plaintext", "sasl to plaintext"]


@pytest.mark.parametrize("name", WRONG)
def test_wrong_credentials_are_told_by_the_setting_to_mend(secure_kafka, tmp_path, test_name, name):
    listener, properties, said = wrong(secure_kafka, name, tmp_path)
    brokers = secure_kafka.address(listener)
    config = kafka_config(tmp_path, secure_kafka, test_name, brokers=brokers, properties=properties)
    del config["advisory_log"]
    config = programs.write_config(tmp_path / "agent.yaml", config)
    commands = (["check"], ["setup", "kafka"], ["agent"])
    for done in at_once(lambda command: programs.trainward(*command, "--config", config), commands):
        assert done.returncode == 2, done.stdout
        lines = done.stderr.splitlines()
        assert len(lines) == 1 and brokers in lines[0] and re.search(said, lines[0]), done.stderr
        assert "hunter2" not in done.stdout + done.stderr


def test_a_training_goes_on_and_says_why_nothing_was_sent(secure_kafka, tmp_path, test_name):
    def of(name):
        listener, properties, said = wrong(secure_kafka, name, tmp_path / name)
        return said, train(secure_kafka.address(listener), f"{test_name}.telemetry", properties)
    for said, done in at_once(of, ["scram password", "authority", "plaintext to tls"]):
        assert "trained to the end" in done.stdout + done.stderr
        assert re.search(said, done.stderr), done.stderr
        assert re.search(r"(\d+) of \1 telemetry records were not delivered", done.stderr)
        assert "hunter2" not in done.stdout + done.stderr


def test_a_training_without_its_topic_says_what_creates_it(secure_kafka, test_name):
    done = train(secure_kafka.brokers, f"{test_name}.telemetry", {})
    assert "trained to the end" in done.stdout + done.stderr
    assert re.search(r"the topic is missing: 'trainward setup kafka' creates it", done.stderr)


# ---- what a login may not do ----

def test_a_login_without_rights_is_told_what_it_lacks(secure_kafka, tmp_path, test_name):
    _, properties = ways(secure_kafka)["scram"]
    brokers = secure_kafka.address("SASL")
    able = programs.write_config(tmp_path / "able.yaml", kafka_config(
        tmp_path, secure_kafka, test_name, brokers=brokers, properties=properties))
    set_up_topics(able)
    unable = programs.write_config(tmp_path / "unable.yaml", kafka_config(
        tmp_path, secure_kafka, test_name, brokers=brokers,
        properties={**properties, **login(user="outsider")}))
    done = programs.trainward("check", "--config", unable)
    assert done.returncode == 2
    for topic in ("telemetry", "state", "advisories"):
        assert re.search(rf"{test_name}\.{topic}: .*the login may not use this topic: .*ACLs",
                         done.stderr), done.stderr
    assert re.search(rf"kafka: {test_name}: .*the login may not use this consumer group: .*ACLs",
                     done.stderr), done.stderr
    done = programs.trainward("agent", "--config", unable)
    assert done.returncode == 2
    assert re.search(rf"{test_name}\.telemetry: .*this login may not see it", done.stderr)
