"""The scorer of labelled logs: its readers, its name map, its arithmetic, and one whole evaluation.

The logs here are made up, after the formats' documentation; expected figures are worked out by hand.
"""

import json
import math
import pathlib
import struct
import subprocess
import sys

import pytest

from evaluate import baseline, corpus, event_file, formats, names, records, report, score
from support import programs
from test_contracts import complaint

MAPS = names.load()


def convert(tmp_path, form, content, name="log"):
    """The records of a log with this content, without run and version."""
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
    found, unmapped = records.convert(path, form, MAPS[form], "r")
    assert unmapped == []
    for record in found:
        assert complaint("record", record) is None, record
    return [{k: v for k, v in r.items() if k not in ("v", "run")} for r in found]


def of_kind(found, kind):
    return [{k: v for k, v in r.items() if k != "kind"} for r in found if r["kind"] == kind]


# ---- readers ----

def test_a_keras_log_gives_each_epoch_a_step_and_an_evaluation(tmp_path):
    found = convert(tmp_path, "keras_csv", "epoch,accuracy,loss,lr,val_accuracy,val_loss\n"
                                           "0,0.5,1.5,0.1,0.4,1.75\n1,0.6,nan,0.05,0.45,inf\n")
    assert found == [
        {"kind": "header"},
        {"kind": "step", "step": 0, "epoch": 0, "loss": 1.5, "learning_rate": 0.1},
        {"kind": "eval", "step": 0, "eval_loss": 1.75, "eval_accuracy": 0.4, "train_loss": 1.5},
        {"kind": "step", "step": 1, "epoch": 1, "loss": "nan", "learning_rate": 0.05},
        {"kind": "eval", "step": 1, "eval_loss": "inf", "eval_accuracy": 0.45,
         "train_loss": "nan"},
        {"kind": "end", "status": "completed"}]


def test_a_loss_is_of_the_validation_where_another_column_says_so(tmp_path):
    found = convert(tmp_path, "keras_csv", "step,type,loss\n0,val,10.5\n1,train,9.5\n")
    assert of_kind(found, "eval") == [{"step": 0, "eval_loss": 10.5}]
    assert of_kind(found, "step") == [{"step": 1, "loss": 9.5}]


def test_lightning_rows_of_one_step_are_one_evaluation(tmp_path):
    found = convert(tmp_path, "lightning_csv", "epoch,step,train_loss,val_loss\n"
                                               "0,9,,0.5\n0,9,0.75,\n1,19,,0.25\n1,19,0.5,\n")
    assert of_kind(found, "eval") == [{"step": 9, "eval_loss": 0.5, "train_loss": 0.75},
                                      {"step": 19, "eval_loss": 0.25, "train_loss": 0.5}]
    assert [step["loss"] for step in of_kind(found, "step")] == [0.75, 0.5]


def test_lightning_losses_within_an_epoch_are_not_on_the_validations_footing(tmp_path):
    found = convert(tmp_path, "lightning_csv", "epoch,step,train_loss,val_loss\n"
                                               "0,4,0.9,\n0,9,0.8,\n0,9,,0.5\n1,14,0.7,\n")
    assert of_kind(found, "eval") == [{"step": 9, "eval_loss": 0.5}]


def test_ultralytics_losses_are_added_up_and_names_may_be_padded(tmp_path):
    found = convert(tmp_path, "yolo_results_csv",
                    "  epoch,  train/box_loss, train/cls_loss, metrics/mAP50(B), val/box_loss,"
                    " val/cls_loss, lr/pg0, lr/pg1\n  1, 1.5, 2.5, 0.25, 1.25, 2.0, 0.01, 0.02\n")
    assert of_kind(found, "step") == [{"step": 1, "epoch": 1, "loss": 4, "learning_rate": 0.01}]
    assert of_kind(found, "eval") == [{"step": 1, "eval_loss": 3.25, "eval_map50_b": 0.25,
                                       "train_loss": 4}]


