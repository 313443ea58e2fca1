"""What the two kinds of search servers have in common: requests, and all documents of an index."""

import contextlib
import json
import urllib.error
import urllib.request

from services.process import Service, free_port

JAVA_OPTIONS = ["-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-Dlog4j2.disable.jmx=true"]
PAGE = 5000


class SearchServer(Service):
    """Subclasses give `command()`."""

    def __init__(self, data_dir, log_dir):
        super().__init__(data_dir, log_dir)
        self.settings = []  # "name=value"; for the next start
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

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

    def hits(self, pattern, source=True):
        """Every document of the indices and data streams that fit `pattern`; none without an index."""
        try:
            self.request("POST", f"/{pattern}/_refresh")
            query = {"size": PAGE, "query": {"match_all": {}}, "_source": source, "sort": ["_doc"]}
            answer = self.request(
                "POST", f"/{pattern}/_search?scroll=1m&ignore_unavailable=true", query)
        except urllib.error.HTTPError as error:
            if error.code in (404, 503):  # no index, or its shards are on their way
                return []
            raise
        hits = []
        while answer["hits"]["hits"]:
            hits += answer["hits"]["hits"]
            answer = self.request("POST", "/_search/scroll",
                                  {"scroll": "1m", "scroll_id": answer["_scroll_id"]})
        if "_scroll_id" in answer:  # a pattern that nothing fits has none
            with contextlib.suppress(urllib.error.HTTPError):  # an empty one is gone already
                self.request("DELETE", "/_search/scroll", {"scroll_id": answer["_scroll_id"]})
        return hits

    def documents(self, pattern):
        """The same as {id: document}."""
        hits = self.hits(pattern)
        by_id = {hit["_id"]: hit["_source"] for hit in hits}
        assert len(by_id) == len(hits), "the same id stands in two indices"
        return by_id
