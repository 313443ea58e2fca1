"""What the detectors were made for, item by item: faults of known size are found within the promised
steps, healthy runs and what only looks like a fault are left in peace, and what cannot be judged is
said to be not checked.

Faults are put into simulated losses (support/simulated.py). Shares and delays are those that the
thresholds were calibrated to on 120 public runs; see docs/detectors/divergence.md.
"""

import math
import random
import re
import types

import pytest
import yaml

from evaluate import __main__ as evaluate
from evaluate import score
from support import programs, ranks, simulated, telemetry
from support.simulated import judge, loud, reasons, told

SEEDS = range(30)


def shares(reports, detector, at):
    """Of the reports, the share with a warning of `detector`, and the delays after step `at`."""
    found = [loud(report, detector) for report in reports.values()]
    delays = [findings[0]["detected_step"] - at for findings in found if findings]
    return len(delays) / len(reports), delays


# ---- 1. healthy runs, and labelled ones ----

@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """The labelled public logs, as judged, where they are at hand."""
    if not evaluate.SHARED.exists():
        pytest.skip(f"no labelled logs at {evaluate.SHARED}")
    options = types.SimpleNamespace(corpus=[evaluate.SHARED], only=[], names=None, o=[], jobs=2,
                                    no_baseline=True, original=False,
                                    trainward=programs.program("trainward"))
    maps, runs = evaluate.read_corpora(options)
    judged, _ = evaluate.judge_all(runs, options, maps, tmp_path_factory.mktemp("labelled"))
    return judged["trainward"]


def test_labelled_problems_are_found_as_often_as_measured(labelled):
    overall = score.score(labelled)["overall"]
    assert overall["errors"] == 0
    assert overall["recall"] >= .84
    assert overall["precision"] >= .98
    assert overall["problem_runs_with_wrong_finding"] <= 1


def test_at_most_one_labelled_healthy_run_in_fifty_has_a_false_alarm(labelled):
    overall = score.score(labelled)["overall"]
    assert overall["healthy_runs_alarmed"] <= .02 * overall["healthy_runs"]


# Measured: 22 of 22, 10 of 12, 13 of 15, 12 of 14, 5 of 10.
@pytest.mark.parametrize("label, recall", [("overflow-nan", 1), ("divergence", .83),
                                           ("overfitting", .85), ("underfitting", .85),
                                           ("spikes", .5)])
def test_each_labelled_problem_is_found_as_often_as_measured(labelled, label, recall):
    of_label = score.score(labelled)["labels"][label]
    assert of_label["recall"] >= recall
    assert of_label["precision"] == 1


def test_few_labelled_runs_have_an_overfitting_that_is_withdrawn(labelled):
    withdrawn = [judged for judged in labelled for finding in judged.findings
                 if finding["detector"] == "overfitting" and finding["state"] == "withdrawn"]
    assert len(withdrawn) <= .05 * len(labelled)


def test_no_labelled_healthy_run_has_a_critical_explosion(labelled):
    assert not [judged.run.name for judged in labelled if judged.healthy()
                for finding in judged.findings if finding["detector"] == "gradient-explosion"
                and finding["severity"] == "critical"]


def healthy_records(run, seed, steps, degrees=4, spread=.03, logged=1, **options):
    """Loss, norms, layers and evaluations of a healthy run."""
    made = simulated.language_model(run, seed=seed, max_steps=steps, **options)
    for step in range(0, steps, logged):
        noise = math.exp(.2 * simulated.heavy(made.random, degrees))
        made.step(step, simulated.healthy_loss(made.random, step, spread, degrees),
                  (.5 + 2 / math.sqrt(step + 1)) * noise, **made.norms(1e-3))
        if step % 500 == 0:
            made.layers(step)
            level = 2.3 + 8 / math.sqrt(step + 10)
            made.evaluation(step, made.noisy(1.05 * level, .01), made.noisy(level, .01))
    return made.end(steps)


