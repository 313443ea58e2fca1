"""Logs of other programs, by the commands: what is found, how names are read, what is said."""

import gzip
import json
import math
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from support import programs
from support.jobs import write_mlflow_run


def write_log(path, steps=400, nan_from=None, **cells):
    """Lines of step=... loss=..., a loss that falls from 2.8 to 0.8; more cells as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    more = "".join(f" {name}={value}" for name, value in cells.items())
    lines = []
    for step in range(1, steps + 1):
        loss = math.nan if nan_from and step >= nan_from else .8 + 2 * math.exp(-step / 100)
        lines.append(f"step={step} loss={loss:.6g}{more}\n")
    path.write_text("".join(lines))
    return path


def analyze(*arguments, **options):
    """(exit status, objects by run)."""
    done = programs.trainward("analyze", "--format", "json", *arguments, **options)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    return done, {each["run"]: each for each in objects}


def test_every_log_below_a_folder_is_found_and_called_by_its_place(tmp_path):
    write_log(tmp_path / "a" / "train.log")
    write_log(tmp_path / "b" / "deep" / "er" / "log.txt", nan_from=300)
    (tmp_path / "notes.txt").write_text("lr=3 was bad\n")
    (tmp_path / "model.pt").write_bytes(bytes(range(256)) * 100)
    write_log(tmp_path / ".hidden" / "train.log")
    done, runs = analyze(".", cwd=tmp_path)
    assert list(runs) == ["a/train.log", "b/deep/er/log.txt"]
    assert done.returncode == 1 and not done.stderr
    assert runs["b/deep/er/log.txt"]["verdict"] == "problem"
    assert runs["a/train.log"]["verdict"] == "healthy"
    assert runs["a/train.log"]["format"] == "key_values"


def test_a_store_is_read_once_and_what_is_below_it_is_part_of_it(tmp_path):
    for run in ("r1", "r2"):
        write_mlflow_run(tmp_path / "mlruns" / "0" / run, 1, 100)
    write_log(tmp_path / "mlruns" / "0" / "r1" / "artifacts" / "train.log")
    write_log(tmp_path / "train.log")
    done = programs.trainward("analyze", "--format", "json", ".", cwd=tmp_path)
    runs = [json.loads(line)["run"] for line in done.stdout.splitlines()]
    assert runs == ["mlruns/0/r1", "mlruns/0/r2", "train.log"]


def test_a_file_that_is_no_log_is_one_line_and_status_2(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing\n")
    done, runs = analyze(tmp_path / "notes.txt")
    assert done.returncode == 2 and not runs
    assert len(done.stderr.splitlines()) == 1 and "notes.txt" in done.stderr
    done, _ = analyze(tmp_path)
    assert done.returncode == 2 and done.stderr.endswith("no training log in it\n")


def test_links_in_a_folder_are_named_to_be_followed(tmp_path):
    write_log(tmp_path / "far" / "train.log")
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "link").symlink_to(tmp_path / "far")
    done, runs = analyze(tmp_path / "near")
    assert done.returncode == 2 and not runs and "its links are not followed" in done.stderr
    done, runs = analyze(tmp_path / "near" / "link")
    assert done.returncode == 0 and list(runs) == ["train.log"] and not done.stderr


def test_a_pipe_and_a_log_without_rows_say_what_they_are(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "log.csv").write_text("step,loss\n")
    done, _ = analyze(tmp_path / "fifo")
    assert done.returncode == 2 and "is a pipe or a device" in done.stderr
    done, _ = analyze(tmp_path / "log.csv")
    assert done.returncode == 2 and done.stderr.endswith("log.csv: holds no training record\n")
    done = programs.trainward("attach", "--once", tmp_path / "log.csv")
    assert done.returncode == 2 and done.stderr.endswith("log.csv: holds no training record\n")
    done = programs.trainward("attach", tmp_path / "fifo")
    assert done.returncode == 2 and "is a pipe or a device" in done.stderr and "--exec" in done.stderr


NO_LOG = "is no training log that can be read; docs/logs.md lists what is"
LONG_LINE = "is no log that can be read: its first line is longer than 4 MiB"


@pytest.mark.parametrize("content, why", [(b"hello\n", NO_LOG), (b"", "is empty"),
                                          (b"\x00\x8f\xff" * 1000, NO_LOG),
                                          (b"step,loss" + b",name" * 1000000, LONG_LINE)])
def test_what_is_no_log_is_told_alike_by_both(tmp_path, content, why):
    (tmp_path / "notes").write_bytes(content)
    told = f"notes: {why}\n"
    for command in (["analyze"], ["attach", "--once"]):
        done = programs.trainward(*command, tmp_path / "notes")
        assert done.returncode == 2 and done.stderr.endswith(told), done.stderr


def test_of_several_statuses_both_give_the_first_of_2_1_3_0(tmp_path):
    write_log(tmp_path / "healthy" / "train.log")
    problem = tmp_path / "problem.log"
    problem.write_text("".join(f"step={i} loss={'nan' if i > 60 else 4 / i}\n"
                               for i in range(1, 99)))
    (tmp_path / "notes").write_text("hello\n")
    for names, status in ((["healthy"], 0), (["problem.log"], 1), (["healthy", "problem.log"], 1),
                          (["problem.log", "notes"], 2), (["notes", "healthy"], 2)):
        for command in (["analyze"], ["attach", "--once"]):
            done = programs.trainward(*command, *names, cwd=tmp_path)
            assert done.returncode == status, (command, names, done.stdout, done.stderr)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a while")
def test_what_may_not_be_read_is_told_and_hides_no_other_log():
    """Not in pytest's folder, which is private."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        write_log(folder / "open" / "train.log")
        for name in "abcd":
            write_log(folder / name / "train.log").parent.chmod(0)
        write_log(folder / "open" / "closed.log").chmod(0)
        program = shutil.copy(programs.program("trainward"), folder / ".trainward")
        done = subprocess.run([program, "analyze", "--format", "json", "."], cwd=folder, text=True,
                              capture_output=True, user="nobody", env=programs.environment())
    assert done.returncode == 0 and '"run":"open/train.log"' in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr.splitlines() == [
        *(f"trainward analyze: ./{name}: may not be read, and is left out" for name in "abc"),
        "trainward analyze: 2 more files and folders may not be read"]


