"""The agent while the search server is away: what waits for it waits on the disk. Runs come by waves
while nothing answers; the agent's memory is that after the first wave, and once the server is back
everything arrives without a restart.

`make -C build search-away` does it with 300 runs and tells the figures."""

import json
import os
import pathlib
import re
import sys

import pytest

from support import programs
from support.agents import by_id

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden" / "divergence_critical" / "records.jsonl"
RUNS = int(os.environ.get("TW_SEARCH_AWAY_RUNS", "30"))
WAVE = 10
MIB = 1 << 20
# With sanitizers, in a build folder of its own, memory is not what it is.
GROWTH_MAX = 8 * MIB if programs.BIN == programs.BUILD else None


def put_run(folder, number):
    run = folder / "runs" / f"run-{number}"
    run.mkdir(parents=True)
    (run / "telemetry.jsonl").write_text(
        GOLDEN.read_text().replace('"run":"divergence_critical"', f'"run":"run-{number}"'))


def resident(agent):
    status = pathlib.Path(f"/proc/{agent.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024


def logged(folder, stream):
    """Lines of the stream's files, and their bytes."""
    files = list((folder / "state").glob(f"{stream}*.jsonl"))
    return (sum(path.read_bytes().count(b"\n") for path in files),
            sum(path.stat().st_size for path in files))


@pytest.mark.long
def test_what_waits_for_the_server_waits_on_the_disk(opensearch, agents, tmp_path, test_name, capsys):
    config = programs.write_config(tmp_path / "agent.yaml", {
        "state_dir": str(tmp_path / "state"), "limits": {"runs": WAVE},
        "sources": [{"directory": {"path": str(tmp_path / "runs")}}],
        "delivery": {"backoff_first": "50ms", "backoff_max": "300ms"},
        "charts_file_size": "1MiB", "http": {"listen": "none"},
        "sinks": [{"elasticsearch": {"name": "search", "urls": [opensearch.url],
                                     "index_prefix": test_name, "timeout": "60s"}}]})
    done = programs.trainward("setup", "elasticsearch", "--config", config)
    assert done.returncode == 0, done.stderr
    for number in range(WAVE):
        put_run(tmp_path, number)
    n_charts = sum(json.loads(line)["trainward"]["kind"] != "run" for line in
                   programs.documents_of(tmp_path / "runs" / "run-0", format="charts"))
    opensearch.stop()
    agent = agents(config).start()
    pid, sizes = agent.process.pid, []
    try:
        for first in range(0, RUNS, WAVE):
            if first:
                for number in range(first, first + WAVE):
                    put_run(tmp_path, number)
            agent.wait_until(lambda: logged(tmp_path, "charts")[0] >= (first + WAVE) * n_charts, 120,
                             "the charts of a wave")
            sizes.append(resident(agent))
        waiting = logged(tmp_path, "charts")[1] + logged(tmp_path, "advisories")[1]
    finally:
        opensearch.start()
    expected = by_id(programs.documents_of(tmp_path / "runs"))
    agent.wait_until(lambda: opensearch.count(f"{test_name}-charts") >= RUNS * n_charts and
                     opensearch.count(f"{test_name}-advisories-*") >= len(expected), 300,
                     "everything that waited")
    after = resident(agent)
    assert agent.process.pid == pid
    with capsys.disabled():
        print(f"search away: {RUNS} runs, {RUNS * n_charts} charts, {len(expected)} advisories, "
              f"{waiting / MIB:.0f} MiB on disk; resident {sizes[0] / MIB:.1f} MiB after "
              f"{WAVE} runs, {sizes[-1] / MIB:.1f} after all, {after / MIB:.1f} when delivered",
              file=sys.stderr)
    assert agent.stop() == 0
    assert set(opensearch.documents(f"{test_name}-advisories-*")) == set(expected)
    assert len(opensearch.hits(f"{test_name}-charts", False)) == RUNS * n_charts
    assert not any(path.stat().st_size for path in (tmp_path / "state" / "dead-letters").glob("*"))
    if GROWTH_MAX:
        assert GROWTH_MAX < waiting * (RUNS - WAVE) / RUNS, "too little came to tell"
        assert sizes[-1] - sizes[0] < GROWTH_MAX, sizes
