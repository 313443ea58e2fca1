"""A real mail transfer agent (Debian's exim4-daemon-light) that delivers mail for y.test into a Maildir:
plain, STARTTLS with login, and TLS with login. Needs root, since exim changes its user."""

import mailbox
import os
import pathlib
import shutil
import socket
import email.policy

from services.certificates import make_certificate
from services.process import Service, free_port, wait_until

USER, PASSWORD = "trainward", "correct horse"

CONFIGURATION = """\
exim_path = /usr/sbin/exim4
primary_hostname = mx.test
spool_directory = {dir}/spool
log_file_path = {dir}/log/%slog
pid_file_path = {dir}/exim.pid
local_interfaces = <; 127.0.0.1.{plain} ; 127.0.0.1.{starttls} ; 127.0.0.1.{smtps}
tls_on_connect_ports = {smtps}
tls_certificate = {dir}/cert.pem
tls_privatekey = {dir}/key.pem
tls_advertise_hosts = ${{if eq{{$received_port}}{{{starttls}}}{{*}}{{}}}}
auth_advertise_hosts = ${{if eq{{$received_port}}{{{plain}}}{{}}{{${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}}}}}
domainlist local_domains = y.test
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max_per_connection = 1000
keep_environment =
acl_smtp_mail = c_mail
acl_smtp_rcpt = c_rcpt
begin acl
c_mail:
  deny  message = 530 5.7.0 Authentication required
        condition = ${{if !eq{{$received_port}}{{{plain}}}}}
        !authenticated = *
  deny  message = 550 5.7.1 sender not allowed
        sender_domains = banned.test
  accept
c_rcpt:
  deny  message = 550 5.1.1 no such user
        local_parts = perm
  defer message = 451 4.3.0 try later
        local_parts = temp
  accept domains = +local_domains
  deny  message = 550 5.7.1 relay not permitted
begin routers
local:
  driver = accept
  domains = +local_domains
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = {dir}/mail
  maildir_format
  create_directory
  envelope_to_add
  user = Debian-exim
begin retry
* * F,1h,5s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


def is_there():
    return os.geteuid() == 0 and shutil.which("exim4") is not None


class Exim(Service):
    name = "exim"

    def __init__(self, data_dir, log_dir):
        super().__init__(data_dir, log_dir)
        self.ca, certificate, key = make_certificate(self.data_dir / "tls")
        self.ports = {"plain": free_port(), "starttls": free_port(), "smtps": free_port()}
        for name in ("spool", "log", "mail"):
            (self.data_dir / name).mkdir()
        shutil.copy(certificate, self.data_dir / "cert.pem")
        shutil.copy(key, self.data_dir / "key.pem")
        for path in [self.data_dir, *self.data_dir.rglob("*")]:
            shutil.chown(path, "Debian-exim", "Debian-exim")
        self.data_dir.chmod(0o755)
        # The configuration stays root's: exim gives up its rights for another's.
        (self.data_dir / "exim.conf").write_text(CONFIGURATION.format(
            dir=self.data_dir, user=USER, password=PASSWORD, **self.ports))

    def command(self):
        return ["/usr/sbin/exim4", "-C", str(self.data_dir / "exim.conf"), "-bdf", "-q5s"]

    def is_ready(self):
        try:
            socket.create_connection(("127.0.0.1", self.ports["plain"]), 1).close()
        except OSError:
            return False
        return True

    def url(self, kind="plain", host="127.0.0.1"):
        scheme = "smtps" if kind == "smtps" else "smtp"
        return f"{scheme}://{host}:{self.ports[kind]}"

    def wait_for(self, count, recipient):
        wait_until(lambda: len(self.messages(recipient)) >= count, 30, f"mails for {recipient}")
        return self.messages(recipient)

    def messages(self, recipient=None):
        """The mails of the box, parsed, only those to one recipient where one is given."""
        if not (self.data_dir / "mail" / "new").exists():
            return []
        box = mailbox.Maildir(self.data_dir / "mail", create=False)
        parsed = [email.message_from_bytes(box.get_bytes(key), policy=email.policy.default)
                  for key in sorted(box.keys())]
        return [mail for mail in parsed
                if recipient is None or recipient in mail.get("Envelope-To", "")]
