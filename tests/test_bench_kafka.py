"""The Kafka benchmarks run, with tiny sizes, and write what they promise. No time is asserted."""

import json
import os
import subprocess
import sys

import pytest

from support import programs

FIGURES = ["agent_cbor_vs_noop_100k", "two_agents_vs_one", "produce_to_advisory_p99_ms"]


@pytest.mark.long
def test_the_kafka_benchmarks_write_their_figures(tmp_path):
    results = tmp_path / "results.json"
    results.write_text('[{"name": "emit_p99_ns", "value": 1}]')
    done = subprocess.run(
        [sys.executable, str(programs.TOP / "bench" / "kafka_bench.py"), "--smoke", "--output",
         str(results), *FIGURES],
        env={**os.environ, **programs.ENVIRONMENT, "TW_BUILD": str(programs.BUILD),
             "TW_BIN": str(programs.BIN)},
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    written = {figure["name"]: figure for figure in json.loads(results.read_text())}
    assert set(written) == {"emit_p99_ns", *FIGURES}, "others' figures are kept"
    for name in FIGURES:
        assert {"value", "unit", "description", "raw"} <= set(written[name])
        assert {"rounds", "signals", "stolen_share", "machine"} <= set(written[name]["raw"])
    told = written["produce_to_advisory_p99_ms"]["raw"]["each"][0]
    assert told["missing"] == 0 and told["advisories"] > 50
