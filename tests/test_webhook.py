"""The sink webhook against a real receiver."""

import hashlib
import hmac
import json
import re

import pytest

from services.process import free_port
from services.receiver import Receiver
from support import programs
from support.notifications import alert, notification
from support.notifying import bad_run, hook, write

EVIL = 'run <!channel> @channel "q" \\ [x](http://evil) & `id`'


def dead_letters(place):
    path = place / "state" / "dead-letters" / "chat.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_notification_is_signed_and_the_same_when_it_comes_again(receiver, agents, tmp_path):
    (tmp_path / "key").write_text("hush\n")
    (tmp_path / "key").chmod(0o600)
    receiver.answers = [(503, {}), (429, {"Retry-After": "1"})]
    config = write(tmp_path, hook(receiver, secret_file=str(tmp_path / "key"),
                                  headers={"X-Team": "vision"}))
    bad_run(tmp_path / "runs" / "r1", "r1", project="vision")
    agent = agents(config).start()
    agent.wait_until(lambda: len(receiver.requests) >= 3, 60, "the third attempt")
    first, *copies = receiver.requests[:3]
    assert all(copy["body"] == first["body"] for copy in copies)
    for request in receiver.requests[:3]:
        headers = request["headers"]
        signed = headers["X-Trainward-Timestamp"].encode() + b"." + request["body"]
        assert headers["X-Trainward-Signature"] == \
            "sha256=" + hmac.new(b"hush", signed, hashlib.sha256).hexdigest()
        assert headers["Content-Type"] == "application/json" and headers["X-Team"] == "vision"
        assert headers["Idempotency-Key"] == json.loads(request["body"])["id"]
    body = json.loads(first["body"])
    assert body["status"] == "firing" and body["group_labels"] == {"project": "vision"}
    alert = body["alerts"][0]
    assert alert["run_name"] == "r1" and alert["detector"] == "divergence"
    assert alert["suggestions"][0]["parameter"] == "learning_rate"
    assert alert["feedback_command"] == \
        f"trainward feedback --config {config} {alert['episode_id']} false-alarm"
    assert agent.stop() == 0
    assert "s3cr3t" not in agent.log_text() and "hush" not in agent.log_text()


@pytest.mark.parametrize("form", ["slack", "mattermost", "teams"])
def test_a_chat_takes_it_and_nobody_is_called(receiver, agents, tmp_path, form):
    config = write(tmp_path, hook(receiver, format=form, run_link="https://k.test/r/{run}"))
    for number in range(3):
        bad_run(tmp_path / "runs" / f"r{number}", f"{EVIL} {number}")
    agent = agents(config).start()
    agent.wait_until(lambda: receiver.requests, 60, "a message")
    assert agent.stop() == 0
    text = receiver.requests[0]["body"].decode()
    body = json.loads(text)
    if form == "slack":
        assert body["blocks"][0]["type"] == "header"
        assert len(body["blocks"][0]["text"]["text"]) <= 150
        assert {block["type"] for block in body["blocks"]} == {"header", "section", "context"}
        assert "<!channel>" not in text and "&lt;!channel&gt;" in text
        assert "<https://k.test/r/run%20" in text
    elif form == "mattermost":
        assert body["attachments"] and re.search(r"@(?!\u200b)", body["text"] + json.dumps(
            body["attachments"], ensure_ascii=False)) is None
    else:
        card = body["attachments"][0]
        assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert card["content"]["type"] == "AdaptiveCard" and card["content"]["body"]
        said = json.dumps(card["content"]["body"], ensure_ascii=False).replace("\\\\", "\\")
        assert "[x]" in said and re.search(r"(?<!\\)(\\\\)*\[x\]", said) is None


def said_to(receiver, form, made):
    """The body of a notification that a chat gets."""
    done = programs.run("tests/tools/send_notifications", "webhook", "1", f"url={receiver.url()}",
                        f"format={form}", input=json.dumps(made) + "\n")
    assert done.returncode == 0 and json.loads(done.stdout)["outcome"] == "done", done.stdout
    return json.loads(receiver.requests[-1]["body"])


