"""Every command with wrong input: one line on standard error that names the place and what to do
about it, nothing on standard output, exit status 2. Never a crash, never silence."""

import re

import pytest

from support import programs, telemetry

CLOSED = "127.0.0.1:1"  # nobody listens on port 1 (tcpmux)

GOOD_CONFIG = "sources: [{directory: {path: runs}}]\n"
FILES = {
    "good.yaml": GOOD_CONFIG,
    "broken.yaml": "sources: [{directory: {path: runs}\nsinks: [\n",
    "unknown-key.yaml": "sources: [{directory: {path: runs, recursve: true}}]\n",
    "unknown-sink.yaml": "sinks: [{emial: {}}]\n",
    "out-of-range.yaml": GOOD_CONFIG + "log: {level: loud}\n",
    "unset.yaml": "sources: [{directory: {path: '${TW_NOT_SET}'}}]\n",
    "no-sources.yaml": "sinks: [{terminal: {}}]\n",
    "no-broker.yaml": f"sources: [{{kafka: {{brokers: '{CLOSED}'}}}}]\n",
    "no-search.yaml": GOOD_CONFIG + "state_dir: state\n"
                      f"sinks: [{{elasticsearch: {{urls: ['http://{CLOSED}']}}}}]\n",
    "no-mail.yaml": GOOD_CONFIG + f"sinks: [{{email: {{server: 'smtp://{CLOSED}', tls: none, "
                    "from: a@example.org, to: [b@example.org]}}]\n",
    "empty.jsonl": "",
    "empty.cbor": "",
    "words.txt": "this is\nno telemetry\n",
    "later.jsonl": '{"v":2,"run":"r","step":1,"loss":1}\n',
    "broken-rule.yaml": "rules:\n  - name: mine\n    detector: divergence\n    when: 'facts.loss >'\n",
    "broken.csv": "a,b\n1\n",
}


