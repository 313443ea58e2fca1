"""Logs of the real writers: TensorBoard's (tensorboardX), Weights & Biases' and MLflow's, finished
ones and while they are written. Expected is what the script logs."""

import json
import math
import os
import subprocess
import sys
import textwrap

import pytest

from services.process import wait_until
from support import programs

LOG_ROWS = programs.BUILD / "tests" / "tools" / "log_rows"
LOSSES = [2.5, 1.25, math.nan, math.inf, 0.5]


class Reader:
    """tests/tools/log_rows: what a format has given since the last look."""

    def __init__(self, name, path, portion=7):
        self.process = subprocess.Popen(
            [LOG_ROWS, name, str(path), str(portion)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def look(self, again=True):
        if again:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline().rstrip("\n")) != ".":
            assert line or self.process.poll() is None, lines
            lines.append(line)
        return lines

    def end(self):
        rest = self.process.communicate()[0]
        return rest.splitlines()


def read(name, path):
    reader = Reader(name, path)
    return reader.look(again=False) + reader.end()


def probes(path):
    output = subprocess.run([LOG_ROWS, "?", str(path)], capture_output=True, text=True).stdout
    return {name: int(sure) for name, sure in (line.split() for line in output.splitlines())}


def assert_sole_owner(path, name):
    sure = probes(path)
    assert sure.pop(name) >= 90
    assert max(sure.values()) < 60, sure  # general formats may be able to read it, too


def points(lines, name):
    """(step, value) of each cell `name`, without regard to which cells share a row."""
    found = []
    for line in lines:
        if line.startswith("row "):
            head, cells = line.split(": ", 1)
            step = float(next(word for word in head.split() if word.startswith("step="))[5:])
            found += [
                (step, float(value))
                for key, _, value in (cell.partition("=") for cell in cells.split(" "))
                if key == name
            ]
    return found


def assert_points(lines, name, expected):
    found = points(lines, name)
    assert [step for step, _ in found] == [step for step, _ in expected]
    assert [value for _, value in found] == pytest.approx(
        [value for _, value in expected], rel=1e-6, nan_ok=True
    )


def run_script(script, *arguments, **environment):
    """In a process of its own: these libraries leave threads and globals behind."""
    script = textwrap.dedent(script)
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        check=False,
        timeout=200,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


STEPS = list(enumerate(LOSSES))


class TestTensorboard:
    @pytest.fixture
    def writer(self, tmp_path):
        tensorboardX = pytest.importorskip("tensorboardX")
        writer = tensorboardX.SummaryWriter(str(tmp_path / "run"))
        yield writer
        writer.close()

    def file(self, writer):
        (path,) = os.scandir(writer.logdir)
        return path.path

    def test_scalars(self, writer):
        for step, loss in STEPS:
            writer.add_scalar("train/loss", loss, step)
        writer.close()
        assert_sole_owner(self.file(writer), "tensorboard")
        lines = read("tensorboard", self.file(writer))
        assert_points(lines, "train/loss", STEPS)

    def test_tensors(self, tmp_path):
        """As TensorFlow 2 writes them; TensorBoard's own writer needs no TensorFlow."""
        summary = pytest.importorskip("tensorboard.summary")
        writer = summary.Writer(str(tmp_path))
        for step, loss in STEPS:
            writer.add_scalar("loss", loss, step)
        writer.close()
        (path,) = os.scandir(tmp_path)
        assert_points(read("tensorboard", path.path), "loss", STEPS)

    def test_while_it_is_written(self, writer):
        """tensorboardX's flush() may leave its newest events behind, on a busy machine all five."""
        reader = Reader("tensorboard", self.file(writer))
        lines = reader.look(again=False)
        for step, loss in STEPS:
            writer.add_scalar("loss", loss, step)
            writer.flush()
            lines += reader.look()

        def has_a_loss():
            writer.flush()
            lines.extend(reader.look())
            return points(lines, "loss")

        wait_until(has_a_loss, 30, "a loss")
        writer.close()
        assert_points(lines + reader.look(), "loss", STEPS)
        assert reader.end() == []

    def test_histograms(self, writer):
        numpy = pytest.importorskip("numpy")
        values = numpy.array([-3.0, 0.0, 0.0, 1.0])
        writer.add_histogram("w", values, 1, bins="tensorflow")
        writer.close()
        (line,) = [line for line in read("tensorboard", self.file(writer)) if "row" in line]
        cells = {
            key: float(value.partition("(")[0])
            for key, _, value in (cell.partition("=") for cell in line.split(": ")[1].split())
        }
        assert cells == pytest.approx(
            {
                "w/abs_max": 3,
                "w/mean": values.mean(),
                "w/std": values.std(),
                "w/norm": numpy.linalg.norm(values),
                "w/zero_fraction": 0.5,
            }
        )

    def test_parameters(self, writer):
        writer.add_text("args", json.dumps({"learning_rate": 0.25, "optim": "adamw"}, indent=2), 0)
        writer.close()
        lines = read("tensorboard", self.file(writer))
        assert "parameter args/learning_rate=0.25" in lines
        assert "parameter args/optim=adamw" in lines

    def test_hparams(self, writer):
        writer.add_hparams({"lr": 0.25, "name": "adam", "amp": True}, {"accuracy": 0.5}, name="hp")
        writer.close()
        (path,) = os.scandir(os.path.join(writer.logdir, "hp"))
        lines = read("tensorboard", path.path)
        assert {"parameter lr=0.25", "parameter name=adam", "parameter amp=true"} <= set(lines)
        assert not [line for line in lines if line.startswith("event")]

    def test_purge(self, tmp_path):
        tensorboardX = pytest.importorskip("tensorboardX")
        writer = tensorboardX.SummaryWriter(str(tmp_path / "run"), purge_step=100)
        writer.add_scalar("loss", 1.0, 100)
        writer.close()
        assert "event 1 step=99" in read("tensorboard", self.file(writer))


WANDB = """
    import sys, wandb
    nan, inf = float("nan"), float("inf")
    run = wandb.init(project="p", dir=sys.argv[1], config={"lr": 0.25, "opt": {"name": "adam"}})
    print(run.settings.sync_file, flush=True)
    for step, loss in enumerate([2.5, 1.25, nan, inf, 0.5]):
        run.log({"train": {"loss": loss}, "text": "x" * 10000, "w": wandb.Histogram([1.0, -3.0])})
    if len(sys.argv) > 2:
        input()
    run.finish(exit_code=len(sys.argv) - 2)
"""
OFFLINE = {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}


class TestWandb:
    def log(self, folder, *arguments):
        pytest.importorskip("wandb")
        result = run_script(WANDB, folder, *arguments, **OFFLINE)
        paths = list(folder.glob("wandb/offline-run-*/*.wandb"))
        assert len(paths) == 1, result.stderr
        return paths[0]

    def test_history(self, tmp_path):
        path = self.log(tmp_path)
        assert path.stat().st_size > 32768  # there is a second block
        assert_sole_owner(path, "wandb")
        lines = read("wandb", path)
        assert_points(lines, "train/loss", STEPS)
        assert "parameter lr=0.25" in lines and "parameter opt/name=adam" in lines
        assert lines[-1] == "event 3"
        assert not [line for line in lines if line.startswith("broken")]
        assert lines[-2].count("w/abs_max=3(") == 1

    def test_while_it_is_written(self, tmp_path):
        pytest.importorskip("wandb")
        script = textwrap.dedent(WANDB)
        with subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), "wait"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **OFFLINE},
            text=True,
        ) as process:
            path = process.stdout.readline().strip()
            reader = Reader("wandb", path)
            first = reader.look(again=False)
            process.communicate("\n")
            assert_points(first + reader.look(), "train/loss", STEPS)
            assert reader.end() == []
            assert read("wandb", path)[-1] == "event 4"


