"""What goes wrong around a running agent: brokers away, topics gone, disks full, messages that are no
telemetry, clocks that jump. Each is told in one clear line, and nothing that was acknowledged is lost:
the advisories are those of an undisturbed analysis of what the telemetry topic holds.

TW_OUTAGE_SECONDS sets how long the broker is away (`make -C build outage`: ten minutes).
"""

import json
import os
import random
import re
import subprocess
import time

import cbor2
import pytest
from confluent_kafka import Consumer, TopicPartition

from conftest import LOGS
from services.kafka import Kafka
from services.process import wait_until
from support import programs, telemetry
from support.agents import (advisories_in, by_id, documents_of_topic, kafka_config, set_up_topics)
from support.small_disk import SmallDisk
from test_operations import metrics, value

OUTAGE_SECONDS = float(os.environ.get("TW_OUTAGE_SECONDS", 8))
PATIENCE = 90


def jsons(records):
    return map(telemetry.to_json, records)


def messages(records):
    """One a record, keyed by its run."""
    return [(record["run"].encode(), telemetry.to_json(record).encode()) for record in records]


class Line:
    """Topics called after a test, an agent that reads them, and what it should find."""

    def __init__(self, kafka, agents, folder, prefix, partitions=2, brokers=None, more=None):
        self.kafka, self.prefix, self.folder = kafka, prefix, folder
        self.telemetry = f"{prefix}.telemetry"
        self.brokers = brokers or kafka.brokers
        self.config = programs.write_config(folder / "agent.yaml", {
            **kafka_config(folder, kafka, prefix, brokers=self.brokers), **(more or {})})
        self.said = set_up_topics(self.config, "--partitions", partitions)
        self.agent = agents(self.config)

    def found(self):
        return by_id(advisories_in(self.kafka, self.prefix))

    def expected(self, name="expected"):
        return documents_of_topic(self.kafka, self.telemetry, self.folder / name)

    def log(self):
        return self.agent.log_path.read_text(errors="replace")

    def wait_log(self, pattern, seconds=PATIENCE):
        self.agent.wait_until(lambda: re.search(pattern, self.log()), seconds, pattern)

    def wait_found(self, at_least=1, seconds=PATIENCE):
        self.agent.wait_until(lambda: len(self.found()) >= at_least, seconds,
                              f"{at_least} advisories")

    def finish(self, expected=None):
        """Everything that the topic tells of is found, nothing else is, and the agent ends well."""
        expected = expected or self.expected()
        self.wait_found(len(expected))
        assert self.agent.stop() == 0
        assert self.found() == expected
        return expected


@pytest.fixture
def line(kafka, agents, tmp_path, test_name):
    if kafka.process is None:  # an earlier test failed while it was away
        kafka.start()
    return Line(kafka, agents, tmp_path, test_name)


def runs(n, steps=80, onset=60):
    return [telemetry.nan_run(f"run-{number}", steps=steps, onset=onset) for number in range(n)]


# ---- brokers that are away ----

@pytest.mark.parametrize("how", [pytest.param("stop", marks=pytest.mark.long), "kill9"])
def test_a_broker_that_is_away_is_told_once_and_costs_nothing(line, how):
    """The emitter keeps what it has, up to its limits (tests/unit/test_emitter_kafka.c)."""
    first, *others = runs(4)
    line.agent.start()
    stream = programs.EmitStream(line.brokers, line.telemetry)
    stream.send(jsons(first))
    line.wait_found()
    for run in others:
        stream.send(jsons(run[:30]))
    time.sleep(.5)
    getattr(line.kafka, how)()
    gone = time.monotonic()
    for run in others:
        stream.send(jsons(run[30:]))
    line.wait_log(r"waiting: 127\.0\.0\.1:\d+: Kafka does not answer; .*\(.*\)")
    time.sleep(max(0, gone + OUTAGE_SECONDS - time.monotonic()))
    line.kafka.start()
    counts = stream.close()
    assert counts["delivered"] == counts["emitted"]
    assert counts["lost"] == counts["dropped"] == 0
    line.wait_log("works again after")
    expected = line.finish()
    assert len({json.loads(document)["trainward"]["run"]["id"]
                for document in expected.values()}) == 4
    log = line.log()
    assert log.count("waiting: ") == 1
    assert log.count("works again after") >= 1
    warnings = [text for text in log.splitlines() if "warning" in text.lower()]
    assert len(warnings) <= 4, log  # away and back, and where its life began anew, that it did


