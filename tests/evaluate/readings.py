"""How well trainward reads the labelled logs. In tests/: python3 -m evaluate.readings --help

Each log is read twice: by trainward (tests/tools/log_records) and by the readers of this package,
which share no code with it and know their format by name. A point is one value of a signal at its
step; it is right when both have the same value at the same step.
"""

import argparse
import collections
import csv
import dataclasses
import json
import math
import pathlib
import subprocess
import sys

from evaluate import formats, names, records

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "runs"
# Not train_loss: which loss may be compared with eval_loss is decided from all names of a run.
SIGNALS = ("loss", "learning_rate", "grad_norm", "loss_scale", "eval_loss")
MARKS = ("<!-- readings -->", "<!-- end of readings -->")

# Where the index, which counts cells that are not blank, has no NaN.
NAN_IS_BLANK = ("algoperf_csv",)

# What the index calls a format, and the names that trainward has for it.
FORMATS = {
    "algoperf_csv": ("algoperf",),
    "deepmd_lcurve": ("deepmd",),
    "hf_trainer_state": ("huggingface_state",),
    "keras_csv": ("keras_csv", "csv"),
    "lightning_csv": ("lightning",),
    "megatron_text": ("megatron",),
    "text_log": ("text", "keras_progress"),
    "tfevents": ("tensorboard",),
    "yolo_results_csv": ("ultralytics",),
}


@dataclasses.dataclass
class Reading:
    """What became of one log."""

    file: str
    form: str
    told: str  # the format that trainward told
    told_points: int  # n_points of the index
    signals: dict  # {signal: (points by both, points of ours alone, points of theirs alone)}
    losses: int  # by trainward, as the index counts them; of evaluations where there are no others

    def right(self):
        return sum(both for both, _, _ in self.signals.values())

    def wrong(self):
        return sum(max(ours, theirs) for _, ours, theirs in self.signals.values())

    def mapped(self):
        """Signals that both have, of those that the log has."""
        has = [1 for both, _, theirs in self.signals.values() if both or theirs]
        return sum(1 for both, _, _ in self.signals.values() if both), len(has)

    def differs(self):
        return bool(self.wrong()) or self.told not in FORMATS[self.form]

    def is_misread(self):
        """A signal that is not the log's, or another format."""
        signals = ((ours, theirs) for _, ours, theirs in self.signals.values())
        return self.told not in FORMATS[self.form] or any(map(all, signals))


def read_by_trainward(build, path):
    """(records, format)"""
    tool = build / "tests" / "tools" / "log_records"
    done = subprocess.run([tool, path], capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        return [], done.stderr.strip() or f"exit status {done.returncode}"
    *lines, form, _ = done.stdout.splitlines()
    loaded = [dict(map(records.plain, json.loads(line).items())) for line in lines]
    return loaded, form.removeprefix("format ")


def read_by_names(path, form, maps):
    found, _ = records.convert(path, form, maps[form], "run")
    return [dict(map(records.plain, record.items())) for record in found]


def points_of(found):
    """{signal: Counter of (step, value)}; single precision, as event files have it."""
    points = collections.defaultdict(collections.Counter)
    for record in found:
        for signal in SIGNALS:
            value = record.get(signal)
            if isinstance(value, (int, float)):
                text = "nan" if math.isnan(value) else f"{value:.6g}"
                points[signal][record["step"], text] += 1
    return points


def compare(ours, theirs):
    """{signal: (both, ours alone, theirs alone)}"""
    ours, theirs = points_of(ours), points_of(theirs)
    return {
        signal: (
            (ours[signal] & theirs[signal]).total(),
            (ours[signal] - theirs[signal]).total(),
            (theirs[signal] - ours[signal]).total(),
        )
        for signal in SIGNALS
        if ours[signal] or theirs[signal]
    }


def count_losses(found, form):
    for signal in ("loss", "eval_loss"):
        values = [record[signal] for record in found if signal in record]
        if values:
            return sum(form not in NAN_IS_BLANK or math.isfinite(value) for value in values)
    return 0


def read_all(build, corpus):
    maps = names.load()
    with open(corpus / "INDEX.tsv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        path, form = corpus / row["file"], row["format"]
        ours, told = read_by_trainward(build, path)
        signals = compare(ours, read_by_names(path, form, maps))
        yield Reading(row["file"], form, told, int(row["n_points"]), signals, count_losses(ours, form))


def table(readings):
    """The table by format, as lines of Markdown."""
    head = ("format", "logs", "read", "losses", "points right", "signals mapped", "more or fewer", "misread")
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    groups = {form: [r for r in readings if r.form == form] for form in FORMATS}
    for form, group in [*groups.items(), ("all", readings)]:
        if not group:
            continue
        mapped = [reading.mapped() for reading in group]
        right = sum(reading.right() for reading in group)
        cells = (
            form,
            len(group),
            sum(1 for reading in group if reading.right()),
            f"{sum(r.losses for r in group):,} of {sum(r.told_points for r in group):,}",
            f"{right:,} of {right + sum(reading.wrong() for reading in group):,}",
            f"{sum(n for n, _ in mapped)} of {sum(of for _, of in mapped)}",
            sum(reading.differs() for reading in group),
            sum(reading.is_misread() for reading in group),
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def put_into(page, lines):
    """The page with the lines between its marks."""
    before, rest = page.read_text().split(MARKS[0] + "\n", 1)
    _, behind = rest.split(MARKS[1], 1)
    page.write_text("\n".join([before + MARKS[0], "", *lines, "", MARKS[1]]) + behind)


def arguments():
    parser = argparse.ArgumentParser(prog="evaluate.readings", description=__doc__)
    path = pathlib.Path
    parser.add_argument("--build", type=path, default=ROOT / "build", help="where it was built")
    parser.add_argument("--corpus", type=path, default=SHARED, help="a folder with INDEX.tsv")
    parser.add_argument("--page", type=path, help="put the table into this page")
    return parser.parse_args()


def main():
    options = arguments()
    if not (options.corpus / "INDEX.tsv").exists():
        print(f"evaluate.readings: skipped: no logs at {options.corpus}")
        return 0
    readings = list(read_all(options.build, options.corpus))
    for reading in readings:
        if reading.differs() or reading.losses != reading.told_points:
            print(reading)
    lines = table(readings)
    print("\n".join(lines))
    if options.page:
        put_into(options.page, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
