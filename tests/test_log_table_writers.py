"""Tables and JSON of the real writers: Keras' CSVLogger, transformers' TrainerState and pandas.
Expected is what the script logs. Lightning's CSVLogger needs PyTorch, so that it runs by `make
check-live-job`, the others by `make check-writers`."""

import json
import math
import os

import pytest

from test_log_writers import Reader, assert_points, assert_sole_owner, probes, read

LOSSES = [2.5, 1.25, math.nan, math.inf, 0.5]


@pytest.fixture
def keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "numpy")  # needs no TensorFlow, and no PyTorch
    pytest.importorskip("scipy")
    return pytest.importorskip("keras")


class Model:
    stop_training = False


def assert_epochs(lines, name, expected):
    found = epochs(lines, name)
    assert [epoch for epoch, _ in found] == list(range(len(expected)))
    assert [value for _, value in found] == pytest.approx(expected, nan_ok=True)


def epochs(lines, name):
    """(epoch, value) of each cell `name`."""
    return [
        (float(head.partition("epoch=")[2]), float(value.partition("(")[0]))
        for head, cells in (line.split(": ", 1) for line in lines if line.startswith("row "))
        for key, _, value in (cell.partition("=") for cell in cells.split(" "))
        if key == name
    ]


class TestKeras:
    def log(self, keras, path, logs, append=False, first=0):
        logger = keras.callbacks.CSVLogger(str(path), append=append)
        logger.set_model(Model())
        logger.on_train_begin()
        for epoch, values in enumerate(logs, first):
            logger.on_epoch_end(epoch, values)
        logger.on_train_end()

    def test_csv_logger(self, keras, tmp_path):
        path = tmp_path / "training.log"
        logs = [{"loss": loss, "accuracy": 0.5, "confusion": [1, 2]} for loss in LOSSES]
        for values in logs[1:]:  # validation_freq: not in each epoch
            values["val_loss"] = values["loss"] + 1
        self.log(keras, path, logs)
        assert max(probes(path), key=probes(path).get) == "keras_csv"
        lines = read("keras_csv", path)
        assert_epochs(lines, "loss", LOSSES)
        assert epochs(lines, "accuracy") == [(epoch, 0.5) for epoch in range(5)]
        assert not [line for line in lines if line.startswith("broken") or "confusion" in line]

    def test_append(self, keras, tmp_path):
        path = tmp_path / "training.log"
        self.log(keras, path, [{"loss": 2.0, "val_loss": 3.0}])
        self.log(keras, path, [{"loss": 1.0, "val_loss": 2.0}], append=True, first=1)
        lines = read("keras_csv", path)
        assert epochs(lines, "loss") == [(0, 2), (1, 1)]
        assert epochs(lines, "val_loss") == [(0, 3), (1, 2)]

    def test_history(self, tmp_path):
        """History.history as people dump it."""
        path = tmp_path / "history.json"
        path.write_text(json.dumps({"loss": LOSSES, "val_loss": LOSSES[::-1]}))
        assert max(probes(path), key=probes(path).get) == "json_document"
        lines = read("json_document", path)
        assert_epochs(lines, "loss", LOSSES)


class TestTransformers:
    def state(self, path, steps):
        callback = pytest.importorskip("transformers.trainer_callback")
        history = []
        for step, loss in steps:
            history.append({"loss": loss, "grad_norm": 1.5, "learning_rate": 0.25, "step": step})
            history.append({"eval_loss": 2 * loss, "eval_runtime": 1.0, "step": step})
        state = callback.TrainerState(
            global_step=steps[-1][0], max_steps=100, train_batch_size=8, log_history=history
        )
        state.save_to_json(str(path))
        return path

    def test_state(self, tmp_path):
        steps = [(10 * i, loss) for i, loss in enumerate(LOSSES, 1)]
        path = self.state(tmp_path / "trainer_state.json", steps)
        assert_sole_owner(path, "huggingface_state")
        lines = read("huggingface_state", path)
        plain = [line.replace("(2)", "").replace("(4)", "").replace("(6)", "") for line in lines]
        assert_points(plain, "loss", steps)
        assert_points(plain, "eval_loss", [(step, 2 * loss) for step, loss in steps])
        assert_points(plain, "loss_averaged_over", [(step, 10) for step, _ in steps])
        assert {"parameter max_steps=100", "parameter train_batch_size=8"} <= set(lines)

    @pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
    def test_half_of_it(self, tmp_path, share):
        path = self.state(tmp_path / "trainer_state.json", [(i, i / 2) for i in range(1, 30)])
        whole = path.read_text()
        path.write_text(whole[: int(share * len(whole))])
        lines = [line for line in read("huggingface_state", path) if " loss=" in line]
        entries = path.read_text().count('"loss"')
        assert entries - 1 <= len(lines) <= entries > 5