def test_an_agent_that_starts_before_its_broker_waits_and_says_so_once(line):
    line.kafka.stop()
    line.agent.start()
    line.wait_log(r"waiting for the brokers: 127\.0\.0\.1:\d+: Kafka does not answer; is it running, "
                  r"and are its brokers right\? \(.*Connection refused\)")
    line.kafka.start()
    line.kafka.produce(line.telemetry, messages(runs(1)[0]))
    line.finish()
    assert line.log().count("waiting") == 1


# ---- topics that are gone ----

def test_a_telemetry_topic_that_is_deleted_is_told_and_its_successor_is_read(line):
    line.agent.start()
    line.kafka.produce(line.telemetry, messages(runs(1)[0]))
    line.wait_found(len(line.expected("before")))
    line.kafka.delete_topics(line.telemetry)
    line.wait_log(rf"waiting: {line.telemetry}: there is no such topic at .*trainward setup kafka")
    known = set(line.found())
    set_up_topics(line.config, "--partitions", "2")
    line.kafka.produce(line.telemetry, messages(telemetry.nan_run("other", steps=80, onset=60)))
    expected = line.expected()
    line.agent.wait_until(lambda: set(line.found()) >= known | set(expected), PATIENCE, "the new run")
    assert line.agent.stop() == 0
    assert set(line.found()) == known | set(expected)
    assert line.log().count("waiting: ") == 1


@pytest.mark.parametrize("ending", ["state", "advisories"])
def test_another_topic_that_is_deleted_is_told_and_made_again(line, ending):
    line.agent.start()
    line.kafka.produce(line.telemetry, messages(runs(1)[0][:40]))
    line.wait_log("2 are ours")
    time.sleep(2)  # a checkpoint
    line.kafka.delete_topics(f"{line.prefix}.{ending}")
    line.kafka.produce(line.telemetry, messages(runs(1)[0][40:]))
    line.wait_log(rf"starting again from what is durable: {line.prefix}\.{ending}: .*"
                  "(missing|create).*setup kafka")
    set_up_topics(line.config, "--partitions", "2")
    line.finish()


# ---- messages that are no telemetry ----

HEADER = telemetry.nan_run("r", steps=2, onset=1)[0]
GARBAGE = {
    "random bytes": bytes(range(128, 256)) * 3,
    "cut cbor": telemetry.to_cbor(HEADER)[:-20],
    "cut json": telemetry.to_json(HEADER).encode()[:-20],
    "an array": b'[{"run": "r", "step": 1}]',
    "a later version": telemetry.to_json({**HEADER, "v": 2}).encode(),
    "no run": b'{"step": 1, "loss": 2.0}',
    "text": b"hello",
    "cbor of something else": cbor2.dumps({"a": [1, 2, {"b": None}]}),
    "larger than a record may be": b'{"run": "r", "note": "' + b"x" * (3 << 20) + b'"}',
}


def test_what_is_no_telemetry_goes_to_the_dead_letters_with_its_place(line):
    """And the records around it are judged as if it had not been there."""
    good = messages(runs(1)[0])
    sent = good[:50] + [(b"bad " + name.encode(), value) for name, value in GARBAGE.items()]
    line.kafka.produce(line.telemetry, sent + [(b"empty", b""), (b"tombstone", None)] + good[50:])
    line.agent.start()
    clean = documents_of_runs(line.folder / "clean", runs(1))
    line.wait_found(len(clean))
    letters = line.kafka.read_messages
    topic = f"{line.prefix}.dead-letters"
    line.agent.wait_until(lambda: len(letters(topic)) >= len(GARBAGE), PATIENCE, "letters")
    assert line.agent.stop() == 0
    assert line.found() == clean
    where = {message.key(): message for message in letters(line.telemetry)}
    found = letters(topic)
    assert sorted(letter.key().decode() for letter in found) == sorted(f"bad {name}" for name in GARBAGE)
    for letter in found:
        source = where[letter.key()]
        headers = {name: value.decode() for name, value in letter.headers()}
        assert letter.value() == source.value()
        assert headers.pop("reason")
        assert headers == {"topic": line.telemetry, "partition": str(source.partition()),
                           "offset": str(source.offset()), "time": str(source.timestamp()[1])}
    # All is committed: the next life meets none of them again.
    line.agent.start()
    line.wait_log(r"(?s)2 are ours.*2 are ours")
    time.sleep(2)
    assert line.agent.stop() == 0
    assert len(letters(topic)) == len(GARBAGE)


