"""`trainward attach --exec`: running a job and watching it."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

import pytest

from services.process import wait_until
from support import programs
from support.jobs import EVENTS, write_script


def test_a_commands_output_is_passed_on_unchanged(jobs):
    command = write_script(jobs, """
sys.stdout.buffer.write(bytes(range(256)) * 3)
sys.stderr.write("to the other one")
sys.stdout.flush()
lines(sys.stdout, 1, 60, nan_from=1000)
sys.stdout.write("no newline at the end")
""")
    expected = subprocess.run(command, cwd=jobs.folder, capture_output=True)
    status, _, err = (attach := jobs.attach("--exec", *command)).end()
    assert status == 0
    assert bytes(attach.out.bytes) == expected.stdout
    assert err.startswith("to the other one") and "train.py: healthy" in err


def test_a_problem_is_told_while_the_command_runs(jobs):
    command = write_script(jobs, "lines(sys.stdout, 1, 100); pause()")
    attach = jobs.attach("--exec", "--", *command, "--exec", "--once")
    attach.wait_for("CRITICAL  overflow", "err")
    assert attach.process.poll() is None and "overflow" not in attach.out.text
    jobs.let_go()
    status, out, err = attach.end()
    assert status == 1 and err.count("CRITICAL  overflow\n") == 1
    assert len(out.splitlines()) == 99


@pytest.mark.parametrize("script, status", [
    ("sys.exit(7)", 7),
    ("lines(sys.stdout, 1, 100); sys.exit(3)", 3),
    ("os.kill(os.getpid(), 9)", 137),
    ("", 0),
    ("lines(sys.stdout, 1, 60)", 0),
    ("lines(sys.stderr, 1, 100)", 1),
])
def test_the_exit_status_is_first_of_all_the_commands(jobs, script, status):
    assert jobs.attach("--exec", *write_script(jobs, script)).end()[0] == status


def test_what_cannot_be_run_is_told_as_shells_do(jobs):
    (jobs.folder / "file").write_text("")
    for command, status in (("nothing-of-that-name", 127), ("./file", 126)):
        ended, out, err = jobs.attach("--exec", command).end()
        assert ended == status and not out and command in err and len(err.splitlines()) == 1
    ended, out, err = jobs.attach("--exec", "true", env={"TMPDIR": "/nowhere"}).end()
    assert ended == 126 and not out and "TMPDIR" in err
    assert jobs.attach("--exec").end()[0] == 2
    assert jobs.attach("--once", "--exec", "true").end()[0] == 2
    assert jobs.attach(".", "--exec", "true").end()[0] == 2


def test_files_that_a_command_makes_are_followed(jobs):
    command = write_script(jobs, EVENTS + """
writer = SummaryWriter("runs/a", flush_secs=1)
events(writer, 1, 120)
lines(sys.stdout, 1, 120)
pause()
""")
    attach = jobs.attach("--exec", *command)
    attach.wait_for("tells the same as", "err")
    jobs.let_go()
    status, _, err = attach.end()
    assert status == 1 and "runs/a: problem" in err and "train.py: problem" not in err


def test_signals_go_on_to_the_command(jobs):
    command = write_script(jobs, """
import signal
got = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, lambda number, frame: got.append(number))
pause("first")
while len(got) < 4:
    time.sleep(.02)
print(sorted(got), flush=True)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
pause()
""")
    attach = jobs.attach("--exec", *command)
    jobs.is_ready("first")
    jobs.let_go("first")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        attach.process.send_signal(number)
    attach.wait_for("[1, 2, 3, 15]")
    jobs.is_ready()
    attach.process.terminate()
    assert attach.end()[0] == 128 + signal.SIGTERM


def test_on_a_terminal_the_command_has_one_and_keys_reach_it_once(jobs):
    import fcntl
    import struct
    import termios
    command = write_script(jobs, """
import signal
got = []
signal.signal(signal.SIGINT, lambda number, frame: got.append(number))
print(sys.stdout.isatty(), flush=True)
for i in range(3):
    print(f"\\r{i}/3", end="", flush=True)
