"""Verdicts against labels.

A problem run is found when a detector of its label or of its secondary label says so. Any finding
of severity warning or more, that was not withdrawn, on a healthy run is a false alarm. Runs
labelled unknown are left out.
"""

import collections
import dataclasses
import math
import re
import statistics

from evaluate import corpus

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

    def healthy(self):
        return self.run.label == "healthy"

    def problem(self):
        return self.run.label not in corpus.NO_PROBLEM

    def loud(self):
        """The findings that count: warning or more, and not withdrawn."""
        return [f for f in self.findings if f["severity"] in LOUD and f["state"] != "withdrawn"]

    def right(self):
        """Of a problem run, those that name a label or secondary label, in the order of telling."""
        allowed = self.run.detectors() if self.problem() else ()
        right = [f for f in self.loud() if f["detector"] in allowed]
        return sorted(right, key=lambda f: f["detected_step"])

    def wrong(self):
        """The detectors that were loud and should not have been."""
        return sorted({f["detector"] for f in self.loud()} - {f["detector"] for f in self.right()})

    def found(self):
        return bool(self.right())

    def found_with_info(self):
        """Found, once findings of severity info count for the label spikes as well."""
        said = {f["detector"] for f in self.findings if f["state"] != "withdrawn"}
        spikes = "spikes" in self.run.labels()
        return self.found() or (spikes and bool(said & set(corpus.DETECTORS_OF["spikes"])))

    def verdict(self):
        if self.error:
            return "ERROR"
        if self.run.label == "unknown":
            return "unknown"
        if self.problem() and not self.found():
            return "MISSED"
        if self.wrong():
            return "FALSE" if self.healthy() else "EXTRA"
        return "ok"


def ratio(part, whole):
    return part / whole if whole else None


def mean(values):
    return statistics.mean(values) if values else None


def harmonic(a, b):
    """F1 of precision and recall; None where either is."""
    if a is None or b is None:
        return None
    return 2 * a * b / (a + b) if a + b else 0.0


def by_repository(judged, judge):
    """The mean over repositories of the share for which `judge` is true: runs of one repository are
    not independent. Returns (mean or None, repositories)."""
    groups = collections.defaultdict(list)
    for j in judged:
        groups[j.run.repo].append(bool(judge(j)))
    return mean([statistics.mean(group) for group in groups.values()]), len(groups)


def wilson(share, trials, z=1.96):
    """Wilson's 95 % interval of a share; with repositories for trials, runs of one repository count
    as one. Unlike a bootstrap it says how little zero of a few means."""
    if share is None:
        return None
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    spread = math.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    half = z * spread / (1 + z * z / trials)
    return [max(0.0, centre - half), min(1.0, centre + half)]


def label_score(judged, label):
    """How many of a label's runs were found, and how often its detectors were right when loud.

    Precision counts runs: of those on which a detector of the label was loud, the share that has a
    label or secondary label for which that detector answers. `expected` are the runs that have it
    as label or secondary label, `named` those of them for which a detector of it was loud: the
    recall of the detector alone, where a run that another label explains does not count as found.
    """
    detectors = set(corpus.DETECTORS_OF[label])
    runs = [j for j in judged if j.run.label == label]
    said = [j for j in judged if detectors & {f["detector"] for f in j.loud()}]
    rightly = [j for j in said if detectors & {f["detector"] for f in j.right()}]
    expected = [j for j in judged if label in j.run.labels() and j.problem()]
    found = sum(j.found() for j in runs)
    recall, precision = ratio(found, len(runs)), ratio(len(rightly), len(said))
    return {
        "runs": len(runs),
        "found": found,
        "found_with_info": sum(j.found_with_info() for j in runs),
        "expected": len(expected),
        "named": sum(j in said for j in expected),
        "said": len(said),
        "said_rightly": len(rightly),
        "recall": recall,
        "recall_by_repository": by_repository(runs, Judged.found)[0],
        "precision": precision,
        "f1": harmonic(recall, precision),
    }


