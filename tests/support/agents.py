"""Configurations of the agent for the tests, and what to compare when it is done."""

import json

# A dead consumer's partitions are given away after 1.5 s (default: 45 s), and a broker answers after
# 50 ms that there is nothing new (default: 500 ms): a killed agent is at work again soon.
QUICK = {"session.timeout.ms": 1500, "heartbeat.interval.ms": 400, "fetch.wait.max.ms": 50}

INDEX_PREFIX = "trainward-{}"


def kafka_config(folder, kafka, prefix, sinks=()):
    """Kafka in, advisory log in Kafka; everything is called after `prefix`."""
    return {
        "state_dir": str(folder / "state"),
        "sources": [{"kafka": {"brokers": kafka.brokers, "topic": f"{prefix}.telemetry",
                               "group": prefix, "properties": dict(QUICK)}}],
        "advisory_log": {"kafka": {"brokers": kafka.brokers, "prefix": prefix,
                                   "properties": dict(QUICK)}},
        "delivery": {"backoff_first": "50ms", "backoff_max": "500ms"},
        "sinks": list(sinks),
    }


def search_sink(opensearch, prefix):
    return {"elasticsearch": {"name": "search", "urls": [opensearch.url],
                              "index_prefix": INDEX_PREFIX.format(prefix), "timeout": "10s"}}


def mail_sink(mail, recipient, **more):
    return {"email": {"name": "mail", "server": mail.url(), "tls": "none",
                      "from": "advisor@trainward.test", "to": [recipient],
                      "min_severity": "info", "timeout": "10s", **more}}


def event_id(document):
    return json.loads(document)["event"]["id"]


def by_id(documents):
    """{event.id: document}; the same id twice has to be the same bytes."""
    found = {}
    for document in documents:
        assert found.setdefault(event_id(document), document) == document, "two copies differ"
    return found


def episode_ids(documents):
    """The event ids of the documents that tell of an episode: those are mailed."""
    return {event_id(document) for document in documents
            if json.loads(document)["trainward"]["kind"] == "episode"}


def advisories_in(kafka, prefix):
    """Every copy of every document of the advisory log."""
    return [value.decode() for _, value in kafka.read_all(f"{prefix}.advisories")]


def mailed_ids(mail, recipient):
    """{event.id: every copy of its mail}."""
    found = {}
    for message in mail.messages(recipient):
        found.setdefault(message["Message-ID"].strip("<>").split("@")[0], []).append(message)
    return found
