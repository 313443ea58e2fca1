"""A training that is killed and goes on: the same run, and the same numbers."""

import json
import signal
import subprocess

from services.process import wait_until
from support import programs

TRAINING = ["--epochs", 100, "--eval-every", 50, "--optimizer", "sgd", "--learning-rate", 0.02,
            "--telemetry-format", "json", "--no-watch", "--quiet"]


def records(folder):
    return [json.loads(line) for line in (folder / "telemetry.jsonl").read_text().splitlines()]


def losses(folder):
    """By step; where a step was taken twice, that of the later attempt."""
    return {record["step"]: (record["loss"], record["learning_rate"], record["grad_norm"])
            for record in records(folder) if record["kind"] == "step"}


def train(*arguments, **options):
    done = programs.run("trainward-train", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return done


def kill_in_the_middle(folder):
    process = subprocess.Popen([programs.program("trainward-train"), *map(str, TRAINING),
                                "--run-dir", str(folder)], env=programs.environment())
    try:
        wait_until(lambda: (folder / "run.json").exists() and
                   len(list((folder / "checkpoints").glob("step-*.bin"))) >= 3, 60, "checkpoints")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_killed_training_goes_on_as_if_nothing_had_been(tmp_path):
    train(*TRAINING, "--run-dir", tmp_path / "whole")
    kill_in_the_middle(tmp_path / "killed")
    before = records(tmp_path / "killed")
    assert before[-1]["kind"] != "end", "it was killed too late"
    train("--run-dir", tmp_path / "killed", "--resume", "--quiet")
    whole, resumed = losses(tmp_path / "whole"), losses(tmp_path / "killed")
    assert {step: whole[step] for step in resumed} == resumed
    after = records(tmp_path / "killed")
    headers = [record for record in after if record["kind"] == "header"]
    assert len(headers) == 2 and headers[0]["run"] == headers[1]["run"] == "killed"
    assert headers[1]["resumed_from"]["attempt"] == headers[0]["attempt"] != headers[1]["attempt"]
    at = headers[1]["resumed_from"]["step"]
    assert at % 50 == 0 and set(range(at + 1, max(whole) + 1)) <= set(resumed)
    assert [record["step"] for record in after if record.get("event") == "resume"] == [at]
    assert after[-1]["status"] == "completed"
    # The optimizer came from the directory, though it was not said again.
    assert headers[1]["hyperparameters"]["optimizer"] == "sgd"


def test_options_given_at_a_resume_take_the_place_of_the_former(tmp_path):
    run = tmp_path / "runs" / "first"
    train("--epochs", 2, "--run-dir", run, "--telemetry-format", "json", "--schedule", "constant",
          "--no-watch", "--quiet")
    # The run that wrote a checkpoint last: there is only one.
    train("--resume", "--learning-rate", 0.0001, "--epochs", 3, "--no-watch", "--quiet",
          cwd=tmp_path)
    rates = {step: rate for step, (_, rate, _) in losses(run).items()}
    assert rates[90] == 0.001 and rates[91] == rates[135] == 0.0001
    train("--run-dir", run, "--resume-from", "best", "--epochs", 4, "--no-watch", "--quiet")
    header = json.loads((run / "run.json").read_text())
    assert header["hyperparameters"]["learning_rate"] == 0.0001
    assert header["hyperparameters"]["schedule"] == "constant"


def test_options_with_which_a_resume_fails_are_not_kept(tmp_path):
    run = tmp_path / "run"
    train("--epochs", 1, "--run-dir", run, "--no-watch", "--quiet")
    done = programs.run("trainward-train", "--run-dir", run, "--resume", "--hidden", 10, "--quiet")
    assert done.returncode == 2 and "of another model" in done.stderr
    train("--run-dir", run, "--resume", "--epochs", 2, "--no-watch", "--quiet")
    # One line an option, however often it is given.
    assert (run / "options").read_text() == "epochs=2\n"


def test_what_a_file_of_options_holds_is_checked_and_shown_clean(tmp_path):
    run = tmp_path / "run"
    train("--epochs", 1, "--run-dir", run, "--no-watch", "--quiet")
    for line, said in [("kafka=elsewhere:9092", "is no option"), ("run-dir=/tmp", "is no option"),
                       ("dataset=\x1b[31mred", "--dataset: '?[31mred' is none of")]:
        (run / "options").write_text(line + "\n")
        done = programs.run("trainward-train", "--run-dir", run, "--resume", "--quiet")
        assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_directory_without_a_checkpoint_is_left_alone(tmp_path):
    done = programs.run("trainward-train", "--resume", "--run-dir", tmp_path / "none")
    assert done.returncode == 2
    assert "there is no checkpoint to resume from" in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_training_that_did_not_begin_is_in_nobodys_way(tmp_path):
    (tmp_path / "broken.csv").write_text("a,b\n1,x\n2,y\n?,x\n")
    train = ["trainward-train", "--dataset", "csv:broken.csv", "--run-dir", "run", "--no-watch",
             "--epochs", 1, "--quiet"]
    done = programs.run(*train, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("trainward-train: broken.csv:4: '?' is not a finite number")
    (tmp_path / "broken.csv").write_text("a,b\n1,x\n2,y\n3,x\n")
    done = programs.run(*train, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert programs.run(*train, cwd=tmp_path).returncode == 2
