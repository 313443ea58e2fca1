"""A receiver of webhooks: keeps what it was sent, and answers as it is told."""

import http.server
import json
import ssl
import threading

from services.certificates import make_certificate
from services.process import free_port


class Receiver:
    """`answers`: (status, headers), and the body if it matters, of the next requests; then 200."""

    def __init__(self, folder=None, **certificate_options):
        self.requests, self.answers, self.lock = [], [], threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    receiver.requests.append({"path": self.path, "method": self.command,
                                              "headers": dict(self.headers), "body": body})
                    answer = receiver.answers.pop(0) if receiver.answers else (200, {})
                (status, headers), said = answer[:2], answer[2] if answer[2:] else b"said\r\nso"
                self.send_response(status)
                for name, value in {"Content-Length": str(len(said)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)
            do_PUT = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.server.daemon_threads = True
        self.scheme, self.ca = "http", None
        if folder is not None:
            self.ca, certificate, key = make_certificate(folder, **certificate_options)
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"

    def url(self, path="/hook/s3cr3t"):
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}{path}"

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def bodies(self):
        with self.lock:
            return [json.loads(request["body"]) for request in self.requests]
