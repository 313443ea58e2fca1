"""Six rules of common sense over the same records, to see what a detector is worth over them.

The lines are those that losslint, trainproof and their like draw: a spike over three medians, a
norm over ten, an end at twice the minimum. None is tuned.
"""

import math
import statistics

WINDOW = 50


def series(records, name):
    return [(r["step"], r[name]) for r in records if name in r and "step" in r]


def finite(points):
    return [(step, value) for step, value in points if math.isfinite(value)]


def over_medians(points, factor):
    """The first step over `factor` medians of the up to WINDOW values before it, of which five are
    needed."""
    for i in range(5, len(points)):
        median = statistics.median(value for _, value in points[max(0, i - WINDOW) : i])
        if points[i][1] > factor * median > 0:
            return points[i][0]
    return None


def judge(records):
    """{detector: the step at which it could be said}."""
    found = {}
    names = ("loss", "grad_norm", "eval_loss", "train_loss")
    values = [point for name in names for point in series(records, name)]
    broken = [step for step, value in values if not math.isfinite(value)]
    loss, norm, evals = (finite(series(records, name)) for name in names[:3])
    if broken:
        found["overflow"] = min(broken)
    if len(evals) > 3 and min(v for _, v in evals[-3:]) > 1.05 * min(v for _, v in evals) > 0:
        found["overfitting"] = evals[-1][0]
    if len(loss) > 1 and loss[-1][1] > 2 * min(v for _, v in loss) > 0:
        found["divergence"] = loss[-1][0]
    if len(loss) > 1 and loss[-1][1] > 0.98 * loss[0][1] > 0:
        found["underfitting"] = loss[-1][0]
    for detector, points, factor in (("loss-spike", loss, 3), ("gradient-explosion", norm, 10)):
        step = over_medians(points, factor)
        if step is not None:
            found[detector] = step
    return found


def findings(records):
    """The verdicts in the form of `analyze --format json`."""
    standing = {"severity": "warning", "state": "still_open"}
    return [
        {"detector": detector, "onset_step": step, "detected_step": step, **standing}
        for detector, step in judge(records).items()
    ]