def large(name, text):
    """60 alerts of an incident, the first ones in full."""
    suggestion = {"parameter": "learning_rate", "change_text": text[:350]}
    alerts = [alert(run_name=f"{name}{i}", message=text, suggestions=[suggestion] * 8,
                    silence_command=f"trainward silence add --run {'x' * 300}")
              for i in range(20)]
    others = [{"run_name": f"{name}{i}", "title": "gradient explosion in layer fc2",
               "severity": "critical", "status": "firing"} for i in range(40)]
    return notification("", alerts=alerts, others=others, n_alerts=60)


@pytest.mark.parametrize("name, text", [("n" * 46, "plain"), ("<" * 400, "<&>" * 300),
                                        ("ü" * 300, "学" * 400), ("r", "x" * 900)])
def test_no_text_is_longer_than_slack_takes(receiver, name, text):
    """https://api.slack.com/reference/block-kit/blocks: 3000 characters of a text, 50 blocks."""
    body = said_to(receiver, "slack", large(name, text))
    texts = [block["text"]["text"] for block in body["blocks"] if "text" in block]
    context, = [block["elements"][0]["text"] for block in body["blocks"] if "elements" in block]
    assert max(map(len, texts + [context])) <= 3000 and len(body["blocks"]) <= 50
    shown = context.count("(firing, critical)")
    more = int(re.search("and ([0-9]+) more$", context).group(1))
    assert len(texts) == 1 + 10 and shown + more == 50 and shown >= 6
    assert all(f"{'x' * 300}`" in text and "false-alarm`" in text for text in texts[1:])


def test_a_command_is_pasted_from_a_chat_as_it_is_meant(receiver):
    word = "'a\\[b]` c'"
    made = notification("", alerts=[alert(silence_command=f"trainward silence add --run {word}")])
    text = said_to(receiver, "mattermost", made)["attachments"][0]["text"]
    assert f"`trainward silence add --run {word.replace('`', '?')}`" in text
    made["alerts"][0]["silence_command"] = "trainward silence add --run @channel"
    assert "silence" not in json.dumps(said_to(receiver, "mattermost", made)), "a call"
    made["alerts"][0]["silence_command"] = "trainward silence add --run " + "x" * 800
    for form in ("slack", "mattermost", "teams"):
        assert "silence" not in json.dumps(said_to(receiver, form, made)), "half a command"


def test_a_template_of_the_user_is_used(receiver, agents, tmp_path):
    (tmp_path / "body.mustache").write_text('{"say":"{{title}}"{{#is_resolved}},"over":true'
                                            '{{/is_resolved}}}')
    config = write(tmp_path, hook(receiver, template_file=str(tmp_path / "body.mustache"),
                                  method="PUT"))
    bad_run(tmp_path / "runs" / "r1", 'a "name"')
    agent = agents(config).start()
    agent.wait_until(lambda: receiver.requests, 60, "a message")
    assert receiver.requests[0]["method"] == "PUT"
    assert receiver.bodies()[0]["say"].startswith('a "name": divergence')
    (tmp_path / "body.mustache").write_text("{{#open}}")
    done = programs.trainward("check", "--config", config)
    assert done.returncode == 2 and "body.mustache" in done.stderr
    (tmp_path / "body.mustache").write_text("{{#alerts}}{{>part}}{{/alerts}}")
    done = programs.trainward("check", "--offline", "--config", config)
    assert done.returncode == 2 and "body.mustache:1:12: partials" in done.stderr


def test_what_is_refused_for_good_is_kept_and_an_address_that_is_gone_waits(receiver, agents,
                                                                           tmp_path):
    receiver.answers = [(400, {})] + [(404, {})] * 1000
    config = write(tmp_path, hook(receiver))
    bad_run(tmp_path / "runs" / "r1", "r1", project="a")
    agent = agents(config).start()
    agent.wait_until(lambda: dead_letters(tmp_path), 60, "a dead letter")
    letter = dead_letters(tmp_path)[0]
    assert "answers 400 (said  so)" in letter["reason"]
    assert letter["document"]["alerts"][0]["run_name"] == "r1"
    bad_run(tmp_path / "runs" / "r2", "r2", project="b")
    agent.wait_until(lambda: "the address is gone" in agent.log_text(), 60, "the reason")
    assert len(dead_letters(tmp_path)) == 1
    agent.kill9()
    receiver.answers = []
    agent.start()  # it was never dropped
    agent.wait_until(lambda: any(body["group_labels"] == {"project": "b"}
                                 for body in receiver.bodies()[-1:]) and not receiver.answers,
                     60, "what had waited")


