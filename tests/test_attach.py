"""`trainward attach` beside real jobs: by PID, by path, and once."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from services.process import wait_until
from support import programs
from support.jobs import write_mlflow_run, write_script


EVENT_JOB = """
writer = SummaryWriter("runs/a", flush_secs=1)
events(writer, 1, 60)
pause()
events(writer, 60, 120)
writer.close()
"""


# ---- a process and its logs ----

def test_event_files_of_a_process_are_followed_to_its_end(jobs):
    job = jobs.start(EVENT_JOB, uses_events=True)
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("read as tensorboard; signals: loss <- train/loss (")
    jobs.let_go()
    status, out, err = attach.end()
    assert status == 1 and not err
    assert f"process {job.pid} (python" in out
    assert f"following {jobs.folder}/runs/a (an open file, process {job.pid})" in out
    assert re.search(r"run runs/a, now at step \d+, read as tensorboard", out)
    assert out.index("read as") < out.index("CRITICAL  overflow") < out.index("runs/a: problem")
    assert "steps 1 to 119" in out


def test_a_table_that_is_opened_for_each_row_is_found_by_the_command_line(jobs):
    job = jobs.start("""
folder = pathlib.Path(sys.argv[2]); folder.mkdir(parents=True)
for step in range(1, 101):
    if step == 60:
        pause()
    with open(folder / "metrics.csv", "a") as file:
        if step == 1:
            print("step,loss", file=file)
        print(f"{step},{loss(step)}", file=file)
""", "--output_dir", "elsewhere/out")
    jobs.is_ready()
    attach = jobs.attach(job.pid, cwd="/")
    attach.wait_for("signals: loss (59)")
    assert f"{jobs.folder}/elsewhere/out/metrics.csv (named on its command line" in attach.out.text
    jobs.let_go()
    status, out, err = attach.end()
    assert status == 1 and not err and "steps 1 to 100" in out


def test_a_folder_that_was_named_before_the_job_went_elsewhere_is_found(jobs):
    job = jobs.start("""
folder = pathlib.Path(sys.argv[1].split("=")[1]).resolve(); folder.mkdir(parents=True)
ready, go = pathlib.Path("ready-go").resolve(), pathlib.Path("go").resolve()
os.chdir("/")
def write(first, last):
    with open(folder / "train.log", "a") as file:
        lines(file, first, last)
write(1, 60)
ready.touch()
while not go.exists(): time.sleep(.02)
write(60, 100)
""", "--logdir=rel/out", env={"PWD": str(jobs.folder)})
    jobs.is_ready()
    attach = jobs.attach(job.pid, cwd="/")
    attach.wait_for(f"following {jobs.folder}/rel/out/train.log (named on its command line")
    attach.wait_for("signals: loss (59)")
    jobs.let_go()
    assert attach.end()[0] == 1


def test_output_in_a_file_is_read_whatever_its_beginning(jobs):
    log = jobs.folder / "nohup.out"
    with open(log, "w") as file:
        job = jobs.start("""
print("loading the model, please wait", flush=True)
pause("first")
lines(sys.stdout, 1, 40)
pause()
lines(sys.stdout, 40, 100)
print("step=100 loss=1", end="", flush=True)  # half a line, but it is the last
""", stdout=file)
        jobs.is_ready("first")
        attach = jobs.attach(job.pid)
        attach.wait_for("no training log so far", "err")
        jobs.let_go("first")
        attach.wait_for(f"following {log} (its output, process {job.pid})")
        attach.wait_for("signals: loss (39)")
        jobs.let_go()
    status, out, _ = attach.end()
    assert status == 1 and "steps 1 to 100" in out


def test_what_is_told_at_the_start_fits_a_terminal(jobs):
    rows = "".join(f"{i},{4 / i},.001,{1 + 1 / i},{5 / i},{i * 10}\n" for i in range(1, 60))
    (jobs.folder / "metrics.csv").write_text(
        "step,train_loss,learning_rate,grad_norm,val_loss,num_tokens\n" + rows)
    attach = jobs.attach("metrics.csv", terminal=True)
    attach.wait_for("eval_loss <- val_loss (59)")
    attach.process.send_signal(signal.SIGINT)
    _, out, _ = attach.end()
    lines = out.replace("\r\n", "\n").split("\n\n")[0].split("\n")
    assert max(map(len, lines)) <= 80, lines
    at = next(i for i, line in enumerate(lines) if ": run " in line)
    assert lines[at].endswith("now at step 59, read as csv;"), lines
    assert lines[at + 1].startswith("  signals: loss <- train_loss (59)") and \
        lines[at + 2].startswith("  "), lines
    # Elsewhere one line, for programs.
    _, out, _ = jobs.attach("--once", "metrics.csv").end()
    assert "read as csv; signals: loss <- train_loss (59)" in out


def test_descendants_are_looked_at(jobs):
    """As torchrun does: a launcher, a worker, and the launcher knows nothing of the log."""
    jobs.start(EVENT_JOB, name="worker.py", uses_events=True).kill()  # writes the script
    jobs.processes.pop().wait()
    for name in ("ready-go", "runs"):
        path = jobs.folder / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    job = jobs.start("""
