"""The whole line: a training that goes wrong, Kafka, the agent, and the advice in a real index and a
real mailbox."""

import json

from support import programs
from support.agents import (INDEX_PREFIX, advisories_in, by_id, episode_ids, kafka_config,
                            mail_sink, mailed_ids, search_sink)


def test_a_bad_learning_rate_reaches_index_and_mailbox(kafka, opensearch, mail, agents, tmp_path,
                                                       test_name):
    recipient = f"{test_name}@team.test"
    config = programs.write_config(tmp_path / "agent.yaml", kafka_config(
        tmp_path, kafka, test_name,
        [search_sink(opensearch, test_name), mail_sink(mail, recipient, inhibit=False)]))
    kafka.create_topics(f"{test_name}.telemetry", partitions=2)
    for target in ("kafka", "elasticsearch"):
        done = programs.trainward("setup", target, "--config", config)
        assert done.returncode == 0, done.stderr
    done = programs.trainward("check", "--config", config)
    assert done.returncode == 0, done.stderr
    agent = agents(config).start()

    trained = programs.run("trainward-train", *programs.bad_training(), "--run", "bad",
                           "--kafka", kafka.brokers, "--kafka-topic", f"{test_name}.telemetry",
                           "--project", "digits", timeout=120, cwd=tmp_path)
    assert trained.returncode == 1, trained.stdout + trained.stderr

    def run_is_over():
        return any(json.loads(document)["trainward"]["kind"] == "run"
                   for document in advisories_in(kafka, test_name))
    agent.wait_until(run_is_over, 60, "the run's end in the advisory log")
    written = by_id(advisories_in(kafka, test_name))
    episodes = episode_ids(written.values())
    pattern = INDEX_PREFIX.format(test_name) + "-advisories-*"
    agent.wait_until(lambda: set(opensearch.documents(pattern)) >= set(written), 30,
                     "every document in the index")
    agent.wait_until(lambda: set(mailed_ids(mail, recipient)) >= episodes, 30, "every mail")
    assert agent.stop() == 0

    indexed = opensearch.documents(pattern)
    assert indexed == {name: json.loads(text) for name, text in written.items()}
    opened = next(document for document in indexed.values()
                  if document["event"]["action"] == "opened")
    assert opened["trainward"]["detector"] in ("divergence", "overflow")
    assert opened["labels"]["project"] == "digits"
    advice = opened["trainward"]["suggestions"][0]
    assert advice["parameter"] == "learning_rate"
    arguments = programs.bad_training()
    rate = float(arguments[arguments.index("--learning-rate") + 1])
    assert advice["from"] == rate and 0 < advice["to"] < rate

    mails = mailed_ids(mail, recipient)
    assert set(mails) == episodes
    sent = mails[opened["trainward"]["episode_id"]][0]
    assert opened["trainward"]["detector"] in sent["Subject"]
    assert sent["From"] == "advisor@trainward.test"
    assert "learning_rate" in sent.get_payload(0).get_payload(decode=True).decode()

    # The present state: one document for the run, one for each episode, the last one each time.
    states = opensearch.documents(INDEX_PREFIX.format(test_name) + "-runs")
    run_states = [state for state in states.values() if state["trainward"]["kind"] == "run"]
    assert [state["trainward"]["status"] for state in run_states] == ["failed"]
    episode_states = {state["trainward"]["episode_id"]: state for state in states.values()
                      if state["trainward"]["kind"] == "episode"}
    last = {}
    for document in sorted(indexed.values(), key=lambda found: found["trainward"]["transition"]):
        if document["trainward"]["kind"] == "episode":
            last[document["trainward"]["episode_id"]] = document
    assert episode_states == last
