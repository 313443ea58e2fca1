"""Verdicts against labels.

A problem run is found when a detector of its label or of its secondary label says so; any finding of severity warning
or more, that was not withdrawn, on a healthy run is a false alarm; runs labelled unknown are left out.
"""

import collections
import dataclasses
import statistics

import corpus

LOUD = ("warning", "critical")


@dataclasses.dataclass
class Judged:
    """A labelled run and what one judge said of it."""

    run: corpus.LabelledRun
    findings: list
    not_checked: list = dataclasses.field(default_factory=list)
    first_step: int = 0
    last_step: int = 0
    error: str = ""

    def loud(self):
        """The findings that count: warning or more, not withdrawn."""
        return [f for f in self.findings if f["severity"] in LOUD and f["state"] != "withdrawn"]

    def healthy(self):
        return self.run.label == "healthy"

    def problem(self):
        return self.run.label not in corpus.NO_PROBLEM

    def right(self):
        """The findings that name the label or the secondary label, the earliest detected first."""
        right = [f for f in self.loud() if f["detector"] in self.run.detectors()]
        return sorted(right, key=lambda f: f["detected_step"])

    def hushed(self):
        """Of a run labelled spikes: does it count as found once findings of severity info are allowed?"""
        said = {f["detector"] for f in self.findings if f["state"] != "withdrawn"}
        return "spikes" in (self.run.label, self.run.secondary) and bool(said & set(corpus.DETECTORS_OF["spikes"]))

    def wrong(self):
        """The detectors that were loud and should not have been."""
        allowed = self.run.detectors() if self.problem() else ()
        return sorted({f["detector"] for f in self.loud()} - set(allowed))

    def verdict(self):
        if self.error:
            return "ERROR"
        if self.run.label == "unknown":
            return "unknown"
        if self.healthy():
            return "FALSE" if self.loud() else "ok"
        if not self.right():
            return "MISSED"
        return "EXTRA" if self.wrong() else "ok"


def ratio(part, whole):
    return part / whole if whole else None


def harmonic(a, b):
    return 2 * a * b / (a + b) if a and b else 0.0 if a is not None and b is not None else None


def label_scores(judged):
    """By label: how many runs, how many of them found, and the precision of the label's detectors.

    Precision counts runs: of those on which a detector of the label was loud, how many have a label or a secondary
    label that it answers for.
    """
    scores = {}
    for label, detectors in corpus.DETECTORS_OF.items():
        runs = [j for j in judged if j.run.label == label]
        said = [j for j in judged if any(f["detector"] in detectors for f in j.loud())]
        right = [j for j in said if j.problem() and set(detectors) & {f["detector"] for f in j.right()}]
        if not runs and not said:
            continue
        recall, precision = ratio(sum(bool(j.right()) for j in runs), len(runs)), ratio(len(right), len(said))
        scores[label] = {
            "runs": len(runs),
            "found": sum(bool(j.right()) for j in runs),
            "found_info_allowed": sum(bool(j.right()) or j.hushed() for j in runs),
            "said": len(said),
            "said_rightly": len(right),
            "recall": recall,
            "precision": precision,
            "f1": harmonic(recall, precision),
        }
    return scores


def overall(judged):
    """Problem against healthy: found, false alarms, and what follows."""
    problems, healthy = [j for j in judged if j.problem()], [j for j in judged if j.healthy()]
    found, alarmed = sum(bool(j.right()) for j in problems), sum(bool(j.loud()) for j in healthy)
    alarms, steps = sum(len(j.loud()) for j in healthy), sum(j.last_step - j.first_step for j in healthy)
    recall, precision = ratio(found, len(problems)), ratio(found, found + alarmed)
    return {
        "problem_runs": len(problems),
        "found": found,
        "healthy_runs": len(healthy),
        "healthy_runs_with_alarm": alarmed,
        "false_alarms": alarms,
        "healthy_steps": steps,
        "recall": recall,
        "precision": precision,
        "f1": harmonic(recall, precision),
        "false_alarms_per_healthy_run": ratio(alarms, len(healthy)),
        "false_alarms_per_million_healthy_steps": ratio(alarms * 1e6, steps),
        "problem_runs_with_wrong_extra": sum(bool(j.wrong()) for j in problems),
        "errors": sum(bool(j.error) for j in judged),
    }


def by_repository(judged):
    """Means over repositories: the runs of one repository are not independent."""
    groups = collections.defaultdict(list)
    for j in judged:
        groups[j.run.repo].append(j)
    recalls, alarms = [], []
    for runs in groups.values():
        problems, healthy = [bool(j.right()) for j in runs if j.problem()], [bool(j.loud()) for j in runs if j.healthy()]
        recalls += [statistics.mean(problems)] if problems else []
        alarms += [statistics.mean(healthy)] if healthy else []
    return {
        "repositories_with_problems": len(recalls),
        "recall": statistics.mean(recalls) if recalls else None,
        "repositories_with_healthy_runs": len(alarms),
        "share_of_healthy_runs_with_alarm": statistics.mean(alarms) if alarms else None,
    }


def timing(judged):
    """Of each problem run that was found and whose onset is known: how late, and how far off the onset was told.

    The earliest finding that is right counts. Shares are of the run's length.
    """
    rows = []
    for j in judged:
        if not j.problem() or j.run.onset is None or not j.right():
            continue
        first, length = j.right()[0], max(1, j.last_step - j.first_step)
        delay, error = first["detected_step"] - j.run.onset, first["onset_step"] - j.run.onset
        rows.append({
            "run": j.run.name,
            "label": j.run.label,
            "detector": first["detector"],
            "delay": delay,
            "delay_share": delay / length,
            "onset_error": error,
            "onset_error_share": error / length,
        })
    return rows


def counts(judged, of):
    return dict(collections.Counter(name for j in judged for name in of(j)).most_common())


def not_checked(judged):
    """{detector: {"share": of the runs, "reasons": {reason: runs}}}."""
    reasons = collections.defaultdict(collections.Counter)
    for j in judged:
        for entry in j.not_checked:
            reasons[entry["detector"]][entry["reason"]] += 1
    return {
        detector: {"share": ratio(sum(count.values()), len(judged)), "reasons": dict(count.most_common())}
        for detector, count in sorted(reasons.items())
    }


def score(judged):
    """All figures of one judge. Runs labelled unknown are left out."""
    known = [j for j in judged if j.run.label != "unknown"]
    return {
        "overall": overall(known),
        "by_repository": by_repository(known),
        "labels": label_scores(known),
        "timing": timing(known),
        "false_alarms_by_detector": counts([j for j in known if j.healthy()], Judged.wrong),
        "wrong_extra_by_detector": counts([j for j in known if j.problem()], Judged.wrong),
        "not_checked": not_checked(known),
    }
