"""Foreign logs to rows: one reader a format.

A reader takes a file and gives a `Log`: raw rows ({raw name: number or text}) in the file's order,
and the header that the log itself tells. What the names mean is the name map's; nothing here knows
a run's label.
"""

import csv
import dataclasses
import json
import math
import re

from evaluate import event_file

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf)", re.I)


@dataclasses.dataclass
class Log:
    rows: list
    header: dict = dataclasses.field(default_factory=dict)


def number(text):
    """A cell as a number; None where it is blank; the text itself where it is no number."""
    text = text.strip()
    try:
        return float(text) if text else None
    except ValueError:
        return text


def csv_rows(path, blanks=False):
    """The rows of a comma-separated file with a line of names. Blank cells are left out, or None
    where `blanks` is set."""
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        for cells in csv.DictReader(file, skipinitialspace=True):
            row = {name.strip(): number(cell or "") for name, cell in cells.items() if name}
            yield {name: cell for name, cell in row.items() if blanks or cell is not None}


def read_csv(path):
    return Log(list(csv_rows(path)))


def read_json_lines(path):
    """A file of JSON objects, one a line; numbers that are texts count, what is nested does not."""
    objects = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return Log([plain_cells(entry) for entry in objects])


def plain_cells(entry):
    cells = {name: number(cell) if isinstance(cell, str) else cell for name, cell in entry.items()}
    return {name: cell for name, cell in cells.items() if is_number(cell) or isinstance(cell, str)}


def read_algoperf(path):
    """AlgoPerf's measurements.csv, which pandas wrote: NaN is a blank cell.

    A cell is also blank where nothing was measured, so a blank counts as NaN only once the
    training loss or the gradient norm was not finite, and only in the kind of row that has the
    name otherwise: training rows, or evaluations (`score`).
    """
    rows, broken, names = [], False, {False: set(), True: set()}
    for cells in csv_rows(path, blanks=True):
        row = {name: cell for name, cell in cells.items() if cell is not None}
        evaluation = "score" in row
        if broken:
            row |= {name: math.nan for name in names[evaluation] if name not in row}
        names[evaluation] |= row.keys()
        watched = (row.get(name, 0.0) for name in ("loss", "grad_norm"))
        broken = broken or not all(map(math.isfinite, watched))
        rows.append(row)
    ctc = any("ctc_loss" in name for name in names[True])
    return Log(rows, {"objective": "ctc"} if ctc else {})


def read_lcurve(path):
    """DeePMD-kit's lcurve.out: columns apart by blanks, the names behind a #."""
    head, *lines = path.read_text().splitlines()
    names = head.lstrip("# ").split()
    cells = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return Log([dict(zip(names, map(float, row))) for row in cells], {"framework": "deepmd"})


def read_lightning(path):
    """Lightning's CSVLogger: a row for each of training and validation. A training loss that comes
    exactly once an epoch is the epoch's mean, so it is told once more as `train_loss_epoch`."""
    rows = list(csv_rows(path))
    epochs = [row["epoch"] for row in rows if "train_loss" in row and "epoch" in row]
    if len(epochs) > 1 and epochs == list(range(int(epochs[0]), int(epochs[-1]) + 1)):
        for row in rows:
            if "train_loss" in row:
                row.setdefault("train_loss_epoch", row["train_loss"])
    return Log(rows, {"framework": "lightning"})


def read_trainer_state(path):
    """The trainer_state.json of transformers' Trainer. `loss` is the mean since the last entry with
    a loss; grad_norm is what clip_grad_norm_ returns, the norm before clipping (trainer.py)."""
    state = json.loads(path.read_text())
    rows, last = [], 0
    for entry in state["log_history"]:
        row = {name: float(value) for name, value in entry.items() if is_number(value)}
        if "loss" in row:
            row["loss_averaged_over"] = max(1, int(row["step"]) - last)
            last = int(row["step"])
        if "grad_norm" in row:
            row["grad_norm_kind"] = "pre_clip"
        rows.append(row)
    return Log(rows, {"framework": "transformers", "hyperparameters": known(state, TRAINER_FIELDS)})


TRAINER_FIELDS = {
    "max_steps": "max_steps",
    "num_train_epochs": "max_epochs",  # sys.maxsize where max_steps rules
    "train_batch_size": "batch_size",
}


def known(values, names):
    """Those of `values` that the header has a name for, where they say something."""
    return {
        ours: values[name] for name, ours in names.items() if 0 < (values.get(name) or 0) < 2**53
    }


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


MEGATRON = re.compile(r"iteration\s+(\d+)/\s*(\d+) \|(.*)")
MEGATRON_FIELD = re.compile(r"\s*([^|:]+):\s*([-+\w.]+)\s*\|")


def read_megatron(path):
    """Megatron-LM's log lines: `iteration N/ M | name: value | ...`. The loss is the mean over the
    log interval: the smallest distance of two lines, since an excerpt may have gaps."""
    matches = list(map(MEGATRON.search, path.read_text(errors="replace").splitlines()))
    rows = [megatron_row(match) for match in matches if match]
    steps = [row["iteration"] for row in rows]
    interval = min((b - a for a, b in zip(steps, steps[1:]) if b > a), default=1)
    for row in rows:
        row["loss_averaged_over"] = int(interval)
    first = rows[0] if rows else {}
    told = known(first, {"of": "max_steps", "global batch size": "batch_size"})
    return Log(rows, {"framework": "megatron", "hyperparameters": told})


