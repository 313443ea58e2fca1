"""A mail server: plain, STARTTLS with login, and TLS with login, into one Maildir.

The recipient's local part injects faults: `perm` is refused for good (550), `temp` for now (451),
`drop` has the connection cut, `later` is refused for now as often as `later_refusals` says; `full`
is taken and its mail refused for now (452), and for `lost` the connection is cut once the mail is
in the box. The sender `banned` is refused.
"""

import base64
import email
import hmac
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

    # The logins that aiosmtpd does not bring.
    async def auth_XOAUTH2(self, server, args):
        answer = base64.b64decode(args[1]) if len(args) > 1 else await server.challenge_auth("")
        right = f"user={USER}\1auth=Bearer {PASSWORD}\1\1"
        return AuthResult(success=answer == right.encode(), handled=False)

    async def auth_CRAM__MD5(self, server, args):
        challenge = b"<1.2@trainward.test>"
        answer = await server.challenge_auth(challenge)
        right = USER + " " + hmac.new(PASSWORD.encode(), challenge, "md5").hexdigest()
        return AuthResult(success=answer == right.encode(), handled=False)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.split("@")[0] == "banned":
            return "550 5.7.1 sender not allowed"
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

    async def handle_DATA(self, server, session, envelope):
        local_parts = {address.split("@")[0] for address in envelope.rcpt_tos}
        if "full" in local_parts:
            return "452 4.3.1 no room"
        answer = await super().handle_DATA(server, session, envelope)
        if "lost" in local_parts:
            server.transport.abort()
        return answer


class Mail:
    """Stopping it keeps the ports and the mails."""

    name = "mail"

    def __init__(self, data_dir, logins=("PLAIN", "LOGIN"), **certificate_options):
        data_dir = pathlib.Path(data_dir)
        self.folder = data_dir / "Maildir"
        self.ca, certificate, key = make_certificate(data_dir / "tls", **certificate_options)
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(certificate, key)
        self.asked_names = []  # by clients (SNI), one for each TLS connection
        self.tls.sni_callback = lambda _, name, __: self.asked_names.append(name)
        self.excluded_logins = {"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"} - set(logins)
        self.handler = _Handler(self.folder)
        self.ports = {"plain": free_port(), "starttls": free_port(), "smtps": free_port()}
        self.controllers = []

    def url(self, kind="plain", host="127.0.0.1"):
        scheme = "smtps" if kind == "smtps" else "smtp"
        return f"{scheme}://{host}:{self.ports[kind]}"

    def start(self):
        login = {"authenticator": _authenticate, "auth_required": True,
                 "auth_exclude_mechanism": self.excluded_logins}
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
