"""The agent's Kafka feed: how runs are saved while they are judged, restored, and given from one agent
to another, and that nothing is lost or made up whenever the agent ends. What is expected comes from an
undisturbed analysis of what the topic holds."""

import json
import re
import signal
import struct
import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from services.process import wait_until
from support import programs, telemetry
from support.agents import (advisories_in, by_id, documents_of_topic, kafka_config, set_up_topics)

PATIENCE = 60
LATER = {"snapshot_age": "1h", "interval": "60s"}  # nothing is saved but at the end
AT_ONCE = {"snapshot_age": "0s", "interval": "0.1s"}


def saved_places(kafka, prefix):
    """[(run, position)] of every snapshot of the state topic, as they were written."""
    topic, found = f"{prefix}.state", []
    consumer = Consumer({"bootstrap.servers": kafka.brokers, "group.id": "tests-state",
                         "enable.auto.commit": False})
    for number in consumer.list_topics(topic, timeout=30).topics[topic].partitions:
        partition = TopicPartition(topic, number, 0)
        start, end = consumer.get_watermark_offsets(partition, timeout=30)
        consumer.assign([partition] if start < end else [])
        while start < end:
            message = consumer.poll(30)
            assert message is not None and not message.error()
            start = message.offset() + 1
            if not message.key():  # the note that the partition is in use
                continue
            _, offset, index, _ = struct.unpack("<qqII", dict(message.headers())["place"])
            found.append((message.key().decode(), (offset, index)))
    consumer.close()
    return found


class Line:
    def __init__(self, kafka, agents, folder, prefix, partitions=2, checkpoint=None, **more):
        self.kafka, self.agents, self.folder, self.prefix = kafka, agents, folder, prefix
        self.telemetry = f"{prefix}.telemetry"
        self.checkpoint, self.more = checkpoint, more
        set_up_topics(self.config(), "--partitions", partitions)

    def config(self, name="agent", properties=None, **more):
        config = kafka_config(self.folder / name, self.kafka, self.prefix, properties=properties)
        config.update(self.more, **more)
        if self.checkpoint:
            config["checkpoint"] = self.checkpoint
        return programs.write_config(self.folder / f"{name}.yaml", config)

    def agent(self, name="agent", **more):
        return self.agents(self.config(name, **more)).start()

    def send(self, records):
        self.kafka.produce(self.telemetry, [
            (record["run"].encode(), telemetry.to_json(record).encode()) for record in records])

    def delete_before(self, offset):
        """As retention does; of partition 0."""
        admin = self.kafka.admin()  # it has to outlive its futures
        for future in admin.delete_records([TopicPartition(self.telemetry, 0, offset)]).values():
            future.result(30)

    def found(self):
        return by_id(advisories_in(self.kafka, self.prefix))

    def expected(self, name="expected"):
        return documents_of_topic(self.kafka, self.telemetry, self.folder / name)

    def finish(self, *agents):
        """What the topic tells of is found, nothing else is, and the agents end well."""
        expected = self.expected()
        assert expected
        agents[0].wait_until(lambda: set(self.found()) >= set(expected), PATIENCE,
                             "every advisory")
        for agent in agents:
            assert agent.stop() == 0
        assert self.found() == expected


@pytest.fixture
def line(kafka, agents, tmp_path, test_name):
    return lambda **more: Line(kafka, agents, tmp_path, test_name, **more)


def runs(n=6, steps=300, onset=200):
    """Every other one recovers from its infinities."""
    makes = [telemetry.nan_run, telemetry.nan_recovers_run]
    return [makes[i % 2](f"run-{i}", onset=onset + 7 * i, steps=steps) for i in range(n)]


def parts(runs, *bounds):
    """The runs' records from one bound to the next, side by side."""
    for first, last in zip((0, *bounds), (*bounds, None)):
        longest = max(len(run[first:last]) for run in runs)
        yield [run[first:last][i] for i in range(longest) for run in runs
               if i < len(run[first:last])]


def restored(agent):
    return [int(n) for n in re.findall(r"(\d+) runs restored", agent.log_path.read_text())]


def wait_restored(agent, lives):
    agent.wait_until(lambda: len(restored(agent)) >= lives, PATIENCE, f"start number {lives}")


# ---- saving ----

