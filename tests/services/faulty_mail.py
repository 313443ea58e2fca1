"""A mail server that fails in all the ways that they do, by `mode`:

    fine, refuses (421 for everybody), full (452), drops (the connection dies when it has the mail),
    expired, wrong-name (its certificate), gone (nobody listens)

Besides, a recipient `perm` is refused for good (550), and each recipient of a mail is told to come
again once (451) when `greylists`. `hold` gets no answer while `holds`.
"""

import asyncio
import collections
import email
import ssl
import subprocess
import threading

from aiosmtpd.controller import Controller

from services.process import free_port


def _certificates(folder):
    """{kind: SSL context}, and the authority's file."""
    folder.mkdir(parents=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-keyout", ca_key,
            "-out", ca, "-subj", "/CN=trainward test authority")
    contexts = {}
    for kind, names, days in (("fine", "DNS:localhost,IP:127.0.0.1", 30),
                              ("expired", "DNS:localhost,IP:127.0.0.1", -1),
                              ("wrong-name", "DNS:other.test", 30)):
        key, request, certificate, extensions = (
            folder / f"{kind}.{ending}" for ending in ("key", "csr", "pem", "txt"))
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request,
                "-subj", "/CN=localhost")
        openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
                "-days", days, "-extfile", extensions, "-out", certificate)
        contexts[kind] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        contexts[kind].load_cert_chain(certificate, key)
    return contexts, ca


class FaultyMail:
    MODES = ("fine", "refuses", "full", "drops", "expired", "wrong-name", "gone")

    def __init__(self, folder):
        self.contexts, self.ca = _certificates(folder)
        self.port, self.mode, self.greylists = free_port(), "fine", True
        self.lock = threading.Lock()
        self.taken = []  # (Message-ID, recipient, bytes, whether the client heard of it)
        self.greylisted = set()
        self.holds, self.asked = False, collections.Counter()  # recipients, by how often they were
        self.controller = None

    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.mode == "refuses":
            return "421 4.3.2 not now"
        if self.mode == "full":
            return "452 4.3.1 insufficient system storage"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.asked[address] += 1
        while self.holds and address.startswith("hold@"):
            await asyncio.sleep(.02)
        if address.startswith("perm@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = email.message_from_bytes(envelope.content)["Message-ID"]
        with self.lock:
            for recipient in envelope.rcpt_tos:
                if self.greylists and self.mode != "drops" and \
                        (name, recipient) not in self.greylisted:
                    self.greylisted.add((name, recipient))
                    return "451 4.7.1 greylisted, come again"
            drops = self.mode == "drops"
            for recipient in envelope.rcpt_tos:
                self.taken.append((name, recipient, envelope.content, not drops))
        if drops:
            server.transport.abort()
        return "250 OK"

    def start(self):
        self.controller = Controller(
            self, hostname="127.0.0.1", port=self.port, ready_timeout=10, require_starttls=True,
            tls_context=self.contexts.get(self.mode, self.contexts["fine"]))
        self.controller.start()
        return self

    def stop(self):
        if self.controller:
            self.controller.stop()
            self.controller = None

    def be(self, mode):
        """A change of what it presents needs another server on the same port."""
        self.stop()
        self.mode = mode
        if mode != "gone":
            self.start()
