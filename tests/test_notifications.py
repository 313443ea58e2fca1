"""Who is told what, by the commands that people use, with the log in a file and in Kafka."""

import json
import re
import shlex
import types
import urllib.request

import pytest

from services.process import free_port
from support import programs, telemetry
from support.agents import kafka_config, set_up_topics
from support.notifying import bad_run, hook, write


def alerts_of(receiver):
    """{(run, status)}: what was told."""
    return {(alert["run_name"], alert["status"]) for body in receiver.bodies()
            for alert in body["alerts"] + body.get("others", [])}


def command(*arguments, status=0):
    done = programs.trainward(*arguments)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def programs_status(agent):
    with urllib.request.urlopen(f"{agent.url()}/-/status", timeout=30) as answer:
        return json.load(answer)


def programs_status_runs(agent):
    return [episode["run"] for episode in programs_status(agent)["episodes"]["first"]]


def open_in_status(agent):
    """{episode: its run}, as the agent lists them; its metrics and its text agree."""
    status = programs_status(agent)
    with urllib.request.urlopen(f"{agent.url()}/metrics", timeout=30) as answer:
        counted = sum(float(line.split()[-1]) for line in answer.read().decode().splitlines()
                      if line.startswith("trainward_open_episodes{"))
    found = {episode["episode"]: episode["run"] for episode in status["episodes"]["first"]}
    assert len(found) == status["episodes"]["open"]
    return found if counted == len(found) else None  # they are not of one moment


def test_a_silence_holds_without_a_reload_and_over_a_restart(receiver, agents, tmp_path):
    config = write(tmp_path, hook(receiver))
    done = command("silence", "--config", config, "add", "--run", "quiet-*", "--for", "2h",
                   "--reason", "known", "--author", "ada")
    name = re.match(r"([0-9a-f]{16}): quiet until", done.stdout).group(1)
    agent = agents(config).start()
    bad_run(tmp_path / "runs" / "quiet-1", "quiet-1")
    bad_run(tmp_path / "runs" / "loud-1", "loud-1")
    agent.wait_until(lambda: ("loud-1", "firing") in alerts_of(receiver), 60, "what is not quiet")
    listed = command("silence", "--config", config, "list").stdout
    assert name in listed and "run=quiet-*" in listed and "active" in listed and "ada" in listed
    agent.kill9()
    agent.start()
    command("silence", "--config", config, "add", "--run", "third", "--for", "1h",
            "--reason", "while it runs")
    bad_run(tmp_path / "runs" / "third", "third")
    bad_run(tmp_path / "runs" / "loud-2", "loud-2")
    agent.wait_until(lambda: ("loud-2", "firing") in alerts_of(receiver), 60, "what is not quiet")
    assert {run for run, _ in alerts_of(receiver)} == {"loud-1", "loud-2"}
    command("silence", "--config", config, "expire", name)
    agent.wait_until(lambda: ("quiet-1", "firing") in alerts_of(receiver), 60, "what was silenced")
    assert "third" not in {run for run, _ in alerts_of(receiver)}
    states = {silence["reason"]: silence["state"] for silence in map(json.loads, command(
        "silence", "--config", config, "list", "--all", "--format", "json").stdout.splitlines())}
    assert states == {"known": "over", "while it runs": "active"}


@pytest.mark.parametrize("arguments, what", [
    (["add", "--for", "2h", "--reason", "x"], "say what to be quiet about"),
    (["add", "--run", "r", "--reason", "x"], "say how long"),
    (["add", "--run", "r", "--for", "soon", "--reason", "x"], "not a duration"),
    (["add", "--run", "r", "--for", "2h"], "say why"),
    (["add", "--run", "r", "--end", "2001-01-01T00:00:00Z", "--reason", "x"], "over already"),
    (["expire"], "name a silence"),
    (["expire", "0123"], "no such silence"),
    (["extend"], "expected 'add'"),
])
def test_what_is_wrong_with_a_silence_is_said(tmp_path, arguments, what):
    config = write(tmp_path)
    assert what in command("silence", "--config", config, *arguments, status=2).stderr