import subprocess
subprocess.run(["sh", "-c", f"'{sys.executable}' worker.py; true"], check=True)
""", name="launcher.py")
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("with 2 of its descendants")
    attach.wait_for("read as tensorboard")
    jobs.let_go()
    assert attach.end()[0] == 1


def test_processes_of_multiprocessing_are_looked_at(jobs):
    job = jobs.start("""
import multiprocessing
def train():
    with open("out.txt", "w") as file:
        lines(file, 1, 60)
        pause()
        lines(file, 60, 100)
if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=train)
    worker.start(); worker.join()
""")
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("out.txt (an open file")
    attach.wait_for("signals: loss (59)")
    jobs.let_go()
    assert attach.end()[0] == 1


def test_a_worker_that_outlives_its_launcher_is_followed_on(jobs):
    job = jobs.start("""
if os.fork() == 0:
    with open("out.txt", "w") as file:
        lines(file, 1, 60)
        pause()
        lines(file, 60, 100)
    os._exit(0)
pause("launcher")
""")
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("signals: loss (59)")
    jobs.let_go("launcher")
    job.wait(30)
    time.sleep(1)
    assert attach.process.poll() is None
    jobs.let_go()
    status, out, _ = attach.end()
    assert status == 1 and "steps 1 to 99" in out


def test_who_reads_the_output_from_a_pipe_is_asked(jobs):
    reading, writing = os.pipe()
    job = jobs.start("lines(sys.stdout, 1, 60); pause(); lines(sys.stdout, 60, 100)",
                     stdout=writing)
    os.close(writing)
    tee = subprocess.Popen(["tee", "tee.log"], stdin=reading, stdout=subprocess.DEVNULL,
                           cwd=jobs.folder)
    jobs.processes.append(tee)
    os.close(reading)
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for(f"tee.log (written by who reads its output, process {tee.pid})")
    attach.wait_for("signals: loss (59)")
    jobs.let_go()
    assert attach.end()[0] == 1


def test_who_shows_the_terminal_is_asked(jobs):
    job = write_script(jobs, "lines(sys.stdout, 1, 60); pause(); lines(sys.stdout, 60, 100)")
    script = subprocess.Popen(["script", "-q", "-f", "-c", f"echo $$ > pid; exec {' '.join(job)}",
                               "typescript"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              cwd=jobs.folder)
    jobs.processes.append(script)
    jobs.is_ready()
    attach = jobs.attach((jobs.folder / "pid").read_text().strip())
    attach.wait_for(f"typescript (written by who reads its output, process {script.pid})")
    attach.wait_for("signals: loss (59)")
    jobs.let_go()
    assert attach.end()[0] == 1


def test_of_two_logs_of_one_run_one_is_followed(jobs):
    with open(jobs.folder / "train.log", "w") as file:
        job = jobs.start("""
writer = SummaryWriter("runs/a", flush_secs=1)
for first, last in ((1, 60), (60, 120)):
    events(writer, first, last)
    lines(sys.stdout, first, last)
    first == 1 and pause()