MLFLOW = """
    import sys, mlflow
    mlflow.set_tracking_uri(sys.argv[1])
    mlflow.set_experiment("e")
    nan, inf = float("nan"), float("inf")
    for name in "ab":
        with mlflow.start_run(run_name=name):
            mlflow.log_params({"lr": 0.25, "opt/name": "adam"})
            for step, loss in enumerate([2.5, 1.25, nan, inf, 0.5]):
                mlflow.log_metrics({"train/loss": loss, "lr": 0.5}, step=step)
            if len(sys.argv) > 2:
                print("logged", flush=True)
                input()
            if name == "b":
                raise RuntimeError("it failed")
"""
MLFLOW_ENVIRONMENT = {
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


def mlflow_store(folder, name):
    """The store's address for MLflow, and the log's path."""
    pytest.importorskip("mlflow")
    if name == "mlflow":
        return f"file:{folder}/mlruns", folder / "mlruns"
    pytest.importorskip("sqlalchemy")
    return f"sqlite:///{folder}/mlflow.db", folder / "mlflow.db"


@pytest.mark.parametrize("name", ["mlflow", "mlflow_sqlite"])
class TestMlflow:
    def test_runs(self, tmp_path, name):
        address, path = mlflow_store(tmp_path, name)
        result = run_script(MLFLOW, address, **MLFLOW_ENVIRONMENT)
        assert "it failed" in result.stderr
        assert_sole_owner(path, name)
        lines = read(name, path)
        runs = {line.split()[1] for line in lines if line.startswith("row ")}
        assert len(runs) == 2
        for run in runs:
            of_run = [line for line in lines if f" {run} " in line]
            assert_points(of_run, "train/loss", STEPS)
            assert_points(of_run, "lr", [(step, 0.5) for step, _ in STEPS])
            assert f"parameter {run} lr=0.25" in lines
            assert f"parameter {run} opt/name=adam" in lines
            name_of_run = "b" if f"parameter {run} mlflow.runName=b" in lines else "a"
            assert f"event {run} {3 if name_of_run == 'a' else 4}" in lines
        assert not [line for line in lines if line.startswith("broken")]

    def test_while_it_is_written(self, tmp_path, name):
        address, path = mlflow_store(tmp_path, name)
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(MLFLOW), address, "wait"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **MLFLOW_ENVIRONMENT},
            text=True,
        ) as process:
            assert process.stdout.readline() == "logged\n"
            reader = Reader(name, path)
            first = reader.look(again=False)
            assert_points(first, "train/loss", STEPS)
            assert not [line for line in first if line.startswith("event")]
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "logged\n"
            second = reader.look()
            assert_points(second, "train/loss", STEPS)
            assert [line[-1] for line in second if line.startswith("event")] == ["3"]
            process.communicate("\n")
            assert [line[-1] for line in reader.look()] == ["4"]
            assert reader.end() == []
