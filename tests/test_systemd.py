"""The units under systemd/: systemd itself reads them, and what they say fits the agent."""

import configparser
import re
import shutil
import subprocess

import pytest

from support import programs

UNITS = ["trainward.service", "trainward-hardened.service", "trainward-user.service"]


class Unit(configparser.ConfigParser):
    """Keys keep their case; those that may come twice keep their last value."""

    def __init__(self, path):
        super().__init__(strict=False, interpolation=None)
        self.optionxform = str
        self.read(path)


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong(name, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    text = (programs.BUILD / "systemd" / name).read_text()
    own = tmp_path / name
    own.write_text(re.sub(r"=\S*/trainward (agent|check)",
                          rf"={programs.program('trainward')} \1", text))
    arguments = ["--user"] if "user" in name else []
    done = subprocess.run(["systemd-analyze", *arguments, "verify", "--man=no", own],
                          capture_output=True, text=True,
                          env=programs.environment({"XDG_RUNTIME_DIR": str(tmp_path)}))
    complaints = [line for line in done.stderr.splitlines() if "trainward" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_names_commands_that_exist(name):
    service = Unit(programs.BUILD / "systemd" / name)["Service"]
    assert service["Type"] == "notify" and service["Restart"] == "on-failure"
    assert int(service["WatchdogSec"]) > 20, "more than the loop's longest round"
    assert "kill -HUP" in service["ExecReload"]
    for key in ("ExecStartPre", "ExecStart"):
        command = service[key].split()[1]
        words = [word for word in service[key].split()[2:] if word.startswith("--")]
        told = programs.trainward(command, "--help").stdout
        assert words and all(word in told for word in words)


def test_the_hardened_unit_is_exposed_little(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                           programs.BUILD / "systemd" / "trainward-hardened.service"],
                          capture_output=True, text=True)
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    assert float(level.group(1)) < 2.5, "what systemd calls OK ends at 4.9"