def test_json_objects_and_plain_tables_are_read_by_the_same_names(tmp_path):
    lines = convert(tmp_path, "json_lines",
                    '{"_step": 5, "train/loss": 1.5, "config": {"a": 1}, "note": "text"}\n\n'
                    '{"_step": 6, "train/loss": "NaN", "lr": null, "val/acc": 0.5}\n')
    table = convert(tmp_path, "csv", "global_step,loss,val_acc\n5,1.5,\n6,nan,0.5\n")
    assert lines == table
    assert of_kind(table, "step") == [{"step": 5, "loss": 1.5}, {"step": 6, "loss": "nan"}]
    assert of_kind(table, "eval") == [{"step": 6, "eval_acc": 0.5}]


ALGOPERF = ("global_step,grad_norm,loss,train/loss,validation/loss,score\n"
            "0,1.5,0.5,,,\n1,,,0.5,0.6,21.0\n1,2.5,0.75,,,\n{middle}3,,,,,22.0\n4,,,,,\n")


def test_a_blank_cell_of_algoperf_is_nan_once_the_training_was_not_finite(tmp_path):
    found = convert(tmp_path, "algoperf_csv", ALGOPERF.format(middle="2,inf,1e30,,,\n"))
    steps, evals = of_kind(found, "step"), of_kind(found, "eval")
    assert steps[-2:] == [{"step": 2, "loss": 1e30, "grad_norm": "inf"},
                          {"step": 4, "loss": "nan", "grad_norm": "nan"}]
    assert evals == [{"step": 1, "eval_loss": 0.6, "train_loss": 0.5},
                     {"step": 3, "eval_loss": "nan", "train_loss": "nan"}]


def test_a_blank_cell_of_algoperf_is_nothing_before(tmp_path):
    found = convert(tmp_path, "algoperf_csv", ALGOPERF.format(middle="2,3.5,0.25,,,\n"))
    assert [step["step"] for step in of_kind(found, "step")] == [0, 1, 2]
    assert [evaluation["step"] for evaluation in of_kind(found, "eval")] == [1]


def test_a_ctc_loss_tells_the_objective(tmp_path):
    found = convert(tmp_path, "algoperf_csv", "global_step,loss,validation/ctc_loss,score\n"
                                              "0,30.5,,\n1,,29.5,20.0\n")
    assert of_kind(found, "header") == [{"objective": "ctc"}]
    assert of_kind(found, "eval") == [{"step": 1, "eval_loss": 29.5}]


def test_a_deepmd_curve_has_both_losses_at_each_step(tmp_path):
    found = convert(tmp_path, "deepmd_lcurve", "#  step  rmse_val  rmse_trn  rmse_e_val  lr\n"
                                               "   100  2.0e+00  1.5e+00  1.0e-02  1.0e-03\n")
    assert of_kind(found, "step") == [{"step": 100, "loss": 1.5, "learning_rate": 0.001}]
    assert of_kind(found, "eval") == [{"step": 100, "eval_loss": 2, "train_loss": 1.5}]


def test_a_trainer_state_tells_over_how_many_steps_a_loss_is_the_mean(tmp_path):
    state = {"max_steps": 200, "num_train_epochs": sys.maxsize, "train_batch_size": 8,
             "log_history": [
                 {"step": 1, "epoch": 0.0, "loss": 2.5, "grad_norm": 3.5, "learning_rate": 0.1},
                 {"step": 10, "epoch": 0.1, "loss": 2.0, "learning_rate": 0.2},
                 {"step": 10, "epoch": 0.1, "eval_loss": 2.25, "eval_wer": 0.5,
                  "eval_runtime": 9.0, "eval_samples_per_second": 1.0},
                 {"step": 10, "epoch": 0.1, "train_runtime": 99.0, "train_loss": 2.1}]}
    found = convert(tmp_path, "hf_trainer_state", json.dumps(state))
    assert of_kind(found, "header") == [{"framework": "transformers", "hyperparameters": {
        "max_steps": 200, "batch_size": 8}}]
    assert of_kind(found, "step") == [
        {"step": 1, "epoch": 0, "loss": 2.5, "learning_rate": 0.1, "grad_norm": 3.5,
         "loss_averaged_over": 1, "grad_norm_kind": "pre_clip"},
        {"step": 10, "epoch": 0.1, "loss": 2, "learning_rate": 0.2, "loss_averaged_over": 9}]
    assert of_kind(found, "eval") == [{"step": 10, "eval_loss": 2.25, "eval_wer": 0.5}]


