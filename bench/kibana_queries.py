"""How long the run view's requests take with many runs indexed: each panel's, a few times, one after
the other, on a real OpenSearch. Prints a line for each panel, and one for the whole view.

    make -C build kibana-speed          # KIBANA_RUNS=1000
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[1]
CASES = ("divergence_critical", "healthy", "saturation")
TIMES = {"gte": "2000-01-01", "lte": "2100-01-01"}
REPEATS = 7


def documents(programs):
    """[[(index, id, document)]] of each case, as an agent writes them."""
    for case in CASES:
        path = TOP / "tests" / "golden" / case / "records.jsonl"
        found = []
        for line in programs.documents_of(path):
            document = json.loads(line)
            own = document["trainward"]
            found.append(("trainward-advisories-2025.06", document["event"]["id"], document))
            found.append(("trainward-runs", own.get("episode_id") or "run", document))
        charts = programs.trainward("analyze", "--format", "charts", path).stdout.splitlines()
        for line in charts:
            document = json.loads(line)
            if document["trainward"]["kind"] != "run":
                found.append(("trainward-charts", document["event"]["id"], document))
        yield found


def bulk(server, lines):
    request = urllib.request.Request(server.url + "/_bulk?filter_path=errors", method="POST",
                                     data="".join(lines).encode(),
                                     headers={"Content-Type": "application/x-ndjson"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        assert json.load(answer) == {"errors": False}


def fill(server, cases, runs):
    lines, count = [], 0
    for number in range(runs):
        name = f"run-{number}"
        for index, one_id, document in cases[number % len(cases)]:
            document["trainward"]["run"]["id"] = name
            action = {"create": {"_id": f"{name}-{one_id}", "_index": index}}
            lines += [json.dumps(action) + "\n", json.dumps(document) + "\n"]
            count += 1
        if len(lines) > 8000:
            bulk(server, lines)
            lines = []
    if lines:
        bulk(server, lines)
    return count


def measure(server, kibana, runs):
    objects = kibana.committed()
    for number in range(REPEATS):
        query = f'trainward.run.id:"run-{(number * 101) % runs}"'
        for saved in objects.panels("trainward_run"):
            pattern = objects.index_of(saved)
            title = pattern and pattern["attributes"]["title"]
            begin = time.perf_counter()
            for index, body in kibana.requests(saved, title, query, TIMES):
                answer = server.request("POST", f"/{index}/_search", body)
                assert not answer["timed_out"]
            yield saved["id"], time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=1000)
    options = parser.parse_args()
    os.environ["TW_BUILD"] = os.environ["TW_BIN"] = str(options.build)
    sys.path.insert(0, str(TOP / "tests"))
    from services.opensearch import OpenSearch
    from support import kibana, programs
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        server = OpenSearch(folder / "data", folder / "logs", options.build).start()
        try:
            config = programs.write_config(folder / "config.yaml", {
                "state_dir": str(folder / "state"),
                "sinks": [{"elasticsearch": {"urls": [server.url]}}]})
            done = programs.trainward("setup", "elasticsearch", "--config", config)
            assert done.returncode == 0, done.stderr
            count = fill(server, list(documents(programs)), options.runs)
            server.request("POST", "/trainward-*/_refresh", seconds=300)
            taken = {}
            for name, seconds in measure(server, kibana, options.runs):
                taken.setdefault(name, []).append(seconds)
        finally:
            server.stop()
    print(f"{options.runs} runs, {count} documents; milliseconds, median of {REPEATS} and the longest")
    for name, seconds in taken.items():
        print(f"{1000 * statistics.median(seconds):8.1f} {1000 * max(seconds):8.1f}  {name}")
    whole = [sum(each) for each in zip(*taken.values())]
    print(f"{1000 * statistics.median(whole):8.1f} {1000 * max(whole):8.1f}  the whole view, one after the other")


if __name__ == "__main__":
    main()
