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
N = 120


def loss(i):
    return round(.5 + 2 * math.exp(-i / 30) + .01 * math.sin(i), 6)


def eval_loss(i):
    return round(.625 + 2 * math.exp(-i / 30), 6)


def rate(i):
    return .001 if i < N / 2 else .0001


def diverging(i):
    return loss(i) if i < 70 else round(loss(69) * 1.25 ** (i - 69), 6)


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


class TestOneRunInSeveralFiles:
    def test_tensorboardx_add_scalars(self, tmp_path):
        tensorboardX = pytest.importorskip("tensorboardX")
        with tensorboardX.SummaryWriter(str(tmp_path / "run")) as writer:
            for i in range(N):
                writer.add_scalar("lr", rate(i), i, walltime=1e9 + i)
                for name, value in (("train", loss(i)), ("val", eval_loss(i))):
                    writer.add_scalars("loss", {name: value}, i, walltime=1e9 + i)
        records = read_one(tmp_path)[1]
        assert_points(records, loss=STEPS, eval_loss=EVALS,
                      learning_rate=[(i, rate(i)) for i in range(N)])

    def test_tensorboards_downloads(self, tmp_path):
        for run, falls in (("a", loss), ("b", diverging)):
            for tag, values in (("train_loss", falls), ("val_loss", eval_loss)):
                rows = [(1.7e9 + i, 10 * i, values(i)) for i in range(N)]
                write(tmp_path / f"run-{run}-tag-{tag}.csv",
                      table(("Wall time", "Step", "Value"), rows, end="\r\n"))
        runs = runs_in(tmp_path)
        assert [name.rpartition("/")[2] for name in runs] == ["a", "b"]
        assert [each["verdict"] for each in runs.values()] == ["healthy", "problem"]
        assert [each["signals"]["eval_loss"]["count"] for each in runs.values()] == [N, N]

    def test_tables_of_training_and_of_validation(self, tmp_path):
        for name, values in (("train", loss), ("valid", eval_loss)):
            rows = [(i, values(i), .5) for i in range(N)]
            write(tmp_path / "csv_logger" / f"{name}.csv", table(("step", "loss", "acc"), rows))
        assert_points(read_one(tmp_path)[1], loss=STEPS, eval_loss=EVALS)

    def test_dvclive(self, tmp_path):
        metrics = tmp_path / "dvclive" / "plots" / "metrics"
        for name, values in (("train/loss", loss), ("eval/loss", eval_loss), ("lr", rate)):
            rows = [(i, values(i)) for i in range(N)]
            write(metrics / f"{name}.tsv", table(("step", name.split("/")[-1]), rows, "\t"))
        write(tmp_path / "dvclive" / "params.yaml", "lr: 0.001\nbatch_size: 16\n")
        write(tmp_path / "dvclive" / "metrics.json", json.dumps({"train": {"loss": .5}, "step": 9}, indent=4))
        records = read_one(tmp_path)[1]
        assert_points(records, loss=STEPS, eval_loss=EVALS)
        assert header(records)["batch_size"] == 16

    def test_ray_tune(self, tmp_path):
        for trial, falls in (("t_0_lr=0.1", diverging), ("t_1_lr=0.01", loss)):
            config = {"lr": float(trial.partition("=")[2]), "batch_size": 64}
            rows = [{"loss": falls(i), "training_iteration": i + 1, "time_total_s": 2. * i,
                     "date": "2026-01-02_03-04-05", "done": i == N - 1, "pid": 7,
                     "config": config} for i in range(N)]
            flat = [{**row, "config": None, "config/lr": config["lr"]} for row in rows]
            write(tmp_path / "exp" / trial / "result.json", lines(rows))
            write(tmp_path / "exp" / trial / "progress.csv",
                  table(flat[0].keys(), [row.values() for row in flat]))
            write(tmp_path / "exp" / trial / "params.json", json.dumps(config))
        runs = runs_in(tmp_path)
        assert [name.split("/")[1:] for name in runs] == [["t_0_lr=0.1", "result.json"],
                                                          ["t_1_lr=0.01", "result.json"]]
        assert [each["verdict"] for each in runs.values()] == ["problem", "healthy"]
        change = runs["exp/t_0_lr=0.1/result.json"]["findings"][0]["suggestions"][0]
        assert change["parameter"] == "learning_rate" and change["from"] == .1

    def test_llama_factory(self, tmp_path):
        steps = [10 * (i + 1) for i in range(N)]
        write(tmp_path / "trainer_log.jsonl", lines(
            {"current_steps": step, "total_steps": 10 * N, "loss": loss(i), "lr": rate(i),
             "epoch": step / 200, "percentage": 50., "elapsed_time": "0:00:10"}
            for i, step in enumerate(steps)))
        wanted = [(step, loss(i)) for i, step in enumerate(steps)]
        assert_points(read_one(tmp_path)[1], loss=wanted)
        history = [{"loss": loss(i), "grad_norm": 1., "epoch": step / 200, "step": step}
                   for i, step in enumerate(steps)]
        write(tmp_path / "trainer_state.json",
              json.dumps({"global_step": 10 * N, "log_history": history}, indent=2))
        only, records = read_one(tmp_path)
        assert only["format"] == "huggingface_state"
        assert_points(records, loss=wanted)

    def test_parameters_of_add_hparams(self, tmp_path):
        tensorboardX = pytest.importorskip("tensorboardX")
        with tensorboardX.SummaryWriter(str(tmp_path / "run")) as writer:
            for i in range(N):
                writer.add_scalar("train_loss", loss(i), i, walltime=1e9 + i)
            writer.add_hparams({"lr": .25, "bsize": 32}, {"hparam/loss": 9.})
        records = read_one(tmp_path)[1]
        assert_points(records, loss=STEPS)
        assert header(records)["learning_rate"] == .25

    def test_a_run_that_is_called_by_the_time(self, tmp_path):
        """SummaryWriter(f"runs/{time.time()}"), and once SummaryWriter("runs")."""
        tensorboardX = pytest.importorskip("tensorboardX")
        for name in "runs", "runs/1767323045.1234567":
            with tensorboardX.SummaryWriter(str(tmp_path / name)) as writer:
                for i in range(N):
                    writer.add_scalar("train_loss", loss(i), i, walltime=1e9 + i)
        done = programs.trainward("analyze", "--format", "json", tmp_path)
        assert len(done.stdout.splitlines()) == 2

    def test_transformers_beside_its_event_files(self, tmp_path):
        """TensorBoardCallback: the arguments as a text, and what log_history has, too."""
        tensorboardX = pytest.importorskip("tensorboardX")
        folder = tmp_path / "out" / "runs" / "Jan02_03-04-05_host"
        with tensorboardX.SummaryWriter(str(folder)) as writer:
            writer.add_text("args", json.dumps({"max_grad_norm": .5, "weight_decay": .25}, indent=2))
            for i in range(N):
                writer.add_scalar("train/loss", loss(i), i + 1)
        history = [{"loss": loss(i), "epoch": i / N, "step": i + 1} for i in range(N)]
        write(tmp_path / "out" / "checkpoint-120" / "trainer_state.json",
              json.dumps({"global_step": N, "log_history": history}, indent=2))
        only, records = read_one(tmp_path)
        assert only["format"] == "huggingface_state"
        assert_points(records, loss=[(i + 1, loss(i)) for i in range(N)])
        assert header(records)["max_grad_norm"] == .5


