"""Draws the pictures of docs/email.md: a mail that has been through a mail server, as text and as HTML on
a telephone. `make mail-pictures` runs it; it needs Chromium."""

import base64
import html
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from services.mail import Mail
from support import programs
from support.notifications import notification, send

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def part(mail, kind):
    return next(each for each in mail.walk() if each.get_content_type() == kind)


def sent_mail(folder):
    server = Mail(folder).start()
    try:
        assert send(notification("team@example.org"), "curl", server.url()) == [("done", "")]
        return server.messages()[0]
    finally:
        server.stop()


def as_html(mail):
    picture = base64.b64encode(part(mail, "image/png").get_payload(decode=True)).decode()
    return re.sub('src="cid:[^"]+"', f'src="data:image/png;base64,{picture}"',
                  part(mail, "text/html").get_payload(decode=True).decode())


def as_text(mail):
    headers = "".join(f"{name}: {mail[name]}\n" for name in ("From", "To", "Subject", "Date"))
    body = part(mail, "text/plain").get_payload(decode=True).decode()
    return ("<!DOCTYPE html><meta charset=utf-8><body style='margin:16px;background:#fff'>"
            "<pre style='font:14px/1.35 monospace;margin:0'>" + html.escape(headers + "\n" + body)
            + "</pre>")


def draw(page, picture, width, height, folder):
    path = pathlib.Path(folder) / "page.html"
    path.write_text(page)
    subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    f"--user-data-dir={folder}/profile", "--force-device-scale-factor=1.5",
                    f"--window-size={width},{height}", f"--screenshot={picture}", path.as_uri()],
                   check=True, capture_output=True, timeout=120)


def main():
    if not CHROMIUM:
        sys.exit("mail_pictures: needs Chromium (Debian: chromium)")
    docs = programs.TOP / "docs"
    with tempfile.TemporaryDirectory() as folder:
        mail = sent_mail(folder)
        draw(as_html(mail), docs / "mail-html.png", 420, 1345, folder)
        draw(as_text(mail), docs / "mail-text.png", 660, 780, folder)


if __name__ == "__main__":
    main()