@pytest.mark.parametrize("checkpoint", [LATER, AT_ONCE, {"snapshots_per_second": 2}])
def test_an_agent_that_is_killed_in_the_middle_loses_nothing(line, checkpoint):
    """With nothing saved, with everything saved, and with some runs saved and others not."""
    line = line(checkpoint=checkpoint)
    first, second, third, last = parts(runs(), 150, 215, 260)
    agent = line.agent()
    wait_restored(agent, 1)
    for lives, part in ((2, first), (3, second), (4, third)):
        seen = len(saved_places(line.kafka, line.prefix))
        line.send(part)
        if checkpoint is not LATER:
            agent.wait_until(lambda: len(saved_places(line.kafka, line.prefix)) > seen, PATIENCE,
                             "a snapshot")
        elif lives == 3:  # past the onset of some: their advisories come again
            agent.wait_until(line.found, PATIENCE, "an advisory")
        agent.kill9()
        agent.start()
        wait_restored(agent, lives)
    saved = len(saved_places(line.kafka, line.prefix))
    assert (saved == 0) == (checkpoint is LATER)
    assert restored(agent)[0] == 0
    assert (restored(agent)[-1] > 0) == (checkpoint is not LATER)
    line.send(last)
    line.finish(agent)


def test_what_is_idle_is_saved_soon_and_its_offset_committed(line):
    line = line()
    agent = line.agent()
    first, last = parts(runs(), 250)
    line.send(first)

    def is_committed():
        consumer = Consumer({"bootstrap.servers": line.kafka.brokers, "group.id": line.prefix})
        partitions = [TopicPartition(line.telemetry, i) for i in range(2)]
        offsets = [partition.offset for partition in consumer.committed(partitions, timeout=10)]
        ends = [consumer.get_watermark_offsets(partition, timeout=10)[1]
                for partition in partitions]
        consumer.close()
        return all(offset == end or (offset < 0 and end == 0)
                   for offset, end in zip(offsets, ends))
    agent.wait_until(is_committed, PATIENCE, "the ends committed")
    newest = dict(saved_places(line.kafka, line.prefix))
    assert set(newest) == {f"run-{i}" for i in range(6)}
    agent.kill9()
    agent.start()
    wait_restored(agent, 2)
    assert restored(agent)[-1] == 6
    line.send(last)
    line.finish(agent)


def test_a_state_topic_that_is_made_anew_is_filled_from_the_telemetry(line):
    """What was told before comes again as copies (`found`)."""
    line = line()
    first, last = parts(runs(), 250)
    agent = line.agent()
    line.send(first)
    agent.wait_until(line.found, PATIENCE, "an advisory")
    assert agent.stop() == 0
    state = f"{line.prefix}.state"
    line.kafka.delete_topics(state)
    wait_until(lambda: state not in line.kafka.topics(), PATIENCE, "no state topic")
    set_up_topics(line.config())
    line.send(last)
    agent.start()
    line.finish(agent)
    agent.start()
    wait_restored(agent, 3)
    assert agent.stop() == 0
    assert agent.log_path.read_text().count("the state topic is new") == 2  # once a partition


def test_a_partition_that_never_had_a_run_is_no_lost_state(line):
    line = line()
    agent = line.agent()
    line.kafka.produce(line.telemetry, [(b"key", b"no telemetry")])
    agent.wait_until(lambda: "ends inside a record" in agent.log_path.read_text(), PATIENCE,
                     "a dead letter")
    assert agent.stop() == 0
    agent.start()
    wait_restored(agent, 2)
    assert agent.stop() == 0
    assert "the state topic is new" not in agent.log_path.read_text()


def test_the_end_saves_all(line):
    line = line(checkpoint=LATER)
    agent = line.agent()
    first, last = parts(runs(), 250)
    line.send(first)
    agent.wait_until(line.found, PATIENCE, "an advisory")
    assert agent.stop() == 0
    assert {run for run, _ in saved_places(line.kafka, line.prefix)} == {
        f"run-{i}" for i in range(6)}
    agent.start()
    line.send(last)
    line.finish(agent)


# ---- restoring ----

def test_state_of_other_thresholds_is_rebuilt_from_the_runs_first_message(line):
    line = line(checkpoint=AT_ONCE)
    agent = line.agent()
    first, last = parts(runs(), 180)
    line.send(first)
    agent.wait_until(lambda: len(dict(saved_places(line.kafka, line.prefix))) == 6, PATIENCE,
                     "snapshots")
    assert agent.stop() == 0
    agent = line.agent("other", detectors={"converged": {"budget_used": 0.95}})
    wait_restored(agent, 1)
    assert "judged anew, from offset 0" in agent.log_tail()
    assert "first records are gone" not in agent.log_tail()
    line.send(last)
    # The threshold changes nothing of what is found here, only the digest.
    line.finish(agent)