def test_a_megatron_excerpt_with_a_gap_has_one_interval(tmp_path):
    line = (" iteration {:8}/  1000 | consumed samples: 5 | learning rate: 6.000E-05 | "
            "global batch size:    96 | lm loss: 6.5E+00 | loss scale: 4096.0 | grad norm: 0.25 | "
            "number of skipped iterations:   {} | number of nan iterations:   0 |\n")
    found = convert(tmp_path, "megatron_text",
                    "noise\n" + line.format(10, 0) + line.format(20, 2) + line.format(50, 0))
    assert of_kind(found, "header") == [{"framework": "megatron", "hyperparameters": {
        "max_steps": 1000, "batch_size": 96}}]
    steps = of_kind(found, "step")
    assert [(s["step"], s["loss_averaged_over"], s["skipped_steps"]) for s in steps] == \
        [(10, 10, 0), (20, 10, 2), (50, 10, 0)]
    assert (steps[0]["loss"], steps[0]["grad_norm"], steps[0]["loss_scale"]) == (6.5, 0.25, 4096)


def test_the_word_language_model_counts_batches_over_epochs(tmp_path):
    rule = "-" * 89 + "\n"
    found = convert(tmp_path, "text_log",
                    "Namespace(batch_size=20, clip=0.25, data='./data/2', epochs=6, lr=20)\n"
                    "| epoch   1 |   200/  300 batches | lr 20.0000 | ms/batch 7.7 | loss  8.08 "
                    "| ppl  3228.16\n" + rule +
                    "| end of epoch   1 | time:  1.0s | valid loss   nan | valid ppl      nan\n"
                    + rule +
                    "| epoch   2 |   200/  300 batches | lr 5.0000 | ms/batch 7.5 | loss   nan "
                    "| ppl      nan\n")
    assert of_kind(found, "header") == [{"framework": "pytorch", "hyperparameters": {
        "max_grad_norm": 0.25, "batch_size": 20, "max_epochs": 6}}]
    assert of_kind(found, "step") == [
        {"step": 200, "epoch": 1, "loss": 8.08, "learning_rate": 20, "loss_averaged_over": 200},
        {"step": 500, "epoch": 2, "loss": "nan", "learning_rate": 5, "loss_averaged_over": 200}]
    assert of_kind(found, "eval") == [{"step": 300, "eval_loss": "nan"}]


def test_a_keras_bar_counts_once_an_epoch_and_evaluate_is_left_out(tmp_path):
    found = convert(tmp_path, "text_log",
                    "Epoch 1/2\n\n 1/20 [>.......] - ETA: 4s - loss: 4.5 - accuracy: 0.0e+00\b\b\b\n"
                    "20/20 [=======] - ETA: 0s - loss: 2.5 - accuracy: 0.25\b\b\n"
                    "20/20 [=======] - 1s 2ms/step - loss: 2.25 - accuracy: 0.5\n"
                    "Epoch 2/2\n20/20 - 3s - loss: nan - accuracy: 0.1 - 3s/epoch\n"
                    "7/7 [=========] - 0s 1ms/step - loss: 99.0 - accuracy: 0.1\n")
    assert of_kind(found, "header") == [{"framework": "keras",
                                         "hyperparameters": {"max_epochs": 2}}]
    assert of_kind(found, "step") == [{"step": 1, "epoch": 1, "loss": 2.25},
                                      {"step": 2, "epoch": 2, "loss": "nan"}]
    assert of_kind(found, "eval") == []


def test_the_second_of_two_names_on_an_epochs_line_is_the_validations(tmp_path):
    found = convert(tmp_path, "text_log",
                    "Epoch 0 |   Train Loss: 11.5 | Token Acc: 0.25 |   Val Loss: 10.5 "
                    "| Token Acc: 0.5\n")
    assert of_kind(found, "eval") == [{"step": 0, "eval_loss": 10.5, "eval_token_acc": 0.5,
                                       "train_loss": 11.5}]


def event(step, *values):
    """An event as TensorBoard frames it; checksums are not looked at."""
    made = event_file.EVENT(step=step)
    for tag, number, form in values:
        value = made.summary.value.add(tag=tag)
        if form == "simple":
            value.simple_value = number
        elif form == "content":
            value.tensor.dtype = event_file.DT_FLOAT
            value.tensor.content = struct.pack("<f", number)
        elif form == "floats":
            value.tensor.floats.append(number)
        else:
            value.tensor.content = b"a picture"
    data = made.SerializeToString()
    return struct.pack("<QI", len(data), 0) + data + b"\0\0\0\0"