def documents_of_runs(folder, all_records):
    for records in all_records:
        programs.write_run(folder / records[0]["run"], records, telemetry.to_json_lines,
                           "telemetry.jsonl")
    return by_id(programs.documents_of(folder))


def test_what_comes_before_a_broken_record_in_its_message_counts(line):
    records = runs(1)[0]
    whole = b"".join(telemetry.to_json(record).encode() + b"\n" for record in records)
    line.kafka.produce(line.telemetry, [(b"run-0", whole + b"{broken\n")])
    line.agent.start()
    clean = documents_of_runs(line.folder / "clean", [records])
    line.wait_found(len(clean))
    topic = f"{line.prefix}.dead-letters"
    line.agent.wait_until(lambda: line.kafka.read_all(topic), PATIENCE, "the letter")
    assert line.agent.stop() == 0
    assert line.found() == clean
    [(key, value)] = line.kafka.read_all(topic)
    assert (key, value.strip()) == (b"run-0", b"{broken")


@pytest.mark.parametrize("when", ["at the start", "while the agent runs"])
def test_without_a_topic_dead_letters_go_to_the_file_and_that_is_told_once(line, when):
    topic = f"{line.prefix}.dead-letters"
    if when == "at the start":
        line.kafka.delete_topics(topic)
    line.agent.start()
    line.wait_log("2 are ours")
    if when == "while the agent runs":
        line.kafka.delete_topics(topic)
    line.kafka.produce(line.telemetry, [(b"k", b"garbage 1"), (b"k", b"garbage 2")])
    path = line.folder / "state" / "dead-letters" / "telemetry.jsonl"
    line.agent.wait_until(lambda: path.exists() and len(path.read_text().splitlines()) >= 2, PATIENCE,
                          "the file")
    assert line.agent.stop() == 0
    letters = [json.loads(text) for text in path.read_text().splitlines()]
    assert [letter["size"] for letter in letters] == [9, 9]
    assert re.fullmatch(rf"{line.telemetry} partition \d offset 0", letters[0]["place"])
    assert line.log().count(f"{topic}: ") == 1
    assert re.search(rf"{topic}: .*; dead letters go to {path}", line.log())


def test_an_advisory_larger_than_its_topic_takes_is_told_with_the_remedy(kafka, agents, tmp_path,
                                                                         test_name):
    kafka.create_topics(f"{test_name}.advisories", config={"max.message.bytes": "600"})
    line = Line(kafka, agents, tmp_path, test_name)
    line.agent.start()
    line.kafka.produce(line.telemetry, messages(runs(1)[0]))
    line.wait_log(r"starting again.*\.advisories: \d+ documents were refused: .*; "
                  "raise max.message.bytes of the topic")
    time.sleep(4)
    assert line.log().count("starting again") == 1
    assert line.agent.stop() == 0


# ---- snapshots that the brokers refuse ----

QUICKLY_SAVED = {"checkpoint": {"interval": "100ms", "snapshot_age": "1s"}}
STATE_BYTES = 16_000  # more than a run of steps takes, compressed, and less than two


def line_with_small_state(kafka, agents, tmp_path, test_name):
    kafka.create_topics(f"{test_name}.state", config={"cleanup.policy": "compact",
                                                      "max.message.bytes": str(STATE_BYTES)})
    line = Line(kafka, agents, tmp_path, test_name, partitions=1, more=QUICKLY_SAVED)
    assert f"{test_name}.state: max.message.bytes is {STATE_BYTES}; setup would" in line.said
    return line


def with_large_header(records):
    """A header that does not compress: its run's snapshot has it."""
    rng = random.Random(records[0]["run"])
    names = [f"{rng.getrandbits(160):040x}" for _ in range(1500)]
    header = {**records[0], "layers": [{"name": name, "kind": "linear"} for name in names]}
    return [header, *records[1:]]


