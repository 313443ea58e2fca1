"""Rows of a foreign log to trainward records, as JSON lines in a scratch folder."""

import hashlib
import io
import json
import math
import os
import pathlib

import cbor2

from evaluate import formats, names

BESIDE = ("loss_averaged_over", "grad_norm_kind")  # what a reader says of a row's loss and norm
STEP_FIELDS = ("loss", "learning_rate", "grad_norm", "loss_scale", "skipped_steps")
MOST_METRICS = 16  # of an eval record, docs/telemetry.md
HERE = pathlib.Path(__file__).parent
CONVERTERS = ("records.py", "formats.py", "names.py", "event_file.py")


def json_number(value):
    """A number as the records write it: those that are not finite are texts."""
    if math.isfinite(value):
        return int(value) if value == int(value) and abs(value) < 2**53 else value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def steps_of(rows, name_map):
    """[(step, signals)]: the rows through the name map; rows of one step that follow each other and
    tell different things become one.

    Where a log has no steps its epochs are the steps. Rows without either are left out.
    """
    steps = []
    for raw in rows:
        row = name_map.apply({name: cell for name, cell in raw.items() if name not in BESIDE})
        at = row.pop("step", row.get("epoch"))
        if at is None or not math.isfinite(at):
            continue
        row |= {name: raw[name] for name in BESIDE if name in raw}
        if steps and steps[-1][0] == int(at) and not row.keys() & steps[-1][1].keys() - {"epoch"}:
            steps[-1][1].update(row)
        else:
            steps.append((int(at), row))
    return steps


def step_fields(row):
    """What the step record of a row has, or nothing where the row is none of a training step."""
    fields = {name: json_number(row[name]) for name in STEP_FIELDS if name in row}
    beside = {name: row[name] for name in BESIDE if name in row}
    return fields | beside if fields else {}


def eval_fields(row):
    """What the eval record of a row has: a training loss alone is no evaluation."""
    metrics = [name for name in row if name.startswith("eval_")]
    metrics.sort(key=lambda name: name != "eval_loss")
    chosen = metrics[:MOST_METRICS] + ["train_loss"] * ("train_loss" in row and bool(metrics))
    return {name: json_number(row[name]) for name in chosen}


def records_of(run, log, name_map):
    """The records of one run: header, steps, evaluations, end."""
    yield {"v": 1, "run": run, "kind": "header", **log.header}
    for step, row in steps_of(log.rows, name_map):
        epoch = {"epoch": json_number(row["epoch"])} if "epoch" in row else {}
        if fields := step_fields(row):
            yield {"run": run, "kind": "step", "step": step, **epoch, **fields}
        if fields := eval_fields(row):
            yield {"run": run, "kind": "eval", "step": step, **fields}
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
    """Tells versions of the converters and of the map apart, so that what another one has converted
    is not used."""
    digest = hashlib.sha256(json.dumps(maps).encode())
    for name in CONVERTERS:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:12]


def cached(path, form, maps, folder):
    """The run's records as a file in `folder`, converted unless that was done since the log was
    written. Returns (file, names that no entry fits)."""
    target = folder / f"{run_id(path)}.jsonl"
    notes = target.with_suffix(".unmapped")
    if not notes.exists() or notes.stat().st_mtime < path.stat().st_mtime:
        records, unmapped = convert(path, form, maps[form], run_id(path))
        write(target, "".join(json.dumps(record) + "\n" for record in records))
        write(notes, "".join(name + "\n" for name in unmapped))
    return target, notes.read_text().splitlines()


def write(path, text):
    """Whole or not at all, since several processes may convert."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(path)


def load(path):
    """The records of a file, or of rank 0 of a run directory; "nan" and its like as numbers."""
    if path.is_dir():
        logs = [path / f"telemetry.{form}" for form in ("cbor", "jsonl")]
        path = next((log for log in logs if log.exists()), logs[0])
    if path.suffix == ".cbor":
        return list(cbor_sequence(path.read_bytes()))
    lines = path.read_text().splitlines()
    return [dict(map(plain, json.loads(line).items())) for line in lines]


def plain(field):
    name, value = field
    return name, float(value) if value in ("nan", "inf", "-inf") else value


def cbor_sequence(data):
    """The maps of a CBOR sequence (RFC 8742); a torn last one ends it. Typed arrays stay as they
    are: what is judged here needs none."""
    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        try:
            yield cbor2.load(stream)
        except cbor2.CBORDecodeEOF:
            return