def test_an_event_has_the_bytes_of_the_published_messages():
    # event.proto: step = 2, summary = 5; summary.proto: value = 1, tag = 1, simple_value = 2.
    payload = bytes([0x10, 7, 0x2A, 12, 0x0A, 10, 0x0A, 3]) + b"abc" + bytes([0x15]) \
        + struct.pack("<f", 1.5)
    assert event(7, ("abc", 1.5, "simple"))[12:-4] == payload


def test_scalars_of_an_event_file_are_read_in_all_their_forms(tmp_path):
    whole = event(0) + event(5, ("loss", 1.5, "simple"), ("lr", 0.5, "content")) \
        + event(5, ("validation/loss", math.inf, "floats"), ("image", 0, "picture"))
    again = event(5, ("loss", 1.25, "simple"))
    torn = event(6, ("loss", 1.0, "simple"))[:-6]
    found = convert(tmp_path, "tfevents", whole + again + torn)
    assert of_kind(found, "step") == [{"step": 5, "loss": 1.5, "learning_rate": 0.5},
                                      {"step": 5, "loss": 1.25}]
    assert of_kind(found, "eval") == [{"step": 5, "eval_loss": "inf"}]


@pytest.mark.parametrize("transformers", [True, False])
def test_train_loss_of_transformers_is_no_evaluation(tmp_path, transformers):
    content = event(5, ("train/loss", 1.5, "simple"), ("validation/loss", 2.5, "simple"))
    if transformers:
        content += event(9, ("train/total_flos", 1.0, "simple"))
    found = convert(tmp_path, "tfevents", content)
    assert of_kind(found, "step") == ([{"step": 5, "loss": 1.5}] if transformers else [])
    assert of_kind(found, "eval") == [
        {"step": 5, "eval_loss": 2.5, **({} if transformers else {"train_loss": 1.5})}]


def test_every_format_of_the_map_has_a_reader():
    assert MAPS.keys() == formats.READERS.keys()


# ---- the name map ----

