"""The two judges: `trainward analyze`, and the rules of common sense."""

import json
import subprocess

import baseline
import corpus
import records
import score

PATIENCE = 60  # seconds for one log


def extent(points):
    return {"first_step": min(points, default=0), "last_step": max(points, default=0)}


def analyze(trainward, options, run, path):
    """The run's verdict of `trainward analyze --format json`."""
    command = [trainward, "analyze", "--format", "json", *options, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return score.Judged(run, [], error=f"no answer within {PATIENCE} s")
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode not in (0, 1, 3) or not lines:
        return score.Judged(run, [], error=f"exit status {done.returncode}: {done.stderr.strip()[-200:]}")
    said = json.loads(lines[0])
    return score.Judged(run, said["findings"], said["not_checked"])


def judge(job):
    """One run's verdicts: (trainward's, the rules', names that the map lacks, rows that were lost)."""
    run, maps, folder, trainward, options = job
    if run.format == corpus.RUN_DIRECTORY:
        path, unmapped, kept = run.path, [], run_directory(run.path)
    else:
        path, unmapped = records.cached(run.path, run.format, maps, folder)
        kept = records.load(path)
    span = extent([record["step"] for record in kept if "step" in record])
    ours = analyze(trainward, options, run, path)
    ours.first_step, ours.last_step = span["first_step"], span["last_step"]
    return ours, score.Judged(run, baseline.findings(kept), **span), unmapped


def run_directory(path):
    """The records of a run directory that holds JSON lines; those of a CBOR log are not for the rules."""
    file = path / "telemetry.jsonl" if path.is_dir() else path
    if not file.exists() or file.suffix != ".jsonl":
        return []
    return [record for record in records.load(file) if record.get("rank", 0) == 0]
