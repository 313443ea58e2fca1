"""A mail server: plain, STARTTLS with login, and TLS with login, into one Maildir.

The recipient's local part injects faults: `perm` is refused for good (550), `temp` for now (451),
`drop` has the connection cut, `later` is refused for now as often as `later_refusals` says.
"""

import email
import mailbox
import pathlib
import ssl

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult, LoginPassword

from services.certificates import make_certificate
from services.process import free_port

USER, PASSWORD = "trainward", "correct horse"


def _authenticate(server, session, envelope, mechanism, login):
    is_right = (isinstance(login, LoginPassword) and login.login == USER.encode()
                and login.password == PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)


class _Handler(Mailbox):
    def __init__(self, folder):
        super().__init__(folder)
        self.later_refusals = 0
        self.accepts = True

    async def handle_MAIL(self, server, session, envelope, address, options):
        if not self.accepts:
            return "451 4.3.2 not now"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        local_part = address.split("@")[0]
        if local_part == "perm":
            return "550 5.1.1 no such user"
        if local_part == "temp":
            return "451 4.3.0 try later"
        if local_part == "later" and self.later_refusals > 0:
            self.later_refusals -= 1
            return "451 4.3.0 try later"
        if local_part == "drop":
            server.transport.close()
            return "421 4.3.0 good-bye"
        envelope.rcpt_tos.append(address)
        return "250 OK"


class Mail:
    """Stopping it keeps the ports and the mails."""

    name = "mail"

    def __init__(self, data_dir):
        data_dir = pathlib.Path(data_dir)
        self.folder = data_dir / "Maildir"
        self.ca, certificate, key = make_certificate(data_dir / "tls")
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(certificate, key)
        self.handler = _Handler(self.folder)
        self.ports = {"plain": free_port(), "starttls": free_port(), "smtps": free_port()}
        self.controllers = []

    def url(self, kind="plain"):
        scheme = "smtps" if kind == "smtps" else "smtp"
        return f"{scheme}://127.0.0.1:{self.ports[kind]}"

    def start(self):
        login = {"authenticator": _authenticate, "auth_required": True}
        settings = {
            "plain": {},
            "starttls": {"tls_context": self.tls, "require_starttls": True, **login},
            "smtps": {"ssl_context": self.tls, "auth_require_tls": False, **login},
        }
        for kind, more in settings.items():
            controller = Controller(self.handler, hostname="127.0.0.1", port=self.ports[kind],
                                    ready_timeout=10, **more)
            controller.start()
            self.controllers.append(controller)
        return self

    def stop(self):
        while self.controllers:
            self.controllers.pop().stop()

    def restart(self):
        self.stop()
        self.start()

    def messages(self, recipient=None):
        """The mails of the box as parsed messages, only those to one recipient where one is given."""
        box = mailbox.Maildir(self.folder, create=False)
        parsed = [email.message_from_bytes(box.get_bytes(key)) for key in sorted(box.keys())]
        if recipient is None:
            return parsed
        return [mail for mail in parsed if recipient in mail.get("X-RcptTo", "")]