def test_commands_of_a_notification_work_where_they_are_pasted(receiver, agents, tmp_path):
    config = write(tmp_path, hook(receiver))
    name = "exp[lr=0.1] *(x) \\ it's"
    bad_run(tmp_path / "runs" / "r1", name, project="vision*")
    agent = agents(config).start()
    agent.wait_until(receiver.bodies, 60, "a notification")
    body = receiver.bodies()[0]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def paste(text):
        program, *words = shlex.split(text)
        assert program == "trainward"
        return programs.trainward(*words, cwd=elsewhere, env={"XDG_STATE_HOME": str(elsewhere)})
    for text in (body["alerts"][0]["silence_command"], body["footer"]["silence_command"]):
        done = paste(text)
        assert done.returncode == 0, done.stderr
    listed = [json.loads(line) for line in command(
        "silence", "--config", config, "list", "--format", "json").stdout.splitlines()]
    assert len(listed) == 2 and not list(elsewhere.iterdir())
    done = paste(done.stdout.split("this ends it: ")[1])
    assert done.returncode == 0, done.stderr
    assert paste(body["alerts"][0]["feedback_command"]).returncode == 0


def test_no_silence_is_left_where_no_agent_looks(tmp_path):
    words = ["--run", "r", "--for", "2h", "--reason", "x"]
    home = {"XDG_STATE_HOME": str(tmp_path)}
    for arguments in (["add", *words], ["add", *words, "--config", "/dev/null"],
                      ["expire", "0123456789abcdef"]):
        done = programs.trainward("silence", *arguments, env=home)
        assert done.returncode == 2 and "no agent keeps its log there" in done.stderr
        assert "--config FILE" in done.stderr and not list(tmp_path.iterdir())
    state = tmp_path / "trainward"
    state.mkdir()
    (state / "advisories.jsonl").touch()  # an agent without a configuration has been here
    assert programs.trainward("silence", "add", *words, env=home).returncode == 0
    assert (state / "silences.json").exists()


def test_brokers_that_are_away_have_not_said_that_there_is_no_such_episode(tmp_path, test_name):
    away = types.SimpleNamespace(brokers=f"127.0.0.1:{free_port()}")
    config = programs.write_config(tmp_path / "agent.yaml", kafka_config(tmp_path, away, test_name))
    said = command("feedback", "--config", config, "0" * 32, "false-alarm", status=2).stderr
    assert "cannot read the advisory log" in said and away.brokers in said, said
    assert "no such episode" not in said


def test_a_false_alarm_is_closed_for_everybody(receiver, agents, tmp_path):
    config = write(tmp_path, hook(receiver, routes=[
        {"name": "vision", "match": {"project": "vision"}, "continue": True},
        {"name": "all"}]), {"terminal": {"stream": "stderr"}})
    bad_run(tmp_path / "runs" / "r1", "r1", project="vision")
    bad_run(tmp_path / "runs" / "r2", "r2", project="other")
    agent = agents(config).start()
    agent.wait_until(lambda: {body["route"] for body in receiver.bodies()} == {"vision", "all"},
                     60, "both routes")
    episode = next(alert["episode_id"] for body in receiver.bodies() for alert in body["alerts"]
                   if alert["run_name"] == "r1")
    agent.wait_until(lambda: set((open_in_status(agent) or {}).values()) == {"r1", "r2"}, 30,
                     "both episodes")
    assert episode[:12] in command("status", "--url", agent.url()).stdout
    assert "no such episode" in command("feedback", "--config", config, "0" * 32, "false-alarm",
                                        status=2).stderr
    for _ in range(2):  # said twice, it is one
        command("feedback", "--config", config, episode[:12], "false-alarm", "--author", "ada",
                "--comment", "warm-up\nof a kind")
        agent.wait_until(lambda: not list((tmp_path / "state" / "feedback").glob("*.json")), 30,
                         "the agent to take it")

    def of_vision():
        return [body for body in receiver.bodies() if body["group_labels"] == {"project": "vision"}]
    agent.wait_until(lambda: len([body for body in of_vision()
                                  if body["alerts"][0]["status"] == "false-alarm"]) >= 2,
                     60, "both routes")
    assert of_vision()[-1]["is_resolved"]
    assert of_vision()[-1]["alerts"][0]["comment"] == "warm-up\nof a kind"
    threads = {(body["route"], body["thread_id"]) for body in of_vision()}
    assert len(threads) == 2

    def told():
        documents = map(json.loads, (tmp_path / "state" / "advisories.jsonl").read_text()
                        .splitlines())
        return [document for document in documents if document["trainward"]["kind"] == "feedback"]
    assert len(told()) == 1
    document = told()[0]
    assert document["trainward"]["feedback"]["author"] == "ada"
    assert document["trainward"]["state"] == "false_alarm"
    agent.wait_until(lambda: "FALSE-ALARM" in agent.log_text(), 30, "the terminal")
    status = command("status", "--url", agent.url()).stdout
    assert re.search(r"feedback: 1 false alarms, 0 useful", status)

    def is_closed():
        found = open_in_status(agent)
        return found is not None and list(found.values()) == ["r2"]
    agent.wait_until(is_closed, 30, "the agent's own list")
    n = len(of_vision())
    assert agent.stop() == 0
    agent.start()
    agent.log_path.write_text("")  # url() is the last one's
    agent.wait_until(is_closed, 30, "the list after a restart")
    agent.kill9()
    agent.start()
    agent.log_path.write_text("")
    agent.wait_until(is_closed, 30, "the list after a kill")
    command("feedback", "--config", config, episode, "useful")
    agent.wait_until(lambda: len(told()) == 2, 30, "the second opinion")
    assert agent.stop() == 0
    assert len(of_vision()) == n