def test_120_thousand_healthy_steps_raise_no_alarm(tmp_path):
    """And at most 40 spikes of the loss in 100,000 steps are told, the most in healthy public runs.
    (How often divergence is suspected in silence: tests/unit/test_divergence.c.)"""
    reports = judge(tmp_path / "log.jsonl", *(healthy_records(f"healthy-{seed}", seed, 10_000)
                                              for seed in range(12)))
    assert [loud(report) for report in reports.values()] == [[]] * 12
    assert {report["verdict"] for report in reports.values()} == {"healthy"}
    assert {detector for report in reports.values() for detector in reasons(report)} == {"saturation"}
    spikes = [finding for report in reports.values() for finding in report["findings"]
              if finding["detector"] == "loss-spike"]
    assert len(spikes) <= 48


# ---- 2. faults that have to be found within 50 steps ----

FAULT = 1000


def with_fault(run, seed, fault, steps=1300):
    """A healthy run; `fault(step since, fields)` changes what is logged from step FAULT on."""
    made = simulated.language_model(run, seed=seed, learning_rate=1e-3, max_steps=steps)
    for step in range(steps):
        fields = {"loss": simulated.healthy_loss(made.random, step), "learning_rate": 1e-3,
                  "grad_norm": made.noisy(.5, .15), **made.norms(1e-3)}
        if step >= FAULT:
            fault(step - FAULT, fields)
        made.add("step", step, grad_norm_kind="pre_clip",
                 **{name: telemetry.rounded(value) for name, value in fields.items()})
    return made.end(steps)


def rate_times_100(since, fields):
    """For three steps. Shaped after a spike of BLOOM's tr1 (loss 3 to 9, back after 500 steps) and
    the norms of tr11 (.24 to 960)."""
    if since < 3:
        fields["learning_rate"] *= 100
        fields["update_norm"] *= 100
    if since >= 1:
        fields["loss"] *= 1 + 2 * min(since, 3) / 3 * .5 ** (max(since - 3, 0) / 100)
        fields["grad_norm"] *= 1 + 40 * min(since, 3) / 3 * .5 ** (max(since - 3, 0) / 30)


def corrupted_batch(since, fields):
    if since == 0:
        fields.update(loss=math.nan, grad_norm=math.nan)


def assert_found_within(reports, steps):
    for report in reports.values():
        found = [finding for finding in loud(report) if finding["detected_step"] >= FAULT]
        assert found, report
        assert found[0]["detected_step"] - FAULT <= steps
        assert loud(report)[0] in found, "nothing was said before"


def test_a_learning_rate_times_100_for_three_steps_is_found_within_50_steps(tmp_path):
    assert_found_within(judge(tmp_path / "log.jsonl", *(
        with_fault(f"r{seed}", seed, rate_times_100) for seed in range(10))), 50)


def test_a_corrupted_batch_is_found_within_50_steps(tmp_path):
    reports = judge(tmp_path / "log.jsonl", *(with_fault(f"r{seed}", seed, corrupted_batch)
                                              for seed in range(5)))
    assert_found_within(reports, 0)
    for report in reports.values():
        assert [(finding["detector"], finding["state"]) for finding in loud(report)] == \
            [("overflow", "recovered")]


def dying(run, seed, rank, first_missing):
    """Four ranks, one of which sends nothing from a step on."""
    sent = [ranks.records_of(run, number, 1300, seed=seed) for number in range(ranks.RANKS)]
    sent[rank] = [record for record in sent[rank] if record["step"] < first_missing]
    return ranks.by_step(sent)


@pytest.mark.parametrize("rank", [0, 2])
def test_a_dead_rank_is_found_within_50_steps(tmp_path, rank):
    reports = judge(tmp_path / "log.jsonl", *(dying(f"r{seed}", seed, rank, FAULT)
                                              for seed in range(5)))
    assert_found_within(reports, 50)
    for report in reports.values():
        finding, = loud(report)
        assert (finding["detector"], finding["scope"]) == ("stalled-run", f"rank:{rank}")
        assert finding["onset_step"] == FAULT - 1
        assert finding["state"] == "still_open"
        simulated.assert_numbers_and_an_amount(finding)