def committed(line):
    """How far the group's offset of the only partition has come; its end."""
    consumer = Consumer({"bootstrap.servers": line.brokers, "group.id": line.prefix})
    try:
        [partition] = consumer.committed([TopicPartition(line.telemetry, 0)], timeout=10)
        return partition.offset, consumer.get_watermark_offsets(partition, timeout=10)[1]
    finally:
        consumer.close()


def without_state(line):
    found = metrics(line.agent.url())
    return value(found, "trainward_runs_without_state", source=f"kafka:{line.telemetry}")


def test_a_snapshot_larger_than_the_state_topic_takes_costs_nobody_an_advisory(
        kafka, agents, tmp_path, test_name):
    """Its run is judged on, the offset goes on, and the next life judges it from its first record."""
    line = line_with_small_state(kafka, agents, tmp_path, test_name)
    all_runs = runs(6, steps=120, onset=90)
    for number in (1, 4):
        all_runs[number] = with_large_header(all_runs[number])
    line.agent.start()
    for run in all_runs:
        kafka.produce(line.telemetry, messages(run[:40]))
    line.wait_log(rf"run-[14].*cannot be saved: {test_name}\.state takes no message of \d+ bytes .raise "
                  r"its max\.message\.bytes")
    line.agent.wait_until(lambda: without_state(line) == 2, PATIENCE, "both are counted")
    line.agent.wait_until(lambda: len(set(committed(line))) == 1, PATIENCE, "the offset goes on")
    for run in all_runs:
        kafka.produce(line.telemetry, messages(run[40:80]))
    line.agent.wait_until(lambda: len(set(committed(line))) == 1, PATIENCE, "and on")
    assert line.log().count("cannot be saved") == 1
    assert "starting again" not in line.log()
    line.agent.kill9()
    for run in all_runs:
        kafka.produce(line.telemetry, messages(run[80:]))
    line.agent.start()
    line.wait_log("too large to be saved.* are judged anew, from offset 40")
    expected = line.finish()
    assert troubled(expected) == {f"run-{number}" for number in range(6)}
    assert "starting again" not in line.log()


def test_batches_that_the_state_topic_does_not_take_are_sent_in_parts(kafka, agents, tmp_path,
                                                                      test_name):
    """Each snapshot is small enough, and all of them together are not."""
    line = line_with_small_state(kafka, agents, tmp_path, test_name)
    all_runs = runs(40)
    kafka.produce(line.telemetry, messages(run[0] for run in all_runs))
    line.agent.start()
    kafka.produce(line.telemetry, [message for run in all_runs for message in messages(run[1:70])])
    line.agent.wait_until(lambda: len(set(committed(line))) == 1, PATIENCE, "all are saved")
    assert without_state(line) == 0
    line.agent.kill9()
    kafka.produce(line.telemetry, [message for run in all_runs for message in messages(run[70:])])
    line.agent.start()
    line.finish()
    assert re.search(r"40 runs restored", line.log())
    for words in ("cannot be saved", "judged anew", "starting again"):
        assert words not in line.log()


# ---- a disk that is full ----

@pytest.fixture
def small_disk(tmp_path):
    disk = SmallDisk(tmp_path / "disk")
    yield disk
    disk.close()


def test_a_full_disk_under_the_broker_is_told_and_costs_nothing(small_disk, agents, tmp_path,
                                                                test_name):
    kafka = Kafka(tmp_path / "kafka", LOGS, programs.BUILD, name="full-disk-kafka",
                  log_dirs=small_disk.folder / "log").start()
    try:
        line = Line(kafka, agents, tmp_path, test_name, partitions=1)
        line.agent.start()
        first, second = runs(2)
        stream = programs.EmitStream(line.brokers, line.telemetry)
        stream.send(jsons(first))
        line.wait_found()
        small_disk.fill(kafka)
        noise = os.urandom(1 << 18)

        def has_failed():
            if kafka.process.poll() is None:
                stream.send(jsons(second[:1]))
                subprocess.run(["kcat", "-P", "-b", kafka.brokers, "-t", f"{test_name}.charts",
                                "-X", "message.timeout.ms=1000"], input=noise.replace(b"\n", b" "),
                               capture_output=True)
            return kafka.process.poll() is not None
        wait_until(has_failed, PATIENCE, "the broker gives up")
        kafka.process = None
        line.wait_log("waiting: |starting again")
        stream.send(jsons(second))
        small_disk.clear()
        kafka.start()
        counts = stream.close()
        assert counts["lost"] == counts["dropped"] == 0
        line.finish()
    finally:
        kafka.stop()


