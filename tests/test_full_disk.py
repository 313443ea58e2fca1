"""A training on a disk that is full: it costs checkpoints and telemetry, which are counted, and never
the training."""

import re

import pytest

from support import programs
from support.small_disk import SmallDisk

STEPS = 400
ARGUMENTS = ["--hidden", "64,64", "--epochs", "1000", "--max-steps", STEPS, "--eval-every", "50"]


@pytest.fixture
def small_disk(tmp_path):
    disk = SmallDisk(tmp_path / "disk", size=256 << 10)
    if not disk.is_mounted:
        pytest.skip("nothing may be mounted here")
    yield disk
    disk.close()


def test_a_disk_that_fills_up_costs_checkpoints_and_telemetry_but_not_the_training(small_disk):
    run = small_disk.folder / "run"
    done = programs.run("trainward-train", *ARGUMENTS, "--run-dir", run)
    assert f"trained to the end after {STEPS} steps" in done.stdout
    assert re.search(r"^trainward-train: \d+ checkpoints were not written: \S+/step-\d+\.bin: "
                     r"cannot write: No space left on device$", done.stderr, re.MULTILINE)
    assert done.returncode == 2  # not everything was written
    assert list((run / "checkpoints").glob("*.bin"))
    assert not list((run / "checkpoints").glob("*.tmp"))


def test_a_disk_without_any_room_leaves_the_training_and_its_advisor(small_disk):
    run = small_disk.folder / "run"
    small_disk.take((256 << 10) - 4096 * 3)
    done = programs.run("trainward-train", *ARGUMENTS, "--learning-rate", "1e9", "--stop-on", "never",
                        "--run-dir", run)
    assert f"trained to the end after {STEPS} steps" in done.stdout
    told = re.search(r"^trainward-train: (\d+) of (\d+) telemetry records were not delivered: "
                     r"\S+/telemetry\.cbor: .*No space left on device$", done.stderr, re.MULTILINE)
    assert told and 0 < int(told[1]) <= int(told[2])
    assert re.search(r"^trainward-train: \d+ advisories were not written: .*No space left on device$",
                     done.stderr, re.MULTILINE)
    assert re.search("(Divergence|Overflow) ", done.stdout, re.IGNORECASE), "it is told all the same"
    assert done.returncode == 2
