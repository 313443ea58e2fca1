"""A training's telemetry on its way to Kafka: while the broker is away, when it comes back, and when
it never does. What arrived is compared with the run directory, which has every record."""

import io
import re
import signal
import subprocess
import time

import cbor2
import pytest

from services.process import free_port, wait_until
from support import programs

# A step of about a millisecond: a second of training is a handful of messages.
SLOW_STEPS = ["--hidden", "256,256", "--batch-size", "128", "--epochs", "10000000"]


def first_record(sequence):
    stream = io.BytesIO(sequence)
    cbor2.CBORDecoder(stream).decode()
    return sequence[:stream.tell()]


@pytest.mark.long
def test_a_broker_that_was_away_gets_every_record_in_order(kafka, tmp_path, test_name):
    topic = f"{test_name}.telemetry"
    kafka.create_topics(topic)
    kafka.kill9()
    training = subprocess.Popen(
        [programs.program("trainward-train"), *SLOW_STEPS, "--quiet", "--run", "away", "--run-dir",
         tmp_path / "run", "--no-watch", "--kafka", kafka.brokers, "--kafka-topic", topic],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=programs.environment())
    try:
        time.sleep(2)  # records wait for a broker that was never there
        kafka.start()
        wait_until(lambda: kafka.read_all(topic), 60, "the first records")
        kafka.kill9()
        time.sleep(2)
        kafka.start()
        before = len(kafka.read_all(topic))
        wait_until(lambda: len(kafka.read_all(topic)) > before + 2, 60, "records once more")
    finally:
        training.send_signal(signal.SIGINT)
        output, errors = training.communicate(timeout=60)
    assert (training.returncode, output, errors) == (128 + signal.SIGINT, "", "")

    messages = kafka.read_all(topic)
    assert {key for key, _ in messages} == {b"away"}
    written = (tmp_path / "run" / "telemetry.cbor").read_bytes()
    header = first_record(written)
    assert messages[0][1].startswith(header)
    assert b"".join(value for _, value in messages if value != header) == written


@pytest.mark.parametrize("display", [[], ["--quiet"], ["--no-progress"]])
def test_what_an_unreachable_broker_costs_is_one_line(tmp_path, display):
    broker = f"127.0.0.1:{free_port()}"
    done = programs.run("trainward-train", *display, "--max-steps", "300", "--kafka", broker,
                        cwd=tmp_path)
    told = re.fullmatch(r"trainward-train: (\d+) of (\d+) telemetry records were not delivered: "
                        rf"kafka: Connect to .*{broker} failed: Connection refused\n", done.stderr)
    assert told and told[1] == told[2] and int(told[1]) > 300, done.stderr
    assert done.returncode == 2


def test_a_topic_that_does_not_exist_is_named(kafka, tmp_path):
    done = programs.run("trainward-train", "--quiet", "--max-steps", "300", "--kafka", kafka.brokers,
                        "--kafka-topic", "no-such-topic", cwd=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"trainward-train: (\d+) of \1 telemetry records were not delivered: kafka: "
                        r"topic 'no-such-topic': Broker: Unknown topic or partition; the topic is "
                        r"missing: 'trainward setup kafka' creates it\n", done.stderr)


def test_credentials_that_the_broker_refuses_are_told(kafka, tmp_path):
    done = programs.run("trainward-train", "--quiet", "--max-steps", "300", "--kafka", kafka.brokers,
                        "--kafka-property", "security.protocol=sasl_plaintext",
                        "--kafka-property", "sasl.mechanism=PLAIN",
                        "--kafka-property", "sasl.username=ada",
                        "--kafka-property", "sasl.password=Lovelace", cwd=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"trainward-train: (\d+) of \1 telemetry records were not delivered: kafka: "
                        r".*SASL PLAIN mechanism handshake failed.*\n", done.stderr)
    assert "Lovelace" not in done.stderr