# ---- a leader that goes ----

@pytest.fixture
def pair(tmp_path):
    """Two brokers; the first is the controller, too."""
    first = Kafka(tmp_path / "first", LOGS, programs.BUILD, name="pair-1", replication=2)
    second = Kafka(tmp_path / "second", LOGS, programs.BUILD, name="pair-2", first=first,
                   replication=2)
    first.launch()
    second.launch()
    try:
        first.wait_ready()
        second.wait_ready()
        wait_until(lambda: len(first.admin().list_topics(timeout=5).brokers) == 2, PATIENCE, "both")
        yield first, second
    finally:
        second.stop()
        first.stop()


def test_the_death_of_a_partitions_leader_costs_nothing(pair, agents, tmp_path, test_name):
    first, second = pair
    line = Line(first, agents, tmp_path, test_name, partitions=4,
                brokers=f"{first.brokers},{second.brokers}")
    assert "4 partitions, 2 replicas" in line.said
    line.agent.start()
    stream = programs.EmitStream(line.brokers, line.telemetry)
    all_runs = runs(8)
    for run in all_runs:
        stream.send(jsons(run[:40]))
    line.wait_log("4 are ours")
    assert second.node in first.topics()[line.telemetry].values(), "it leads some"
    second.kill9()
    for run in all_runs:
        stream.send(jsons(run[40:]))
    wait_until(lambda: set(first.topics()[line.telemetry].values()) == {first.node}, PATIENCE,
               "the other leads all")
    counts = stream.close()
    assert counts["lost"] == counts["dropped"] == 0
    line.wait_found(8)
    second.start()
    line.finish()


# ---- clocks that jump ----

DAY = 86_400


def test_a_clock_that_jumps_raises_no_alarm(line):
    """The agent's own clock leaps years ahead and back while it works."""
    library, clock = line.folder / "leaping_clock.so", line.folder / "clock"
    source = programs.TOP / "tests" / "tools" / "leaping_clock.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)

    def leap(seconds):
        (line.folder / "new-clock").write_text(str(seconds))
        os.replace(line.folder / "new-clock", clock)
    leap(0)
    line.agent.start(env={
        "LD_PRELOAD": str(library), "LEAPING_CLOCK": str(clock),
        "ASAN_OPTIONS": programs.ENVIRONMENT["ASAN_OPTIONS"] + ":verify_asan_link_order=0"})
    all_runs = [telemetry.healthy_run("healthy", steps=300), *runs(1)]
    records = messages(all_runs[0] + all_runs[1])
    records.insert(len(records) // 3, (b"k", b"garbage"))  # to have a line in the log
    leaps = [3 * 366 * DAY, -2 * 365 * DAY, 40 * DAY, -DAY]
    for part, seconds in enumerate(leaps):
        line.kafka.produce(line.telemetry, records[len(records) * part // len(leaps):
                                                   len(records) * (part + 1) // len(leaps)])
        time.sleep(1)
        leap(seconds)
        time.sleep(1)
    expected = line.finish(documents_of_runs(line.folder / "clean", all_runs))
    assert troubled(expected) == {"run-0"}
    assert f"\n{time.gmtime().tm_year + 3}-" in line.log(), "its clock did leap"


def troubled(documents):
    """The runs of which an episode is told."""
    told = [json.loads(document)["trainward"] for document in documents.values()]
    return {document["run"]["id"] for document in told if document["kind"] == "episode"}


def test_record_times_that_jump_raise_no_alarm(line):
    """A job whose clock was years off, was set right, and was set wrong again."""
    year = 365 * 86_400_000
    records = telemetry.healthy_run("healthy", steps=300)
    for number, record in enumerate(records):
        record["time"] += [0, -30 * year, 3 * year, -year, 0][number * 5 // len(records)]
    line.kafka.produce(line.telemetry, messages(records) + messages(runs(1)[0]))
    line.agent.start()
    expected = line.finish()
    assert troubled(expected) == {"run-0"}
