"""Golden streams: the records of golden/<case>/records.jsonl give the documents of advisories.jsonl,
byte for byte. golden/update.py writes them anew; read what changed before you believe it."""

import difflib
import json
import pathlib

import pytest

from support import programs, telemetry

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"

# What a person expects of each case, so that a golden file cannot drift into nonsense:
# (verdict, {(detector, severity, state)}) of the findings; severities below warning are left out.
EXPECTED = {
    "healthy": ("healthy", set()),
    "divergence_warning": ("problem", {("divergence", "warning", "still_open")}),
    "divergence_critical": ("problem", {("divergence", "critical", "still_open")}),
    "divergence_from_start": ("problem", {("divergence", "critical", "still_open")}),
    "overflow_nan": ("problem", {("overflow", "critical", "still_open")}),
    "overflow_recovers": ("problem", {("overflow", "critical", "recovered")}),
    "loss_spike_recovers": ("healthy", set()),
    "fp16_scale_collapse": ("problem", {("overflow", "critical", "still_open")}),
    "resume": ("healthy", set()),
}


def test_every_case_is_there():
    assert set(EXPECTED) == set(telemetry.CASES)
    assert set(EXPECTED) == {path.parent.name for path in GOLDEN.glob("*/records.jsonl")}


@pytest.mark.parametrize("case", EXPECTED)
def test_the_documents_are_those_of_the_golden_file(case):
    got = programs.documents_of(GOLDEN / case / "records.jsonl")
    want = (GOLDEN / case / "advisories.jsonl").read_text().splitlines()
    assert got == want, "\n".join(difflib.unified_diff(want, got, "golden", "now", lineterm=""))


@pytest.mark.parametrize("case", EXPECTED)
def test_the_verdict_is_what_a_person_expects(case):
    verdict, findings = EXPECTED[case]
    done = programs.trainward("analyze", "--format", "json", GOLDEN / case / "records.jsonl")
    printed = json.loads(done.stdout)
    found = {(finding["detector"], finding["severity"], finding["state"])
             for finding in printed["findings"] if finding["severity"] != "info"}
    assert (printed["verdict"], found) == (verdict, findings)
    assert done.returncode == (1 if verdict == "problem" else 0)


@pytest.mark.parametrize("case", [case for case, (_, findings) in EXPECTED.items() if findings])
def test_the_advice_has_an_amount(case):
    done = programs.trainward("analyze", "--format", "json", GOLDEN / case / "records.jsonl")
    for finding in json.loads(done.stdout)["findings"]:
        if finding["severity"] != "info" and finding["state"] == "still_open":
            first = finding["suggestions"][0]
            assert first["change"]["value"] is not None
            assert first["from"] != first["to"]


def test_both_attempts_of_a_resumed_run_are_judged():
    documents = [json.loads(document)["trainward"]
                 for document in programs.documents_of(GOLDEN / "resume" / "records.jsonl")]
    assert [(document["run"]["attempt"], document["status"], document["step"])
            for document in documents if document["kind"] == "run"] == \
        [("a1", "interrupted", 600), ("a2", "completed", 1000)]
