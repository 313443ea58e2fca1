"""Rows of a foreign log to trainward records, as JSON lines in a scratch folder."""

import hashlib
import json
import math
import os
import pathlib

import formats
import names

BESIDE = ("loss_averaged_over", "grad_norm_kind")  # what a reader says about a row's loss and norm
STEP_FIELDS = ("loss", "learning_rate", "grad_norm", "loss_scale", "skipped_steps")
MOST_METRICS = 16  # of an eval record, docs/telemetry.md
HERE = pathlib.Path(__file__).parent


def json_number(value):
    """A number as the records write it: non-finite ones are texts."""
    if math.isfinite(value):
        return int(value) if value == int(value) and abs(value) < 2**53 else value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def steps_of(rows, name_map):
    """[(step, signals)]: the rows through the name map, rows of one step that follow each other made one.

    Where a log has no steps its epochs are the steps. Rows without either are left out.
    """
    steps = []
    for raw in rows:
        row = name_map.apply({name: value for name, value in raw.items() if name not in BESIDE})
        at = row.pop("step", row.get("epoch"))
        if at is None or not math.isfinite(at):
            continue
        row |= {name: raw[name] for name in BESIDE if name in raw}
        if steps and steps[-1][0] == int(at) and not row.keys() & steps[-1][1].keys() - {"epoch"}:
            steps[-1][1].update(row)
        else:
            steps.append((int(at), row))
    return steps


def records_of(run, log, name_map):
    """The records of one run: header, steps, evals, end."""
    yield {"v": 1, "run": run, "kind": "header", **log.header}
    for step, row in steps_of(log.rows, name_map):
        base = {"run": run, "step": step} | ({"epoch": json_number(row["epoch"])} if "epoch" in row else {})
        fields = {name: json_number(row[name]) for name in STEP_FIELDS if name in row}
        if fields:
            yield {**base, "kind": "step", **fields, **{name: row[name] for name in BESIDE if name in row}}
        metrics = [name for name in row if name.startswith("eval_")]
        metrics.sort(key=lambda name: name != "eval_loss")
        if metrics:
            chosen = metrics[:MOST_METRICS] + ["train_loss"] * ("train_loss" in row)
            yield {"run": run, "step": step, "kind": "eval", **{name: json_number(row[name]) for name in chosen}}
    yield {"run": run, "kind": "end", "status": "completed"}


def convert(path, form, entries, run):
    """(records, names that no entry of the map fits)."""
    name_map = names.NameMap(form, entries)
    records = list(records_of(run, formats.READERS[form](path), name_map))
    return records, sorted(name_map.unmapped)


def run_id(path):
    """A run's id: the file's name, and a digest of its path so that two of one name differ."""
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    return f"{path.name.encode()[:100].decode(errors='ignore')}-{digest}"


def converter_digest(maps):
    """Tells two versions of the converters, or of the map, apart: converted files of another one are not used."""
    digest = hashlib.sha256(json.dumps(maps).encode())
    for name in ("records.py", "formats.py", "names.py", "event_file.py"):
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:12]


def cached(path, form, maps, folder):
    """The run's records as a file in `folder`, converted unless that has been done since the log was written.

    Returns (file, names that no entry fits).
    """
    target = folder / f"{run_id(path)}.jsonl"
    notes = target.with_suffix(".unmapped")
    if not notes.exists() or notes.stat().st_mtime < path.stat().st_mtime:
        records, unmapped = convert(path, form, maps[form], run_id(path))
        write(target, "".join(json.dumps(record) + "\n" for record in records))
        write(notes, "\n".join(unmapped))
    return target, notes.read_text().split("\n") if notes.stat().st_size else []


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(path)


def load(path):
    """The records of a file, with "nan" and its like as numbers again."""
    return [
        {name: float(value) if value in ("nan", "inf", "-inf") else value for name, value in json.loads(line).items()}
        for line in path.read_text().splitlines()
    ]
