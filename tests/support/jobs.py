"""Training jobs as processes, and `trainward attach` beside them."""

import contextlib
import math
import os
import pty
import signal
import subprocess
import sys
import threading
import time

from services.process import wait_until
from support import programs

# What the jobs' scripts begin with: a loss that falls, and from a step on is not a number; pause()
# waits until the test lets the job go on.
PRELUDE = """
import math, os, pathlib, sys, time
def loss(step, nan_from=80):
    return math.nan if step >= nan_from else .8 + 2 * math.exp(-step / 30)
def pause(name="go"):
    pathlib.Path("ready-" + name).touch()
    while not pathlib.Path(name).exists():
        time.sleep(.02)
def lines(file, first, last, **more):
    for step in range(first, last):
        print(f"step={step} loss={loss(step, **more):.6g}", file=file, flush=True)
"""

EVENTS = """
from tensorboardX import SummaryWriter
def events(writer, first, last):
    for step in range(first, last):
        writer.add_scalar("train/loss", loss(step), step)
    writer.flush()
"""


def write_mlflow_run(folder, first, last, nan_from=80, status=1):
    """A run in MLflow's file store, as MLflow writes it; its experiment's folder is made, too.

    The status is 1 for one that goes on, 3 for one that has ended."""
    (folder / "metrics").mkdir(parents=True, exist_ok=True)
    experiment = folder.parent
    if not (experiment / "meta.yaml").exists():
        (experiment / "meta.yaml").write_text(
            f"artifact_location: file://{experiment}\nexperiment_id: '{experiment.name}'\n"
            "lifecycle_stage: active\nname: e\n")
    with open(folder / "metrics" / "loss", "a") as file:
        for step in range(first, last):
            loss = math.nan if step >= nan_from else .8 + 2 * math.exp(-step / 30)
            print(1700000000000 + step, f"{loss:.6g}", step, file=file)
    written = folder / "meta.yaml.new"
    written.write_text(f"experiment_id: '{experiment.name}'\nlifecycle_stage: active\n"
                       f"run_id: {folder.name}\nrun_name: n\nstatus: {status}\n")
    written.rename(folder / "meta.yaml")


def write_script(jobs, text, name="train.py"):
    """The command that runs it."""
    (jobs.folder / name).write_text(PRELUDE + text)
    return [sys.executable, name]


class Collector:
    """A stream of a process, read as it comes by a thread."""

    def __init__(self, stream):
        self.bytes, self.stream = bytearray(), stream
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        with contextlib.suppress(OSError, ValueError):  # a terminal's end is EIO
            while piece := os.read(self.stream.fileno(), 65536):
                self.bytes += piece

    @property
    def text(self):
        return self.bytes.decode(errors="replace")

    def finish(self):
        self.thread.join(30)
        self.stream.close()
        return self.text


class Attach:
    """`trainward attach`, with what it says so far."""

    def __init__(self, *arguments, cwd=None, env=None, wrapper=(), terminal=False):
        environment = programs.environment(env)
        command = [*wrapper, programs.program("trainward"), "attach", *map(str, arguments)]
        self.master = None
        if terminal:
            ours, theirs = pty.openpty()
            self.master = ours
            self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs,
                                            stderr=subprocess.PIPE, cwd=cwd, env=environment,
                                            start_new_session=True,
                                            preexec_fn=_take_terminal)
            os.close(theirs)
            self.out = Collector(os.fdopen(ours, "rb", buffering=0))
        else:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
                                            env=environment, preexec_fn=_heed_signals)
            self.out = Collector(self.process.stdout)
        self.err = Collector(self.process.stderr)

    def wait_for(self, text, stream="out", seconds=60):
        def said():
            return text in getattr(self, stream).text
        try:
            wait_until(lambda: said() or self.process.poll() is not None, seconds, text)
        finally:
            assert said(), f"{text!r} was not said\n{self.out.text}\n{self.err.text}"

    def end(self, seconds=60):
        """(exit status, standard output, standard error)"""
        status = self.process.wait(seconds)
        out, err = self.out.finish(), self.err.finish()
        programs.refuse_sanitizer_reports(status, err)
        return status, out, err

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()


def _heed_signals():
    """What a shell puts into the background ignores these, and so does what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def _take_terminal():
    """The terminal becomes that of the new session, as a login's is."""
    import fcntl
    import termios
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Jobs:
    """Starts scripts in a folder, and ends what is left of them."""

    def __init__(self, folder):
        self.folder, self.processes, self.attached = folder, [], []

    def start(self, script, *arguments, name="train.py", env=None, uses_events=False, **options):
        path = self.folder / name
        path.write_text(PRELUDE + (EVENTS if uses_events else "") + script)
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", options["stdout"])
        process = subprocess.Popen([sys.executable, str(path), *map(str, arguments)],
                                   cwd=self.folder, stdin=subprocess.DEVNULL,
                                   env={**os.environ, **(env or {})}, **options)
        self.processes.append(process)
        return process

    def is_ready(self, name="go", seconds=60):
        """It waits at this pause."""
        wait_until(lambda: (self.folder / f"ready-{name}").exists(), seconds, f"ready-{name}")

    def let_go(self, name="go"):
        (self.folder / name).touch()

    def attach(self, *arguments, **options):
        self.attached.append(Attach(*arguments, cwd=options.pop("cwd", self.folder), **options))
        return self.attached[-1]

    def close(self):
        for process in [*self.processes, *(each.process for each in self.attached)]:
            if process.poll() is None:
                process.kill()
                process.wait()