@pytest.fixture
def folder(tmp_path):
    """A working folder with every kind of input that commands get wrong."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "noise.cbor").write_bytes(bytes((i * 97 + 31) % 256 for i in range(4096)))
    (tmp_path / "runs").mkdir()
    (tmp_path / "nothing").mkdir()
    programs.write_run(tmp_path / "used", telemetry.healthy_run(steps=10), telemetry.to_json_lines,
                       "telemetry.jsonl")
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "telemetry.cbor").write_bytes(b"")
    return tmp_path


# Arguments, and what the line says: place, what is wrong, what to do.
WRONG = [
    ("", r"trainward: .*trainward --help"),
    ("anlyze x", r"trainward: .*'anlyze'.*did you mean 'analyze'"),
    ("xyzzy", r"trainward: .*'xyzzy'.*trainward --help"),

    ("analyze", r"trainward analyze: .*(name|give|path)"),
    ("analyze missing", r"trainward analyze: missing: "),
    ("analyze empty.jsonl", r"trainward analyze: empty\.jsonl: .*"),
    ("analyze empty.cbor", r"trainward analyze: empty\.cbor: .*"),
    ("analyze hollow", r"trainward analyze: hollow\S*: .*empty"),
    ("analyze nothing", r"trainward analyze: nothing: no training log in it"),
    ("analyze noise.cbor", r"trainward analyze: noise\.cbor\S*: "),
    ("analyze words.txt", r"trainward analyze: words\.txt\S*: "),
    ("analyze later.jsonl", r"trainward analyze: later\.jsonl\S*: .*version"),
    ("analyze --fromat json used", r"trainward analyze: --fromat: .*did you mean --format"),
    ("analyze --format xml used", r"trainward analyze: .*xml.*json"),
    ("analyze --config missing.yaml used", r"trainward analyze: missing\.yaml: "),
    ("analyze --config unknown-key.yaml used",
     r"trainward analyze: unknown-key\.yaml:1:\d+: .*recursve.*did you mean 'recursive'"),
    ("analyze -o log.levle=info used", r"trainward analyze: .*levle.*level"),
    ("analyze -o detectors.divergnce.x=1 used", r"trainward analyze: .*divergnce.*divergence"),
    ("analyze --rules missing.yaml used", r"trainward analyze: missing\.yaml: "),
    ("analyze --rules broken-rule.yaml used", r"trainward analyze: broken-rule\.yaml:\d+:\d+: "),

    ("attach", r"trainward attach: .*(name|give|path)"),
    ("attach missing", r"trainward attach: missing: "),
    ("attach --colour used", r"trainward attach: --colour: .*--help"),

    ("agent", r"trainward agent: .*--config"),
    ("agent --config missing.yaml", r"trainward agent: missing\.yaml: "),
    ("agent --config broken.yaml", r"trainward agent: broken\.yaml:\d+:\d+: "),
    ("agent --config unknown-key.yaml", r"trainward agent: unknown-key\.yaml:1:\d+: .*did you mean"),
    ("agent --config no-sources.yaml -o state_dir=state",
     r"trainward agent: no-sources\.yaml.*sources"),
    ("agent --config good.yaml -o state_dir=/proc/nowhere", r"trainward agent: /proc/nowhere: "),

    ("check", r"trainward check: .*--config"),
    ("check --config missing.yaml", r"trainward check: missing\.yaml: "),
    ("check --config broken.yaml", r"trainward check: broken\.yaml:\d+:\d+: "),
    ("check --config unknown-sink.yaml",
     r"trainward check: unknown-sink\.yaml:1:\d+: .*emial.*did you mean 'email'"),
    ("check --config out-of-range.yaml",
     r"trainward check: out-of-range\.yaml:2:\d+: .*loud.*error, warning, info"),
    ("check --config unset.yaml", r"trainward check: unset\.yaml:1:\d+: .*TW_NOT_SET"),

    ("setup", r"trainward setup: .*kafka"),
    ("setup elastcsearch --config good.yaml", r"trainward setup: .*elastcsearch.*elasticsearch"),
    ("setup kafka", r"trainward setup: .*--config"),
    ("setup kafka --config good.yaml", r"trainward setup: .*[Kk]afka"),
    ("setup kafka --config no-broker.yaml", rf"trainward setup: .*{CLOSED}"),
    ("setup elasticsearch --config good.yaml", r"trainward setup: .*elasticsearch"),
    ("setup elasticsearch --config no-search.yaml", rf"trainward setup: .*{CLOSED}"),

    ("rules", r"trainward rules: .*list.*explain.*test"),
    ("rules lsit", r"trainward rules: lsit.*list"),
    ("rules explain", r"trainward rules: .*rules list"),
    ("rules list surplus", r"trainward rules: surplus: 'list' takes no more words"),
    ("rules explain divergence-critical surplus", r"trainward rules: surplus: 'explain' takes"),
    ("rules test", r"trainward rules: test: name a run directory"),
    ("rules test missing", r"trainward rules: missing: "),
    ("rules explain divergence-critcal",
     r"trainward rules: .*divergence-critcal.*did you mean 'divergence-critical'"),
    ("rules explain xyzzy", r"trainward rules: .*xyzzy.*rules list"),
    ("rules list --rules broken-rule.yaml", r"trainward rules: broken-rule\.yaml:\d+:\d+: "),

    ("train --learning-rate abc", r"trainward-train: .*learning[-_]rate.*abc"),
]

WRONG_TRAINING = [
    ("--learning-rate abc", r"trainward-train: .*learning[-_]rate.*abc"),
    ("--learning-rate -1", r"trainward-train: .*learning[-_]rate.*-1"),
    ("--optimizer adma", r"trainward-train: .*adma.*adam"),
    ("--dataset missing.csv", r"trainward-train: .*missing\.csv"),
    ("--dataset broken.csv", r"trainward-train: .*broken\.csv"),
    ("--hidden 64,x", r"trainward-train: .*hidden.*64,32"),
    ("--epcohs 3", r"trainward-train: .*epcohs.*did you mean .*epochs"),
    ("--batch-size 0", r"trainward-train: .*batch[-_]size.*1"),
    ("--run-dir used", r"trainward-train: .*used.*another directory"),
    ("--run-dir words.txt/run", r"trainward-train: .*words\.txt"),
    ("--beta1 0.5 --optimizer sgd", r"trainward-train: .*beta1.*sgd"),
    ("surplus", r"trainward-train: .*surplus"),
]


def refuse(done, line):
    told = done.stderr.splitlines()
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert len(told) == 1, done.stderr
    assert re.match(line, told[0]), told[0]
    assert done.stdout == ""


@pytest.mark.parametrize("arguments, line", WRONG, ids=[arguments for arguments, _ in WRONG])
def test_wrong_input_is_answered_by_one_line(folder, arguments, line):
    refuse(programs.trainward(*arguments.split(), cwd=folder, timeout=60), line)


@pytest.mark.parametrize("arguments, line", WRONG_TRAINING,
                         ids=[arguments for arguments, _ in WRONG_TRAINING])
def test_a_wrong_training_is_answered_by_one_line(folder, arguments, line):
    refuse(programs.run("trainward-train", *arguments.split(), cwd=folder, timeout=60), line)


@pytest.mark.parametrize("config", ["no-broker.yaml", "no-search.yaml", "no-mail.yaml"])
def test_check_says_which_server_does_not_answer(folder, config):
    done = programs.trainward("check", "--config", config, cwd=folder, timeout=60)
    assert done.returncode == 2
    assert [line for line in (done.stdout + done.stderr).splitlines() if CLOSED in line]


def test_check_says_every_mistake_with_its_place(folder):
    (folder / "many.yaml").write_text(
        "sources:\n  - directory: {paht: runs}\nlgo: {level: info}\ndelivery: {backoff_first: soon}\n")
    done = programs.trainward("check", "--config", "many.yaml", cwd=folder)
    assert done.returncode == 2
    places = re.findall(r"many\.yaml:(\d+):\d+: ", done.stderr + done.stdout)
    assert set(places) >= {"2", "3", "4"}


def test_a_secret_is_never_shown(folder):
    secret = "hush-hush-4711"
    (folder / "secret.yaml").write_text(
        GOOD_CONFIG + f"sinks: [{{email: {{server: 'smtp://{CLOSED}', tls: none, username: u, "
        f"password: {secret}, from: a@example.org, to: [b@example.org]}}}},\n"
        f"  {{elasticsearch: {{urls: ['http://{CLOSED}'], api_key: {secret}}}}}]\n")
    for command in (["check"], ["setup", "elasticsearch"]):
        done = programs.trainward(*command, "--config", "secret.yaml", cwd=folder)
        assert done.returncode == 2
        assert secret not in done.stdout + done.stderr


MINE = """
- name: mine
  detector: divergence
  severity: critical
  priority: 1
  description: Ours
  suggestions:
    - parameter: learning_rate
      change: {multiply: 0.25}
      why: The loss is {facts.loss:%.4g}.
      verify: {signal: loss, below: facts.best_loss, within_steps: 100}
    - parameter: nothing_known
      change: {set: facts.dropout * 2}
      why: Twice the dropout.
      verify: {signal: loss, below: facts.best_loss, within_steps: 100}