def test_nothing_is_told_twice_after_kills(receiver, agents, tmp_path):
    config = write(tmp_path, hook(receiver, group_by=["run"], repeat_interval="0s"))
    agent = agents(config).start()
    for number in range(6):
        bad_run(tmp_path / "runs" / f"r{number}", f"r{number}")
        agent.wait_until(lambda: (f"r{number}", "firing") in alerts_of(receiver), 60, "it")
        agent.kill9()
        agent.start()
    bad_run(tmp_path / "runs" / "last", "last")
    agent.wait_until(lambda: ("last", "firing") in alerts_of(receiver), 60, "the last")
    by_id = {}
    for body in receiver.bodies():
        assert by_id.setdefault(body["id"], body) == body
    told = [alert["episode_id"] for body in by_id.values() for alert in body["alerts"]]
    assert len(told) == len(set(told))


def test_a_full_mailbox_keeps_no_news_from_the_others(mail, agents, tmp_path, test_name):
    inbox = f"{test_name}@y.test"
    config = write(tmp_path, {"email": {
        "server": mail.url(), "from": "trainward@y.test", "to": ["full@y.test", inbox],
        "group_by": ["all"], "group_wait": "0s", "group_interval": "1s", "max_per_hour": 0}})
    agent = agents(config).start()
    for number in (1, 2):
        bad_run(tmp_path / "runs" / f"r{number}", f"r{number}")
        agent.wait_until(lambda: len(mail.messages(inbox)) >= number, 60, f"mail {number}")


# ---- several agents ----

def kafka_agents(kafka, tmp_path, test_name, sink, n=2):
    """Configurations of agents that share a group, and the prefix of their topics."""
    made = []
    for number in range(n):
        folder = tmp_path / f"agent-{number}"
        folder.mkdir()
        made.append(programs.write_config(folder / "agent.yaml", kafka_config(
            folder, kafka, test_name, [sink])))
    kafka.create_topics(f"{test_name}.telemetry", partitions=2)
    set_up_topics(made[0])
    return made


def send_runs(kafka, test_name, names, case="divergence_critical"):
    stream = programs.EmitStream(kafka.brokers, f"{test_name}.telemetry")
    for name in names:
        records = [dict(record, run=name, **({"name": name} if record["kind"] == "header" else {}))
                   for record in telemetry.CASES[case]() if record["kind"] != "end"]
        stream.send([telemetry.to_json(record) for record in records])
    counts = stream.close()
    assert counts["lost"] == 0


def owner_of(agents_of):
    """The agent that notifies: the others do not know how much waits."""
    for agent in agents_of:
        sink, = programs_status(agent)["sinks"]
        if agent.is_running() and sink["unsent"] is not None:
            return agent
    return None