class TestSteps:
    def test_how_many_of_how_many(self, tmp_path):
        """ms-swift's logging.jsonl"""
        write(tmp_path / "logging.jsonl", lines(
            {"loss": loss(i), "learning_rate": rate(i), "epoch": i / 50, "percentage": "1.00%",
             "global_step/max_steps": f"{5 * i}/500", "memory(GiB)": 20.} for i in range(N)))
        assert_points(read_one(tmp_path)[1], loss=[(5 * i, loss(i)) for i in range(N)])

    def test_sums_of_spacy(self, tmp_path):
        """spacy/training/loggers.py: the first row's losses are those of one batch."""
        write(tmp_path / "training.jsonl", lines(
            {"epoch": i // 10, "step": 200 * i, "scores": {"ents_f": .5}, "score": .5,
             "losses": {"tok2vec": .5 * loss(i), "ner": .5 * loss(i) if i else .01}}
            for i in range(N)))
        only, records = read_one(tmp_path)
        assert only["verdict"] == "healthy"
        assert_points(records, loss=[(200 * i, loss(i)) for i in range(1, N)])

    def test_batches_without_a_count(self, tmp_path):
        """MACE's results."""
        rows = [row for e in range(N // 4) for row in
                [*({"loss": loss(4 * e + k), "time": .1, "mode": "opt", "epoch": e}
                   for k in range(4)),
                 {"loss": eval_loss(4 * e), "mae_f": .1, "mode": "eval", "epoch": e}]]
        write(tmp_path / "results" / "MACE_run-1_train.txt", lines(rows))
        records = read_one(tmp_path)[1]
        assert_points(records, loss=[(i + 1, loss(i)) for i in range(N)])
        assert len(points(records, "eval_loss")) == N // 4

    def test_batches_that_are_counted_in_each_epoch(self, tmp_path):
        """I-JEPA's csv."""
        rows = [(i // 10 + 1, i % 10, loss(i), .25, .125, 100) for i in range(N)]
        write(tmp_path / "log_r0.csv",
              table(("epoch", "itr", "loss", "mask-A", "mask-B", "time (ms)"), rows))
        assert_points(read_one(tmp_path)[1], loss=STEPS)


class TestReinforcement:
    @pytest.mark.parametrize("names", [
        ("time/total_timesteps", "rollout/ep_rew_mean", "train/loss", "train/value_loss"),
        ("training_iteration", "episode_reward_mean", "info/learner/p/stats/total_loss",
         "info/learner/p/stats/policy_loss"),
    ])
    def test_a_loss_that_grows_is_not_judged(self, tmp_path, names):
        rows = [(i, i, diverging(i), .5) for i in range(1, N)]
        write(tmp_path / "progress.csv", table(names, rows))
        only, records = read_one(tmp_path)
        assert header(records)["objective"] == "reinforcement"
        assert only["verdict"] != "problem" and not only["findings"]

    def test_grpo(self, tmp_path):
        history = [{"loss": 1e-4 * i, "kl": 1e-3 * i, "reward": .5, "reward_std": .25,
                    "step": i + 1} for i in range(N)]
        write(tmp_path / "trainer_state.json", json.dumps({"log_history": history}))
        only, records = read_one(tmp_path)
        assert header(records)["objective"] == "reinforcement" and not only["findings"]


class TestExports:
    @pytest.mark.parametrize("by_metric", [True, False])
    def test_a_row_for_each_reading(self, tmp_path, by_metric):
        rows = [(tag, 10 * i, values(i)) for i in range(N)
                for tag, values in (("train/loss", loss), ("val/loss", eval_loss))]
        write(tmp_path / "scalars.csv",
              table(("tag", "step", "value"), sorted(rows) if by_metric else rows))
        assert_points(read_one(tmp_path)[1], loss=[(10 * i, loss(i)) for i in range(N)],
                      eval_loss=[(10 * i, eval_loss(i)) for i in range(N)])

    def test_curves_of_wandb(self, tmp_path):
        names = [f"{run} - train/loss{end}" for run in ("good - 1", "bad")
                 for end in ("", "__MIN", "__MAX")]
        rows = [(i, loss(i), .5 * loss(i), 2 * loss(i),
                 diverging(i), .5 * diverging(i), 2 * diverging(i)) for i in range(N)]
        write(tmp_path / "wandb_export.csv", table(["Step", *names], rows))
        runs = runs_in(tmp_path)
        assert [(name.rpartition("/")[2], each["verdict"]) for name, each in runs.items()] == \
            [("good - 1", "healthy"), ("bad", "problem")]
        assert [each["signals"]["loss"]["count"] for each in runs.values()] == [N, N]


class TestDocuments:
    ROWS = [{"epoch": i, "train": {"loss": loss(i)}, "val": {"loss": eval_loss(i)}}
            for i in range(N)]

    @pytest.mark.parametrize("document", [
        ROWS,
        {"args": {"lr": .25}, "epochs": ROWS},
        {f"epoch_{row['epoch']}": row for row in ROWS},
        {"columns": ["epoch", "loss", "val_loss"],
         "data": [[i, loss(i), eval_loss(i)] for i in range(N)]},
        {"loss": [loss(i) for i in range(N)], "val_loss": [eval_loss(i) for i in range(N)]},
        {f"{part}.loss": {"steps": list(range(N)), "values": [values(i) for i in range(N)]}
         for part, values in (("training", loss), ("validation", eval_loss))},
    ], ids=["array", "array below", "by epoch", "pandas", "history", "sacred"])
    @pytest.mark.parametrize("indent", [None, 4])
    def test_shapes(self, tmp_path, document, indent):
        write(tmp_path / "log.json", json.dumps(document, indent=indent))
        only, records = read_one(tmp_path)
        assert only["format"] == "json_document"
        assert_points(records, loss=STEPS, eval_loss=EVALS)

    def test_what_came_out_is_no_log(self, tmp_path):
        write(tmp_path / "all_results.json", json.dumps({"epoch": 3., "train_loss": .5}, indent=4))
        done = programs.trainward("analyze", tmp_path)
        assert done.returncode == 2 and "no training log" in done.stderr


class TestTables:
    def test_a_history_of_keras_by_pandas(self, tmp_path):
        rows = [(i, loss(i), .5, eval_loss(i), rate(i)) for i in range(N)]
        write(tmp_path / "history.csv", table(("", "loss", "acc", "val_loss", "lr"), rows))
        assert_points(read_one(tmp_path)[1], loss=[(i + 1, loss(i)) for i in range(N)],
                      eval_loss=[(i + 1, eval_loss(i)) for i in range(N)])

    def test_results_of_a_search_by_pandas_are_no_history(self, tmp_path):
        rows = [(i, rate(i), 32, loss(i), eval_loss(i)) for i in range(N)]
        write(tmp_path / "grid.csv", table(("", "lr", "batch_size", "loss", "val_loss"), rows))
        done = programs.trainward("analyze", tmp_path)
        assert done.returncode == 2 and "no training log" in done.stderr

    def test_maxtext(self, tmp_path):
        """MaxText/metric_logger.py: the same names as in its event files."""
        write(tmp_path / "metrics.txt", lines(
            {"learning/loss": loss(i), "learning/moe_lb_loss": .25, "learning/grad_norm": 1.,
             "learning/raw_grad_norm": 2., "learning/current_learning_rate": rate(i),
             "perf/step_time_seconds": 1., "step": float(i)} for i in range(N)))
        assert_points(read_one(tmp_path)[1], loss=STEPS, grad_norm=[(i, 2) for i in range(N)],
                      learning_rate=[(i, rate(i)) for i in range(N)])

    def test_statistics_of_stylegan(self, tmp_path):
        """torch_utils/training_stats.py of StyleGAN2-ADA and later, and of EDM."""
        def statistic(value):
            return {"num": 512, "mean": value, "std": .25}
        for folder, names in (("gan", ("Loss/G/loss", "Loss/D/loss")), ("edm", ("Loss/loss",))):
            write(tmp_path / folder / "stats.jsonl", lines(
                {**{name: statistic(diverging(i)) for name in names}, "timestamp": 1.7e9 + i,
                 "Progress/tick": statistic(i), "Progress/kimg": statistic(4. * i)}
                for i in range(N)))
        runs = runs_in(tmp_path)
        assert runs["gan/stats.jsonl"]["verdict"] != "problem"
        assert runs["edm/stats.jsonl"]["verdict"] == "problem"
        wanted = [(i, diverging(i)) for i in range(N)]
        for folder, objective in (("gan", "adversarial"), ("edm", None)):
            records = records_of(tmp_path / folder / "stats.jsonl")
            assert header(records).get("objective") == objective
            assert_points(records, loss=wanted)

    def test_several_sets_of_boosting(self, tmp_path):
        """XGBoost's scikit-learn interface stops by the last of eval_set."""
        write(tmp_path / "evals_result.json", json.dumps(
            {"validation_0": {"logloss": [loss(i) for i in range(N)]},
             "validation_1": {"logloss": [eval_loss(i) for i in range(N)]}}))
        assert_points(read_one(tmp_path)[1], eval_loss=EVALS)


# The columns of MLflow's search_runs(), of the table of runs that W&B exports, of a sweep's trials:
# a row is what came out of a run.
RUN_TABLES = {
    "mlflow": ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "metrics.epoch",
               "metrics.loss", "metrics.val_loss", "params.lr"],
    "wandb": ["Name", "State", "Notes", "User", "Tags", "Created", "Runtime", "epoch", "loss", "lr"],
    "sweep": ["trial", "lr", "batch_size", "loss", "val_loss"],
}


@pytest.mark.parametrize("names", RUN_TABLES.values(), ids=RUN_TABLES)
def test_a_row_for_each_of_several_runs_is_no_course_of_one(tmp_path, names):
    def cell(name, i):
        number = {"loss": diverging(i), "val_loss": diverging(i), "lr": rate(i), "trial": i,
                  "epoch": 10, "batch_size": 32}
        return number.get(name.split(".")[-1], f"{name}-{i}")
    write(tmp_path / "runs.csv", table(names, [[cell(name, i) for name in names] for i in range(N)]))
    done = programs.trainward("analyze", tmp_path / "runs.csv")
    assert done.returncode == 2 and "no training log" in done.stderr
