"""One suite for both mail transports, against real servers. What each of them can is stated once, in
CAN, and docs/email.md has to say the same."""

import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading

import pytest

from services import exim as exim_service
from services.mail import PASSWORD, USER, Mail
from services.process import free_port
from support import programs
from support.notifications import HELPER, command, notification, send

pytestmark = [pytest.mark.filterwarnings("ignore"),
              pytest.mark.parametrize("transport", ["curl", pytest.param("esmtp", marks=[
                  pytest.mark.skipif(not HELPER.exists(), reason="built without libesmtp")])])]
LOGIN = {"username": USER, "password": PASSWORD}

# What docs/email.md's table has to say.
CAN = {
    "STARTTLS, by name and by address": {"curl", "esmtp"},
    "the server's name told in the handshake (SNI)": {"curl", "esmtp"},
    "TLS 1.3": {"curl"},
    "TLS from the first byte (smtps://)": {"curl"},
    "login PLAIN": {"curl", "esmtp"},
    "login LOGIN": {"curl", "esmtp"},
    "login CRAM-MD5": {"curl"},
    "login XOAUTH2": {"curl"},
    "an IPv6 address as the server": {"curl"},
}


def can(transport, what, results):
    """Whether it went as CAN says."""
    assert [outcome for outcome, _ in results] == \
        ["done" if transport in CAN[what] else "retry"] * len(results), results


