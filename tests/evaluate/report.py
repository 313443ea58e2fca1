"""The report, as text and as Markdown, from the same lines."""

import statistics

import corpus


def share(value):
    return "-" if value is None else f"{100 * value:.1f} %"


def fraction(value):
    return "-" if value is None else f"{value:.2f}"


def table(names, rows):
    """A Markdown table whose columns are also straight as plain text."""
    cells = [list(map(str, row)) for row in rows]
    widths = [max(len(name), *(len(row[i]) for row in cells)) if cells else len(name) for i, name in enumerate(names)]
    lines = [names, ["-" * width for width in widths], *cells]
    return ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines] + [""]


def section(title, lines):
    return [f"## {title}", "", *lines]


def overall(judges):
    names = {
        "problem_runs": ("problem runs", str),
        "found": ("found", str),
        "recall": ("recall", share),
        "precision": ("precision (problem runs found / those and healthy runs with an alarm)", share),
        "f1": ("F1", fraction),
        "healthy_runs": ("healthy runs", str),
        "healthy_runs_with_alarm": ("healthy runs with a false alarm", str),
        "false_alarms_per_healthy_run": ("false alarms a healthy run", fraction),
        "false_alarms_per_million_healthy_steps": ("false alarms a million healthy steps", fraction),
        "problem_runs_with_wrong_extra": ("problem runs with a wrong finding", str),
        "errors": ("runs that could not be read", str),
    }
    rows = [[text, *(form(judge["overall"][name]) for judge in judges.values())] for name, (text, form) in names.items()]
    for name, text in (("recall", "recall"), ("share_of_healthy_runs_with_alarm", "healthy runs with a false alarm")):
        rows.append([f"{text}, mean over repositories", *(share(judge["by_repository"][name]) for judge in judges.values())])
    return table(["", *judges], rows)


def labels(judges):
    rows = []
    for label in corpus.DETECTORS_OF:
        for name, judge in judges.items():
            if scores := judge["labels"].get(label):
                found = str(scores["found"])
                if scores["found_info_allowed"] != scores["found"]:
                    found += f" ({scores['found_info_allowed']} with info)"
                figures = [share(scores["recall"]), share(scores["precision"]), fraction(scores["f1"])]
                rows.append([label, name, scores["runs"], found, scores["said"], scores["said_rightly"], *figures])
    return table(["label", "judge", "runs", "found", "said", "rightly", "recall", "precision", "F1"], rows)


def detectors(judges):
    names = sorted({name for judge in judges.values() for key in KINDS for name in judge[key]})
    rows = [[name, *(judge[key].get(name, 0) for judge in judges.values() for key in KINDS)] for name in names]
    return table(["detector", *(f"{name}: {text}" for name in judges for text in KINDS.values())], rows)


KINDS = {"false_alarms_by_detector": "healthy runs", "wrong_extra_by_detector": "problem runs"}


def timing(judges):
    rows = []
    for name, judge in judges.items():
        for label in corpus.DETECTORS_OF:
            runs = [row for row in judge["timing"] if row["label"] == label]
            if runs:
                rows.append([label, name, len(runs), *(middle(runs, key) for key in ("delay", "onset_error"))])
    return table(["label", "judge", "runs", "median delay, steps (share)", "median onset error, steps (share)"], sorted(rows, key=lambda r: r[0]))


def middle(runs, key):
    steps = statistics.median(row[key] for row in runs)
    return f"{steps:g} ({share(statistics.median(row[key + '_share'] for row in runs))})"


def not_checked(judge):
    rows = [
        [detector, share(entry["share"]), "; ".join(f"{reason} ({count})" for reason, count in entry["reasons"].items())]
        for detector, entry in judge["not_checked"].items()
    ]
    return table(["detector", "runs", "reasons"], rows)


VERDICTS = ("ERROR", "MISSED", "FALSE", "EXTRA", "ok", "unknown")


def finding_text(finding):
    mark = {"info": "i", "warning": "", "critical": "!"}[finding["severity"]]
    mark += "~" if finding["state"] == "withdrawn" else ""
    return f"{finding['detector']}{mark}@{finding['onset_step']}..{finding['detected_step']}"


def runs(judged):
    """A line a run, wrong ones first: verdict, label, onset, last step, what was found, file."""
    rows = []
    for j in sorted(judged, key=lambda j: (VERDICTS.index(j.verdict()), j.run.label, j.run.name)):
        label = j.run.label + (f"+{j.run.secondary}" if j.run.secondary else "")
        said = j.error or " ".join(map(finding_text, j.findings)) or "-"
        rows.append([j.verdict(), label, "-" if j.run.onset is None else j.run.onset, j.last_step, said, j.run.name])
    return table(["verdict", "label", "onset", "end", "found (! critical, i info, ~ withdrawn) @onset..detected", "file"], rows)


def lines(judges, judged_runs, show_runs):
    """The report: `judges` {name: score.score()}, `judged_runs` {name: [Judged]}."""
    first = next(iter(judges))
    text = section("Overall", overall(judges))
    text += section("By label", labels(judges))
    text += section("Wrong findings by detector", detectors(judges))
    text += section("Delay and onset", timing(judges))
    text += section(f"Not checked by {first}", not_checked(judges[first]))
    for name in judges if show_runs else ():
        text += section(f"Runs as judged by {name}", runs(judged_runs[name]))
    return text