def test_names_that_no_entry_fits_are_told(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,surprise,word\n1,0.5,3.0,text\n")
    found, unmapped = records.convert(path, "keras_csv", MAPS["keras_csv"], "r")
    assert unmapped == ["surprise"]
    assert of_kind(found, "step") == [{"run": "r", "step": 1, "epoch": 1, "loss": 0.5}]


def test_the_first_entry_counts_of_two_that_set_a_signal():
    row = {"b": 2.0, "a": 1.0}
    assert names.NameMap("m", {"a": "loss", "b": "loss"}).apply(row) == {"loss": 1.0}
    assert names.NameMap("m", {"b": "loss", "a": "loss"}).apply(row) == {"loss": 2.0}


def test_entries_of_a_file_go_before_the_shipped_ones(tmp_path):
    override = tmp_path / "names.yaml"
    override.write_text("keras_csv: {mine: eval_loss, loss: ignore}\n")
    found = names.NameMap("m", names.load(override)["keras_csv"])
    assert found.apply({"mine": 1.0, "loss": 2.0, "val_loss": 3.0, "epoch": 4.0}) == \
        {"eval_loss": 1.0, "epoch": 4.0}


@pytest.mark.parametrize("text, complaint_words", [
    ("keras_csv: {loss: lose}", "loss: 'lose' is no signal"),
    ("keras_csv: {loss: [loss, 3]}", "loss: 3 is no signal"),
    ("keras_csv: {val_loss: 'eval_*'}", "has a *"),
    ("keras: {loss: loss}", "unknown format 'keras'; known are algoperf_csv"),
    ("keras_csv: loss", "not a map"),
    ("keras_csv: {loss: [", "names.yaml"),
])
def test_a_wrong_entry_is_refused_with_its_place(tmp_path, text, complaint_words):
    (tmp_path / "names.yaml").write_text(text)
    with pytest.raises(names.NameMapError) as error:
        names.load(tmp_path / "names.yaml")
    assert complaint_words in str(error.value)


# ---- labels ----

def write_corpus(folder, *lines, columns="file\tformat\tlabel\tsecondary\tonset_step\trepo"):
    (folder / "labels.tsv").write_text("\n".join([columns, *lines]) + "\n")
    return folder


def test_a_table_may_have_words_behind_an_onset_and_no_format(tmp_path):
    (tmp_path / "a").mkdir()
    write_corpus(tmp_path, "a\t\tdivergence\tspikes\t120 (loss minimum)\tme/mine")
    run, = corpus.read(tmp_path, MAPS)
    assert (run.format, run.onset, run.repo) == ("run_directory", 120, "me/mine")
    assert set(run.detectors()) == {"divergence", "loss-spike", "gradient-explosion"}


@pytest.mark.parametrize("line, complaint_words", [
    ("a\tkeras_csv\thelthy\t\t\t", "labels.tsv:2: unknown label 'helthy'; known are healthy"),
    ("a\tkeras_csv\thealthy\tspike\t\t", "unknown label 'spike'"),
    ("a\tkeras\thealthy\t\t\t", "unknown format 'keras'"),
    ("b\tkeras_csv\thealthy\t\t\t", "there is no"),
    ("a\tkeras_csv\t\t\t\t", "no label"),
])
def test_a_wrong_line_is_refused(tmp_path, line, complaint_words):
    (tmp_path / "a").write_text("epoch,loss\n")
    write_corpus(tmp_path, line)
    with pytest.raises(corpus.CorpusError) as error:
        corpus.read(tmp_path, MAPS)
    assert complaint_words in str(error.value)


# ---- scores ----

def finding(detector, severity="warning", state="still_open", onset=10, detected=20):
    return {"detector": detector, "severity": severity, "state": state, "onset_step": onset,
            "detected_step": detected}


def judged(label, *findings, secondary="", onset=None, repo="a/a", steps=100, not_checked=()):
    run = corpus.LabelledRun(pathlib.Path("x"), "x", "run_directory", label, secondary, onset, repo)
    return score.Judged(run, list(findings), list(not_checked), 0, steps)


# Five problem runs, of which three are found (in a/a one of three, in b/b two of two); four healthy
# ones of 100 steps, of which one has two false alarms; one unknown, which never counts.
EXAMPLE = [
    judged("divergence", finding("divergence", onset=14, detected=30), onset=10),
    judged("divergence", finding("overfitting"), onset=10),
    judged("spikes", finding("loss-spike", "info")),
    judged("spikes", finding("loss-spike", detected=40), finding("divergence", detected=25),
           finding("overflow"), repo="b/b", secondary="divergence", onset=20),
    judged("overflow-nan", finding("overflow", "critical", "recovered", 5, 5), repo="b/b"),
    judged("healthy", finding("divergence"), finding("overfitting")),
    judged("healthy", finding("divergence", state="withdrawn"), finding("loss-spike", "info")),
    judged("healthy", repo="c/c"),
    judged("healthy", repo="d/d"),
    judged("unknown", finding("divergence")),
]


def test_the_overall_figures():
    told = score.score(EXAMPLE)["overall"]
    assert (told["problem_runs"], told["found"], told["recall"]) == (5, 3, 0.6)
    assert told["recall_by_repository"] == pytest.approx((1 / 3 + 1) / 2)
    assert (told["healthy_runs"], told["healthy_runs_alarmed"], told["false_alarms"]) == (4, 1, 2)
    assert told["alarmed_by_repository"] == pytest.approx((1 / 2 + 0 + 0) / 3)
    assert told["precision"] == 3 / 4
    assert told["f1"] == pytest.approx(2 * 0.6 * 0.75 / (0.6 + 0.75))
    assert told["false_alarms_per_healthy_run"] == 0.5
    assert told["false_alarms_per_million_healthy_steps"] == 2 * 1e6 / 400
    assert told["problem_runs_with_wrong_finding"] == 2


@pytest.mark.parametrize("share, trials, low, high", [
    (0, 10, 0, 0.2775),  # z^2 / (n + z^2) = 3.8416 / 13.8416
    (1, 10, 0.7225, 1),
    (0.5, 10, 0.2366, 0.7634),  # 0.5 -+ 1.96 sqrt(0.025 + 0.009604) / 1.38416
])
def test_the_interval_is_wilsons(share, trials, low, high):
    assert score.wilson(share, trials) == pytest.approx([low, high], abs=1e-4)


def test_the_figures_of_a_label():
    told = score.score(EXAMPLE)["labels"]
    divergence = told["divergence"]
    assert (divergence["runs"], divergence["found"]) == (2, 1)
    assert (divergence["expected"], divergence["named"]) == (3, 2)  # one as secondary label
    assert (divergence["said"], divergence["said_rightly"]) == (3, 2)  # the healthy one is wrong
    assert divergence["f1"] == pytest.approx(2 * 0.5 * (2 / 3) / (0.5 + 2 / 3))
    spikes = told["spikes"]
    assert (spikes["runs"], spikes["found"], spikes["found_with_info"]) == (2, 1, 2)
    assert (spikes["expected"], spikes["named"]) == (2, 1)
    assert (spikes["said"], spikes["precision"], spikes["f1"]) == (1, 1, pytest.approx(2 / 3))
    assert told["overflow-nan"]["precision"] == 0.5
    assert (told["overfitting"]["said_rightly"], told["overfitting"]["f1"]) == (0, None)
    assert "underfitting" not in told


def test_delays_are_counted_from_the_labels_onset():
    rows = score.score(EXAMPLE)["timing"]
    assert [(row["delay"], row["delay_share"], row["onset_error"]) for row in rows] == \
        [(20, 0.2, 4), (5, 0.05, -10)]


def test_formats_are_scored_apart():
    other = judged("divergence", finding("divergence"))
    other.run.format = "keras_csv"
    told = score.score([*EXAMPLE, other])["formats"]
    assert [(form, told[form]["found"], told[form]["problem_runs"]) for form in told] == \
        [("keras_csv", 1, 1), ("run_directory", 3, 5)]
    assert told["run_directory"]["healthy_runs_alarmed"] == 1


def test_wrong_findings_are_counted_by_detector():
    told = score.score(EXAMPLE)
    assert told["false_alarms_by_detector"] == {"divergence": 1, "overfitting": 1}
    assert told["wrong_by_detector"] == {"overfitting": 1, "overflow": 1}


def test_verdicts_of_runs_and_their_order():
    assert [j.verdict() for j in EXAMPLE] == ["ok", "MISSED", "MISSED", "EXTRA", "ok", "FALSE",
                                              "ok", "ok", "ok", "unknown"]
    lines = report.runs(EXAMPLE)[2:-1]
    assert [line.split()[1] for line in lines] == ["MISSED"] * 2 + ["FALSE", "EXTRA"] \
        + ["ok"] * 5 + ["unknown"]
    assert "divergence~@10..20 loss-spikei@10..20" in "".join(lines)


def test_reasons_that_differ_in_a_number_are_one():
    some = [judged("healthy", not_checked=[{"detector": "d", "reason": f"only {n} losses"}])
            for n in (3, 14)]
    assert score.score([*some, *EXAMPLE[:2]])["not_checked"] == {
        "d": {"share": 0.5, "reasons": {"only N losses": 2}}}


def test_a_report_on_nothing_has_no_figures():
    told = score.score([judged("unknown")])
    assert (told["overall"]["recall"], told["overall"]["f1"], told["labels"]) == (None, None, {})
    assert report.lines({"trainward": told})


# ---- the rules of common sense ----

def run_of(losses, norms=(), evals=()):
    series = [("loss", losses), ("grad_norm", norms), ("eval_loss", evals)]
    return [{"kind": "step", "step": i, name: value}
            for name, values in series for i, value in enumerate(values)]


FALLING = [1 / (i + 1) for i in range(20)]


@pytest.mark.parametrize("found, made", [
    ({}, run_of(FALLING, [1.0] * 20, FALLING)),
    ({"overflow": 20}, run_of([*FALLING, math.nan, 0.04])),
    ({"overfitting": 6}, run_of(FALLING, evals=[1, 0.8, 0.5, 0.51, 0.53, 0.53, 0.53])),
    ({}, run_of(FALLING, evals=[1, 0.8, 0.5, 0.51, 0.53, 0.52, 0.53])),
    ({"divergence": 20}, run_of([*FALLING, 0.11])),
    ({}, run_of([*FALLING, 0.099])),
    ({"underfitting": 1}, run_of([1.0, 0.981])),
    ({}, run_of([1.0, 0.979])),
    ({"loss-spike": 10}, run_of([1.0] * 10 + [3.1] + [0.9])),
    ({}, run_of([1.0] * 10 + [2.9] + [0.9])),
    ({"gradient-explosion": 5}, run_of(FALLING, [1, 1, 1, 1, 1, 10.5])),
    ({}, run_of(FALLING, [1, 1, 1, 1, 10.5])),
])
def test_a_rule_speaks_on_its_side_of_the_line(found, made):
    assert baseline.judge(made) == found


# ---- the whole ----

def evaluate(*arguments):
    return subprocess.run([sys.executable, "-m", "evaluate", "--trainward",
                           programs.program("trainward"), *map(str, arguments)], text=True,
                          capture_output=True, timeout=120, cwd=programs.TOP / "tests",
                          env=programs.environment())


@pytest.fixture
def labelled(tmp_path):
    """Logs of a healthy run, of one that ends in NaN, and a run directory that does."""
    losses = [0.5 + 2 / (epoch + 1) for epoch in range(30)]
    lines = [f"{epoch},{loss}" for epoch, loss in enumerate(losses)]
    (tmp_path / "good.csv").write_text("\n".join(["epoch,loss", *lines]) + "\n")
    lines[25:] = [f"{epoch},nan" for epoch in range(25, 30)]
    (tmp_path / "bad.csv").write_text("\n".join(["epoch,loss", *lines]) + "\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "telemetry.jsonl").write_text("".join(
        json.dumps({"run": "r", "step": step, "loss": loss if step < 28 else "nan"}) + "\n"
        for step, loss in enumerate(losses)))
    return write_corpus(tmp_path, "good.csv\tkeras_csv\thealthy\t\t\ta/a",
                        "bad.csv\tkeras_csv\toverflow-nan\t\t25\ta/a",
                        "run\t\toverflow-nan\t\t28\tb/b")