""", uses_events=True, stdout=file)
        jobs.is_ready()
        attach = jobs.attach(job.pid)
        attach.wait_for("train.log: tells the same as")
        jobs.let_go()
    status, out, _ = attach.end()
    assert status == 1
    assert out.count("CRITICAL  overflow\n") == 1 and "train.log: problem" not in out


def test_what_is_printed_and_kept_in_a_file_is_followed_once(jobs):
    """As logging's StreamHandler and FileHandler write it; the same lines, of one format."""
    with open(jobs.folder / "nohup.out", "w") as file:
        job = jobs.start("""
log = open("train.log", "w")
for first, last in ((1, 60), (60, 100)):
    lines(log, first, last)
    lines(sys.stdout, first, last)
    first == 1 and pause()
""", stdout=file)
        jobs.is_ready()
        attach = jobs.attach(job.pid)
        attach.wait_for(f"nohup.out: tells the same as {jobs.folder}/train.log, and is left")
        jobs.let_go()
    status, out, _ = attach.end()
    assert status == 1 and out.count("CRITICAL  overflow\n") == 1
    assert "train.log: problem" in out and "nohup.out: problem" not in out


def test_another_jobs_log_in_the_same_folder_is_not_taken(jobs):
    job = jobs.start("""
pause("start")
with open("mine.txt", "w") as file:
    lines(file, 1, 60, nan_from=1000)
    pause()
""")
    other = jobs.start("""
with open("theirs.txt", "w") as file:
    lines(file, 1, 100)
    pause("other")
""", name="other.py")
    jobs.is_ready("other")
    jobs.let_go("start")
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("signals: loss (59)")
    attach.wait_for("theirs.txt: is not followed: another process writes it", "err")
    jobs.let_go()
    status, out, _ = attach.end()
    assert status == 0 and "theirs.txt" not in out
    jobs.let_go("other")
    other.wait(30)


def test_old_logs_are_passed_over(jobs):
    old = jobs.folder / "old.log"
    old.write_text("".join(f"step={i} loss=nan\n" for i in range(100)))
    os.utime(old, (time.time() - 60,) * 2)
    job = jobs.start("""
with open("new.log", "w") as file:
    lines(file, 1, 60); pause()
""")
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("new.log")
    jobs.let_go()
    status, out, _ = attach.end()
    assert status == 0 and "old.log" not in out


def test_of_jobs_one_after_the_other_each_has_its_own_logs(jobs):
    """As a loop of a shell starts them: the one before wrote in the same second."""
    time.sleep(1 - time.time() % 1)
    (jobs.folder / "before.log").write_text("".join(f"step={i} loss=nan\n" for i in range(100)))
    time.sleep(.1)
    job = jobs.start("""
with open("new.log", "w") as file:
    lines(file, 1, 60); pause()
""")
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("new.log")
    jobs.let_go()
    status, out, _ = attach.end()
    assert status == 0 and "before.log" not in out


