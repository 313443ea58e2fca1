"""Six rules of common sense over the same records, so that a detector's worth over them is in sight.

The lines are those of losslint and trainproof and their like: a spike over three medians, a norm over ten, an end
twice the minimum. None is tuned.
"""

import math
import statistics


def series(records, name):
    return [(record["step"], record[name]) for record in records if name in record and record["kind"] != "header"]


def finite(points):
    return [(step, value) for step, value in points if math.isfinite(value)]


def over_medians(points, factor):
    """The first point over `factor` times the median of the up to 50 before it, once there are five."""
    for i in range(5, len(points)):
        if points[i][1] > factor * statistics.median(value for _, value in points[max(0, i - 50) : i]) > 0:
            return points[i][0]
    return None


def judge(records):
    """{detector: step at which it could say so}."""
    found = {}
    names = ("loss", "grad_norm", "eval_loss", "train_loss")
    broken = [step for name in names for step, value in series(records, name) if not math.isfinite(value)]
    loss, norm, evals = (finite(series(records, name)) for name in ("loss", "grad_norm", "eval_loss"))
    if broken:
        found["overflow"] = min(broken)
    if len(evals) > 3 and min(v for _, v in evals[-3:]) > 1.05 * min(v for _, v in evals) > 0:
        found["overfitting"] = evals[-1][0]
    if len(loss) > 1 and loss[-1][1] > 2 * min(v for _, v in loss) > 0:
        found["divergence"] = loss[-1][0]
    if len(loss) > 1 and loss[0][1] > 0 and loss[-1][1] > 0.98 * loss[0][1]:
        found["underfitting"] = loss[-1][0]
    for detector, points, factor in (("loss-spike", loss, 3), ("gradient-explosion", norm, 10)):
        step = over_medians(points, factor)
        if step is not None:
            found[detector] = step
    return found


def findings(records):
    """The verdicts in the form of `analyze --format json`."""
    return [
        {"detector": detector, "severity": "warning", "state": "still_open", "onset_step": step, "detected_step": step}
        for detector, step in judge(records).items()
    ]
