"""The oracle of several agents: 200 runs with known faults are sent to Kafka while agents are killed,
frozen, restarted, added and removed, and the broker is restarted. What stands in the advisory topic
at the end has to be exactly what an undisturbed analysis of the same records says: nothing missing,
nothing extra, copies identical.

TW_ORACLE_SEED repeats a sequence of blows; the clock still decides where exactly they land.
"""

import os
import random
import signal
import sys
import threading
import time

import pytest

from services.process import wait_until
from support import chaos, programs, telemetry
from support.agents import advisories_in, by_id, event_id, kafka_config

RUNS = 200
PARTITIONS = 8
FEED_SECONDS = 120
BLOWS = {"kill": 22, "restart": 7, "add": 7, "remove": 7, "freeze": 5, "reload": 4, "broker": 4}
AGENTS_MAX = 3
FREEZE_SECONDS = 3  # twice the session timeout: its partitions are taken meanwhile
CATCH_UP_SECONDS = 180


class Crowd:
    """Agents of one group, each with a configuration and a state directory of its own."""

    def __init__(self, seed, make_agent, kafka):
        self.random = random.Random(seed)
        self.make_agent, self.kafka = make_agent, kafka
        self.at_work, self.resting = [], []
        self.dealt = dict.fromkeys(BLOWS, 0)
        self.own_ends = 0

    def add(self):
        agent = self.resting.pop() if self.resting else self.make_agent()
        self.at_work.append(agent.start())

    def remove(self):
        agent = self.at_work.pop(self.random.randrange(len(self.at_work)))
        self.stop(agent)
        self.resting.append(agent)

    def stop(self, agent):
        chaos.restart_if_ended(agent)
        status = agent.stop()
        # One that has said nothing may not have come to taking signals.
        assert status == 0 or (status == -signal.SIGTERM and not agent.has_logged()), agent.log_tail()

    def keep_alive(self):
        for agent in self.at_work:
            self.own_ends += chaos.restart_if_ended(agent)

    def pause(self, shortest, longest):
        chaos.pause(self.random.uniform(shortest, longest), self.keep_alive)

    def blow(self, what):
        self.keep_alive()
        agent = self.random.choice(self.at_work)
        if what == "add" and len(self.at_work) == AGENTS_MAX:
            what = "remove"
        elif what == "remove" and len(self.at_work) == 1:
            what = "add"
        if what == "kill":
            agent.kill9()
        elif what == "restart":
            self.stop(agent)
        elif what == "add":
            self.add()
        elif what == "remove":
            self.remove()
        elif what == "freeze":
            agent.process.send_signal(signal.SIGSTOP)
            time.sleep(FREEZE_SECONDS)
            agent.process.send_signal(signal.SIGCONT)
        elif what == "reload":
            agent.process.send_signal(signal.SIGHUP)
        elif what == "broker":
            self.kafka.wait_ready()
            self.kafka.kill9()
            self.pause(0.2, 2)
            self.kafka.launch()  # the agents may meet it half awake
        self.dealt[what] += 1

    def rage(self):
        blows = [what for what, times in BLOWS.items() for _ in range(times)]
        self.random.shuffle(blows)
        for number, what in enumerate(blows):
            self.blow(what)
            # Some lives end while the agent still finds its feet, others while it works.
            self.pause(*((0.1, 0.6) if number % 3 == 0 else (1, 2.5)))


def write_runs(folder, runs):
    for run, records in runs.items():
        programs.write_run(folder / run, records, telemetry.to_json_lines, "telemetry.jsonl")
    return folder


@pytest.mark.long
def test_several_agents_lose_nothing_and_invent_nothing(kafka, agents, tmp_path, test_name, capsys):
    seed = os.environ.get("TW_ORACLE_SEED") or str(random.SystemRandom().randrange(10 ** 6))
    with capsys.disabled():
        print(f"\noracle of agents: seed {seed} (TW_ORACLE_SEED={seed} repeats it)", file=sys.stderr)

    def make_agent():
        number = len(list(tmp_path.glob("agent-*.yaml")))
        folder = tmp_path / f"agent-{number}"
        folder.mkdir()
        return agents(programs.write_config(tmp_path / f"agent-{number}.yaml",
                                            kafka_config(folder, kafka, test_name)))
    kafka.create_topics(f"{test_name}.telemetry", partitions=PARTITIONS)
    crowd = Crowd(seed, make_agent, kafka)
    first = make_agent()
    done = programs.trainward("setup", "kafka", "--config", first.config_path)
    assert done.returncode == 0, done.stderr

    runs = chaos.faulty_runs(RUNS)
    expected = by_id(programs.documents_of(write_runs(tmp_path / "runs", runs)))
    assert len(expected) >= 2 * RUNS, "the faults have to be found for the oracle to say anything"

    crowd.at_work.append(first.start())
    crowd.add()
    stream = programs.EmitStream(kafka.brokers, f"{test_name}.telemetry")
    feeder = threading.Thread(target=chaos.feed, args=(stream, runs, FEED_SECONDS, 0.25), daemon=True)
    feeder.start()
    crowd.rage()
    kafka.wait_ready()
    survivors = len(by_id(advisories_in(kafka, test_name)))
    # How many depends on the machine.
    assert survivors >= RUNS // 10, "the blows have to fall on agents that are at work"
    while feeder.is_alive():
        crowd.pause(0.1, 0.1)
    counts = stream.close()
    n_records = sum(map(len, runs.values()))
    assert (counts["dropped"], counts["lost"]) == (0, 0)
    assert counts["emitted"] >= n_records and counts["delivered"] == counts["emitted"]

    def missing():
        crowd.keep_alive()
        return set(expected) - set(map(event_id, advisories_in(kafka, test_name)))
    try:
        wait_until(lambda: not missing(), CATCH_UP_SECONDS, "the topic")
    except TimeoutError:
        left = missing()
        logs = "\n".join(agent.log_tail() for agent in crowd.at_work)
        pytest.fail(f"seed {seed}: {len(left)} of {len(expected)} are missing, "
                    f"{[expected[name] for name in sorted(left)[:3]]}\n{logs}")
    for agent in crowd.at_work:
        crowd.stop(agent)

    copies = advisories_in(kafka, test_name)
    assert by_id(copies) == expected, f"seed {seed}"
    with capsys.disabled():
        dealt = ", ".join(f"{what} {times}" for what, times in crowd.dealt.items())
        print(f"oracle of agents: {n_records} records of {len(runs)} runs; {sum(crowd.dealt.values())} "
              f"blows ({dealt}; {crowd.own_ends} agents ended for want of a broker); {len(expected)} "
              f"documents ({survivors} of them written during the blows) in {len(copies)} copies",
              file=sys.stderr)
