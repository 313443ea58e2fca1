"""A service in a process of its own that tests may kill at any moment and start again."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import time


# Below the ports that Linux gives to connections (32768 on): a service that is away for a while finds
# its own free when it comes back. Each of the workers that run tests side by side has a share.
PORTS, SHARE = range(20000, 32000), 1500
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_ports = iter(random.sample(PORTS[_worker % 8 * SHARE:][:SHARE], SHARE))


def free_port():
    """One that nobody listens on; none is given twice."""
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")


def wait_until(is_true, seconds, what):
    """Polls until `is_true()` gives something true, which is returned."""
    deadline = time.monotonic() + seconds
    while True:
        result = is_true()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


class Service:
    """Subclasses give `command()` and `is_ready()`. Data and ports outlive a process."""

    name = "service"
    ready_seconds = 300

    def __init__(self, data_dir, log_dir):
        self.data_dir = pathlib.Path(data_dir)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        log_dir = pathlib.Path(log_dir)
        log_dir.mkdir(parents=True, exist_ok=True)
        self.log_path = log_dir / f"{self.name}.log"
        self.log_path.write_bytes(b"")
        self.process = None

    def command(self):
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    def launch(self):
        """Starts the process; does not wait until it is ready."""
        assert self.process is None, f"{self.name} runs already"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(
                    f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}")
            return self.is_ready()
        wait_until(ready, self.ready_seconds, f"{self.name} ready, see {self.log_path}")

    def start(self):
        self.launch()
        self.wait_ready()
        return self

    def kill9(self):
        """As when the power goes: nothing is flushed or said good-bye to."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
            self.process = None
        except subprocess.TimeoutExpired:
            self.kill9()

    def restart(self):
        self.stop()
        self.start()

    def log_tail(self, lines=30):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
