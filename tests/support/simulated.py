"""Losses of healthy runs with faults put in, and what `trainward analyze` says of many runs at once.

A healthy loss falls by a power law and has the heavy tails of real ones (Student's t of 4 degrees of
freedom), as in tests/unit/detector_fixture.h.
"""

import json
import math
import random

from support import programs, telemetry

LOUD = ("warning", "critical")


def heavy(source, degrees=4):
    """Student's t of an even number of degrees of freedom."""
    squares = -2 * sum(math.log(1 - source.random()) for _ in range(degrees // 2))  # chi squared
    return source.gauss(0, 1) / math.sqrt(squares / degrees)


def healthy_loss(source, step, spread=0.03, degrees=4):
    return (2.3 + 8 / math.sqrt(step + 10)) * math.exp(spread * heavy(source, degrees))


def language_model(run, seed=1, **options):
    """A run whose losses may be healthy ones: over a vocabulary of 50,257 (GPT-2's), ln of which is
    10.8, a loss of 2.3 is a good one."""
    made = telemetry.Run(run, seed=seed, classes=50257, **options)
    made.header()
    return made


def loss_lines(run, seed, steps, factor, spread):
    """A log of nothing but losses; `factor` of the step is what the fault makes of them."""
    source = random.Random(f"{run}/{seed}")
    return "".join(f'{{"run":"{run}","step":{step},"loss":'
                   f'{healthy_loss(source, step, spread) * factor(step):.6g}}}\n'
                   for step in range(steps))


def judge_text(path, text):
    """{run: what `analyze --format json` prints of it} of a log of one or many runs."""
    path.write_text(text)
    done = programs.trainward("analyze", "--format", "json", path, timeout=120)
    assert done.returncode in (0, 1, 3), done.stderr
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    return {report["run"]: report for report in printed}


def judge(path, *runs):
    """The same of runs as lists of records."""
    return judge_text(path, b"".join(map(telemetry.to_json_lines, runs)).decode())


def loud(report, detector=None):
    """The findings of warning or more, withdrawn ones among them."""
    return [finding for finding in report["findings"] if finding["severity"] in LOUD and
            detector in (None, finding["detector"])]


def told(report):
    """{detector: severity} of what stands and is a warning or more."""
    return {finding["detector"]: finding["severity"] for finding in loud(report)
            if finding["state"] != "withdrawn"}


def reasons(report):
    return {entry["detector"]: entry["reason"] for entry in report["not_checked"]}


def thinned(records, interval):
    """As a job logs that tells of every `interval`-th step only; all that is no step stays."""
    return [record for record in records
            if record["kind"] != "step" or record["step"] % interval == 0]


def assert_numbers_and_an_amount(finding):
    """What every finding owes: its evidence in numbers, and a change that has an amount, unless it is
    an information or follows from another finding."""
    evidence = finding["evidence"]
    for name in ("value", "threshold"):
        assert isinstance(evidence[name], (int, float)) and math.isfinite(evidence[name]), finding
    assert evidence["statistic"], finding
    assert finding["onset_step"] <= finding["detected_step"], finding
    if finding["severity"] in LOUD and not finding["causes"]:
        assert finding["suggestions"], finding
    for suggestion in finding["suggestions"]:
        assert suggestion["change"]["value"] is not None, finding
        assert suggestion["verify"]["within_steps"] >= 1, finding