def megatron_row(match):
    fields = {name: number(value) for name, value in MEGATRON_FIELD.findall(match[3])}
    return {"iteration": float(match[1]), "of": int(match[2])} | fields


WORD_MODEL = re.compile(
    r"\| epoch\s+(\d+) \|\s*(\d+)/\s*(\d+) batches \| lr ([\d.]+) .*\| loss\s+(\S+) \| ppl"
)
WORD_MODEL_EVAL = re.compile(r"\| end of epoch\s+(\d+) .*valid loss\s+(\S+) \|")
KERAS_EPOCH = re.compile(r"Epoch (\d+)/(\d+)\s*$")
KERAS_BAR = re.compile(r"^\s*(\d+)/(\d+) (?:\[|-)")
KERAS_FIELD = re.compile(r"- (\w+): (" + NUMBER.pattern + ")", re.I)
EPOCH_LINE = re.compile(r"^\s*Epoch (\d+) \|")
EPOCH_FIELD = re.compile(r"([A-Za-z][A-Za-z ]*?):\s*(" + NUMBER.pattern + ")", re.I)


def read_text(path):
    """What training scripts print: PyTorch's word_language_model example, Keras's progress bar, or
    lines `Epoch N | Name: value | ...`; the first that gives any row counts."""
    lines = re.split(r"[\r\n]+", path.read_text(errors="replace").replace("\b", ""))
    for reader in (read_word_model, read_keras_bar, read_epoch_lines):
        log = reader(lines)
        if log.rows:
            return log
    return Log([])


WORD_MODEL_FIELDS = {
    "clip": "max_grad_norm",
    "batch_size": "batch_size",
    "epochs": "max_epochs",
    "dropout": "dropout",
}


def read_word_model(lines):
    """pytorch/examples word_language_model: the loss is the mean since the last line."""
    rows, header, batches, last = [], {"framework": "pytorch"}, 0, 0
    for line in lines:
        if line.startswith("Namespace("):
            told = {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", line)}
            header["hyperparameters"] = known(told, WORD_MODEL_FIELDS)
        elif match := WORD_MODEL.search(line):
            epoch, batch, batches = (int(match[i]) for i in (1, 2, 3))
            step = (epoch - 1) * batches + batch
            row = {"step": step, "epoch": epoch, "lr": float(match[4]), "loss": float(match[5])}
            rows.append(row | {"loss_averaged_over": max(1, step - last)})
            last = step
        elif match := WORD_MODEL_EVAL.search(line):
            epoch, last = int(match[1]), int(match[1]) * batches
            rows.append({"step": last, "epoch": epoch, "valid loss": float(match[2])})
    return Log(rows, header)


def read_keras_bar(lines):
    """Keras's progress bar: the last state of each epoch's bar. What comes after a full bar, up to
    the next epoch, is evaluate() on data that the log does not name, and left out."""
    rows, header, epoch, done = [], {"framework": "keras"}, None, True
    for line in lines:
        if match := KERAS_EPOCH.search(line):
            epoch, done = int(match[1]), False
            header["hyperparameters"] = {"max_epochs": int(match[2])}
        elif (match := KERAS_BAR.match(line)) and not done:
            row = {name: float(value) for name, value in KERAS_FIELD.findall(line)}
            if "loss" not in row:
                continue
            if not rows or rows[-1]["epoch"] != epoch:
                rows.append({})
            rows[-1] = row | {"epoch": epoch}
            done = match[1] == match[2] and "ETA" not in line
    return Log(rows, header)


def read_epoch_lines(lines):
    """`Epoch N | Train Loss: a | Token Acc: b | Val Loss: c | Token Acc: d`: of a name that comes
    twice, the second is the validation's."""
    rows = []
    for line in lines:
        if match := EPOCH_LINE.match(line):
            row = {"epoch": int(match[1])}
            for name, value in EPOCH_FIELD.findall(line):
                name = name.lower()
                row[f"val {name}" if name in row else name] = float(value)
            rows.append(row)
    return Log(rows)


def read_event_file(path):
    """TensorBoard scalars: a row for each stretch of one step; a tag that comes again starts a new
    one. `writer` marks transformers, whose train/loss is no evaluation."""
    rows = []
    for step, tag, value in event_file.scalars(path):
        if not rows or rows[-1]["step"] != step or tag in rows[-1]:
            rows.append({"step": step})
        rows[-1][tag] = value
    if any("train/total_flos" in row for row in rows):
        rows = [row | {"writer": "transformers"} for row in rows]
    ctc = any("validation/ctc_loss" in row for row in rows)
    return Log(rows, {"objective": "ctc"} if ctc else {})


READERS = {
    "algoperf_csv": read_algoperf,
    "csv": read_csv,
    "deepmd_lcurve": read_lcurve,
    "hf_trainer_state": read_trainer_state,
    "json_lines": read_json_lines,
    "keras_csv": read_csv,
    "lightning_csv": read_lightning,
    "megatron_text": read_megatron,
    "text_log": read_text,
    "tfevents": read_event_file,
    "yolo_results_csv": read_csv,
}
