"""The oracle of notifications: runs go wrong while the mail server fails in every way and the agent is
killed again and again. At the end everybody who can be told of an episode has been, nobody else, and
a mail has come twice only where the connection died after DATA, or the agent did, as the same mail:
to one recipient for each death.

TW_ORACLE_SEED repeats a sequence of blows; TW_NOTIFY_RUNS and TW_NOTIFY_BLOWS make it larger
(`make check-notify-oracle`). TW_NOTIFY_TRANSPORT is the mail transport, curl unless set.
"""

import collections
import email
import json
import os
import random
import re
import sys
import time

import pytest

from services.faulty_mail import FaultyMail
from services.process import wait_until
from support import chaos
from support.notifications import HELPER
from support.notifying import bad_run, write

RUNS = int(os.environ.get("TW_NOTIFY_RUNS", 12))
BLOWS = int(os.environ.get("TW_NOTIFY_BLOWS", 9))
PROJECTS = 5
TOLD = ("a@team.test", "b@team.test", "c@team.test")
TRANSPORT = os.environ.get("TW_NOTIFY_TRANSPORT", "curl")


@pytest.fixture
def server(tmp_path):
    made = FaultyMail(tmp_path / "tls").start()
    yield made
    made.stop()


def episodes_of(place):
    """{episode: whether it is open}, of the advisory log."""
    found = {}
    log = place / "state" / "advisories.jsonl"
    for line in log.read_text().splitlines() if log.exists() else []:
        document = json.loads(line)
        if document["trainward"]["kind"] == "episode":
            found[document["trainward"]["episode_id"]] = document["event"]["action"] in (
                "opened", "escalated")
    return found


def told_in(server):
    """{recipient: episodes that it was told of}"""
    found = collections.defaultdict(set)
    with server.lock:
        for _, recipient, content, _ in server.taken:
            for part in email.message_from_bytes(content).walk():
                if part.get_content_type() == "text/plain":
                    text = part.get_payload(decode=True).decode()
                    found[recipient] |= set(re.findall(r"\b[0-9a-f]{32}\b", text))
    return found


def bytes_of(content):
    """Without what the server added."""
    return b"\n".join(line for line in content.splitlines() if not line.startswith(b"X-"))


def check_copies(server, kills):
    """How many came twice, by why."""
    first, reasons = {}, collections.Counter()
    for name, recipient, content, is_heard in server.taken:
        copy = first.get((name, recipient))
        if copy is None:
            first[name, recipient] = [content, is_heard]
            continue
        assert bytes_of(copy[0]) == bytes_of(content), f"two mails are called {name}"
        reasons["the connection died after DATA" if not copy[1] else "the agent died"] += 1
        copy[1] = is_heard
    assert reasons["the agent died"] <= kills
    return reasons


def mail_sink(server, to, **more):
    return {"email": {
        "name": "mail", "server": server.url(), "tls": "required", "from": "advisor@trainward.test",
        "to": to, "ca_file": str(server.ca), "timeout": "5s", "transport": TRANSPORT,
        "esmtp_helper": str(HELPER), "min_severity": "info", "group_wait": "300ms",
        "max_per_hour": 0, **more}}


def test_who_has_a_mail_does_not_get_it_again_when_the_agent_dies(server, agents, tmp_path):
    server.greylists, server.holds = False, True
    people = ["a@team.test", "perm@team.test", "hold@team.test", "b@team.test"]
    bad_run(tmp_path / "runs" / "r1", "r1")
    agent = agents(write(tmp_path, mail_sink(server, people))).start()
    agent.wait_until(lambda: server.asked["hold@team.test"], 60, "the third of four")
    agent.kill9()
    server.holds = False
    agent.start()
    agent.wait_until(lambda: server.asked["b@team.test"], 60, "the last")
    assert agent.stop() == 0
    assert collections.Counter(recipient for _, recipient, *_ in server.taken) == {
        "a@team.test": 1, "hold@team.test": 1, "b@team.test": 1}
    assert server.asked["perm@team.test"] == 1
    assert agent.log_text().count("does not reach perm@team.test") == 1


@pytest.mark.long
def test_every_episode_is_told_once_whatever_fails(server, agents, tmp_path, capsys):
    seed = os.environ.get("TW_ORACLE_SEED") or str(random.SystemRandom().randrange(10 ** 6))
    with capsys.disabled():
        print(f"\nnotify oracle: seed {seed} (TW_ORACLE_SEED={seed} repeats it)", file=sys.stderr)
    dice = random.Random(seed)
    config = write(tmp_path, mail_sink(server, [*TOLD, "perm@team.test"], inhibit=False,
                                       group_by=["project"], group_interval="1s",
                                       repeat_interval="0s"))
    agent = agents(config).start()
    kills, modes = 0, collections.Counter()
    runs = iter(range(RUNS))
    for blow in range(BLOWS):
        for _ in range(-(-RUNS // BLOWS)):
            number = next(runs, None)
            if number is not None:
                bad_run(tmp_path / "runs" / f"r{number}", f"r{number}",
                        dice.choice(["divergence_critical", "overflow_nan"]),
                        project=f"p{dice.randrange(PROJECTS)}")
        mode = server.MODES[blow % len(server.MODES)] if blow < len(server.MODES) else \
            dice.choice(server.MODES)
        modes[mode] += 1
        server.be(mode)
        time.sleep(dice.uniform(.3, 2.5))
        if dice.random() < .6:
            chaos.restart_if_ended(agent)
            agent.kill9()
            kills += 1
            agent.start()
    server.be("fine")

    def all_told():
        chaos.restart_if_ended(agent)
        wanted = {episode for episode, is_open in episodes_of(tmp_path).items() if is_open}
        told = told_in(server)
        return len(wanted) >= RUNS and all(told[recipient] >= wanted for recipient in TOLD)
    try:
        wait_until(all_told, 240, "everybody to be told")
    except TimeoutError:
        wanted = {episode for episode, is_open in episodes_of(tmp_path).items() if is_open}
        told = told_in(server)
        pytest.fail(f"seed {seed}: of {len(wanted)} episodes are missing " + str(
            {recipient: len(wanted - told[recipient]) for recipient in TOLD}) + agent.log_tail())
    assert agent.stop() == 0
    told = told_in(server)
    assert set(told) == set(TOLD), f"seed {seed}"
    for recipient in TOLD:
        assert told[recipient] <= set(episodes_of(tmp_path)), f"seed {seed}: invented"
    copies = check_copies(server, kills)
    assert not (tmp_path / "state" / "dead-letters" / "mail.jsonl").exists() or \
        not (tmp_path / "state" / "dead-letters" / "mail.jsonl").read_text()
    with capsys.disabled():
        print(f"notify oracle: {RUNS} runs, {len(episodes_of(tmp_path))} episodes; server "
              f"{dict(modes)}, agent killed {kills} times; "
              f"{len({name for name, *_ in server.taken})} mails, copies: {dict(copies)}",
              file=sys.stderr)