class TestPandas:
    """As AlgoPerf's logger writes: NaN is an empty cell."""

    def test_nan(self, tmp_path):
        pandas = pytest.importorskip("pandas")
        path = tmp_path / "measurements.csv"
        rows = [{"global_step": i, "loss": loss, "grad_norm": 1} for i, loss in enumerate(LOSSES)]
        rows.append({"global_step": 5, "score": 1, "accumulated_submission_time": 1})
        pandas.DataFrame(rows).to_csv(path, index=False)
        lines = [line.replace("(2)", "") for line in read("algoperf", path)]
        assert_points(lines, "loss", list(enumerate(LOSSES)))

    @pytest.mark.parametrize(
        "separator, decimal", [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ",")]
    )
    def test_to_csv(self, tmp_path, separator, decimal):
        pandas = pytest.importorskip("pandas")
        path = tmp_path / "log.csv"
        note = 'a "b", c;\td\ne'
        table = pandas.DataFrame({"step": range(5), "loss": LOSSES, "note": [note] * 5})
        table.to_csv(path, sep=separator, decimal=decimal, na_rep="nan")
        assert max(probes(path), key=probes(path).get) == "csv"
        lines = read("csv", path)
        cells = [line.split()[-1] for line in lines if line.startswith("row")]
        expected = [f"loss={loss:.9g}" for loss in LOSSES]
        assert cells == expected, os.linesep.join(lines)


def test_lightning(tmp_path):
    loggers = pytest.importorskip("lightning.pytorch.loggers")
    logger = loggers.CSVLogger(tmp_path, flush_logs_every_n_steps=1)
    for step in range(3):
        logger.log_metrics({"epoch": 0, "train_loss_step": 2.5 - step}, step)
    logger.log_metrics({"epoch": 0, "val_loss": 2.25}, 2)  # the file is written anew
    logger.save()
    path = tmp_path / "lightning_logs" / "version_0" / "metrics.csv"
    assert max(probes(path), key=probes(path).get) == "lightning"
    lines = [line.replace("(2)", "") for line in read("lightning", path)]
    assert_points(lines, "train_loss_step", [(0, 2.5), (1, 1.5), (2, 0.5)])
    assert_points(lines, "val_loss", [(2, 2.25)])


def test_a_file_that_is_written_anew_gives_what_is_new(tmp_path):
    """As Lightning's logger does when a name comes up."""
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train_loss\n0,49,2.5\n0,99,2.25\n")
    reader = Reader("lightning", path)
    assert_points(reader.look(again=False), "train_loss", [(49, 2.5), (99, 2.25)])
    path.write_text("epoch,step,train_loss,val_loss\n0,49,2.5,\n0,99,2.25,\n0,99,,2.125\n")
    lines = reader.look()
    assert_points(lines, "train_loss", [])
    assert_points(lines, "val_loss", [(99, 2.125)])
    with path.open("a") as file:
        file.write("1,149,2.0,\n1,1")
    assert_points(reader.look(), "train_loss", [(149, 2.0)])
    with path.open("a") as file:
        file.write("99,1.75,\n")
    lines = reader.look() + reader.end()
    assert_points(lines, "train_loss", [(199, 1.75)])
    assert not [line for line in lines if line.startswith(("event", "broken"))]


def test_a_state_that_grows_gives_what_is_new(tmp_path):
    """transformers writes the whole history again, and not at once."""

    def state(steps):
        history = [{"loss": 1 / step, "step": step} for step in steps]
        return json.dumps({"global_step": 3, "log_history": history}, indent=2)

    path = tmp_path / "trainer_state.json"
    path.write_text(state([1, 2]))
    reader = Reader("huggingface_state", path)
    assert " ".join(reader.look(again=False)).count("row step=") == 2
    path.write_text(state([1, 2, 3, 4])[:-40])
    lines = reader.look()
    assert [line.split(":")[0] for line in lines if line.startswith("row")] == ["row step=3"]
    path.write_text(state([1, 2, 3, 4]))
    lines = [line for line in reader.look() + reader.end() if not line.startswith("parameter")]
    assert [line.split(":")[0] for line in lines] == ["row step=4"]
