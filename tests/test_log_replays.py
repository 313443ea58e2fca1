"""A log that is being written tells the same as one that has been: whatever a look finds of it, half a
line, one of the two rows of an evaluation, another file of the same name."""

import json
import os
import pathlib
import random
import subprocess

import pytest

from support import programs
from test_log_programs import LOG_RECORDS, N, eval_loss, lines, loss, rate, table

REAL = programs.TOP.parent / "shared" / "runs"


def lightning():
    """A row of the training, then one of the evaluation, then the epoch's mean, at one step."""
    rows = []
    for i in range(N):
        step = 50 * i + 49
        rows += [[i, step - 25, loss(i), "", ""], [i, step, loss(i) - .01, "", ""],
                 [i, step, "", "", eval_loss(i)], [i, step, "", loss(i) - .005, ""]]
    return table(["epoch", "step", "train_loss_step", "train_loss_epoch", "val_loss"], rows)


def rows_of_two_kinds():
    return lines(each for i in range(N)
                 for each in ({"step": 10 * i, "eval_loss": eval_loss(i), "eval_accuracy": i / N},
                              {"step": 10 * i, "train_loss": loss(i)},
                              {"step": 10 * i + 5, "loss": loss(i), "lr": rate(i)}))


def text():
    return "".join(f"epoch {i} | step {100 * i + k} | loss {loss(i) + k / 1000:.6f}\n"
                   for i in range(40) for k in (25, 50, 75)
                   ) + "".join(f"epoch {i} | valid loss {eval_loss(i):.6f}\n" for i in (40, 41))


def epochs():
    return table(["epoch", "loss", "val_loss"], [[i, loss(i), eval_loss(i)] for i in range(N)])


OWN = {"metrics.csv": lightning, "rows.jsonl": rows_of_two_kinds, "train.log": text,
       "epochs.csv": epochs}


class Follower:
    def __init__(self, path):
        self.process = subprocess.Popen([LOG_RECORDS, "--follow", path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.is_ready = self._read()

    def _read(self):
        for line in self.process.stdout:
            if line == ".\n":
                return True
            self.lines.append(line)
        return False

    def look(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._read()

    def end(self):
        self.lines += self.process.communicate()[0].splitlines(keepends=True)
        return [line for line in self.lines if line != ".\n"]


def put(path, data, at, to, how):
    if how == "append":
        with open(path, "ab") as file:
            file.write(data[at:to])
    elif how == "rewrite":
        path.write_bytes(data[:to])
    else:
        new = path.with_name(path.name + ".new")
        new.write_bytes(data[:to])
        os.replace(new, path)


def replay(path, data, how, numbers):
    """What is told of a log that is written in pieces; as often as one is not known as a log."""
    follower, at = None, 0
    for to in sorted(numbers.randrange(len(data)) for _ in range(8)) + [len(data)]:
        put(path, data, at, to, how)
        at = to
        if not follower:
            follower = Follower(path)
            follower = follower if follower.is_ready else follower.end() and None
        elif not follower.look():
            break
    follower = follower or Follower(path)
    return follower.end()


def readings(output):
    """Every number by where it stands; steps may be told in several records, evaluations in one."""
    found = {}
    for line in output:
        record = json.loads(line) if line.startswith("{") else {}
        if record.get("kind") not in ("step", "eval"):
            continue
        place = record["attempt"], record["step"], record["kind"]
        if record["kind"] == "eval":
            found[*place, "evaluations"] = found.get((*place, "evaluations"), 0) + 1
        for name, value in record.items():
            if name not in ("v", "run", "kind", "step", "attempt", "time", "epoch"):
                found[*place, name] = repr(value)
    return found


def expect_the_same(tmp_path, name, data, seed):
    numbers = random.Random(seed)
    path = tmp_path / name
    path.write_bytes(data)
    done = subprocess.run([LOG_RECORDS, path], capture_output=True, text=True, check=True)
    whole = readings(done.stdout.splitlines())
    assert whole
    for how in ("append", "rewrite", "replace"):
        path.write_bytes(b"")
        told = readings(replay(path, data, how, numbers))
        assert told == whole, f"{name}: {how}, seed {seed}"


@pytest.mark.parametrize("name", OWN)
def test_a_log_that_is_being_written_tells_the_same(tmp_path, name):
    for seed in range(3):
        expect_the_same(tmp_path, name, OWN[name]().encode(), seed)


@pytest.mark.skipif(not REAL.exists(), reason="the real logs are not here")
def test_real_logs_that_are_being_written_tell_the_same(tmp_path):
    index = (REAL / "INDEX.tsv").read_text().splitlines()[1:]
    for seed, line in enumerate(index):
        path = REAL / line.split("\t")[0]
        if path.stat().st_size < 2 << 20:
            expect_the_same(tmp_path, path.name, path.read_bytes(), seed)
