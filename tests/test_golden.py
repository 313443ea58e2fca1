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
    "gradient_explosion": ("problem", {("gradient-explosion", "critical", "still_open")}),
    "saturation": ("problem", {("saturation", "warning", "still_open")}),
    "overfitting": ("problem", {("overfitting", "critical", "still_open")}),
    "underfitting": ("problem", {("underfitting", "critical", "still_open")}),
    "dead_units": ("problem", {("dead-units", "critical", "still_open"),
                               ("vanishing-gradient", "warning", "still_open"),
                               ("underfitting", "warning", "still_open")}),
    "loss_spike": ("problem", {("loss-spike", "warning", "still_open")}),
    "resume_discontinuity": ("problem", {("resume-discontinuity", "warning", "still_open")}),
    "converged": ("healthy", set()),
    "learning_rate": ("problem", {("learning-rate", "warning", "still_open")}),
    "vanishing_gradient": ("problem", {("vanishing-gradient", "warning", "still_open"),
                                       ("underfitting", "warning", "still_open")}),
    "dead_rank": ("problem", {("stalled-run", "warning", "still_open")}),
    "story": ("problem", {("gradient-explosion", "critical", "still_open"),
                          ("divergence", "critical", "still_open"),
                          ("overflow", "critical", "still_open")}),
}

# The findings of severity info.
INFORMED = {"loss_spike_recovers": {"loss-spike"}, "loss_spike": {"loss-spike"},
            "resume": {"resume-discontinuity"}, "underfitting": {"learning-rate"}, "converged": {"converged"}}

DECLARED = {"learning_rate", "warmup_steps", "batch_size", "beta1", "beta2", "epsilon", "precision",
            "max_steps", "optimizer", "schedule"}

# Of whole stories, what is said to follow from what.
CAUSES = {
    "story": {"gradient-explosion": [], "divergence": ["gradient-explosion"],
              "overflow": ["gradient-explosion", "divergence"]},
    "dead_units": {"dead-units": [], "vanishing-gradient": ["dead-units"],
                   "underfitting": ["dead-units", "vanishing-gradient"]},
    "vanishing_gradient": {"vanishing-gradient": [], "underfitting": ["vanishing-gradient"]},
}


def analyzed(case):
    done = programs.trainward("analyze", "--format", "json", GOLDEN / case / "records.jsonl")
    return json.loads(done.stdout)


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


@pytest.mark.parametrize("case", EXPECTED)
def test_what_is_no_problem_is_an_information(case):
    informed = {finding["detector"] for finding in analyzed(case)["findings"]
                if finding["severity"] == "info"}
    assert informed == INFORMED.get(case, set())


@pytest.mark.parametrize("case", CAUSES)
def test_a_story_is_told_from_its_cause_on(case):
    findings = analyzed(case)["findings"]
    name_of = {finding["id"]: finding["detector"] for finding in findings}
    assert {finding["detector"]: [name_of[cause] for cause in finding["causes"]]
            for finding in findings} == CAUSES[case]


@pytest.mark.parametrize("case", CAUSES)
def test_a_symptom_does_not_repeat_the_advice_on_its_cause(case):
    findings = {finding["id"]: finding for finding in analyzed(case)["findings"]}
    for finding in findings.values():
        changed = {suggestion["parameter"] for suggestion in finding["suggestions"]}
        for cause in finding["causes"]:
            assert not changed & {suggestion["parameter"]
                                  for suggestion in findings[cause]["suggestions"]}


@pytest.mark.parametrize("case", [case for case, (_, findings) in EXPECTED.items() if findings])
def test_the_advice_has_an_amount(case):
    for finding in analyzed(case)["findings"]:
        if finding["severity"] != "info" and finding["state"] == "still_open":
            first = finding["suggestions"][0]
            assert first["change"]["value"] is not None
            # What the header does not tell has no value to change: only the change is told.
            assert first["from"] != first["to"] or (first["from"] is None and
                                                    first["parameter"] not in DECLARED)


def test_both_attempts_of_a_resumed_run_are_judged():
    documents = [json.loads(document)["trainward"]
                 for document in programs.documents_of(GOLDEN / "resume" / "records.jsonl")]
    assert [(document["run"]["attempt"], document["status"], document["step"])
            for document in documents if document["kind"] == "run"] == \
        [("a1", "interrupted", 600), ("a2", "completed", 1000)]
