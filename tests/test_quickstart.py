"""quickstart's promise: a training goes wrong, the advisor says what to change, and the command that
is printed for it, run as it stands, trains well."""

import re
import subprocess

from support import programs


def test_the_advice_of_quickstart_works_as_printed(tmp_path):
    bad = programs.run("trainward-train", *programs.bad_training(), "--run-dir", "runs/quickstart",
                       cwd=tmp_path, timeout=120)
    assert bad.returncode == 1, bad.stdout + bad.stderr
    # The advisory names the parameter, its value and the new value.
    assert re.search(r"learning[_ -]rate", bad.stdout)
    command = re.search(r"to try the advice, run:\n  (.+)\n", bad.stdout)
    assert command, bad.stdout

    good = subprocess.run(["sh", "-c", command.group(1)], cwd=tmp_path, capture_output=True,
                          text=True, timeout=120, env=programs.environment())
    programs.refuse_sanitizer_reports(good.returncode, good.stderr)
    assert good.returncode == 0, good.stdout + good.stderr
    accuracy = float(re.search(r"validation accuracy ([0-9.]+) %", good.stdout).group(1))
    assert accuracy >= 95

    # Both runs are there to be read again, with the same verdicts.
    assert programs.trainward("analyze", "runs/quickstart", cwd=tmp_path).returncode == 1
    others = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(others) == 2
    assert programs.trainward("analyze", f"runs/{others[1]}", cwd=tmp_path).returncode == 0


def test_the_command_changes_what_began_it(tmp_path):
    """Units die of the rate that made the gradients explode: the rate is what to change, though the
    explosion is over and the dead units stand."""
    done = programs.run("trainward-train", "--optimizer", "sgd", "--learning-rate", 30, "--epochs", 5,
                        "--stop-on", "never", "--run-dir", "run", cwd=tmp_path, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    command = re.search(r"to try the advice, run:\n  (.+)\n", done.stdout).group(1)
    assert "--learning-rate 3 " in command and "leaky_relu" not in command
