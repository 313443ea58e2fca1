#!/usr/bin/env python3
"""The benchmark that needs a search server: the sink's delivery of a prepared advisory log against
curl, which posts the very same bodies over one connection, in turn. Adds its figure to the results
of trainward-bench.

    search_bench.py [--smoke] [--rounds N] [--documents N] [--output FILE]

OpenSearch starts from its published jars, as for the tests, on the CPUs of what is measured. The
indices are deleted and made anew before each burst.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP / "tests"), str(TOP / "bench")]

from kafka_bench import add_to, machine, quartiles, stolen_and_all, verdict  # noqa: E402
from services.opensearch import OpenSearch  # noqa: E402
from support import programs  # noqa: E402

TOOL = programs.BIN / "bench" / "trainward-bench-search"
PREFIX, GOAL = "bench", 0.70
TEMPLATE = TOP / "tests" / "golden" / "story" / "advisories.jsonl"


def write_log(folder, n):
    """Advisories of a real story under ids of their own, one episode a document."""
    lines = [json.loads(line) for line in TEMPLATE.read_text().splitlines()]
    episodes = [line for line in lines if line["trainward"]["kind"] == "episode"]
    with open(folder / "advisories.jsonl", "w") as log:
        for number in range(n):
            document = episodes[number % len(episodes)]
            document["event"]["id"] = f"{number:032x}"
            document["trainward"]["episode_id"] = f"{number + (1 << 64):032x}"
            log.write(json.dumps(document, separators=(",", ":")) + "\n")


class Bench:
    def __init__(self, server, folder, documents):
        self.server, self.folder, self.documents = server, folder, documents
        self.log, self.bodies = folder / "log", folder / "bodies"
        self.log.mkdir()
        self.bodies.mkdir()
        write_log(self.log, documents)
        self.tool("bodies", self.log, PREFIX, self.bodies)
        (folder / "runs").mkdir()
        self.config = programs.write_config(folder / "agent.yaml", {
            "state_dir": str(folder / "state"),
            "sources": [{"directory": {"path": str(folder / "runs")}}],
            "sinks": [{"elasticsearch": {"urls": [server.url], "index_prefix": PREFIX}}]})
        self.curl = self.curl_arguments()

    def tool(self, *arguments):
        done = subprocess.run([str(TOOL), *map(str, arguments)], capture_output=True, text=True,
                              timeout=1200, check=True)
        return done.stdout

    def curl_arguments(self):
        """One process and one connection for all bodies."""
        arguments = ["curl"]
        for number, body in enumerate(sorted(self.bodies.iterdir())):
            arguments += ["--next"] if number else []
            arguments += ["-s", "-f", "-o", "/dev/null", "-H", "Content-Type: application/x-ndjson",
                          "-H", "Expect:", "--data-binary", f"@{body}",
                          f"{self.server.url}/_bulk?filter_path=errors"]
        return arguments

    def clear(self):
        self.server.request("DELETE", f"/{PREFIX}-advisories-*,{PREFIX}-runs?ignore_unavailable=true")
        done = programs.trainward("setup", "elasticsearch", "--config", self.config)
        assert done.returncode == 0, done.stderr
        shutil.rmtree(self.log / "cursors", ignore_errors=True)

    def check(self):
        self.server.request("POST", f"/{PREFIX}-*/_refresh")
        found = self.server.request("GET", f"/{PREFIX}-advisories-*/_count")["count"]
        assert found == self.documents, f"{found} of {self.documents} documents are there"

    def sink(self):
        self.clear()
        told = json.loads(self.tool("deliver", self.log, self.server.url, PREFIX, self.documents))
        self.check()
        return told

    def by_curl(self):
        self.clear()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.monotonic()
        subprocess.run(self.curl, check=True, timeout=1200)
        seconds = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.check()
        return {"seconds": seconds, "cpu_seconds": after.ru_utime + after.ru_stime -
                before.ru_utime - before.ru_stime}


def measure(bench, rounds):
    for contestant in (bench.by_curl, bench.sink):  # the server's compiler warms up
        contestant()
    stolen, ticks = stolen_and_all()
    pairs = []
    for number in range(rounds):
        order = (bench.sink, bench.by_curl) if number % 2 else (bench.by_curl, bench.sink)
        told = {contestant.__name__: contestant() for contestant in order}
        pairs.append((told["sink"], told["by_curl"]))
    stolen_now, ticks_now = stolen_and_all()
    ratio = quartiles([curl["seconds"] / sink["seconds"] for sink, curl in pairs])
    return ratio["median"], {
        "rounds": rounds, **ratio, "documents": bench.documents, "signals": "advisories of a story",
        "bytes": sum(body.stat().st_size for body in bench.bodies.iterdir()),
        "sink": [sink for sink, _ in pairs], "curl": [curl for _, curl in pairs],
        "stolen_share": (stolen_now - stolen) / (ticks_now - ticks)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: does everything run?")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--output", type=pathlib.Path, help="results file to add the figure to")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="trainward-bench-"))
    server = OpenSearch(folder / "opensearch", folder / "logs", programs.BUILD)
    server.ready_seconds = 600
    try:
        server.start()
        bench = Bench(server, folder, 600 if options.smoke else options.documents)
        value, raw = measure(bench, 1 if options.smoke else options.rounds)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    unit = "of curl's rate"
    print(f"{'bulk_vs_curl':<27} {value:10.4g}  {verdict(value, GOAL, True, options.smoke):<21} {unit}")
    figure = {"name": "bulk_vs_curl", "value": value, "unit": unit,
              "description": "delivering an advisory log, against curl posting the same bodies",
              "raw": {**raw, "goal": GOAL, "machine": machine()}}
    if options.output:
        add_to(options.output, [figure])
    else:
        json.dump(figure, sys.stdout, indent=2)


if __name__ == "__main__":
    os.environ.setdefault("TW_BUILD", str(TOP / "build"))
    main()
