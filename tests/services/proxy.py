"""A proxy before a search server: TLS, logins, and whatever goes wrong on the way.

`faults` is a list of functions that each get one request to _bulk, in turn, and may answer it (a
status and an object), break it off (CUT, HALF_CLOSE) or let it pass (None). `answers` maps
(method, path) to functions of the body, for requests that the server behind does not know."""

import http.client
import http.server
import json
import socket
import ssl
import threading
import time
import urllib.parse

from services.process import free_port

CUT, HALF_CLOSE = "cut", "half close"


def delay(seconds):
    def fault(body):
        time.sleep(seconds)
    return fault


def answer(status, reason="made up by the proxy", type_="es_rejected_execution_exception"):
    def fault(body):
        return status, {"error": {"type": type_, "reason": reason}, "status": status}
    return fault


class Proxy:
    def __init__(self, server, certificate=None, client_ca=None, authorization=None):
        self.server, self.authorization = server, authorization
        self.faults, self.answers, self.requests, self.refused = [], {}, [], set()
        self.body_max = None
        self.port = free_port()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self.http.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, certificate))
            if client_ca:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(str(client_ca))
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True,
                                                   do_handshake_on_connect=False)
        self.url = f"{'https' if certificate else 'http'}://localhost:{self.port}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body, close_after=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if close_after is None else body[:close_after])

    def send_json(self, status, body):
        self.send(status, json.dumps(body).encode())

    def forward(self, body):
        """To the server; its answer, or None where it is away."""
        upstream = http.client.HTTPConnection("127.0.0.1", self.proxy.server.port, timeout=60)
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() in ("content-type", "content-encoding")}
        try:
            upstream.request(self.command, self.path, body, headers)
            answer_ = upstream.getresponse()
            return answer_.status, answer_.read()
        except OSError:
            return None
        finally:
            upstream.close()

    def break_off(self, how, body):
        """The server has done what was asked, and only half of its answer arrives."""
        done = self.forward(body)
        if done:
            self.send(*done, close_after=len(done[1]) // 2)
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR if how == HALF_CLOSE else socket.SHUT_RDWR)
        if how == HALF_CLOSE:
            time.sleep(.2)
        self.close_connection = True

    def handle_request(self):
        proxy, path = self.proxy, urllib.parse.urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy.requests.append((self.command, self.path, len(body)))
        if proxy.authorization and self.headers.get("Authorization") != proxy.authorization:
            self.send_json(401, {"error": {"type": "security_exception", "reason":
                                           "unable to authenticate"}, "status": 401})
        elif path in proxy.refused or (self.command, path) in proxy.refused:
            self.send_json(403, {"error": {"type": "security_exception", "reason":
                                           "action is unauthorized"}, "status": 403})
        elif (self.command, path) in proxy.answers:
            self.send_json(*proxy.answers[self.command, path](body, self.path))
        elif path == "/_bulk" and proxy.body_max and len(body) > proxy.body_max:
            self.send(413, b"")
        else:
            self.pass_on(body, proxy.faults.pop(0)(body) if path == "/_bulk" and proxy.faults
                         else None)

    def pass_on(self, body, fault):
        if fault in (CUT, HALF_CLOSE):
            self.break_off(fault, body)
        elif fault:
            self.send_json(*fault)
        else:
            done = self.forward(body)
            if done:
                self.send(*done)
            else:
                self.send(502, b"<html>the server is away</html>")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_request