def test_one_agent_notifies_and_another_takes_over(kafka, receiver, agents, tmp_path, test_name):
    configs = kafka_agents(kafka, tmp_path, test_name, hook(receiver, group_by=["run"]))
    both = [agents(config).start() for config in configs]
    first = both[0].wait_until(lambda: owner_of(both), 60, "an owner")
    second, = [agent for agent in both if agent is not first]
    send_runs(kafka, test_name, ["r1", "r2"])
    second.wait_until(lambda: {("r1", "firing"), ("r2", "firing")} <= alerts_of(receiver), 60,
                      "both runs")
    command("silence", "--config", second.config_path, "add", "--run", "quiet", "--for", "1h",
            "--reason", "known")
    send_runs(kafka, test_name, ["quiet", "r3"])
    second.wait_until(lambda: ("r3", "firing") in alerts_of(receiver), 60, "the third")
    first.kill9()
    send_runs(kafka, test_name, ["r4"])
    second.wait_until(lambda: ("r4", "firing") in alerts_of(receiver), 90, "the fourth")
    assert owner_of([second]) is second
    episode = next(alert["episode_id"] for body in receiver.bodies() for alert in body["alerts"]
                   if alert["run_name"] == "r1")
    command("feedback", "--config", second.config_path, episode, "false-alarm")
    second.wait_until(lambda: ("r1", "false-alarm") in alerts_of(receiver), 60, "the feedback")
    second.wait_until(lambda: programs_status(second)["feedback"]["false_alarms"] == 1, 30,
                      "the count")
    second.wait_until(lambda: "r1" not in (open_in_status(second) or {"": "r1"}).values(), 30,
                      "the list of the one that has the run")
    assert {"r2", "r3", "r4", "quiet"} <= set(programs_status_runs(second))
    assert "quiet" not in {run for run, _ in alerts_of(receiver)}
    assert "quiet" in command("silence", "--config", second.config_path, "list").stdout
    by_id = {}
    for body in receiver.bodies():
        assert by_id.setdefault(body["id"], body) == body
    told = [alert["episode_id"] for body in by_id.values() for alert in body["alerts"]
            if alert["status"] == "firing"]
    assert len(told) == len(set(told)), "the one that took over knows what was told"


def test_silences_in_kafka_leave_the_list_after_a_week(kafka, receiver, tmp_path, test_name):
    config, = kafka_agents(kafka, tmp_path, test_name, hook(receiver), n=1)

    old = {"id": "5e" * 8, "starts_at": "2026-01-01T00:00:00.000Z",
           "ends_at": "2026-01-02T00:00:00.000Z", "author": "ada", "reason": "known",
           "matchers": {"run": "old"}}
    kafka.produce(f"{test_name}.notifications",
                  [(f".silence/{old['id']}".encode(), json.dumps(old).encode())])

    def listed():
        return command("silence", "--config", config, "list", "--all").stdout
    assert "run=old" in listed()
    command("silence", "--config", config, "add", "--run", "new", "--for", "1h", "--reason", "x")
    assert "run=new" in listed() and "run=old" not in listed()


def test_the_terminal_tells_once_where_the_view_of_a_run_is(agents, tmp_path):
    config = write(tmp_path, {"terminal": {"stream": "stderr"}},
                   kibana={"url": "https://k.test/base"})
    bad_run(tmp_path / "runs" / "r1", "r1", is_open=False)
    agent = agents(config).start()
    agent.wait_until(lambda: "run r1 completed" in agent.log_text(), 60, "the run's end")
    assert agent.stop() == 0
    views = re.findall("^  view    https://k.test/base/app/dashboards#/view/.*r1.*$",
                       agent.log_text(), re.MULTILINE)
    assert len(views) == 1, agent.log_text()


@pytest.mark.parametrize("words, said", [
    (["silence", "add", "--detector", "overflw", "--for", "1h", "--reason", "x"],
     "--detector: nothing is called 'overflw'; did you mean 'overflow'?"),
    (["silence", "add", "--for", "1h", "--reason", "x"], "say what to be quiet about"),
    (["silence", "expire", "0123456789abcdef"], "there is no such silence, or it is over"),
    (["feedback", "abc", "useful"], "nor the first 6 letters of one"),
    (["feedback", "abcdef12", "useful", "since", "it"], "since: one word too many"),
    (["feedback", "abcdef12", "useful"], "state) has no such episode"),
    (["feedback", "abcdef12", "good"], "then 'false-alarm' or 'useful'"),
])
def test_what_people_get_wrong_is_said(tmp_path, words, said):
    config = write(tmp_path, {"terminal": {}})
    assert said in command(words[0], "--config", config, *words[1:], status=2).stderr
    assert not (tmp_path / "state" / "silences.json").exists()