def label_scores(judged):
    scores = {label: label_score(judged, label) for label in corpus.DETECTORS_OF}
    return {label: s for label, s in scores.items() if s["expected"] or s["said"]}


def overall(judged):
    """Problem against healthy: found, false alarms, and what follows from these."""
    problems = [j for j in judged if j.problem()]
    healthy = [j for j in judged if j.healthy()]
    found, alarmed = sum(j.found() for j in problems), sum(bool(j.loud()) for j in healthy)
    alarms, steps = (
        sum(len(j.loud()) for j in healthy),
        sum(j.last_step - j.first_step for j in healthy),
    )
    recall, precision = ratio(found, len(problems)), ratio(found, found + alarmed)
    recall_by_repository, problem_repositories = by_repository(problems, Judged.found)
    alarmed_by_repository, healthy_repositories = by_repository(healthy, Judged.loud)
    return {
        "problem_runs": len(problems),
        "found": found,
        "recall": recall,
        "precision": precision,
        "f1": harmonic(recall, precision),
        "problem_repositories": problem_repositories,
        "recall_by_repository": recall_by_repository,
        "recall_interval": wilson(recall_by_repository, problem_repositories),
        "healthy_runs": len(healthy),
        "healthy_runs_alarmed": alarmed,
        "healthy_repositories": healthy_repositories,
        "alarmed_by_repository": alarmed_by_repository,
        "alarmed_interval": wilson(alarmed_by_repository, healthy_repositories),
        "false_alarms": alarms,
        "healthy_steps": steps,
        "false_alarms_per_healthy_run": ratio(alarms, len(healthy)),
        "false_alarms_per_million_healthy_steps": ratio(alarms * 1e6, steps),
        "problem_runs_with_wrong_finding": sum(bool(j.wrong()) for j in problems),
        "errors": sum(bool(j.error) for j in judged),
    }


def format_scores(judged):
    """By format of the log: the counts of `overall`."""
    groups = collections.defaultdict(list)
    for j in judged:
        groups[j.run.format].append(j)
    return {form: overall(group) for form, group in sorted(groups.items())}


def timing(judged):
    """Of each problem run that was found and whose onset is known: how late it was said, and how
    far off the onset that was named. The first right finding counts; shares are of the run."""
    rows = []
    for j in judged:
        if j.run.onset is None or not j.found():
            continue
        first, length = j.right()[0], max(1, j.last_step - j.first_step)
        delay, error = (first[key] - j.run.onset for key in ("detected_step", "onset_step"))
        row = {"run": j.run.name, "label": j.run.label, "detector": first["detector"]}
        row |= {"delay": delay, "delay_share": delay / length}
        rows.append(row | {"onset_error": error, "onset_error_share": error / length})
    return rows


def wrong_by_detector(judged):
    return dict(collections.Counter(name for j in judged for name in j.wrong()).most_common())


def not_checked(judged):
    """{detector: {"share": of the runs, "reasons": {reason with N for its numbers: runs}}}."""
    reasons = collections.defaultdict(collections.Counter)
    for j in judged:
        for entry in j.not_checked:
            reasons[entry["detector"]][re.sub(r"\d[\d.]*", "N", entry["reason"])] += 1
    return {
        detector: {
            "share": ratio(sum(count.values()), len(judged)),
            "reasons": dict(count.most_common()),
        }
        for detector, count in sorted(reasons.items())
    }


def score(judged):
    """All figures of one judge."""
    known = [j for j in judged if j.run.label != "unknown"]
    return {
        "overall": overall(known),
        "labels": label_scores(known),
        "formats": format_scores(known),
        "timing": timing(known),
        "false_alarms_by_detector": wrong_by_detector([j for j in known if j.healthy()]),
        "wrong_by_detector": wrong_by_detector([j for j in known if j.problem()]),
        "not_checked": not_checked(known),
    }