# ---- 3. the injections that divergence was calibrated with ----

INJECTIONS = {  # factor on the loss `t` steps after the fault; share of runs that are warned of
    "I1: one loss doubled": (lambda t: 2 if t == 0 else 1, 0, 0),
    "I2: a spike that recovers": (lambda t: 1 + math.exp(-t / 30), 0, .06),
    "I3: doubling every 50 steps": (lambda t: min(20, 2 ** (t / 50)), .98, 1),
    "I4: 20 % over 500 steps": (lambda t: 1 + .2 * min(1, t / 500), .9, 1),
    "I5: 50 % over 100 steps": (lambda t: 1 + .5 * min(1, t / 100), .98, 1),
}
# Median delays, twice the calibration's: its runs are other ones.
DELAYS = {"I3": 2 * 115, "I4": 2 * 314, "I5": 2 * 128}


@pytest.mark.parametrize("injection", INJECTIONS)
def test_injected_faults_are_found_as_often_as_calibrated(tmp_path, injection):
    factor, least, most = INJECTIONS[injection]
    reports = simulated.judge_text(tmp_path / "log.jsonl", "".join(
        simulated.loss_lines(f"{injection[:2]}-{seed}", seed, FAULT + 800,
                             lambda step: factor(step - FAULT) if step >= FAULT else 1,
                             .05 if seed % 2 else .02) for seed in SEEDS))
    share, delays = shares(reports, "divergence", FAULT)
    assert least <= share <= most
    assert all(delay >= 0 for delay in delays)
    if injection[:2] in DELAYS:
        assert sorted(delays)[len(delays) // 2] <= DELAYS[injection[:2]]
    assert {finding["detector"] for report in reports.values() for finding in loud(report)} <= \
        {"divergence"}


# ---- 4. NaN anywhere does not blind a detector ----

# Of each detector, the golden stream that it is found in.
STREAM_OF = {"divergence": "divergence_critical", "overflow": "overflow_nan",
             "gradient-explosion": "gradient_explosion", "saturation": "saturation",
             "overfitting": "overfitting", "underfitting": "underfitting",
             "converged": "converged", "learning-rate": "learning_rate",
             "loss-spike": "loss_spike", "vanishing-gradient": "vanishing_gradient",
             "dead-units": "dead_units", "resume-discontinuity": "resume_discontinuity",
             "stalled-run": "dead_rank"}
FIGURES = ("loss", "grad_norm", "update_norm", "weight_norm", "learning_rate", "eval_loss",
           "train_loss")


def with_nan_at(records, at, run):
    """The records under another name, all figures of the `at`th one with figures NaN."""
    copy, met = [], 0
    for record in records:
        record = {**record, "run": run}
        if record["kind"] in ("step", "eval", "layers"):
            if met == at:
                record.update({name: math.nan for name in FIGURES if name in record})
                if "layers" in record:
                    record["layers"] = {name: [math.nan] * len(column)
                                        for name, column in record["layers"].items()}
            met += 1
        copy.append(record)
    return copy


def positions(records):
    """The first three, the last three before the end, and some 15 in between, of any kind."""
    n = sum(record["kind"] in ("step", "eval", "layers") for record in records)
    return sorted({0, 1, 2, n - 3, n - 2, n - 1, *range(7, n, max(1, n // 15))})


def test_every_detector_has_a_stream():
    pages = {path.stem for path in (programs.TOP / "docs" / "detectors").glob("*.md")}
    assert set(STREAM_OF) == pages


@pytest.mark.parametrize("detector", STREAM_OF)
def test_a_nan_at_any_place_does_not_disable(tmp_path, detector):
    records = telemetry.CASES[STREAM_OF[detector]]()
    runs = [with_nan_at(records, at, f"nan at {at}") for at in positions(records)]
    reports = judge(tmp_path / "log.jsonl", *runs)
    missed = [run for run, report in reports.items()
              if detector not in {finding["detector"] for finding in report["findings"]
                                  if finding["state"] != "withdrawn"}]
    assert len(reports) >= 15 and missed == []


# ---- 5. loss scaling ----

def scaled(run, steps, overflows, window=2000, seed=1):
    """fp16 from a scale of 2^30; `overflows(step, scale)` tells of a skip."""
    made = simulated.language_model(run, seed=seed, precision="fp16", initial_loss_scale=2.0 ** 30,
                         loss_scale_window=window, max_steps=steps)
    scale, clean = 2.0 ** 30, 0
    for step in range(steps):
        bad = overflows(step, scale)
        clean = 0 if bad else clean + 1
        if bad:
            scale /= 2
        elif clean % window == 0:
            scale *= 2
        made.step(step, simulated.healthy_loss(made.random, step), math.inf if bad else None,
                  loss_scale=scale, overflow=bad, skipped_steps=int(bad))
    return made.end(steps)


def assert_no_overflow(report):
    assert report["verdict"] == "healthy" and loud(report) == []
    assert "overflow" not in {finding["detector"] for finding in report["findings"]}


def test_fourteen_calibration_skips_and_one_per_2000_steps_raise_no_alarm(tmp_path):
    """The skips come 100 steps after the scale was doubled."""
    records = scaled("fp16", 20_000, lambda step, scale: step < 14 or step % 2000 == 14, 1899)
    assert sum(record.get("skipped_steps", 0) for record in records) == 14 + 10
    assert_no_overflow(judge(tmp_path / "log.jsonl", records)["fp16"])


def test_probing_a_doubled_scale_raises_no_alarm(tmp_path):
    records = scaled("fp16", 20_000, lambda step, scale: scale > 65536)
    assert_no_overflow(judge(tmp_path / "log.jsonl", records)["fp16"])


def test_a_scale_that_collapses_to_128_within_200_steps_is_critical(tmp_path):
    """From 65,536: nine halvings, one every 20 steps."""
    records = scaled("fp16", 6000, lambda step, scale: scale > 65536 or (
        step >= 5000 and step % 20 == 0 and scale > 128))
    assert min(record["loss_scale"] for record in records if "loss_scale" in record) == 128
    report = judge(tmp_path / "log.jsonl", records)["fp16"]
    assert told(report) == {"overflow": "critical"}
    assert 5000 <= loud(report)[0]["detected_step"] <= 5200


# ---- 6, 7. what looks like a divergence ----

@pytest.mark.parametrize("half_life", [30, 100, None])
def test_a_resume_without_adams_moments_is_no_divergence(tmp_path, half_life):
    reports = judge(tmp_path / "log.jsonl", *(telemetry.lost_optimizer_run(
        f"r{seed}", steps=900, seed=seed, half_life=half_life) for seed in range(10)))
    for report in reports.values():
        detectors = [finding["detector"] for finding in report["findings"]]
        assert detectors == ["resume-discontinuity"]
        assert report["findings"][0]["evidence"]["cause"] == "optimizer state"


def cosine_restarts(run, seed, steps=4000, period=1000):
    """Warm restarts (Loshchilov and Hutter, arXiv 1608.03983): at each the loss rises by two thirds
    and comes down again with the learning rate."""
    made = simulated.language_model(run, seed=seed, schedule="cosine", max_steps=steps)
    for step in range(steps):
        phase = step % period / period
        made.learning_rate = telemetry.rounded(1e-5 + 5e-4 * (1 + math.cos(math.pi * phase)))
        hump = 1 if step < period else 1 + .7 * math.exp(-10 * phase)
        made.step(step, hump * simulated.healthy_loss(made.random, step))
    return made.end(steps)


def test_cosine_restarts_raise_no_alarm(tmp_path):
    reports = judge(tmp_path / "log.jsonl", *(cosine_restarts(f"r{seed}", seed)
                                              for seed in range(5, 10)))
    assert [loud(report) for report in reports.values()] == [[]] * 5


# ---- 8. norms after clipping ----

def clipped(run, kind, to=1.0):
    made = telemetry.Run(run, max_grad_norm=to)
    made.header()
    for step in range(600):
        made.step(step, made.learning_curve(step), min(made.noisy(3, .15), to), grad_norm_kind=kind)
    return made.end(600)


@pytest.mark.parametrize("kind", ["post_clip", "unknown"])
def test_a_clipped_norm_is_not_checked(tmp_path, kind):
    report = judge(tmp_path / "log.jsonl", clipped("r", kind))["r"]
    assert "after clipping" in reasons(report)["gradient-explosion"]
    assert report["findings"] == []


# ---- 9. the same log at other intervals ----

LONG = 20_000
ONSET = 12_000


def long_run(run, logged, fields, every=None, activation="relu", **options):
    """A run of LONG steps. `logged(made, step)` gives loss and gradient norm, `fields` further ones;
    `every` 200 steps its third part adds records that are no steps."""
    made = telemetry.Run(run, activation=activation, **{"max_steps": LONG, **options})
    made.header()
    for step in range(LONG):
        loss, norm = logged(made, step)
        made.step(step, loss, norm, **fields(made, step))
        if every and step % 200 == 0:
            every(made, step)
    return made.end(LONG)


def usual(made, step):
    """For ten classes; ln 10 is 2.3."""
    loss = (.1 + 8 / math.sqrt(step + 20)) * math.exp(.03 * simulated.heavy(made.random))
    return loss, made.noisy(.5, .15)


def usual_norms(made, step):
    return made.norms(1e-3)


def diverging(made, step):
    loss, norm = usual(made, step)
    return loss * 5 ** min(max(step - ONSET, 0) / 3000, 1), norm


def exploding(made, step):
    loss, norm = usual(made, step)
    since = max(step - ONSET, 0)
    return loss * (1 + .06 * min(since / 100, 1)), norm * 30 ** min(since / 100, 1)


def overflowing(made, step):
    return (math.nan, math.nan) if step >= ONSET else usual(made, step)


def standing(made, step):
    return made.noisy(2.3, .02), made.noisy(.5, .15)


def saturated(made, step):
    made.layers(step, saturated_fraction=[.8, .8, math.nan],
                saturated_units_fraction=[.8, .8, math.nan])


def held_out(made, step):
    level = .1 + 8 / math.sqrt(step + 20)
    rise = max(step - ONSET, 0) / 8000 * .3
    made.evaluation(step, made.noisy(level + rise, .005), made.noisy(level, .01))


LONG_RUNS = {
    "healthy": (lambda: long_run("r", usual, usual_norms), {}),
    "divergence": (lambda: long_run("r", diverging, usual_norms), {"divergence": "critical"}),
    "gradient-explosion": (lambda: long_run("r", exploding, usual_norms),
                           {"gradient-explosion": "critical"}),
    "overflow": (lambda: long_run("r", overflowing, usual_norms), {"overflow": "critical"}),
    "saturation": (lambda: long_run("r", usual, usual_norms, saturated, "tanh"),
                   {"saturation": "warning"}),
    "overfitting": (lambda: long_run("r", usual, usual_norms, held_out),
                    {"overfitting": "critical"}),
    "underfitting": (lambda: long_run("r", standing, lambda made, step: made.norms(2e-6),
                                      learning_rate=1e-6), {"underfitting": "critical"}),
}


@pytest.mark.parametrize("case", LONG_RUNS)
def test_the_log_interval_does_not_change_the_verdict(tmp_path, case):
    make, expected = LONG_RUNS[case]
    records = make()
    verdicts = {}
    for interval in (1, 10, 50):
        report = judge(tmp_path / f"{interval}.jsonl", simulated.thinned(records, interval))["r"]
        verdicts[interval] = report["verdict"], told(report)
    verdict = "problem" if expected else "healthy"
    assert verdicts == dict.fromkeys((1, 10, 50), (verdict, expected))


# ---- 10. numbers and amounts ----

RULES = [(path.stem, rule["name"], suggestion)
         for path in sorted((programs.TOP / "rules" / "shipped").glob("*.yaml"))
         for rule in yaml.safe_load(path.read_text()) for suggestion in rule["suggestions"]]


@pytest.mark.parametrize("suggestion", [pytest.param(suggestion, id=f"{name}-{at}") for at, (
    _, name, suggestion) in enumerate(RULES)])
def test_every_shipped_suggestion_has_an_amount_and_a_way_to_verify_it(suggestion):
    (operation, amount), = suggestion["change"].items()
    assert operation in ("set", "multiply", "add")
    assert amount not in (None, "", [])
    verifies = suggestion["verify"]
    for verify in verifies if isinstance(verifies, list) else [verifies]:
        assert verify["signal"] and "within_steps" in verify
        assert "below" in verify or "above" in verify


def test_every_detector_has_rules():
    assert {stem for stem, *_ in RULES} == {*STREAM_OF, "stalled-rank"}


@pytest.mark.parametrize("case", telemetry.CASES)
def test_every_finding_carries_numbers_and_an_amount(tmp_path, case):
    report, = judge(tmp_path / "log.jsonl", telemetry.CASES[case]()).values()
    for finding in report["findings"]:
        simulated.assert_numbers_and_an_amount(finding)


# ---- the gates ----

def warm_up(run, seed):
    """A hump of the loss by 40 % and of the norm by six within a declared warm-up of 500 steps."""
    made = simulated.language_model(run, seed=seed, warmup_steps=500, schedule="cosine", max_steps=3000)
    for step in range(1500):
        made.learning_rate = telemetry.rounded(1e-3 * min((step + 1) / 500, 1))
        hump = math.exp(-((step - 300) / 60) ** 2)
        made.step(step, simulated.healthy_loss(made.random, step) * (1 + .4 * hump),
                  made.noisy(.5, .15) * (1 + 5 * hump))
    return made.end(1500)


def rate_changes(by, response):
    """The learning rate is multiplied at step 1,000; `response(t)` is what the loss makes of it."""
    def make(run, seed):
        made = simulated.language_model(run, seed=seed, schedule="step")
        for step in range(2000):
            if step == 1000:
                made.learning_rate *= by
            factor = response(step - 1000) if step >= 1000 else 1
            made.step(step, simulated.healthy_loss(made.random, step) * factor)
        return made.end(2000)
    return make


def micro_batches(run, seed):
    """From step 1,000 on four micro-batches a step: the noise halves, the level stays."""
    made = simulated.language_model(run, seed=seed, micro_batches=1)
    for step in range(2000):
        if step == 1000:
            made.hyperparameters = {**made.hyperparameters, "micro_batches": 4}
            made.header(step)
        spread = .03 if step < 1000 else .015
        made.step(step, simulated.healthy_loss(made.random, step, spread), made.noisy(.5, 5 * spread))
    return made.end(2000)


def norms_times_the_scale(run, seed):
    """Gradients that were not unscaled, while the scale doubles every 300 steps."""
    made = simulated.language_model(run, seed=seed, precision="fp16", initial_loss_scale=1024.0,
                         loss_scale_window=300)
    for step in range(2400):
        scale = 1024.0 * 2 ** (step // 300)
        made.step(step, simulated.healthy_loss(made.random, step), made.noisy(.5, .15) * scale,
                  loss_scale=scale, overflow=False, skipped_steps=0)
    return made.end(2400)


def averaged(run, seed):
    """Means over 50 steps, one every 50."""
    made = simulated.language_model(run, seed=seed, max_steps=10_000)
    for step in range(50, 10_001, 50):
        mean = sum(simulated.healthy_loss(made.random, at) for at in range(step - 50, step)) / 50
        made.step(step, mean, loss_averaged_over=50)
    return made.end(10_000)


def of_objective(objective):
    """A loss that triples and swings back, as those of adversaries do."""
    def make(run, seed):
        made = telemetry.Run(run, seed=seed, objective=objective)
        made.header()
        for step in range(2000):
            made.step(step, made.noisy(.7 + 1.4 * math.sin(step / 400) ** 2, .1))
        return made.end(2000)
    return make


def resumed(run, seed):
    """From a checkpoint 100 steps back, with a loss that is 30 % higher for some dozen steps."""
    return telemetry.resumed_run(run, seed=seed)


def noisy_evaluations(run, seed, noise):
    """An evaluation loss that hardly falls and scatters, while the training loss falls."""
    made = simulated.language_model(run, seed=seed)
    for step in range(0, 2000, 10):
        made.step(step, simulated.healthy_loss(made.random, step))
        if step % 50 == 0:
            level = 2.3 + 8 / math.sqrt(step + 10)
            made.evaluation(step, made.noisy(2.9 + 8 / math.sqrt(10 * step + 10), noise),
                            made.noisy(level, .02))
    return made.end(2000)


def few_evaluations(run, seed):
    made = simulated.language_model(run, seed=seed)
    for step in range(1000):
        made.step(step, simulated.healthy_loss(made.random, step))
        if step % 200 == 100:
            made.evaluation(step, made.noisy(2.6 + .001 * step, .01), made.noisy(2.6, .01))
    return made.end(1000)


def unreduced(run, seed):
    """Of one rank alone: one loss in a hundred is 1.37 times the median, one in a thousand 1.8 times.
    (Measured on modded-nanogpt: 1.37 and 1.73.) Student's t of 4 is beyond 3.75 and 7.17 there."""
    return healthy_records(run, seed, 4000, spread=.084)


def other_rank(run, seed):
    """One rank of three tells a loss that rises without end: their median is judged."""
    records = healthy_records(run, seed, 2000)
    return [each for record in records for each in (
        (record, {**record, "rank": 1, "loss": record["loss"] * 1.01 ** record["step"]},
         {**record, "rank": 2}) if record["kind"] == "step" else (record,))]


UNSUPERVISED = {detector: "loss of .* need not|means little in" for detector in
                ("divergence", "overfitting", "underfitting", "loss-spike")}
GATES = {  # situation: (records, detectors that are not checked, and the reason)
    "warm-up": (warm_up, {}),
    "a learning rate cut to a tenth": (
        rate_changes(.1, lambda t: 1 - .15 * (1 - math.exp(-t / 50))), {}),
    "a learning rate times three": (rate_changes(3, lambda t: 1 + .2 * math.exp(-t / 40)), {}),
    "a warm restart": (cosine_restarts, {}),
    "a resume": (resumed, {}),
    "gradient accumulation": (micro_batches, {}),
    "norms times the loss scale": (norms_times_the_scale, {}),
    "clipped norms": (lambda run, seed: clipped(run, "unknown", 1 + seed / 4),
                      {"gradient-explosion": "after clipping"}),
    "logged averages": (averaged, {}),
    "an adversarial objective": (of_objective("adversarial"), UNSUPERVISED),
    "reinforcement learning": (of_objective("reinforcement"), UNSUPERVISED),
    "a contrastive objective": (of_objective("contrastive"), UNSUPERVISED),
    "unreduced losses with heavy tails": (unreduced, {}),
    "one rank's loss": (other_rank, {}),
    "few evaluations": (few_evaluations, {"overfitting": "only 5 evaluations"}),
}


@pytest.mark.parametrize("situation", GATES)
def test_a_gate_keeps_quiet_or_says_what_is_not_checked(tmp_path, situation):
    make, unchecked = GATES[situation]
    for report in judge(tmp_path / "log.jsonl", *(make(f"r{seed}", seed)
                                                  for seed in range(5))).values():
        assert loud(report) == []
        given = reasons(report)
        for detector, reason in unchecked.items():
            assert re.search(reason, given.get(detector, "")), (detector, given)
        if not unchecked:
            assert not {"divergence", "gradient-explosion", "underfitting"} & set(given), given


# Measured on 200 runs of 40 evaluations: at 2 %, one stands and one is withdrawn; at 5 %, 2 and 9.
@pytest.mark.parametrize("noise, standing, withdrawn", [(.02, .02, .02), (.05, .02, .1)])
def test_evaluation_noise_is_rarely_taken_for_overfitting(tmp_path, noise, standing, withdrawn):
    reports = judge(tmp_path / "log.jsonl", *(noisy_evaluations(f"r{seed}", seed, noise)
                                              for seed in range(50)))
    states = [finding["state"] for report in reports.values() for finding in loud(report)]
    assert states.count("withdrawn") <= withdrawn * len(reports)
    assert len(states) - states.count("withdrawn") <= standing * len(reports)


def test_a_sum_over_micro_batches_is_told_as_such(tmp_path):
    """The norm is four times what it was from the step on that accumulates over four."""
    made = simulated.language_model("r", micro_batches=1)
    for step in range(1500):
        if step == 1000:
            made.hyperparameters = {**made.hyperparameters, "micro_batches": 4}
            made.header(step)
        made.step(step, simulated.healthy_loss(made.random, step),
                  made.noisy(.5, .05) * (4 if step >= 1000 else 1))
    report = judge(tmp_path / "log.jsonl", made.end(1500))["r"]
    assert told(report) == {"gradient-explosion": "warning"}
    changed = {suggestion["parameter"] for suggestion in loud(report)[0]["suggestions"]}
    assert changed and "learning_rate" not in changed


def spam(run, seed, steps=30_000):
    """Bursts of NaN and of huge norms every 150 to 250 steps."""
    made = simulated.language_model(run, seed=seed)
    bad_until = next_burst = 300
    for step in range(steps):
        if step == next_burst:
            bad_until, next_burst = step + 20, step + made.random.randrange(150, 250)
        is_bad = step < bad_until and step >= 300
        made.step(step, math.nan if is_bad else simulated.healthy_loss(made.random, step),
                  made.noisy(.5, .15) * (100 if step < bad_until + 10 and step >= 300 else 1))
    return made.end(steps)


def test_a_run_full_of_trouble_has_at_most_50_findings_100_steps_apart(tmp_path):
    report = judge(tmp_path / "log.jsonl", spam("r", 1))["r"]
    findings = report["findings"]
    assert 20 <= len(findings) <= 100
    assert sum(finding["severity"] != "critical" for finding in findings) <= 50
    last = {}
    for finding in sorted(findings, key=lambda finding: finding["detected_step"]):
        key = finding["detector"], finding["scope"]
        if key in last:
            assert last[key]["closed_step"] is not None, "one is open at a time"
            closed = last[key]["closed_step"]  # a fifth of the run so far, while that is less
            assert finding["detected_step"] - closed >= min(100, closed // 5) or \
                finding["severity"] != last[key]["severity"]
        last[key] = finding


def test_the_simulated_noise_is_students_t():
    """Tables: with 4 degrees of freedom one in twenty is beyond 2.776."""
    source = random.Random(7)
    drawn = [simulated.heavy(source) for _ in range(200_000)]
    beyond = sum(abs(value) > 2.776 for value in drawn) / len(drawn)
    assert abs(beyond - .05) < .003
    assert abs(sum(drawn)) / len(drawn) < .02
