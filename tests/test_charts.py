"""The documents for charts, against what plain Python makes of the same records."""

import json
import math
import pathlib

import pytest

from support import programs, telemetry
from test_contracts import complaint

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/records.jsonl"))
SIGNALS = ("loss", "eval_loss", "train_loss", "learning_rate", "grad_norm", "update_norm",
           "weight_norm", "loss_scale", "skipped_steps", "step_seconds")
# Several ranks become one record a step first, and records that go back make a second pass.
PLAIN = sorted(set(CASES) - {"dead_rank", "resume", "resume_discontinuity"})


def charts_of(path):
    done = programs.trainward("analyze", "--format", "charts", path, timeout=120)
    assert done.returncode in (0, 1, 3), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def kinds(documents, kind):
    return [document for document in documents if document["trainward"]["kind"] == kind]


def number(value):
    return float(value)  # "nan" and "inf" as well


def bucket_of(step):
    width = 1
    while step // width >= 512:
        width *= 2
    return step - step % width, width


def expected_buckets(records):
    """{first step of the bucket: {signal: readings}}, in the order of the records."""
    buckets = {}
    for record in records:
        readings = {name: number(record[name]) for name in SIGNALS
                    if record.get(name) is not None}
        if readings and "step" in record:
            bucket = buckets.setdefault(bucket_of(record["step"]), {})
            for name, value in readings.items():
                bucket.setdefault(name, []).append(value)
    return buckets


def is_close(told, value):
    if not math.isfinite(value):
        return told is None
    return told is not None and math.isclose(told, value, rel_tol=1e-12, abs_tol=1e-300)


def assert_signal(told, readings):
    finite = [value for value in readings if math.isfinite(value)]
    assert (told["count"], told["nonfinite"]) == (len(readings), len(readings) - len(finite))
    assert is_close(told["first"], readings[0]) and is_close(told["last"], readings[-1])
    if not finite:
        assert told["min"] is told["mean"] is told["max"] is None
        return
    assert (told["min"], told["max"]) == (min(finite), max(finite))
    assert math.isclose(told["mean"], math.fsum(finite) / len(finite), rel_tol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_chart_documents_keep_the_contract_and_no_id_comes_twice(case):
    documents = charts_of(GOLDEN / case / "records.jsonl")
    assert kinds(documents, "chart")
    for document in documents:
        assert complaint("chart", document) is None, document
    ids = [document["event"]["id"] for document in documents]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("case", PLAIN)
def test_buckets_hold_what_the_records_say(case):
    path = GOLDEN / case / "records.jsonl"
    expected = expected_buckets(json.loads(line) for line in path.read_text().splitlines())
    told = {}
    for document in kinds(charts_of(path), "chart"):
        chart = document["trainward"]
        place = bucket_of(chart["first_step"])
        assert place not in told, "two documents of one bucket"
        assert place[1] == chart["width"] and bucket_of(chart["step"]) == place
        told[place] = chart["signals"]
    assert set(told) == set(expected)
    for place, signals in expected.items():
        assert set(told[place]) == set(signals)
        for name, readings in signals.items():
            assert_signal(told[place][name], readings)


def test_a_run_that_went_back_has_both_its_ways(tmp_path):
    documents = kinds(charts_of(GOLDEN / "resume" / "records.jsonl"), "chart")
    attempts = {}
    for document in documents:
        chart = document["trainward"]
        attempts.setdefault(chart["run"]["attempt"], []).append(chart["step"])
    assert set(attempts) == {"a1", "a2"}
    for steps in attempts.values():
        assert steps == sorted(set(steps))
    assert min(attempts["a2"]) <= max(attempts["a1"])


def test_layers_are_documents_of_their_own_with_the_values_of_their_record():
    path = GOLDEN / "saturation" / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    header = next(record for record in records if record.get("kind") == "header")
    by_step = {record["step"]: record["layers"] for record in records
               if record.get("kind") == "layers"}
    layers = kinds(charts_of(path), "layer")
    steps = {document["trainward"]["step"] for document in layers}
    assert min(by_step) in steps and len(steps) <= 5 * 16 + 32
    for document in layers:
        layer, columns = document["trainward"]["layer"], by_step[document["trainward"]["step"]]
        assert layer["name"] == header["layers"][layer["index"]]["name"]
        for name, values in columns.items():
            value = values[layer["index"]]
            if value is None:
                assert name not in layer
            else:
                assert math.isclose(layer[name], number(value), rel_tol=1e-6, abs_tol=1e-30)


def test_a_long_run_has_few_documents_and_keeps_its_one_spike(tmp_path):
    steps, spike = 50_000, 31_337
    lines = [json.dumps({"run": "long", "step": step, "time": 1_700_000_000_000 + step,
                         "loss": 1e6 if step == spike else 2.0}) for step in range(steps)]
    log = tmp_path / "telemetry.jsonl"
    log.write_text("\n".join(lines) + "\n")
    charts = [document["trainward"] for document in kinds(charts_of(log), "chart")]
    assert len(charts) == len({bucket_of(step) for step in range(steps)})
    assert len(charts) <= 512 + 256 * math.log2(steps / 512)
    assert sum(chart["signals"]["loss"]["count"] for chart in charts) == steps
    (found,) = [chart for chart in charts if chart["signals"]["loss"]["max"] == 1e6]
    assert found["first_step"] <= spike <= found["step"]


def test_a_running_run_tells_its_state_ever_less_often():
    documents = kinds(charts_of(GOLDEN / "divergence_critical" / "records.jsonl"), "run")
    states = [document["trainward"] for document in documents]
    assert [state["sequence"] for state in states] == list(range(1, len(states) + 1))
    assert {state["status"] for state in states} == {"running"}
    assert len(states) <= 16 + 8 * 8 + 4
    assert "problem" in {state["verdict"] for state in states}


def test_telemetry_helpers_know_the_same_cases():
    assert set(CASES) == set(telemetry.CASES)