def refuses_setting(made, transport, pattern, server, **options):
    with pytest.raises(AssertionError, match=pattern):
        send(made, transport, server, **options)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Makes mail servers of one kind or another."""
    made = {}

    def make(name, **options):
        if name not in made:
            made[name] = Mail(tmp_path_factory.mktemp(name), **options).start()
        return made[name]
    yield make
    for server in made.values():
        server.stop()


@pytest.fixture
def inbox(test_name):
    return f"{test_name}@y.test"


def starttls(server, host="localhost"):
    return {"server": server.url("starttls", host), "ca_file": server.ca, **LOGIN}


# ---- what each can ----

def test_starttls(mail, transport, inbox):
    for host in ("localhost", "127.0.0.1"):
        can(transport, "STARTTLS, by name and by address",
            send(notification(inbox), transport, **starttls(mail, host)))
    assert len(mail.messages(inbox)) == 2


def test_the_server_is_told_which_name_is_meant(mail, transport, inbox):
    del mail.asked_names[:]
    send(notification(inbox), transport, **starttls(mail))
    told = mail.asked_names == ["localhost"]
    assert told == (transport in CAN["the server's name told in the handshake (SNI)"])


def test_tls_1_3(servers, transport, inbox):
    server = servers("tls13")
    server.tls.minimum_version = ssl.TLSVersion.TLSv1_3
    can(transport, "TLS 1.3", send(notification(inbox), transport, **starttls(server)))


def test_tls_from_the_first_byte(mail, transport, inbox):
    options = {"server": mail.url("smtps", "localhost"), "ca_file": mail.ca, **LOGIN}
    if transport in CAN["TLS from the first byte (smtps://)"]:
        assert send(notification(inbox), transport, **options) == [("done", "")]
    else:
        refuses_setting(notification(inbox), transport, "STARTTLS only", **options)


@pytest.mark.parametrize("login", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"])
def test_login(servers, transport, inbox, login):
    server = servers(login.lower(), logins=[login])
    options = starttls(server)
    if login == "XOAUTH2":
        options["login"] = "xoauth2"
    if transport in CAN[f"login {login}"]:
        assert send(notification(inbox), transport, **options) == [("done", "")]
        options["password"] = "wrong"
        (outcome, reason), = send(notification(inbox), transport, **options)
        assert outcome == "retry" and "refused the login" in reason and "wrong" not in reason
    elif login == "XOAUTH2":
        refuses_setting(notification(inbox), transport, "libesmtp chooses by itself", **options)
    else:
        says(transport, "no login that is known here: libesmtp knows", **options)
    assert len(server.messages(inbox)) == (transport in CAN[f"login {login}"])


def test_a_login_that_cannot_be_is_told_and_nothing_is_sent(servers, transport, inbox):
    """Both libraries would go on without one."""
    server = servers("plain", logins=["PLAIN"])
    if transport == "curl":
        says(transport, "no login that is known here: choose another", notification(inbox),
             **starttls(server), login="cram-md5")
    says(transport, "offers no login: is the port right", notification(inbox),
         server=server.url(), tls="none", **LOGIN)
    # The server takes mail without one, too.
    send(notification(f"anybody-{transport}@y.test"), transport, server=server.url(), tls="none")
    assert len(server.messages(f"anybody-{transport}@y.test")) == 1 and not server.messages(inbox)


def test_an_address_of_ipv6(mail, transport, inbox):
    # Nothing listens there, but the address is understood.
    server = f"smtp://[::1]:{free_port()}"
    if transport in CAN["an IPv6 address as the server"]:
        (outcome, reason), = send(notification(inbox), transport, server)
        assert outcome == "retry" and re.search("refused|no route|cannot|address", reason.lower())
    else:
        refuses_setting(notification(inbox), transport, "IPv6", server)


def test_the_page_tells_what_each_can(transport):
    page = (programs.TOP / "docs" / "email.md").read_text()
    rows = re.findall(r"^\| ([^|]+?) \| (yes|no) \| (yes|no) \|$", page, re.MULTILINE)
    assert {what: {name for name, says in zip(("curl", "esmtp"), said) if says == "yes"}
            for what, *said in rows} == CAN


# ---- what both have to do ----

def test_each_recipient_has_an_outcome_of_its_own(mail, transport, inbox):
    made = notification(["perm@y.test", inbox])
    (outcome, reason), = send(made, transport, mail.url())
    assert outcome == "done" and "perm@y.test" in reason and "550" in reason
    assert len(mail.messages(inbox)) == 1
    (outcome, reason), = send(notification("perm@y.test"), transport, mail.url())
    assert outcome == "poison" and "refused the recipient perm@y.test: 550 5.1.1" in reason


@pytest.mark.parametrize("local_part, says", [("temp", "451 4.3.0"), ("drop", ""),
                                              ("full", "452 4.3.1")])
def test_who_does_not_get_it_now_keeps_it_from_nobody(mail, transport, inbox, local_part, says):
    made = notification([f"{local_part}@y.test", inbox])
    (outcome, reason), = send(made, transport, mail.url())
    assert outcome == "retry" and says in reason
    assert len(mail.messages(inbox)) == 1


def test_later_goes_to_those_who_have_not_got_it(mail, transport, test_name):
    mail.handler.later_refusals = 1
    inboxes = [f"{name}@{test_name}.test" for name in ("later", "other")]
    made = notification(inboxes)
    assert [outcome for outcome, _ in send([made] * 3, transport, mail.url())] == \
        ["retry", "done", "done"]
    assert [len(mail.messages(each)) for each in inboxes] == [1, 1]


def test_a_mail_that_is_sent_twice_is_the_same_mail(mail, transport, test_name):
    lost = f"lost@{test_name}.test"
    results = send([notification(lost)] * 2, transport, mail.url())
    assert [outcome for outcome, _ in results] == ["retry", "retry"]
    first, second = mail.messages(lost)
    assert first["Message-ID"] == second["Message-ID"]
    del first["X-Peer"], second["X-Peer"]
    assert first.as_bytes() == second.as_bytes()


def test_dots_and_long_lines_arrive(mail, transport, inbox, tmp_path):
    (tmp_path / "text").write_text(".\n..two\nafter\n" + "x" * 3000 + "\n")
    assert send(notification(inbox), transport, mail.url(),
                text_template=tmp_path / "text") == [("done", "")]
    got, = mail.messages(inbox)
    assert max(map(len, got.as_bytes().splitlines())) <= 998
    text = next(part for part in got.walk() if part.get_content_type() == "text/plain")
    assert text.get_payload(decode=True).decode().splitlines() == \
        [".", "..two", "after", "x" * 3000]


def says(transport, pattern, made=None, outcome="retry", **options):
    results = send(made or notification("a@y.test"), transport, **options)
    assert [found for found, _ in results] == [outcome], results
    assert re.search(pattern, results[0][1]), results


def test_what_is_wrong_is_said(mail, servers, transport):
    expired, other = servers("expired", days=-1), servers("other-name", names="DNS:other.test")
    closed = f"smtp://127.0.0.1:{free_port()}"
    says(transport, "nothing listens there", server=closed)
    says(transport, "no route to it", server="smtp://255.255.255.255:25", tls="none")
    says(transport, "offers no STARTTLS", server=mail.url(), tls="required")
    says(transport, "has expired", **starttls(expired))
    says(transport, "for another name than localhost", **starttls(other))
    says(transport, "signed by an authority that is not trusted",
         **{**starttls(mail), "ca_file": expired.ca})
    says(transport, "refused the login.*535", **{**starttls(mail), "password": "nonsense"})
    says(transport, "offers no login: is the port right", server=mail.url(), tls="none", **LOGIN)
    says(transport, "wants a login.*530", server=mail.url("starttls", "localhost"),
         ca_file=mail.ca, tls="required")
    says(transport, "refused the sender banned@y.test.*550", server=mail.url(),
         from_="banned@y.test")
    for server in (expired, other):
        assert server.messages() == []


def test_a_password_is_never_sent_in_the_clear(servers, transport):
    """The server without TLS would take it."""
    server = servers("clear")
    says(transport, "offers no STARTTLS", server=server.url(), **LOGIN)


def silent(listener):
    """Takes connections and says nothing."""
    taken = []
    while True:
        try:
            taken.append(listener.accept())
        except OSError:
            return


def test_a_server_that_says_nothing_is_given_up(transport):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=silent, args=[listener], daemon=True).start()
        url = f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        says(transport, "127.0.0.1", server=url, timeout="1s")
        listener.shutdown(socket.SHUT_RDWR)


def test_a_real_mail_transfer_agent(exim, transport, inbox):
    options = {"server": exim.url("starttls", "localhost"), "ca_file": exim.ca, **LOGIN}
    made = notification(["perm@y.test", "temp@y.test", inbox])
    (outcome, reason), = send(made, transport, **options)
    assert outcome == "retry" and "temp@y.test" in reason and "451" in reason
    exim.wait_for(1, inbox)
    says(transport, "550.*relay not permitted", notification("a@elsewhere.test"), "poison",
         **options)
    says(transport, "refused the sender a@banned.test.*550", from_="a@banned.test", **options)
    says(transport, "wants a login.*530", **{key: value for key, value in options.items()
                                              if key not in LOGIN})
    says(transport, "refused the login.*535", **{**options, "password": "nonsense"})


# With sanitizers, in a build folder of its own, a mail takes ten times as long; a leak is as visible.
# `make check-many-mails` sends as many as without.
MANY = int(os.environ.get("TW_MANY_MAILS", 500 if programs.BIN == programs.BUILD else 60))
WARM = 20  # until everything has been done once


# What AddressSanitizer keeps of what was freed, of which it has 256 MiB otherwise.
SMALL_QUARANTINE = {"ASAN_OPTIONS": f"exitcode={programs.SANITIZER_STATUS}:quarantine_size_mb=1"}


def size_of(process):
    """Of a process and those that it started: memory (KiB) and open files."""
    memory = files = 0
    place = pathlib.Path("/proc")
    children = (place / f"{process}/task/{process}/children").read_text().split()
    for pid in [str(process), *children]:
        status = (place / pid / "status").read_text()
        memory += int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
        files += len(list((place / pid / "fd").iterdir()))
    return memory, files


def send_many(made, transport, server, errors, **options):
    """Outcomes, and the size behind the warm-up and behind the last, when nothing is under way."""
    name, *arguments = command(transport, server, **options)
    sizes, outcomes = [], []
    with subprocess.Popen([programs.program(name), *arguments], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=errors, text=True,
                          env=programs.environment(SMALL_QUARANTINE)) as process:
        watchdog = threading.Timer(600, process.kill)
        watchdog.start()
        for part in (range(WARM), range(WARM, MANY)):
            for number in part:
                process.stdin.write(json.dumps({**made, "id": f"{number:032x}"}) + "\n")
                process.stdin.flush()
                outcomes.append(json.loads(process.stdout.readline() or "{}").get("outcome"))
            sizes.append(size_of(process.pid))
        process.stdin.close()
        process.wait()
        watchdog.cancel()
    return process.returncode, outcomes, sizes


@pytest.mark.long
def test_many_mails_in_one_process(mail, transport, inbox, tmp_path, capsys):
    """Over TLS, each with a chart; the sanitizers see what is left over at the end."""
    with open(tmp_path / "errors", "w+") as errors:
        status, outcomes, sizes = send_many(notification(inbox), transport, errors=errors,
                                            **starttls(mail))
        errors.seek(0)
        said = errors.read()
    programs.refuse_sanitizer_reports(status, said)
    assert status == 0 and outcomes == ["done"] * MANY, said
    assert len({got["Message-ID"] for got in mail.messages(inbox)}) == MANY
    (memory, files), (memory_then, files_then) = sizes
    with capsys.disabled():
        print(f"\n{transport}: {memory} KiB and {files} files after {WARM} mails, {memory_then} KiB "
              f"and {files_then} files after {MANY}", file=sys.stderr)
    assert files_then == files
    # A sanitizer keeps freed memory in the helper, and finds at the end what is left over.
    is_sanitized = b"__asan_init" in pathlib.Path(programs.program(command("", "")[0])).read_bytes()
    assert is_sanitized or memory_then - memory < 4 * (MANY - WARM), "each mail leaves something"


@pytest.mark.long
def test_a_helper_of_many_mails_leaves_nothing_behind(mail, transport, inbox):
    """In service it is killed in the end; here it ends by itself, so that a sanitizer can look."""
    if transport == "curl":
        pytest.skip("curl has none")
    copies = int(os.environ.get("TW_MANY_MAILS", 60))
    request = json.dumps({
        "url": mail.url("starttls", "localhost"), "ca_file": str(mail.ca), "tls": 1, "timeout": 10.0,
        "username": USER, "password": PASSWORD, "from": "a@y.test", "recipient": inbox,
        "message": "Subject: x\r\n\r\n" + "text\r\n" * 5000})
    done = programs.run("trainward-esmtp", input=f"{request}\n" * copies, timeout=600,
                        env=SMALL_QUARANTINE)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["result"] for line in done.stdout.splitlines()] == [0] * copies
    assert len(mail.messages(inbox)) == copies


# ---- the helper process ----

def test_a_helper_that_hangs_is_killed(mail, transport, inbox, tmp_path):
    if transport != "esmtp":
        pytest.skip("curl has none")
    helper = tmp_path / "helper"
    helper.write_text("#!/bin/sh\nexec sleep 4711\n")
    helper.chmod(0o755)
    says(transport, "killed", notification(inbox), server=mail.url(), esmtp_helper=helper,
         timeout="1s")
    running = subprocess.run(["pgrep", "-f", "^sleep 4711$"], capture_output=True, text=True)
    assert running.stdout == ""


def test_a_helper_that_dies_is_started_again(mail, transport, inbox, tmp_path):
    if transport != "esmtp":
        pytest.skip("curl has none")
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\nif [ -e {tmp_path}/died ]; then exec {HELPER}; fi\n"
                      f": > {tmp_path}/died\nread line\nexit 1\n")
    helper.chmod(0o755)
    results = send([notification(inbox)] * 2, transport, mail.url(), esmtp_helper=helper)
    assert [outcome for outcome, _ in results] == ["retry", "done"]
    assert "ended without an answer" in results[0][1]


def test_a_helper_that_is_not_there_is_a_mistake_of_the_configuration(mail, transport, inbox):
    if transport != "esmtp":
        pytest.skip("curl has none")
    refuses_setting(notification(inbox), transport, "without libesmtp", mail.url(),
                    esmtp_helper=pathlib.Path("/nowhere/trainward-esmtp"))