def test_a_packed_log_is_read_like_a_plain_one(tmp_path):
    plain = write_log(tmp_path / "train.log", nan_from=300)
    (tmp_path / "packed").write_bytes(gzip.compress(plain.read_bytes()))
    _, runs = analyze(tmp_path)
    for field in ("signals", "steps", "verdict"):
        assert runs["packed"][field] == runs["train.log"][field]


def test_what_is_printed_before_the_first_step_hides_no_log(tmp_path):
    log = write_log(tmp_path / "train.log", nan_from=300)
    lines = log.read_text()
    before = "".join(f"loading part {i} of the model: {i % 100}%\r" for i in range(9000)) + "\n"
    assert len(before) > 2 * 65536
    log.write_text(before + lines)
    done, runs = analyze(tmp_path)
    assert runs["train.log"]["steps"] == 400 and done.returncode == 1
    log.write_text(before)
    assert analyze(tmp_path)[0].returncode == 2


def test_the_report_tells_what_names_became(tmp_path):
    log = write_log(tmp_path / "train.log", **{"lr-Adam": "0.001"})
    _, runs = analyze(log)
    signals = runs[str(log)]["signals"]
    assert signals["learning_rate"] == {"raw_name": "lr-Adam", "count": 400}
    assert signals["loss"] == {"raw_name": "loss", "count": 400}
    text = programs.trainward("analyze", log).stdout
    assert "learning_rate <- lr-Adam (400)" in text and "loss (400)" in text