def test_a_whole_evaluation(labelled, tmp_path):
    scratch = tmp_path / "scratch"
    done = evaluate("--corpus", labelled, "--scratch", scratch, "--runs")
    assert done.returncode == 0, done.stderr
    told = json.loads((scratch / "report.json").read_text())
    for judge in ("trainward", "common sense"):
        overall = told["scores"][judge]["overall"]
        assert (overall["found"], overall["problem_runs"], overall["errors"]) == (2, 2, 0)
        assert overall["healthy_runs_alarmed"] == 0
        assert [row["delay"] for row in told["scores"][judge]["timing"]] == [0, 0]
    assert "overflow!@25..25" in done.stdout
    converted = {path.name: path.stat().st_mtime_ns for path in scratch.rglob("*.jsonl")}
    assert len(converted) == 2
    assert evaluate("--corpus", labelled, "--scratch", scratch).returncode == 0
    assert converted == {p.name: p.stat().st_mtime_ns for p in scratch.rglob("*.jsonl")}


@pytest.mark.parametrize("option, not_checked", [(16, False), (31, True)])
def test_only_and_options_of_analyze(labelled, tmp_path, option, not_checked):
    done = evaluate("--corpus", labelled, "--scratch", tmp_path / "s", "--only", "good", "--runs",
                    "--no-baseline", "-o", f"detectors.overflow.min_points={option}")
    told = json.loads((tmp_path / "s" / "report.json").read_text())
    run, = told["runs"]["trainward"]
    assert (run["file"], run["error"]) == ("good.csv", "")
    assert ("overflow" in told["scores"]["trainward"]["not_checked"]) == not_checked
    assert "common sense" not in done.stdout


def test_a_program_that_fails_is_an_error_and_no_verdict(labelled, tmp_path):
    done = evaluate("--corpus", labelled, "--scratch", tmp_path / "s", "-o", "no.such.key=1")
    told = json.loads((tmp_path / "s" / "report.json").read_text())
    assert told["scores"]["trainward"]["overall"]["errors"] == 3
    assert [run["verdict"] for run in told["runs"]["trainward"]] == ["ERROR"] * 3
    assert done.returncode == 0


def test_a_corpus_without_a_table_is_refused(tmp_path):
    done = evaluate("--corpus", tmp_path)
    assert done.returncode != 0
    assert "neither INDEX.tsv nor labels.tsv" in done.stderr
