"""Configurations of the agent for the tests, and what to compare when it is done."""

import json
import re

from support import programs
from support.notifying import AT_ONCE

# A dead consumer's partitions are given away after 1.5 s (default: 45 s), and a broker answers after
# 50 ms that there is nothing new (default: 500 ms): a killed agent is at work again soon.
QUICK = {"session.timeout.ms": 1500, "heartbeat.interval.ms": 400, "fetch.wait.max.ms": 50}

INDEX_PREFIX = "trainward-{}"


def kafka_config(folder, kafka, prefix, sinks=(), brokers=None, properties=None):
    """Kafka in, advisory log in Kafka; everything is called after `prefix`."""
    brokers, properties = brokers or kafka.brokers, {**QUICK, **(properties or {})}
    return {
        "state_dir": str(folder / "state"),
        "sources": [{"kafka": {"brokers": brokers, "topic": f"{prefix}.telemetry",
                               "group": prefix, "properties": dict(properties)}}],
        "advisory_log": {"kafka": {"brokers": brokers, "prefix": prefix,
                                   "properties": dict(properties)}},
        "delivery": {"backoff_first": "50ms", "backoff_max": "500ms"},
        "http": {"listen": "127.0.0.1:0"},
        "sinks": list(sinks),
    }


def search_sink(opensearch, prefix):
    return {"elasticsearch": {"name": "search", "urls": [opensearch.url],
                              "index_prefix": INDEX_PREFIX.format(prefix), "timeout": "10s"}}


def mail_sink(mail, recipient, **more):
    return {"email": {"name": "mail", "server": mail.url(), "tls": "none",
                      "from": "advisor@trainward.test", "to": [recipient],
                      "min_severity": "info", "timeout": "10s", **AT_ONCE, **more}}


def set_up_topics(config, *options):
    """`setup kafka`; returns what it said."""
    done = programs.trainward("setup", "kafka", "--config", config, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def documents_of_topic(kafka, topic, folder):
    """{event.id: document}: what an undisturbed analysis says of all that a topic holds."""
    runs = {}
    for key, value in kafka.read_all(topic):
        runs.setdefault(key.decode(), []).append(value)
    for run, values in runs.items():
        (folder / run).mkdir(parents=True)
        is_json = values[0][:1] == b"{"
        (folder / run / f"telemetry.{'jsonl' if is_json else 'cbor'}").write_bytes(
            (b"\n" if is_json else b"").join(values))
    return by_id(programs.documents_of(folder))


def event_id(document):
    return json.loads(document)["event"]["id"]


def by_id(documents):
    """{event.id: document}; the same id twice has to be the same bytes."""
    found = {}
    for document in documents:
        assert found.setdefault(event_id(document), document) == document, "two copies differ"
    return found


def episode_ids(documents):
    """The episodes that documents tell of: those are mailed."""
    return {json.loads(document)["trainward"]["episode_id"] for document in documents
            if json.loads(document)["trainward"]["kind"] == "episode"}


def advisories_in(kafka, prefix):
    """Every copy of every document of the advisory log."""
    return [value.decode() for _, value in kafka.read_all(f"{prefix}.advisories")]


def mailed_ids(mail, recipient):
    """{episode id: every copy of every mail that tells of it}."""
    found = {}
    for message in mail.messages(recipient):
        text = message.get_payload(0).get_payload(decode=True).decode()
        for episode in set(re.findall(r"\b[0-9a-f]{32}\b", text)):
            found.setdefault(episode, []).append(message)
    return found