def test_routes_have_addresses_of_their_own(receiver, agents, tmp_path):
    config = write(tmp_path, hook(receiver, routes=[
        {"name": "vision", "match": {"project": "vision"}, "url": receiver.url("/vision")}]))
    bad_run(tmp_path / "runs" / "r1", "r1", project="vision")
    bad_run(tmp_path / "runs" / "r2", "r2", project="speech")
    agent = agents(config).start()
    agent.wait_until(lambda: {request["path"] for request in receiver.requests}
                     == {"/vision", "/hook/s3cr3t"}, 60, "both")
    for request in list(receiver.requests):
        project = json.loads(request["body"])["group_labels"]["project"]
        assert (request["path"] == "/vision") == (project == "vision")
    printed = programs.trainward("check", "--print", "--config", config).stdout
    assert "/vision" not in printed and "s3cr3t" not in printed


@pytest.mark.parametrize("more, what", [
    ({"routes": [{"match": {"colour": "red"}}]}, "route 1: match: 'colour' is none of project"),
    ({"routes": [{"name": "a", "continue": True}, {"name": "a"}]}, "two are called 'a'"),
    ({"routes": [{"name": "a"}, {"name": "b", "match": {"run": "x"}}]},
     "route a takes everything, so nothing reaches route b"),
    ({"routes": [{"match": {"detector": "overfiting"}}]},
     "route 1: match: nothing is called 'overfiting'; did you mean 'overfitting'?"),
    ({"routes": [{"match": {"severity": "fatal"}}]}, "route 1: match: nothing is called 'fatal'"),
    ({"quiet_hours": ["fri-mon 22:00"]}, "'fri-mon 22:00' is not written as"),
    ({"routes": [{"group_by": ["size"]}]}, "route 1: group_by: 'size' is none of"),
    ({"quiet_zone": "here"}, "'here' is neither local, UTC nor an offset"),
    ({"quiet_hours": ["at night"]}, "is not written as 22:00-07:00"),
    ({"summary_at": "eight"}, "'eight' is not a time of the day"),
])
def test_check_says_what_is_wrong_with_who_is_told_when(receiver, tmp_path, more, what):
    config = write(tmp_path, hook(receiver, **more))
    done = programs.trainward("check", "--offline", "--config", config)
    assert done.returncode == 2 and what in done.stderr


# ---- trainward check ----

def check(place, receiver, *options, **more):
    config = write(place, {"webhook": {"name": "chat", "url": receiver.url(), "timeout": "5s",
                                       **more}})
    done = programs.trainward("check", "--config", config, *options)
    assert "s3cr3t" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("answer, words", [
    ((401, {}), "answers 401 .said  so.: it refuses the login: check bearer_token"),
    ((403, {}, b"action_prohibited"), "answers 403 .action_prohibited.: an administrator"),
    ((404, {}, b"no_service"), "answers 404 .no_service.: the webhook was switched off"),
    ((404, {}), "answers 404 .said  so.: the address is gone, make a new webhook there"),
    ((410, {}, b"channel_is_archived"), "answers 410 .channel_is_archived.: its channel was archived: choose"),
    ((429, {"Retry-After": "77"}), "answers 429 .*: it gets too much, and asks for a pause of 77 s"),
    ((400, {}, b"invalid_payload"), "answers 400 .invalid_payload.: the body is not what it takes: "
                                    "check format and template_file"),
    ((302, {"Location": "https://other.test/x/hidden"}),
     "answers 302 .*: it points to https://other.test: redirects are not followed, mend url"),
    ((500, {}), "answers 500 .*: it has trouble of its own"),
])
def test_a_test_message_tells_what_is_wrong(receiver, tmp_path, answer, words):
    receiver.answers = [answer]
    done = check(tmp_path, receiver, "--send-test-notification", format="slack")
    assert done.returncode == 2, done.stdout
    assert re.search(f"sink chat: http://127.0.0.1:[0-9]+ {words}", done.stderr), done.stderr
    assert "hidden" not in done.stderr and len(receiver.requests) == 1


