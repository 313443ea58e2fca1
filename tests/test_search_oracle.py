"""The oracle of the search sink: a long log of advisories and charts, some of which no index takes, is
delivered while agent and server are killed, indices are read-only and the server answers 429. In the
end every id is there once, none is missing, and the dead letters are exactly the poisoned ones.

`make -C build search-oracle` does it with 100,000 documents; TW_SEARCH_ORACLE_SEED repeats the blows."""

import collections
import copy
import json
import os
import random
import sys
import time
import urllib.error

import pytest

from services.process import wait_until
from support import chaos, programs

DOCUMENTS = int(os.environ.get("TW_SEARCH_ORACLE_DOCUMENTS", "3000"))
POISON_EVERY = 101
LIMIT = "network.breaker.inflight_requests.limit"


def advisory(number):
    return {"@timestamp": f"2026-{number % 12 + 1:02}-15T12:00:00.000Z",
            "event": {"kind": "alert", "action": "opened", "severity": 2, "id": f"{number:032x}"},
            "message": f"Divergence of run {number}", "labels": {"project": "oracle"},
            "trainward": {"kind": "episode", "run": {"id": f"run-{number % 97}", "attempt": "a"},
                          "episode_id": f"{number // 3:032x}", "transition": number % 3,
                          "step": number, "detector": "divergence", "scope": "run",
                          "severity": "warning", "state": "open", "suggestions": []}}


def chart(number):
    value = {"first": 1.0, "min": .5, "mean": 1.5, "max": 1e6, "last": 2.0, "count": 4, "nonfinite": 0}
    return {"@timestamp": "2026-07-15T12:00:00.000Z",
            "event": {"kind": "metric", "id": f"{number:032x}"},
            "trainward": {"kind": "chart", "run": {"id": f"run-{number % 97}", "attempt": "a"},
                          "pass": 0, "step": number, "first_step": number, "width": 1,
                          "signals": {"loss": value, "grad_norm": value}}}


def poisoned(document):
    made = copy.deepcopy(document)
    made["trainward"]["step"] = "far"
    return made


def write_logs(folder, random_):
    """{id: document} of the good ones by stream, and {id: document} of the poisoned."""
    good, poison = {"advisories": {}, "charts": {}}, {}
    for stream, make in (("advisories", advisory), ("charts", chart)):
        with open(folder / f"{stream}.jsonl", "w") as log:
            for number in range(DOCUMENTS // 2):
                # Ids of the two streams differ: they share the file of expected dead letters.
                document = make(number + (1 << 40 if stream == "charts" else 0))
                is_poison = random_.randrange(POISON_EVERY) == 0
                document = poisoned(document) if is_poison else document
                (poison if is_poison else good[stream])[document["event"]["id"]] = document
                log.write(json.dumps(document) + "\n")
    return good, poison


def dead_letters(state):
    return [json.loads(line)["document"] for path in (state / "dead-letters").glob("*.jsonl")
            for line in path.read_text().splitlines()]


class Blows:
    def __init__(self, seed, agent, server, prefix):
        self.random, self.agent, self.server, self.prefix = random.Random(seed), agent, server, prefix
        self.counts = collections.Counter()

    def setting(self, name, value):
        self.server.request("PUT", f"/{self.prefix}-*/_settings", {name: value})

    def kill_agent(self):
        chaos.restart_if_ended(self.agent)
        self.agent.kill9()
        self.agent.start()

    def kill_server(self):
        self.server.kill9()
        time.sleep(self.random.uniform(0, 1))
        self.server.start()

    def read_only(self):
        block = self.random.choice(["write", "read_only_allow_delete"])
        self.setting(f"index.blocks.{block}", True)
        time.sleep(self.random.uniform(.2, 1))
        self.setting(f"index.blocks.{block}", None)

    def overload(self):
        self.server.request("PUT", "/_cluster/settings", {"transient": {LIMIT: "2kb"}})
        time.sleep(self.random.uniform(.2, 1))
        self.server.request("PUT", "/_cluster/settings", {"transient": {LIMIT: None}})

    def deal(self, what):
        getattr(self, what)()
        self.counts[what] += 1


@pytest.mark.long
def test_every_id_is_there_once_and_the_dead_letters_are_the_poisoned(opensearch, agents, tmp_path,
                                                                      test_name, capsys):
    seed = os.environ.get("TW_SEARCH_ORACLE_SEED") or str(random.SystemRandom().randrange(10 ** 6))
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (tmp_path / "runs").mkdir()
    good, poison = write_logs(state, random.Random(seed))
    config = programs.write_config(tmp_path / "agent.yaml", {
        "state_dir": str(state), "sources": [{"directory": {"path": str(tmp_path / "runs")}}],
        "delivery": {"backoff_first": "50ms", "backoff_max": "500ms"},
        "http": {"listen": "none"},
        "sinks": [{"elasticsearch": {"name": "search", "urls": [opensearch.url],
                                     "index_prefix": test_name, "timeout": "10s"}}]})
    done = programs.trainward("setup", "elasticsearch", "--config", config)
    assert done.returncode == 0, done.stderr
    agent = agents(config).start()
    blows = Blows(seed, agent, opensearch, test_name)
    wanted = {stream: len(documents) for stream, documents in good.items()}

    def counted(pattern):
        try:
            opensearch.request("POST", f"/{pattern}/_refresh")
            return opensearch.request("GET", f"/{pattern}/_count")["count"]
        except urllib.error.HTTPError:
            return 0

    def is_done():
        chaos.restart_if_ended(agent)
        return (counted(f"{test_name}-advisories-*") >= wanted["advisories"] and
                counted(f"{test_name}-charts") >= wanted["charts"])
    kinds = ["kill_agent", "read_only", "overload", "kill_agent", "kill_server"]
    blows.random.shuffle(kinds)
    begun = time.monotonic()
    while not is_done() or len(blows.counts) < 4:
        blows.deal(kinds[sum(blows.counts.values()) % len(kinds)])
        time.sleep(blows.random.uniform(0, .5))
        if sum(blows.counts.values()) > 200:
            break
    wait_until(is_done, 300, f"all documents, seed {seed}\n{agent.log_tail()}")
    wait_until(lambda: {letter["event"]["id"] for letter in dead_letters(state)} >= set(poison), 60,
               "all dead letters")
    assert agent.stop() == 0
    seconds = time.monotonic() - begun

    advisories = opensearch.documents(f"{test_name}-advisories-*")
    charts = opensearch.documents(f"{test_name}-charts")
    assert advisories == good["advisories"] and charts == good["charts"], f"seed {seed}"
    last = {}
    for document in sorted(good["advisories"].values(), key=lambda one: one["trainward"]["transition"]):
        last[document["trainward"]["episode_id"]] = document
    assert opensearch.documents(f"{test_name}-runs") == last, f"seed {seed}"
    letters = dead_letters(state)
    assert {letter["event"]["id"]: letter for letter in letters} == poison, f"seed {seed}"
    # A kill between the letter and the cursor writes it again, and nothing else does.
    assert len(letters) - len(poison) <= 1024 * blows.counts["kill_agent"] // POISON_EVERY
    with capsys.disabled():
        print(f"search oracle: seed {seed}; {DOCUMENTS} documents of which {len(poison)} poisoned; "
              f"{dict(blows.counts)}; {seconds:.0f} s; {len(letters)} dead letters written",
              file=sys.stderr)
