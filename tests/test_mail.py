"""What people get: mails read back from a real mail transfer agent's mailbox by Python's mail library,
and what `trainward check` says when none can be sent."""

import email.header
import email.utils
import html.parser
import re
import struct

import pytest
import yaml

from services.mail import PASSWORD, USER, Mail
from services.process import free_port
from support import programs
from support.notifications import HELPER, alert, notification, send

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def deliver(exim, test_name):
    """Sends a notification and returns the mail that arrives."""
    def sent(made, **options):
        inbox = f"{test_name}@y.test"
        before = len(exim.messages(inbox))
        assert send({**made, "to": [inbox]}, "curl", exim.url(), **options) == [("done", "")]
        new = exim.wait_for(before + 1, inbox)
        return max(new, key=lambda mail: mail["Date"]) if before == 0 else next(
            mail for mail in new if made["id"] in mail["Message-ID"])
    return sent


def part(mail, kind):
    return next(each for each in mail.walk() if each.get_content_type() == kind)


class Page(html.parser.HTMLParser):
    """The text that is shown, and what is loaded or linked to."""

    def __init__(self, text):
        super().__init__()
        self.text, self.sources, self.links, self.tags = "", [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        attributes = dict(attributes)
        if "src" in attributes:
            self.sources.append(attributes["src"])
        if tag == "a":
            self.links.append(attributes["href"])
        self.text += " "

    def handle_data(self, data):
        self.text += data


def test_a_mail_has_what_an_engineer_needs(deliver):
    mail = deliver(notification(""))
    assert mail["Subject"] == "[trainward] resnet-3: gradient explosion in layer fc2 (critical)"
    assert mail["From"] == "advisor@trainward.test"
    assert [each.get_content_type() for each in mail.walk()] == \
        ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    for text in (part(mail, "text/plain").get_content(),
                 Page(part(mail, "text/html").get_content()).text):
        for said in ("CRITICAL", "gradient explosion in layer fc2", "resnet-3", "54.25",
                     "- learning_rate: 0.3", "+ learning_rate: 0.03", "precision → bf16",
                     "grad_norm below 2.2 within 200 steps", "2026-07-31 09:15 UTC", "820",
                     "trainward silence add --run exp7 --for 4h --reason ...",
                     f"trainward feedback {'a7c1' * 8} false-alarm"):
            assert said.lower() in text.lower(), said
    assert "https://kibana.example.org/" in part(mail, "text/plain").get_content()
    assert all(len(line) <= 76 for line in part(mail, "text/plain").get_content().splitlines()
               if " " in line.strip() and not line.startswith("    "))


def test_a_senders_name_may_be_of_any_alphabet(deliver):
    name = "Überwachung der Läufe, Gruppe \"Sehen\" und 学習の監視, rund um die Uhr, auch nachts"
    quoted = name.replace('"', '\\"')
    mail = deliver(notification(""), from_=f'"{quoted}" <advisor@trainward.test>')
    assert mail["From"].addresses[0].addr_spec == "advisor@trainward.test"
    # Its parser of addresses leaves blanks between encoded words, unlike RFC 2047, 6.2.
    words, address = email.utils.parseaddr(dict(mail.raw_items())["From"])
    assert str(email.header.make_header(email.header.decode_header(words))) == name
    assert address == "advisor@trainward.test"


def test_headers_are_those_of_a_program_that_threads(deliver):
    first = deliver(notification("", id="a1" * 16))
    over = deliver(notification("", id="a2" * 16, status="resolved", is_resolved=True, n_firing=0))
    assert first["Message-ID"] == f"<{'a1' * 16}@trainward.trainward.test>"
    assert first["References"] == first["In-Reply-To"] == over["References"] == over["In-Reply-To"]
    assert "7f" * 16 in first["References"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["List-Id"] == "team-mail <trainward.trainward.test>"
    assert email.utils.parsedate_to_datetime(first["Date"]).isoformat() == \
        "2026-07-31T09:15:30+00:00"


def test_the_chart_is_in_the_mail_and_nothing_is_loaded(deliver):
    mail = deliver(notification(""))
    page, picture = Page(part(mail, "text/html").get_content()), part(mail, "image/png")
    assert page.sources == ["cid:" + picture["Content-ID"].strip("<>")]
    assert not page.tags & {"script", "link", "iframe", "object", "form"}
    assert "url(" not in part(mail, "text/html").get_content()
    assert struct.unpack(">II", picture.get_content()[16:24]) == (1120, 440)
    assert page.links == ["https://kibana.example.org/app/dashboards#/view/run?run=exp7"]


def test_the_onset_is_marked_wherever_it_stands(deliver):
    """In red, which nothing else is drawn in: the picture without marks has other bytes."""
    marked, beside, unmarked = alert(), alert(), alert(onset_step=None, detected_step=None)
    for each in (beside, unmarked):
        each["chart"] = {name: each["chart"][name] for name in ("signal", "points")}
    pictures = [part(deliver(notification("", id=f"{i:032x}", alerts=[each])), "image/png")
                .get_content() for i, each in enumerate((marked, beside, unmarked))]
    assert pictures[0] == pictures[1] != pictures[2]


def test_without_points_there_is_no_chart(deliver):
    bare = alert()
    del bare["chart"], bare["link"]
    mail = deliver(notification("", alerts=[bare]))
    assert [each.get_content_type() for each in mail.walk()] == \
        ["multipart/alternative", "text/plain", "text/html"]
    page = Page(part(mail, "text/html").get_content())
    assert page.sources == page.links == []


def test_what_is_over_needs_no_change_and_no_silence(deliver):
    over = alert(status="resolved", state="recovered", closed_step=1400,
                 ends_at="2026-07-31T10:00:00.000Z")
    del over["suggestions"]
    text = part(deliver(notification("", status="resolved", is_resolved=True, alerts=[over])),
                "text/plain").get_content()
    assert "RESOLVED gradient explosion" in text and "over at step 1400" in text
    assert "Change" not in text and "silence" not in text


def test_a_digest_names_everything(deliver):
    others = [{"run_name": f"run-{i}", "title": "divergence", "severity": "warning",
               "status": "firing", "episode_id": f"{i:032x}"} for i in range(300)]
    mail = deliver(notification("", kind="digest", is_digest=True, is_several=True,
                                title="vision: 301 runs, 301 problems (critical)", others=others))
    assert mail["Subject"] == "[trainward] Digest: vision: 301 runs, 301 problems (critical)"
    for kind in ("text/plain", "text/html"):
        text = part(mail, kind).get_content()
        assert all(other["episode_id"] in text for other in others)
        assert "--project vision" in text


NASTY = "évil\r\nBcc: victim@y.test\r\n\r\n<script>alert('x')</script>{{title}}{{>run_name}}\u202e"


def test_a_job_cannot_write_headers_markup_or_templates(deliver, exim):
    named = alert(run_name=NASTY, message=NASTY, evidence=NASTY, host=NASTY)
    mail = deliver(notification("", title=f"{NASTY}: divergence (critical)", alerts=[named],
                                receiver=NASTY))
    assert mail["Bcc"] is None and "évil" in mail["Subject"] and "divergence" in mail["Subject"]
    assert exim.messages("victim@y.test") == []
    page = Page(part(mail, "text/html").get_content())
    assert "script" not in page.tags and "alert('x')" in page.text
    assert "{{title}}" in page.text
    raw = mail.as_bytes()
    assert max(map(len, raw.splitlines())) <= 998


def test_people_may_have_templates_of_their_own(deliver, tmp_path):
    (tmp_path / "subject").write_text("{{severity}}: {{#alerts}}{{run_name}}{{/alerts}}\n")
    (tmp_path / "text").write_text("{{#alerts}}\n{{#suggestions}}\n* {{parameter}}\n"
                                   "{{/suggestions}}\n{{/alerts}}\n")
    (tmp_path / "html").write_text("<b>{{title}}</b>\n")
    mail = deliver(notification("", title="a & b"),
                   **{f"{name}_template": tmp_path / name for name in ("subject", "text", "html")})
    assert mail["Subject"] == "critical: resnet-3"
    assert part(mail, "text/plain").get_content().splitlines() == \
        ["* learning_rate", "* precision"]
    assert part(mail, "text/html").get_content().strip() == "<b>a &amp; b</b>"


# ---- trainward check ----

def check(folder, *options, **settings):

    (folder / "runs").mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({
        "state_dir": str(folder / "state"),
        "sources": [{"directory": {"path": str(folder / "runs")}}],
        "sinks": [{"email": {"name": "team", "from": "advisor@trainward.test",
                             "to": ["team@y.test"], "timeout": "5s",
                             **{name: str(value) if hasattr(value, "parts") else value
                                for name, value in settings.items()}}}]}))
    done = programs.trainward("check", "--config", folder / "config.yaml", *options)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def expired(tmp_path_factory):
    server = Mail(tmp_path_factory.mktemp("expired"), days=-1).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def other_name(tmp_path_factory):
    server = Mail(tmp_path_factory.mktemp("other"), names="DNS:other.test").start()
    yield server
    server.stop()


@pytest.mark.parametrize("transport", ["curl", pytest.param("esmtp", marks=pytest.mark.skipif(
    not HELPER.exists(), reason="built without libesmtp"))])
def test_check_says_exactly_what_is_wrong(tmp_path, mail, expired, other_name, transport):
    login = {"username": USER, "password": PASSWORD}

    def secure(server):
        return {"server": server.url("starttls", "localhost"), "ca_file": server.ca, **login}
    for settings, words in (
            ({"server": "smtp://255.255.255.255:25", "tls": "none"}, "no route to it"),
            ({"server": f"smtp://127.0.0.1:{free_port()}"}, "nothing listens there"),
            (secure(expired), "its certificate has expired"),
            (secure(other_name), "its certificate is for another name than localhost"),
            ({**secure(mail), "ca_file": expired.ca}, "an authority that is not trusted here"),
            ({**secure(mail), "password": "nonsense"}, "refused the login.*535"),
            ({"server": mail.url(), "tls": "none", **login}, "offers no login"),
            ({**secure(mail), "from": "banned@y.test"}, "refused the sender banned@y.test.*550"),
            ({**secure(mail), "to": ["perm@y.test", "team@y.test"]},
             "refused the recipient perm@y.test: 550")):
        status, text = check(tmp_path, "--send-test-email", transport=transport, **settings)
        assert status == 2 and re.search(f"sink team: .*{words}", text), (words, text)
        assert "nonsense" not in text and PASSWORD not in text


def test_check_sends_a_mail_that_looks_like_a_test(tmp_path, mail):
    inbox = "checked@y.test"
    status, text = check(tmp_path, "--send-test-email", server=mail.url(), to=[inbox])
    assert status == 0, text
    got, = mail.messages(inbox)
    assert "test" in got["Subject"].lower()
    assert "This is a test" in part(got, "text/plain").get_payload(decode=True).decode()


def test_check_writes_to_the_recipients_of_routes_once(tmp_path, mail):
    routes = [{"match": {"project": "a"}, "to": ["route-a@y.test", "base@y.test"]},
              {"match": {"project": "b"}}, {"match": {"project": "c"}, "to": ["route-c@y.test"]}]
    for option in ("--send-test-email", "--send-test-notification"):
        status, text = check(tmp_path, option, server=mail.url(), to=["base@y.test"], routes=routes)
        assert status == 0 and "sink team, a test was sent" in text, text
    for inbox in ("base@y.test", "route-a@y.test", "route-c@y.test"):
        assert [got["X-RcptTo"] for got in mail.messages()].count(inbox) == 2
    routes[2]["to"] = ["perm@y.test"]
    status, text = check(tmp_path, "--send-test-email", server=mail.url(), routes=routes)
    assert status == 2 and "refused the recipient perm@y.test: 550" in text


def test_a_template_that_is_none_is_said_with_its_place(tmp_path, mail):
    template = tmp_path / "text.mustache"
    template.write_text("fine\n  {{#alerts}}\n")
    status, text = check(tmp_path, "--offline", server=mail.url(), text_template=template)
    assert status == 2
    assert f'{template}:2:3: Unclosed section "alerts"' in text
    template.write_text("{{#alerts}}\n{{>part}}{{/alerts}}")
    status, text = check(tmp_path, "--offline", server=mail.url(), text_template=template)
    assert status == 2 and f"{template}:2:1: partials" in text
    status, text = check(tmp_path, "--offline", server=mail.url(), html_template="/nowhere/x")
    assert status == 2 and "/nowhere/x: cannot be opened" in text