@pytest.mark.parametrize("said", [b"Cannot POST /hook/s3cr3t", b"no token S3CR3T", b"..0123456789..",
                                  b"cut short: 1234567890..."])
def test_an_answer_that_repeats_the_address_is_not_quoted(receiver, tmp_path, said):
    receiver.answers = [(404, {}, said)]
    url = receiver.url("/hook/s3cr3t?key=0123456789012%41bcd")
    done = check(tmp_path, receiver, "--send-test-notification", url=url)
    assert re.search("answers 404: the address is gone", done.stderr), done.stderr


def test_a_test_message_goes_to_every_address_and_says_that_it_is_one(receiver, tmp_path):
    routes = [{"name": "vision", "match": {"project": "vision"}, "url": receiver.url("/vision")},
              {"match": {"project": "x"}}, {"match": {"project": "y"}, "url": receiver.url("/y")}]
    done = check(tmp_path, receiver, "--send-test-notification", routes=routes)
    assert done.returncode == 0, done.stderr
    assert "sink chat, a test was sent" in done.stdout
    assert [request["path"] for request in receiver.requests] == ["/hook/s3cr3t", "/vision", "/y"]
    assert {body["kind"] for body in receiver.bodies()} == {"test"}
    assert "A test by trainward check" in receiver.bodies()[0]["title"]
    receiver.answers = [(200, {}), (404, {})]
    done = check(tmp_path, receiver, "--send-test-notification", routes=routes)
    assert re.search("sink chat: route vision: .*answers 404", done.stderr)
    before = len(receiver.requests)
    assert check(tmp_path, receiver, routes=routes).returncode == 0
    assert len(receiver.requests) == before, "without the option nobody is written to"


def test_no_test_is_taken_for_sent(receiver, tmp_path):
    done = check(tmp_path, receiver, "--send-test-notification", "--offline")
    assert done.returncode == 2 and "no test can be sent" in done.stderr
    done = check(tmp_path, receiver, "--send-test-email")
    assert done.returncode == 2 and "nothing was sent" in done.stderr
    assert not receiver.requests


def test_check_says_why_there_is_no_connection(receiver, tmp_path):
    def says(words, url, **more):
        config = write(tmp_path, {"webhook": {"name": "chat", "url": url, **more}})
        done = programs.trainward("check", "--config", config)
        assert done.returncode == 2 and re.search(f"sink chat: .*{words}", done.stderr), done.stderr
    says("Could not resolve host: nowhere.invalid; is the host's name right", "https://nowhere.invalid/x")
    says("connection refused: nothing listens there; is it running", f"http://127.0.0.1:{free_port()}/x")
    says("no TLS there", receiver.url().replace("http://", "https://"))
    for name, options, words in (
            ("expired", {"days": -1}, "its certificate has expired"),
            ("other", {"names": "DNS:other.test"}, "is for another name than 127.0.0.1")):
        server = Receiver(tmp_path / name, **options).start()
        try:
            says(words, server.url(), ca_file=str(server.ca))
            says("signed by an authority that is not trusted here: set ca_file", server.url())
        finally:
            server.stop()


def test_tls_is_verified(agents, tmp_path):
    receiver = Receiver(tmp_path / "tls").start()
    try:
        config = write(tmp_path, hook(receiver))
        done = programs.trainward("check", "--config", config)
        assert done.returncode != 0 and "certificate" in done.stderr + done.stdout
        assert "s3cr3t" not in done.stderr + done.stdout
        config = write(tmp_path, hook(receiver, ca_file=str(receiver.ca)))
        assert programs.trainward("check", "--config", config).returncode == 0
        bad_run(tmp_path / "runs" / "r1", "r1")
        agent = agents(config).start()
        agent.wait_until(lambda: receiver.requests, 60, "a message")
    finally:
        receiver.stop()
