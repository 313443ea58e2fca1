"""Files as many programs write them: which are found in a folder, what is one run, and which numbers
are which signal at which step. Expected is what the test writes."""

import csv
import io
import json
import math
import pathlib
import subprocess

import pytest

from support import programs

LOG_RECORDS = programs.BUILD / "tests" / "tools" / "log_records"
N = 60


def loss(i):
    return round(.5 + 2 * math.exp(-i / 15) + .01 * math.sin(i), 6)


def eval_loss(i):
    return round(.625 + 2 * math.exp(-i / 15), 6)


def rate(i):
    return .001 if i < N / 2 else .0001


def diverging(i):
    return loss(i) if i < 40 else round(loss(39) * 1.5 ** (i - 39), 6)


def table(names, rows, separator=",", end="\n"):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end)
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


def lines(objects):
    return "".join(json.dumps(each) + "\n" for each in objects)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def runs_in(folder):
    """Objects of the runs below a folder, by their names, which are paths below it."""
    done = programs.trainward("analyze", "--format", "json", ".", cwd=folder)
    assert done.returncode in (0, 1, 3), done.stderr
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["run"]: each for each in objects}


def records_of(path):
    done = subprocess.run([LOG_RECORDS, path], capture_output=True, text=True, timeout=60,
                          env=programs.environment())
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def points(records, signal):
    return [(each["step"], each[signal]) for each in records if signal in each]


def header(records):
    last = [each for each in records if each["kind"] == "header"][-1]
    return {**last, **last.get("hyperparameters", {})}


def read_one(folder):
    """(object, records) of the only run below a folder."""
    runs = runs_in(folder)
    assert len(runs) == 1, list(runs)
    only = next(iter(runs.values()))
    assert not only["skipped_lines"]
    return only, records_of(pathlib.Path(folder, only["source"]))


def assert_points(records, **expected):
    for signal, wanted in expected.items():
        found = points(records, signal)
        assert [step for step, _ in found] == [step for step, _ in wanted], signal
        values = [value for _, value in wanted]
        assert [value for _, value in found] == pytest.approx(values, rel=1e-6), signal


STEPS = [(i, loss(i)) for i in range(N)]
EVALS = [(i, eval_loss(i)) for i in range(N)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_texts_of_windows(tmp_path, encoding, form):
    """PowerShell's redirection and spreadsheets write marks, UTF-16 and both ends of lines."""
    rows = [{"step": i, "loss": loss(i), "val_loss": eval_loss(i)} for i in range(N)]
    text = {
        "csv": table(list(rows[0]), [row.values() for row in rows], end="\r\n"),
        "jsonl": lines(rows).replace("\n", "\r\n"),
        "json": json.dumps(rows),
    }[form]
    mark = "\ufeff" if encoding == "utf-16-be" else ""  # Python writes that of "utf-16" itself
    write(tmp_path / f"log.{form}", (mark + text).encode(encoding))
    assert_points(read_one(tmp_path)[1], loss=STEPS, eval_loss=EVALS)
