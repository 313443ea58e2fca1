"""A live job: PyTorch trains and logs to TensorBoard, `trainward attach PID` watches it, the training
diverges. Measures how long after a record was on disk its advisory was printed. By hand, since PyTorch
is large: make check-live-job."""

import os
import re
import subprocess
import sys
import time

from support import programs

LIMIT_SECONDS = 5.0


def test_an_advisory_comes_within_seconds_of_its_record(tmp_path):
    script = programs.TOP / "tests" / "support" / "live_job.py"
    told = tmp_path / "steps"
    with open(told, "w") as out:
        job = subprocess.Popen([sys.executable, str(script), str(tmp_path / "runs" / "live")],
                               stdout=out, cwd=tmp_path, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    attach = subprocess.Popen([programs.program("trainward"), "attach", str(job.pid)],
                              stdout=subprocess.PIPE, text=True, env=programs.environment())
    lines = [(time.time(), line) for line in attach.stdout]
    status = attach.wait(60)
    assert job.wait(60) == 0 and status == 1
    on_disk = {int(step): float(when) for step, when in map(str.split, told.read_text().splitlines())}
    advisories = [(when, lines[i + 1][1]) for i, (when, line) in enumerate(lines[:-1])
                  if re.match(r"(WARNING|CRITICAL)  \S", line) and "not over" not in line]
    first = next(i for i, (_, line) in enumerate(lines) if ": problem" in line)
    advisories = [each for each in advisories if each[0] <= lines[first][0]]
    assert advisories, "".join(line for _, line in lines)
    print()
    for when, text in advisories:
        step = int(re.search(r"found at step (\d+)", text).group(1))
        print(f"advisory of step {step}: {when - on_disk[step]:.3f} s after its record was on disk")
        assert -.5 < when - on_disk[step] < LIMIT_SECONDS
        assert step >= 250, text
