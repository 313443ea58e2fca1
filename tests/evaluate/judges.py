"""The two judges: `trainward analyze`, and the rules of common sense."""

import json
import subprocess

from evaluate import baseline, corpus, records, score

PATIENCE = 60  # seconds for one log
JUDGED = (0, 1, 3)  # exit statuses of `analyze` that come with a verdict


def extent(found):
    """First and last step of a run's records."""
    steps = [record["step"] for record in found if "step" in record]
    return {"first_step": min(steps, default=0), "last_step": max(steps, default=0)}


def analyze(trainward, options, run, path, span):
    """The run as `trainward analyze --format json` judges it."""
    command = [trainward, "analyze", "--format", "json", *options, str(path)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return score.Judged(run, [], error=f"no answer within {PATIENCE} s", **span)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode not in JUDGED or not lines:
        why = f"exit status {done.returncode}: {done.stderr.strip()[-200:]}"
        return score.Judged(run, [], error=why, **span)
    said = [json.loads(line) for line in lines]  # a log may hold several runs: one label for all
    findings = [finding for one in said for finding in one["findings"]]
    return score.Judged(run, findings, said[0]["not_checked"], **span)


def judge(job):
    """(trainward's verdict, that of the rules, names that the map lacks) for one run."""
    run, maps, folder, trainward, options, is_original = job
    path, unmapped = run.path, []
    if run.format != corpus.RUN_DIRECTORY:
        path, unmapped = records.cached(run.path, run.format, maps, folder)
    found = records.load(path)
    span = extent(found)
    rules = score.Judged(run, baseline.findings(found), **span)
    read = run.path if is_original else path
    return analyze(trainward, options, run, read, span), rules, unmapped
