"""A server that answers as the saved-objects interface of Kibana does, for `setup kibana`.

Kibana itself cannot be had here. What it is like is taken from Kibana's documentation of
_import and _export: the headers that it wants, what it says of objects that it cannot take."""

import base64
import contextlib
import email
import email.policy
import http.server
import json
import re
import threading

# The newest forms that OpenSearch Dashboards takes.
LAST_KNOWN = {"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0",
              "dashboard": "7.9.3"}


class KibanaServer:
    """`refuse` maps an object's id to the error that an import gives it; `answer`, when set, is
    (status, content type, body) to whatever comes."""

    def __init__(self, base="", spaces=("default",), login=None, is_dashboards=False):
        self.base, self.spaces, self.login, self.is_dashboards = base, spaces, login, is_dashboards
        self.objects, self.requests, self.refuse = {}, [], {}
        self.answer = self.destination = None

    def __enter__(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.requests.append((self.path, self.headers, body))
                status, kind, text = server.answer or server.handle(self.path, self.headers, body)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_port}{self.base}"
        self.thread = threading.Thread(target=self.httpd.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()

    def handle(self, path, headers, body):
        xsrf = "osd-xsrf" if self.is_dashboards else "kbn-xsrf"
        if xsrf not in headers:
            return boom(400, "Bad Request", f"Request must contain a {xsrf} header.")
        if self.login and headers.get("Authorization") != self.login:
            return boom(401, "Unauthorized", "[security_exception]: unable to authenticate user")
        found = re.fullmatch(re.escape(self.base) + r"(?:/s/(\w+))?/api/saved_objects/"
                             r"(_import|_export)(?:\?(.*))?", path)
        space = found and (found.group(1) or "default")
        if not found or space not in self.spaces:
            return boom(404, "Not Found", "Not Found")
        if found.group(2) == "_export":
            return self.export(space, json.loads(body))
        return self.take(space, headers, body, found.group(3) == "overwrite=true")

    def export(self, space, asked):
        there = [self.objects.get((space, each["type"], each["id"])) for each in asked["objects"]]
        missing = [{**each, "error": {"statusCode": 404, "error": "Not Found"}}
                   for each, found in zip(asked["objects"], there) if found is None]
        if missing:
            return boom(400, "Bad Request", "Error fetching objects to export",
                        attributes={"objects": missing})
        lines = "\n".join(json.dumps(each) for each in there)
        return 200, "application/ndjson", lines.encode()

    def take(self, space, headers, body, overwrites):
        objects = [json.loads(line) for line in file_of(headers, body).splitlines()]
        named = {(each["type"], each["id"]) for each in objects}
        errors, successes = [], []
        for each in objects:
            why = self.why_not(space, each, named, overwrites)
            name = {"id": each["id"], "type": each["type"]}
            if why:
                errors.append({**name, "title": each["attributes"]["title"], "error": why})
                continue
            self.objects[(space, each["type"], each["id"])] = each
            successes.append({**name, **({"destinationId": self.destination}
                                         if self.destination else {})})
        answer = {"success": not errors, "successCount": len(successes),
                  "successResults": successes, "warnings": []}
        return 200, "application/json", json.dumps({**answer, **({"errors": errors} if errors
                                                                 else {})}).encode()

    def why_not(self, space, each, named, overwrites):
        if each["id"] in self.refuse:
            return self.refuse[each["id"]]
        if each["type"] not in LAST_KNOWN:
            return {"type": "unsupported_type"}
        version = each.get("migrationVersion", {}).get(each["type"], "0.0.0")
        if [*map(int, version.split("."))] > [*map(int, LAST_KNOWN[each["type"]].split("."))]:
            return {"type": "unknown", "statusCode": 422,
                    "message": f"belongs to a more recent version [{version}]"}
        missing = [{"type": r["type"], "id": r["id"]} for r in each["references"]
                   if (r["type"], r["id"]) not in named
                   and (space, r["type"], r["id"]) not in self.objects]
        if missing:
            return {"type": "missing_references", "references": missing}
        if not overwrites and (space, each["type"], each["id"]) in self.objects:
            return {"type": "conflict"}
        return None


def boom(status, error, message, **more):
    """An error as Kibana writes it."""
    body = {"statusCode": status, "error": error, "message": message, **more}
    return status, "application/json; charset=utf-8", json.dumps(body).encode()


def file_of(headers, body):
    """The part "file" of a form, read by the library for mails, whose form it has."""
    head = f"Content-Type: {headers['Content-Type']}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    assert form.get_content_type() == "multipart/form-data"
    part, = form.iter_parts()
    assert part.get_param("name", header="Content-Disposition") == "file"
    assert part.get_filename().endswith(".ndjson")  # Kibana refuses others
    return part.get_payload(decode=True).decode()


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@contextlib.contextmanager
def kibana_server(**options):
    with KibanaServer(**options) as server:
        yield server