@pytest.mark.parametrize("how", (
    ["--map", "foo=loss", "--map", "loss=ignore"],
    ["-m", "f*=loss", "-o", "logs.map.loss=ignore"],
    ["--config", "logs.yaml"],
))
def test_names_may_be_mapped(tmp_path, how):
    log = write_log(tmp_path / "train.log", foo=3)
    (tmp_path / "logs.yaml").write_text("logs: {map: {foo: loss, loss: ignore}}\n")
    _, runs = analyze(log, *how, cwd=tmp_path)
    assert runs[str(log)]["signals"]["loss"]["raw_name"] == "foo"


def test_a_map_that_cannot_be_used_is_told(tmp_path):
    log = write_log(tmp_path / "train.log")
    done, _ = analyze(log, "--map", "foo=lss")
    assert done.returncode == 2
    assert "lss" in done.stderr and "learning_rate" in done.stderr


def test_parameters_beside_a_log_give_advice_its_numbers(tmp_path):
    log = write_log(tmp_path / "train.log", nan_from=300)
    (tmp_path / "hparams.yaml").write_text("optim:\n  lr: 0.25\n")
    _, runs = analyze(log)
    suggestions = [each for finding in runs[str(log)]["findings"]
                   for each in finding["suggestions"]]
    assert any(each["parameter"] == "learning_rate" and each["from"] == 0.25
               for each in suggestions)


def test_ten_thousand_runs_are_read_in_one_go(tmp_path):
    for i in range(10000):
        run = tmp_path / f"{i // 100}" / f"{i}"
        run.mkdir(parents=True)
        (run / "train.log").write_text("step=1 loss=2\nstep=2 loss=1\n")
    done, runs = analyze(tmp_path, timeout=300)
    assert len(runs) == 10000 and not done.stderr


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_a_long_log_is_judged_as_one_processor_judges_it(tmp_path):
    """Where there are two, one reads ahead of the other."""
    log = write_log(tmp_path / "train.log", steps=20000, nan_from=19000, lr=.001)
    log.write_text(log.read_text() + "step=1 loss=2.5 lr=.001\nstep=2 loss=2.5 lr=.001\n")
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, list(processors)[:1])
    try:
        one, _ = analyze(log)
    finally:
        os.sched_setaffinity(0, processors)
    both, _ = analyze(log)
    assert one.returncode == both.returncode == 1
    assert one.stdout == both.stdout and '"attempt":"2"' in one.stdout


def test_a_log_that_is_written_is_followed(tmp_path):
    log = write_log(tmp_path / "train.log", steps=100)
    command = [programs.program("trainward"), "attach", log]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=programs.environment()) as attach:
        try:
            assert "following" in attach.stdout.readline()
            assert "read as key_values; signals: loss (" in attach.stdout.readline()
            with log.open("a") as file:
                for step in range(101, 160):
                    file.write(f"step={step} loss={'nan' if step > 120 else 1}\n")
                    file.flush()
            log.unlink()
            output, errors = attach.communicate(timeout=30)
        finally:
            attach.kill()
    assert "CRITICAL  overflow" in output and "step 121" in output
    assert not errors and attach.returncode == 1


def test_deepspeeds_files_of_a_folder_are_one_run(tmp_path):
    """deepspeed/monitor/csv_monitor.py: a file a metric; Train/Samples counts samples."""
    names = {"train_loss": lambda step: 3 / step, "lr": lambda step: .125}
    for name, value in names.items():
        lines = [f"{16 * step},{value(step)}" for step in range(1, 101)]
        path = tmp_path / "job" / f"Train_Samples_{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([f"step,{name}", *lines, ""]))
    _, runs = analyze(tmp_path)
    assert list(runs) == ["job"]
    signals = runs["job"]["signals"]
    assert signals["loss"]["count"] == signals["learning_rate"]["count"] == 100


def test_a_name_that_only_the_user_knows_is_read_in_text(tmp_path):
    path = tmp_path / "train.log"
    path.write_text("".join(f"epoch {n} wibble: {3 / n}\n" for n in range(1, 50)))
    done, _ = analyze(path)
    assert done.returncode == 2
    _, runs = analyze("--map", "wib*=loss", path)
    (run,) = runs.values()
    assert run["signals"]["loss"] == {"raw_name": "wibble", "count": 49}