@pytest.mark.parametrize("mode", ["r", "w"])
def test_a_log_behind_thousands_of_open_files_is_found(jobs, mode):
    """As data sets of many shards, and what a job has open for whatever reason."""
    job = jobs.start(f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (min(9000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
os.mkdir("shards"); pathlib.Path("shards/0").touch()
files = [open(f"shards/{{i if '{mode}' == 'w' else 0}}", "{mode}") for i in range(5000)]
os.makedirs("runs"); file = open("runs/train.log", "w")
lines(file, 1, 60); pause()
""")
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("runs/train.log (an open file")
    jobs.let_go()
    assert attach.end()[0] == 0


def test_a_log_that_comes_late_is_followed_too(jobs):
    job = jobs.start("""
with open("one.log", "w") as file:
    lines(file, 1, 60)
pause()
with open("two.log", "w") as file:
    lines(file, 1, 100)
""")
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("one.log: run one.log")
    jobs.let_go()
    status, out, _ = attach.end()  # at its very end
    assert status == 1 and "one.log: healthy" in out and "two.log: problem" in out


def test_pipes_in_the_folder_are_left_alone(jobs):
    """Whoever opened one would set the job free that waits for a reader."""
    os.mkfifo(jobs.folder / "fifo.log")
    job = jobs.start("""
with open("a.log", "w") as file:
    lines(file, 1, 60); pause()
""")
    writer = jobs.start("open('fifo.log', 'w'); pathlib.Path('opened').touch()", name="writer.py")
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("signals: loss (59)")
    jobs.let_go()
    assert attach.end()[0] == 0
    assert not (jobs.folder / "opened").exists() and writer.poll() is None


@pytest.mark.parametrize("arguments, most", [((), 20000), (("--output_dir", "many"), 100000)])
def test_of_a_folder_of_too_many_files_the_newest_are_looked_at(jobs, arguments, most):
    many = jobs.folder / "many"
    many.mkdir()
    for i in range(most + 1):
        os.close(os.open(many / f".{i}", os.O_CREAT))  # hidden: counted, and never looked into
    job = jobs.start("""
folder = pathlib.Path("many/zz"); folder.mkdir()
with open(folder / "train.log", "w") as file:
    lines(file, 1, 60)
pause()
""", *arguments)
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for(f"holds more than {most} files, of which only the newest were looked at", "err")
    attach.wait_for("zz/train.log, now at step 59")
    jobs.let_go()
    assert attach.end()[0] == 0


# ---- secrets, rights ----

def test_secrets_of_the_job_are_nowhere(jobs, tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    secrets = {"WANDB_API_KEY": "hunter2-key", "MLFLOW_TRACKING_URI": "https://me:hunter2-uri@host",
               "TENSORBOARD_LOGGING_DIR": "missing/hunter2-dir"}
    job = jobs.start(EVENT_JOB, "--token", "hunter2-word", "--save=hunter2-folder",
                     uses_events=True, env=secrets)
    jobs.is_ready()
    environment = {"XDG_STATE_HOME": str(state), "TMPDIR": str(state)}
    attach = jobs.attach(job.pid, env=environment)
    attach.wait_for("read as tensorboard")
    jobs.let_go()
    _, out, err = attach.end()
    assert "hunter2" not in out + err
    left = [path for path in [*state.rglob("*"), *jobs.folder.rglob("*")]
            if path.is_file() and path.name != "train.py" and b"hunter2" in path.read_bytes()]
    assert left == []


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, setpriv")
def test_a_process_of_another_user_says_what_to_do(jobs, tmp_path_factory):
    job = jobs.start("pause()")
    jobs.is_ready()
    wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    attach = jobs.attach(job.pid, wrapper=wrapper, cwd="/")
    status, out, err = attach.end()
    assert status == 2 and not out
    assert re.fullmatch(rf"trainward attach: process {job.pid}: may not be looked into, it is user "
                        r"root's: run trainward as that user or as root .*CAP_SYS_PTRACE.*\n", err)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("unshare"),
                    reason="needs root, setpriv, unshare")
@pytest.mark.parametrize("hidepid, told", [(1, "may not be looked into"), (2, "is hidden from us")])
def test_a_process_that_proc_hides_is_not_said_to_be_none(jobs, hidepid, told):
    mounted = f'mount -t proc -o hidepid={hidepid} proc /proc || exit 77; "$@"'
    attach = jobs.attach(1, cwd="/", wrapper=[
        "unshare", "--mount", "--pid", "--fork", "sh", "-c", mounted, "sh",
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    status, out, err = attach.end()
    if status == 77 or "unshare failed" in err:
        pytest.skip("nothing may be mounted here")
    assert status == 2 and not out
    assert re.fullmatch(rf"trainward attach: process 1: {told}.*run trainward as that user or as "
                        r"root.*\n", err)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, setpriv")
def test_a_process_with_more_rights_is_not_said_to_want_its_own_user(jobs):
    """As a container's own root has it with PID 1."""
    held = pathlib.Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0]
    if not int(held, 16) >> 19 & 1:
        pytest.skip("has no CAP_SYS_PTRACE to go without")
    job = jobs.start("pause()")
    jobs.is_ready()
    attach = jobs.attach(job.pid, wrapper=["setpriv", "--bounding-set=-sys_ptrace"])
    status, out, err = attach.end()
    assert status == 2 and not out and "CAP_SYS_PTRACE" in err and "run trainward as" not in err


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root, unshare")
def test_a_job_in_another_root_is_read_through_it(jobs, tmp_path_factory):
    """As a container's: its folder is a mount of its own, whose names are nothing here."""
    inside = tmp_path_factory.mktemp("inside")
    script = jobs.folder / "job.sh"
    script.write_text(f"""
mount -t tmpfs none {inside} || exit 77
cd {inside}; exec 3>train.log
i=1; while [ $i -lt 60 ]; do echo "step=$i loss=2.$i" >&3; i=$((i+1)); done
touch {jobs.folder}/ready-go; while [ ! -e {jobs.folder}/go ]; do sleep .05; done
echo "step=60 loss=nan" >&3
sleep 3
""")
    job = subprocess.Popen(["unshare", "--mount", "sh", str(script)])
    jobs.processes.append(job)
    wait_until(lambda: job.poll() is not None or (jobs.folder / "ready-go").exists(), 30, "the job")
    if job.poll() == 77 or (job.poll() or 0) == 1:
        pytest.skip("nothing may be mounted here")
    attach = jobs.attach(job.pid)
    attach.wait_for(f"following /proc/{job.pid}/root{inside}/train.log (an open file")
    jobs.let_go()
    status, out, _ = attach.end()
    assert status == 1 and "step 60" in out
    assert not list(inside.iterdir())


# ---- nothing to be found ----

def test_a_process_that_is_not_there_is_one_line(jobs):
    job = jobs.start("")
    job.wait(30)
    done = programs.trainward("attach", job.pid)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr == f"trainward attach: process {job.pid}: there is no such process\n"


def test_a_process_that_nobody_has_waited_for_has_ended(jobs):
    job = jobs.start("")
    wait_until(lambda: ") Z " in
               pathlib.Path(f"/proc/{job.pid}/stat").read_text(), 30, "a zombie")
    done = programs.trainward("attach", job.pid)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr == (f"trainward attach: process {job.pid}: has ended; its log can be named "
                           "instead\n")


@pytest.mark.skipif(not os.path.exists("/proc/2/status") or
                    "Kthread:\t1" not in pathlib.Path("/proc/2/status").read_text(),
                    reason="sees no thread of the kernel")
def test_a_thread_of_the_kernel_is_not_waited_for(jobs):
    done = programs.trainward("attach", 2)
    assert done.returncode == 2 and "is a thread of the kernel" in done.stderr


def test_a_number_may_be_a_folders_name(jobs):
    number = "4194999"  # above any process's
    (jobs.folder / number).mkdir()
    (jobs.folder / number / "a.log").write_text("step=1 loss=2\nstep=2 loss=1\n" * 2)
    for name in (number, f"./{number}"):
        done = programs.trainward("attach", "--once", name, cwd=jobs.folder)
        assert done.returncode in (0, 3) and "a.log" in done.stdout, done.stderr


def test_a_job_without_logs_whose_output_nobody_can_read(jobs):
    # Its reader writes no file; these tests may, as whoever started them wants their output.
    reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    job = jobs.start("pause()", stdout=reader.stdin)
    reader.stdin.close()
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("looking on", "err")
    assert "its output goes to a pipe" in attach.err.text and "--exec" in attach.err.text
    jobs.let_go()
    status, out, err = attach.end()
    reader.wait(30)
    assert status == 2 and f"process {job.pid}: no training log was found" in err


def test_output_that_the_job_holds_back_is_told(jobs):
    with open(jobs.folder / "out.log", "w") as file:
        job = jobs.start("print('step=1 loss=2'); pause()", stdout=file,
                         env={"PYTHONUNBUFFERED": ""})
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("looking on", "err")
    assert f"its output {jobs.folder}/out.log is empty so far: Python" in attach.err.text
    jobs.let_go()
    assert attach.end()[0] in (2, 3)


def test_a_process_that_ends_at_once(jobs):
    for _ in range(5):
        job = jobs.start("", name="quick.py")
        attach = jobs.attach(job.pid)
        job.wait(30)
        status, _, err = attach.end()
        assert status == 2 and len(err.splitlines()) in (1, 2), err


# ---- once, and folders ----

def test_once_judges_what_is_there(jobs):
    job = jobs.start(EVENT_JOB, uses_events=True)
    jobs.is_ready()
    done = programs.trainward("attach", "--once", job.pid)
    assert done.returncode == 0 and "runs/a: healthy" in done.stdout
    assert "steps 1 to " in done.stdout and job.poll() is None
    jobs.let_go()
    job.wait(30)
    done = programs.trainward("attach", "--once", jobs.folder / "runs")
    assert done.returncode == 1 and done.stdout.count("CRITICAL  overflow") == 1
    (jobs.folder / "empty").mkdir()
    done = programs.trainward("attach", "--once", jobs.folder / "empty")
    assert done.returncode == 2 and "no training log" in done.stderr


def test_a_folder_is_looked_through_again(jobs):
    attach = jobs.attach(".")
    attach.wait_for("no log in it so far")
    with open(jobs.folder / "train.log", "w") as file:
        file.write("".join(f"step={i} loss={2 ** (2 - i / 20)}\n" for i in range(1, 50)))
        file.flush()
        attach.wait_for("train.log: run train.log, now at step 49")
    status, out, _ = attach.stop()
    assert status == 0 and "train.log: healthy" in out


def test_of_a_folder_of_many_runs_those_that_are_over_are_left(jobs):
    """Their problems are none of today's; one that is resumed is followed."""
    for name in ("over", "older", "goes-on"):
        (jobs.folder / name).mkdir()
        (jobs.folder / name / "train.log").write_text(
            "".join(f"step={i} loss={4 / i if name == 'goes-on' else 'nan'}\n"
                    for i in range(1, 80)))
    for name, age in (("over", 2 * 3600), ("older", 9 * 3600)):
        os.utime(jobs.folder / name / "train.log", (time.time() - age,) * 2)
    once = programs.trainward("attach", "--once", ".", cwd=jobs.folder)
    assert once.returncode == 1 and "older/train.log: problem" in once.stdout
    attach = jobs.attach(".")
    attach.wait_for("2 more logs in . not written for 60 minutes")
    attach.wait_for("goes-on/train.log: run")
    assert "following ./over" not in attach.out.text
    with open(jobs.folder / "over" / "train.log", "a") as file:
        print("step=80 loss=nan", file=file)
    attach.wait_for("over/train.log: run")
    status, out, _ = attach.stop()
    assert status == 1 and "older/train.log" not in out and out.count("more logs") == 1


def test_where_all_runs_are_over_the_newest_is_followed(jobs):
    for name, age in (("a.log", 9 * 3600), ("b.log", 2 * 3600)):
        (jobs.folder / name).write_text("".join(f"step={i} loss={4 / i}\n" for i in range(1, 80)))
        os.utime(jobs.folder / name, (time.time() - age,) * 2)
    attach = jobs.attach(".")
    attach.wait_for("b.log: run")
    status, out, _ = attach.stop()
    assert status == 0 and "1 more log in ." in out and "a.log" not in out


def test_more_logs_are_followed_than_the_soft_limit_allows(jobs):
    for i in range(60):
        (jobs.folder / f"{i}.log").write_text("".join(f"step={n} loss={(4 + i) / n}\n"
                                                      for n in range(1, 30)))
    attach = jobs.attach(".", wrapper=("sh", "-c", 'ulimit -S -n 40; exec "$@"', "sh"))
    wait_until(lambda: attach.out.text.count(": run ") == 60, 60, "all logs")
    _, out, err = attach.stop()
    assert not err and out.count("nothing found") == 60


def write_losses(path, first, last, scale=4, mode="w"):
    path.parent.mkdir(exist_ok=True)
    with open(path, mode) as file:
        file.write("".join(f"step={n} loss={scale / n}\n" for n in range(first, last)))


def write_telemetry(run, first, last, scale):
    with open(run / "telemetry.jsonl", "a") as file:
        for n in range(first, last):
            print(json.dumps({"run": run.name, "step": n, "loss": scale / n}), file=file)


def write_logs_and_runs(folder, n):
    for i in range(n):
        write_losses(folder / f"{i}.log", 1, 30, scale=4 + i)
        run = folder / f"run{i}"
        run.mkdir()
        write_telemetry(run, 1, 30, scale=100 + i)


def test_of_more_logs_than_may_be_open_each_is_judged_once(jobs):
    write_logs_and_runs(jobs.folder, 30)
    attach = jobs.attach("--once", ".", wrapper=("sh", "-c", 'ulimit -n 32; exec "$@"', "sh"))
    _, out, err = attach.end()
    assert not err and out.count("nothing found") == 60


def test_more_logs_are_followed_than_may_be_open(jobs):
    write_logs_and_runs(jobs.folder, 30)
    attach = jobs.attach(".", wrapper=("sh", "-c", 'ulimit -n 40; exec "$@"', "sh"))
    wait_until(lambda: attach.out.text.count(": run ") == 60, 60, "all logs")
    for i in range(30):
        write_losses(jobs.folder / f"{i}.log", 30, 50, scale=4 + i, mode="a")
        write_telemetry(jobs.folder / f"run{i}", 30, 50, scale=100 + i)
    time.sleep(2)  # several looks
    _, out, err = attach.stop()
    assert not err and out.count("nothing found") == 60 and out.count("steps 1 to 49") == 60


def test_many_logs_take_no_watches_that_others_may_want(jobs):
    """A user has 128 instances of inotify for all programs."""
    for i in range(12):
        write_losses(jobs.folder / f"{i}.log", 1, 30, scale=4 + i)
    attach = jobs.attach(".")
    wait_until(lambda: attach.out.text.count(": run ") == 12, 60, "all logs")
    with open(jobs.folder / "3.log", "a") as file:
        file.write("".join(f"step={n} loss=nan\n" for n in range(30, 50)))
    attach.wait_for("run 3.log, since step 30")
    descriptors = pathlib.Path(f"/proc/{attach.process.pid}/fd")
    links = [os.readlink(link) for link in descriptors.iterdir()]
    assert sum(".log" in link for link in links) == 12
    assert not any("inotify" in link for link in links)
    assert attach.stop()[0] == 1


# ---- logs that are renamed, or cannot be read any more ----

def test_a_run_that_is_renamed_is_followed_under_its_new_name(jobs):
    write_losses(jobs.folder / "a" / "train.log", 1, 30)
    attach = jobs.attach(".")
    attach.wait_for("a/train.log: run a/train.log, now at step 29")
    (jobs.folder / "a").rename(jobs.folder / "b")
    attach.wait_for("./a/train.log: was renamed to ./b/train.log, and is left")
    attach.wait_for("b/train.log: run b/train.log, now at step 29")
    with open(jobs.folder / "b" / "train.log", "a") as file:
        file.write("".join(f"step={n} loss=nan\n" for n in range(30, 50)))
    attach.wait_for("run b/train.log, since step 30")
    assert "run a/train.log, since" not in attach.out.text
    (jobs.folder / "b").rename(jobs.folder / "a")  # and back
    attach.wait_for("./b/train.log: was renamed to ./a/train.log, and is left")
    with open(jobs.folder / "a" / "train.log", "a") as file:
        file.write("".join(f"step={n} loss={4 / n}\n" for n in range(50, 200)))
    attach.wait_for("RECOVERED  overflow\n  run a/train.log")  # what is new of it
    status, out, _ = attach.stop()
    assert status == 1 and "b/train.log: problem" not in out and out.count("a/train.log: problem") == 1
    assert out.count("CRITICAL  overflow\n") == 1


def test_a_folder_that_goes_keeps_nobody_from_its_logs(jobs):
    write_losses(jobs.folder / "runs" / "train.log", 1, 30)
    attach = jobs.attach("runs")
    attach.wait_for("train.log: run")
    (jobs.folder / "runs").rename(jobs.folder / "elsewhere")
    attach.wait_for("runs: cannot be read: No such file or directory", "err")
    write_losses(jobs.folder / "elsewhere" / "train.log", 30, 40, mode="a")
    status, out, err = attach.stop()
    assert status == 0 and "train.log: healthy" in out and err.count("cannot be read") == 1


def test_a_log_that_cannot_be_read_any_more_keeps_nobody_from_the_others(jobs):
    command = write_script(jobs, """
with open("one.log", "w") as file:
    lines(file, 1, 60)
    pause()
os.rename("one.log", "old"); os.mkfifo("one.log")
pause("fifo")
lines(sys.stdout, 1, 100)
""")
    attach = jobs.attach("--exec", *command)
    attach.wait_for("one.log: run", "err")
    jobs.let_go()
    attach.wait_for("one.log: is followed no more: ", "err")
    assert "one.log: healthy" in attach.err.text
    jobs.let_go("fifo")
    status, _, err = attach.end()
    assert status == 1 and "train.py: problem" in err


def test_a_log_that_could_not_be_read_to_its_end_is_told_by_the_status(jobs):
    for name in ("a.log", "b.log"):
        (jobs.folder / name).write_text("".join(f"step={i} loss={4 / i}\n" for i in range(1, 60)))
    attach = jobs.attach("a.log", "b.log")
    attach.wait_for("b.log: run")
    (jobs.folder / "a.log").unlink()
    os.mkfifo(jobs.folder / "a.log")
    attach.wait_for("a.log: is followed no more: is not a regular file", "err")
    status, out, _ = attach.stop()
    assert status == 2 and "a.log: healthy" in out and "b.log: healthy" in out


def test_a_log_that_is_deleted_while_it_is_written_is_read_to_its_end(jobs):
    job = jobs.start("""
with open("train.log", "w") as file:
    lines(file, 1, 60)
    pause()
    lines(file, 60, 100)
""")
    jobs.is_ready()
    attach = jobs.attach(job.pid)
    attach.wait_for("signals: loss (59)")
    (jobs.folder / "train.log").unlink()
    attach.wait_for(f"train.log: was deleted, and goes on in /proc/{job.pid}/fd/")
    jobs.let_go()
    status, out, _ = attach.end()
    assert status == 1 and "steps 1 to 99" in out and out.count(": problem") == 1


# ---- rotated logs ----

ROTATING_JOB = """
import logging.handlers
handler = logging.handlers.RotatingFileHandler("train.log", maxBytes=1000, backupCount=50)
logger = logging.getLogger("job")
logger.addHandler(handler)
logger.setLevel(logging.INFO)
for step in range(1, 400):
    if step in (60, 300):
        pause(f"at{step}")
    logger.info("step=%d loss=%.6g", step, loss(step, nan_from=300))
    time.sleep(.005)
pause()
"""


@pytest.mark.parametrize("named", ["process", "file"])
def test_a_log_that_is_rotated_is_one_run(jobs, named):
    job = jobs.start(ROTATING_JOB)
    jobs.is_ready("at60")
    attach = jobs.attach(job.pid if named == "process" else "train.log")
    attach.wait_for("train.log: run")
    jobs.let_go("at60")
    jobs.is_ready("at300")
    time.sleep(3)  # logs are looked for meanwhile
    assert attach.process.poll() is None
    jobs.let_go("at300")
    attach.wait_for("CRITICAL  overflow")
    jobs.is_ready()
    jobs.let_go()
    status, out, err = attach.end() if named == "process" else attach.stop()
    assert status == 1 and not err
    assert out.count("following ") == 1 and out.count("CRITICAL  overflow\n") == 1
    assert "train.log: problem" in out


# ---- stores of runs ----

def test_of_a_store_that_a_process_writes_its_own_run_is_followed_once(jobs):
    old = jobs.folder / "mlruns" / "0" / "old"
    write_mlflow_run(old, 1, 100, status=3)
    for path in (old, old.parent, old.parent.parent):
        os.utime(path, (time.time() - 60,) * 2)
    job = jobs.start("pause()")
    jobs.is_ready()
    write_mlflow_run(old.with_name("new"), 1, 60)
    attach = jobs.attach(job.pid)
    attach.wait_for("mlruns/0/new, now at step 59")
    write_mlflow_run(old.with_name("new"), 60, 100)
    attach.wait_for("CRITICAL  overflow")
    jobs.let_go()
    status, out, _ = attach.end()
    assert status == 1 and "old" not in out
    assert out.count("following ") == 1 and out.count("CRITICAL  overflow\n") == 1


def test_a_log_that_is_named_twice_is_followed_once(jobs):
    write_losses(jobs.folder / "a" / "train.log", 1, 60)
    for names in (("a/train.log", "a/../a/train.log", "a"), ("a", "a/train.log")):
        done = programs.trainward("attach", "--once", *names, cwd=jobs.folder)
        assert done.returncode == 0 and not done.stderr
        assert done.stdout.count("reading ") == done.stdout.count(": healthy") == 1


def test_what_lies_below_a_store_that_was_named_is_part_of_it(jobs):
    write_mlflow_run(jobs.folder / "mlruns" / "0" / "r1", 1, 100)
    done = programs.trainward("attach", "--once", "mlruns", "mlruns/0/r1", ".", cwd=jobs.folder)
    assert done.stdout.count("reading ") == 1 and "no log" not in done.stdout
    assert done.returncode == 1


def test_a_store_is_followed_on_when_its_runs_have_ended(jobs):
    runs = jobs.folder / "mlruns" / "0"
    write_mlflow_run(runs / "r1", 1, 60, status=3)
    attach = jobs.attach("mlruns")
    attach.wait_for("mlruns/0/r1: healthy")
    write_mlflow_run(runs / "r2", 1, 60)
    attach.wait_for("mlruns: run")
    write_mlflow_run(runs / "r2", 60, 100, status=4)
    attach.wait_for("CRITICAL  overflow\n")
    attach.wait_for("mlruns/0/r2: problem")
    write_mlflow_run(runs / "r1", 60, 100)
    attach.wait_for("run mlruns/0/r1, since")
    status, out, _ = attach.stop()
    assert status == 1 and out.count("mlruns/0/r2: problem") == 1
    assert out.index("mlruns/0/r1: healthy") < out.index("mlruns/0/r1: problem")