def test_what_retention_has_deleted_is_said(line):
    line = line(checkpoint=AT_ONCE, partitions=1)
    agent = line.agent()
    first, last = parts(runs(n=1, steps=40, onset=10_000), 30)
    line.send(first)
    agent.wait_until(lambda: saved_places(line.kafka, line.prefix), PATIENCE, "a snapshot")
    assert agent.stop() == 0
    line.delete_before(20)
    agent = line.agent("other", detectors={"converged": {"budget_used": 0.95}})
    wait_restored(agent, 1)
    assert "the saved state of 1 runs does not fit and their first records are gone" in \
        agent.log_tail()
    line.send(last)
    agent.wait_until(line.found, PATIENCE, "the run's end")
    end = [json.loads(document)["trainward"] for document in line.found().values()][-1]
    assert end["kind"] == "run"
    assert end["not_checked"]
    for entry in end["not_checked"]:
        assert entry["reason"].startswith("state lost, and the first records are gone: ")
    assert agent.stop() == 0


def test_messages_that_were_deleted_before_they_were_read_are_counted(line):
    line = line(checkpoint=AT_ONCE, partitions=1)
    agent = line.agent()
    first, middle, last = parts(runs(n=1), 100, 150)
    line.send(first)
    agent.wait_until(lambda: (f"run-0", (100, 0)) in saved_places(line.kafka, line.prefix),
                     PATIENCE, "the last snapshot")
    assert agent.stop() == 0
    line.send(middle)
    line.delete_before(120)
    agent.start()
    wait_restored(agent, 2)
    assert "partition 0: 20 messages were deleted from the topic before they were read" in \
        agent.log_tail()
    assert agent.stop() == 0


# ---- several agents ----

def test_a_stopped_agent_that_wakes_overwrites_nothing(line):
    """It has unsaved runs in hand, and another agent has gone on with them meanwhile."""
    line = line(checkpoint={"interval": "5s"})
    first, second, last = parts(runs(), 100, 250)
    asleep = line.agent("asleep")
    wait_restored(asleep, 1)
    line.send(first)
    asleep.wait_until(lambda: saved_places(line.kafka, line.prefix), PATIENCE, "a snapshot")
    line.send(second[:60])
    time.sleep(1)  # read, and in memory only
    asleep.process.send_signal(signal.SIGSTOP)
    other = line.agent("other")
    wait_restored(other, 1)
    line.send(second[60:])
    other.wait_until(
        lambda: min(dict(saved_places(line.kafka, line.prefix)).values())[0] > 200, PATIENCE,
        "newer snapshots")
    asleep.process.send_signal(signal.SIGCONT)
    asleep.wait_until(lambda: re.search("partitions lost|taken our partitions", asleep.log_tail()),
                      PATIENCE, "the loss")
    line.send(last)
    line.finish(other, asleep)
    newest = {}
    for run, place in saved_places(line.kafka, line.prefix):
        assert place >= newest.get(run, place), f"{run}: {place} written behind {newest[run]}"
        newest[run] = place


def test_two_agents_share_the_partitions_and_one_goes_on_alone(line):
    line = line(partitions=4)
    first, second, third, last = parts(runs(n=12), 100, 200, 250)
    one = line.agent("one")
    wait_restored(one, 1)
    line.send(first)
    two = line.agent("two")
    wait_restored(two, 1)
    line.send(second)
    one.wait_until(lambda: "2 partitions given back, 2 are ours" in one.log_tail(), PATIENCE,
                   "half the partitions given")
    line.send(third)
    one.kill9()
    two.wait_until(lambda: "4 are ours" in two.log_tail(), PATIENCE, "all partitions")
    line.send(last)
    line.finish(two)


# ---- starting ----

def test_an_agent_waits_for_its_broker(line, kafka):
    line = line()
    first, last = parts(runs(), 250)
    line.send(first)
    kafka.stop()
    agent = line.agent()
    try:
        agent.wait_until(lambda: "waiting for the brokers: " in agent.log_tail(), PATIENCE, "a word")
        assert "watching" not in agent.log_tail()
    finally:
        kafka.start()
    line.send(last)
    line.finish(agent)


def test_two_topics_in_one_file_are_refused(tmp_path):
    source = {"kafka": {"brokers": "localhost:1", "topic": "one"}}
    config = programs.write_config(tmp_path / "agent.yaml", {
        "state_dir": str(tmp_path), "sources": [source, {"kafka": {**source["kafka"], "topic": "two"}}]})
    done = programs.trainward("check", "--offline", "--config", config)
    assert done.returncode != 0
    assert "one agent reads one Kafka topic, and here are 2" in done.stdout + done.stderr
