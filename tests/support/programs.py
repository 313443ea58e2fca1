"""Runs the programs as people do, and sees that no sanitizer complained."""

import contextlib
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import threading

import yaml

from services.process import wait_until

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TW_BUILD", TOP / "build")).resolve()
BIN = pathlib.Path(os.environ.get("TW_BIN", BUILD)).resolve()

SANITIZER_STATUS = 99
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")
ENVIRONMENT = {
    "ASAN_OPTIONS": f"exitcode={SANITIZER_STATUS}",
    "LSAN_OPTIONS": f"suppressions={TOP / 'tests' / 'leak_sanitizer.txt'}:print_suppressions=0",
    "UBSAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:print_stacktrace=1",
    "LC_ALL": "C.UTF-8",
    "NO_COLOR": "1",
}


def environment(more=None):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return {**kept, **ENVIRONMENT, **(more or {})}


def refuse_sanitizer_reports(status, text):
    assert status != SANITIZER_STATUS, text
    for word in SANITIZER_WORDS:
        assert word not in text, text
    assert status is None or status >= 0 or -status in (signal.SIGKILL, signal.SIGTERM), \
        f"ended by signal {-status}\n{text}"


def program(name):
    return str(BIN / name)


def run(name, *arguments, timeout=60, cwd=None, env=None, input=None):
    """Runs a program to its end; returns subprocess's result with stdout and stderr as text."""
    done = subprocess.run([program(name), *map(str, arguments)], capture_output=True, text=True,
                          timeout=timeout, cwd=cwd, env=environment(env), input=input)
    refuse_sanitizer_reports(done.returncode, done.stderr)
    return done


def trainward(*arguments, **options):
    return run("trainward", *arguments, **options)


def documents_of(*paths, format="documents"):
    """The documents of logs, as lines, as an undisturbed `analyze` prints them: advisories, or with
    another format those for charts."""
    done = trainward("analyze", "--format", format, *paths, timeout=120)
    assert done.returncode in (0, 1, 3), done.stderr
    return done.stdout.splitlines()


def write_run(folder, records, encode, name):
    """A run directory with its records in a telemetry file of the given name."""
    folder.mkdir(parents=True)
    (folder / name).write_bytes(encode(records))
    return folder


def write_config(path, config):
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


class Agent:
    """`trainward agent` in the background; may be killed and started again."""

    def __init__(self, config_path, log_path, env=None):
        self.config_path, self.log_path, self.env = config_path, log_path, env
        log_path.parent.mkdir(parents=True, exist_ok=True)
        log_path.write_bytes(b"")
        self.process = None

    def start(self, env=None):
        assert self.process is None
        self.logged_before = self.log_path.stat().st_size
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [program("trainward"), "agent", "--config", str(self.config_path)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment({**(self.env or {}), **(env or {})}))
        return self

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def url(self, seconds=30):
        """Where its metrics are, as its log says."""
        def found():
            return re.search(r"metrics and status at (http://[^\s\"]+)", self.log_text())
        return self.wait_until(found, seconds, "the address of the metrics").group(1)

    def has_logged(self):
        """Since its start."""
        return self.log_path.stat().st_size > self.logged_before

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill9(self):
        assert self.is_running(), f"the agent had ended:\n{self.log_tail()}"
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self, timeout=60):
        """By SIGTERM; returns the exit status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process = None
        refuse_sanitizer_reports(status, self.log_path.read_text(errors="replace"))
        return status

    def log_tail(self, lines=40):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, is_true, seconds, what):
        def checked():
            assert self.is_running(), f"the agent ended:\n{self.log_tail()}"
            return is_true()
        try:
            return wait_until(checked, seconds, what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log_tail()}") from None


class EmitStream:
    """tests/tools/emit_stream: telemetry into Kafka through the project's own emitter."""

    running = []  # what a test that fails leaves here, the fixtures end

    def __init__(self, brokers, topic, properties=None):
        words = [f"{name}={value}" for name, value in (properties or {}).items()]
        self.process = subprocess.Popen(
            [program("tests/tools/emit_stream"), brokers, topic, *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        self.errors = []
        self.reader = threading.Thread(target=lambda: self.errors.append(self.process.stderr.read()))
        self.reader.start()
        self.running.append(self)

    def kill(self):
        self.running.remove(self)
        self.process.kill()
        self.process.wait()

    def send(self, lines):
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def close(self, timeout=660):
        """Waits until everything is sent; returns the emitter's counts."""
        with contextlib.suppress(BrokenPipeError):  # why it ended, it has said
            self.process.stdin.close()
        told = self.process.stdout.read()
        status = self.process.wait(timeout)
        self.running.remove(self)
        self.reader.join()
        refuse_sanitizer_reports(status, self.errors[0])
        assert status == 0, self.errors[0]
        return json.loads(told)


def bad_training():
    """The arguments of a training that diverges, as quickstart gives them to the trainer."""
    script = (TOP / "quickstart").read_text()
    return shlex.split(re.search(r'^TRAINING="(.*)"$', script, re.MULTILINE).group(1))