"""


def test_the_dry_run_says_what_each_rule_came_to(folder):
    programs.write_run(folder / "diverged", telemetry.CASES["divergence_critical"](),
                       telemetry.to_json_lines, "telemetry.jsonl")
    (folder / "mine.yaml").write_text(MINE)
    done = programs.trainward("rules", "test", "--rules", "mine.yaml", "diverged", cwd=folder)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert re.search(r"^diverged: divergence, critical, run, since step \d+", text, re.MULTILINE)
    ours = text[text.index("  mine matches"):]
    assert re.search(r"learning_rate: suggested\n.*x0\.25.*\n.*The loss is ", ours)
    assert "nothing_known: not made: `change` is unknown" in ours
    assert "suggested before" in ours, "the shipped rule's learning_rate stands behind ours"
    assert re.search(r"divergence-warning is not for this severity", text)


def test_the_dry_run_of_a_healthy_log_asks_no_rule(folder):
    programs.write_run(folder / "well", telemetry.CASES["healthy"](),
                       telemetry.to_json_lines, "telemetry.jsonl")
    done = programs.trainward("rules", "test", "well", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "well: nothing found, no rule was asked\n")


@pytest.mark.parametrize("command", ["train", "analyze", "attach", "agent", "check", "setup", "rules"])
def test_help_goes_to_standard_output(folder, command):
    done = programs.trainward(command, "--help", cwd=folder)
    assert done.returncode == 0 and done.stderr == ""
    assert "usage" in done.stdout.lower() and "--" in done.stdout


@pytest.mark.parametrize("name", ["trainward", "trainward-train"])
def test_the_version_is_told(name):
    done = programs.run(name, "--version")
    assert done.returncode == 0
    assert re.match(rf"{name} \d+\.\d+\.\d+\n", done.stdout)


def test_a_corrupt_line_never_hides_the_rest(folder):
    records = telemetry.healthy_run(steps=700)
    lines = [telemetry.to_json(record) for record in records]
    lines.insert(300, '{"v":1,"run":"healthy","step":')
    lines.insert(500, "complete nonsense")
    (folder / "torn").mkdir()
    (folder / "torn" / "telemetry.jsonl").write_text("\n".join(lines) + "\n")
    done = programs.trainward("analyze", "--format", "json", "torn", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert '"skipped_lines":2' in done.stdout.replace(" ", "")
    assert '"steps":700' in done.stdout.replace(" ", "")


@pytest.mark.parametrize("command", ["analyze", "attach"])
def test_control_characters_of_a_log_do_not_reach_the_terminal(folder, command):
    run = folder / "controls"
    run.mkdir(exist_ok=True)
    lines = [telemetry.to_json(record) for record in telemetry.healthy_run(steps=700)]
    lines.insert(300, '{"v":1,"run":"healthy","step":\x9b31m}')
    (run / "telemetry.jsonl").write_text("\n".join(lines) + "\n")
    once = ["--once"] if command == "attach" else []
    done = programs.trainward(command, *once, "controls", cwd=folder)
    assert "1 broken stretch" in done.stdout and "\x9b" not in done.stdout + done.stderr
    done = programs.trainward(command, "no\x1b[31msuch\x9b", cwd=folder)
    assert "no?[31msuch?" in done.stderr and not done.stdout


def test_the_worst_status_of_several_runs_wins(folder):
    for case in ("healthy", "overflow_nan"):
        programs.write_run(folder / "runs" / case, telemetry.CASES[case](),
                           telemetry.to_cbor_sequence, "telemetry.cbor")
    mute = [{"run": "mute", "step": step, "learning_rate": 0.1} for step in range(700)]
    programs.write_run(folder / "mute", mute, telemetry.to_json_lines, "telemetry.jsonl")

    def status(*paths):
        return programs.trainward("analyze", *paths, cwd=folder).returncode
    assert status("runs/healthy") == 0
    assert status("mute") == 3, "a learning rate alone tells nothing"
    assert status("runs/healthy", "mute") == 3
    assert status("runs/healthy", "mute", "runs/overflow_nan") == 1
    assert status("runs") == 1
    assert status("runs/overflow_nan", "missing") == 2
