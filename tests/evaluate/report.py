"""The report: Markdown that reads as plain text too."""

import statistics

from evaluate import corpus


def share(value):
    return "-" if value is None else f"{100 * value:.1f} %"


def fraction(value):
    return "-" if value is None else f"{value:.2f}"


def interval(value):
    return "-" if value is None else f"{100 * value[0]:.0f} to {100 * value[1]:.0f} %"


def table(names, rows):
    """A Markdown table with straight columns."""
    lines = [list(map(str, line)) for line in (names, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    lines.insert(1, ["-" * width for width in widths])
    padded = [[cell.ljust(width) for cell, width in zip(line, widths)] for line in lines]
    return [f"| {' | '.join(line)} |" for line in padded] + [""]


def section(title, lines):
    return [f"## {title}", "", *lines]


OVERALL = {
    "problem_runs": ("problem runs", str),
    "found": ("found", str),
    "recall": ("recall", share),
    "recall_by_repository": ("recall, mean over repositories", share),
    "recall_interval": ("95 % interval of that, repositories as trials", interval),
    "precision": ("precision: found, of found and healthy runs with a false alarm", share),
    "f1": ("F1", fraction),
    "healthy_runs": ("healthy runs", str),
    "healthy_runs_alarmed": ("healthy runs with a false alarm", str),
    "alarmed_by_repository": ("the same, mean share over repositories", share),
    "alarmed_interval": ("95 % interval of that, repositories as trials", interval),
    "false_alarms_per_healthy_run": ("false alarms a healthy run", fraction),
    "false_alarms_per_million_healthy_steps": ("false alarms a million healthy steps", fraction),
    "problem_runs_with_wrong_finding": ("problem runs with a wrong finding", str),
    "errors": ("runs that were not judged", str),
}


def overall(judges):
    rows = [
        [text, *(form(judge["overall"][name]) for judge in judges.values())]
        for name, (text, form) in OVERALL.items()
    ]
    return table(["", *judges], rows)


def label_row(label, name, scores):
    found = str(scores["found"])
    if scores["found_with_info"] != scores["found"]:
        found += f" ({scores['found_with_info']} with info)"
    said = f"{scores['said_rightly']} of {scores['said']}"
    shares = [share(scores[key]) for key in ("recall", "recall_by_repository", "precision")]
    named = f"{scores['named']} of {scores['expected']}"
    return [
        label,
        name,
        scores["runs"],
        found,
        *shares[:2],
        named,
        said,
        shares[2],
        fraction(scores["f1"]),
    ]


def labels(judges):
    rows = [
        label_row(label, name, judge["labels"][label])
        for label in corpus.DETECTORS_OF
        for name, judge in judges.items()
        if label in judge["labels"]
    ]
    head = ["label", "judge", "runs", "found", "recall", "by repository"]
    return table([*head, "named", "said rightly", "precision", "F1"], rows)


WRONG = {"false_alarms_by_detector": "healthy runs", "wrong_by_detector": "problem runs"}


def wrong(judges):
    names = sorted({name for judge in judges.values() for key in WRONG for name in judge[key]})
    rows = [
        [name, *(judge[key].get(name, 0) for judge in judges.values() for key in WRONG)]
        for name in names
    ]
    head = [f"{judge}: {text}" for judge in judges for text in WRONG.values()]
    return table(["detector", *head], rows)


def middle(runs, key):
    """Median and farthest, as steps and as share of the run."""
    farthest = max(runs, key=lambda row: abs(row[key]))
    median = statistics.median(row[key] for row in runs)
    median_share = statistics.median(row[key + "_share"] for row in runs)
    return [
        f"{median:g} ({share(median_share)})",
        f"{farthest[key]:g} ({share(farthest[key + '_share'])})",
    ]


def formats(judges):
    rows = []
    for form in next(iter(judges.values()))["formats"]:
        for name, judge in judges.items():
            told = judge["formats"][form]
            found = f"{told['found']} of {told['problem_runs']}"
            alarmed = f"{told['healthy_runs_alarmed']} of {told['healthy_runs']}"
            rows.append([form, name, found, alarmed])
    return table(["format", "judge", "found", "healthy runs with a false alarm"], rows)


def timing(judges):
    rows = []
    for label in corpus.DETECTORS_OF:
        for name, judge in judges.items():
            runs = [row for row in judge["timing"] if row["label"] == label]
            if runs:
                figures = middle(runs, "delay") + middle(runs, "onset_error")
                rows.append([label, name, len(runs), *figures])
    head = ["median delay", "largest", "median onset error", "largest"]
    return table(["label", "judge", "runs", *head], rows)


def not_checked(judge):
    rows = []
    for detector, entry in judge["not_checked"].items():
        reasons = "; ".join(f"{reason} ({count})" for reason, count in entry["reasons"].items())
        rows.append([detector, share(entry["share"]), reasons])
    return table(["detector", "runs", "reasons"], rows)


VERDICTS = ("ERROR", "MISSED", "FALSE", "EXTRA", "ok", "unknown")
SEVERITIES = {"info": "i", "warning": "", "critical": "!"}


def finding_text(finding):
    mark = SEVERITIES[finding["severity"]] + "~" * (finding["state"] == "withdrawn")
    return f"{finding['detector']}{mark}@{finding['onset_step']}..{finding['detected_step']}"


def run_row(j):
    label = j.run.label + f"+{j.run.secondary}" * bool(j.run.secondary)
    said = j.error or " ".join(map(finding_text, j.findings)) or "-"
    onset = "-" if j.run.onset is None else j.run.onset
    return [j.verdict(), label, onset, j.last_step, said, j.run.name]


def runs(judged):
    """A line a run, wrong ones first."""

    def wrong_first(j):
        return VERDICTS.index(j.verdict()), j.run.label, j.run.name

    rows = map(run_row, sorted(judged, key=wrong_first))
    findings = "findings (! critical, i info, ~ withdrawn) @onset..detected"
    return table(["verdict", "label", "onset", "end", findings, "file"], rows)


def lines(judges):
    """The report on `judges`, {name: score.score()}; what the first could not check is told."""
    first = next(iter(judges))
    return [
        *section("Overall", overall(judges)),
        *section("By label", labels(judges)),
        *section("Wrong findings by detector", wrong(judges)),
        *section("By format of the log", formats(judges)),
        *section("Delay and onset, in steps and share of the run", timing(judges)),
        *section(f"Not checked by {first}", not_checked(judges[first])),
    ]
