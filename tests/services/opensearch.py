"""One OpenSearch node."""

import json
import urllib.error
import urllib.request

from services import jars
from services.process import Service, free_port


class OpenSearch(Service):
    name = "opensearch"

    def __init__(self, data_dir, log_dir, build_dir):
        super().__init__(data_dir, log_dir)
        self.jars = jars.fetch("opensearch", build_dir)
        self.classes = jars.compile_launcher(jars.HERE / "OpenSearchNode.java", self.jars, build_dir)
        self.java = jars.java_bin() / "java"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self):
        return [self.java, "-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-Dlog4j2.disable.jmx=true",
                "-cp", f"{self.classes}:{self.jars}/*", "OpenSearchNode", self.data_dir, self.port]

    def is_ready(self):
        try:
            return self.request("GET", "/_cluster/health", seconds=2)["status"] in ("green", "yellow")
        except (OSError, ValueError):
            return False

    def request(self, method, path, body=None, seconds=30):
        """The answer to a request as parsed JSON; an HTTP error is raised."""
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return json.load(answer)

    def documents(self, pattern):
        """Every document of the indices that fit `pattern`, as {id: document}; {} without an index."""
        try:
            self.request("POST", f"/{pattern}/_refresh")
            answer = self.request("POST", f"/{pattern}/_search?ignore_unavailable=true",
                                  {"size": 10000, "query": {"match_all": {}}, "sort": ["_doc"]})
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            raise
        hits = answer["hits"]["hits"]
        assert answer["hits"]["total"]["value"] == len(hits), "more documents than one page holds"
        found = {(hit["_index"], hit["_id"]): hit["_source"] for hit in hits}
        by_id = {hit["_id"]: hit["_source"] for hit in hits}
        assert len(by_id) == len(found), "the same id stands in two indices"
        return by_id