pause("resized")
print("\\ncolumns", os.get_terminal_size(1).columns, flush=True)
pause("key")
while not got:
    time.sleep(.02)
time.sleep(.3)
print("got", got, flush=True)
""")
    attach = jobs.attach("--exec", *command, terminal=True)
    jobs.is_ready("resized")
    fcntl.ioctl(attach.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 123, 0, 0))
    time.sleep(.6)
    jobs.let_go("resized")
    attach.wait_for("columns 123")
    jobs.is_ready("key")
    jobs.let_go("key")
    os.write(attach.master, b"\x03")
    attach.wait_for("got [2]")
    status, out, _ = attach.end()
    assert status == 0
    assert out.startswith("True\r\n\r0/3\r1/3\r2/3\r\ncolumns 123\r\n")


def test_a_reader_that_goes_ends_the_command_as_it_would_without_us(jobs):
    command = write_script(jobs, "lines(sys.stdout, 1, 10**9)")
    attach = jobs.attach("--exec", *command)
    attach.wait_for("step=100 ")
    os.close(attach.process.stdout.fileno())
    assert attach.process.wait(60) == 1  # Python's BrokenPipeError


@pytest.mark.parametrize("script, status", [("echo lost", 2), ("echo lost; exit 7", 7)])
def test_output_that_nobody_takes_is_no_success(jobs, script, status):
    attach = jobs.attach("--exec", "sh", "-c", script,
                         wrapper=("sh", "-c", 'exec "$@" > /dev/full', "sh"))
    ended, _, err = attach.end()
    assert ended == status
    assert "the command's output could not be passed on to its end: No space left" in err


def test_a_command_that_leaves_something_running_is_not_waited_for(jobs):
    attach = jobs.attach("--exec", "sh", "-c", "sleep 300 & echo $! > pid; echo done")
    status, out, _ = attach.end()
    os.kill(int((jobs.folder / "pid").read_text()), signal.SIGKILL)
    assert status == 0 and out == "done\n"


def test_what_a_command_leaves_running_may_print_for_ever(jobs):
    attach = jobs.attach("--exec", "sh", "-c",
                         "while :; do echo more; sleep .2; done & echo $! > pid; echo done")
    status, out, _ = attach.end()
    with contextlib.suppress(ProcessLookupError):  # nobody takes what it prints any more
        os.kill(int((jobs.folder / "pid").read_text()), signal.SIGKILL)
    assert status == 0 and set(out.split()) == {"done", "more"}


def test_signals_are_for_trainward_when_the_command_has_ended(jobs):
    # What it printed waits for a reader.
    process = subprocess.Popen(
        [programs.program("trainward"), "attach", "--exec", "sh", "-c",
         "head -c 500000 /dev/zero & sleep .2; touch ended"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=jobs.folder,
        env=programs.environment(None))
    jobs.processes.append(process)
    wait_until((jobs.folder / "ended").exists, 60, "the command")

    def has_ended():
        process.terminate()
        return process.poll() is not None
    wait_until(has_ended, 60, "trainward")
    assert process.returncode == -signal.SIGTERM
    process.stdout.close()


def test_much_output_neither_stops_the_command_nor_fills_the_disk(jobs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    command = write_script(jobs, """
line = "".join(f"step={i} loss={2 + i % 7 / 100} text={'x' * 200}\\n" for i in range(1000))
for i in range(300):
    sys.stdout.write(line.replace("step=", f"step={i}"))
sys.stdout.flush()
pause()
""")
    attach = jobs.attach("--exec", *command, env={"TMPDIR": str(folder)})
    jobs.is_ready(seconds=120)
    size = len(attach.out.bytes)
    kept = pathlib.Path(f"/proc/{attach.process.pid}/fd")

    def blocks():
        sizes = []
        for each in kept.iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                if "trainward-" in os.readlink(each):
                    sizes.append(os.stat(each).st_blocks * 512)
        return sum(sizes)
    wait_until(lambda: blocks() < 8 << 20, 120, "that what was read is given back")
    jobs.let_go()
    assert attach.end(120)[0] in (0, 1)
    assert size > 60 << 20 and list(folder.iterdir()) == []
