"""The contracts in contracts/ hold for what the tests generate and for what the programs write."""

import json
import pathlib
import re

import jsonschema
import pytest
import referencing
import yaml

from support import programs, telemetry

HERE = pathlib.Path(__file__).resolve().parent
SCHEMAS = {path.name: json.loads(path.read_text())
           for path in (HERE / "contracts").glob("*.schema.json")}
REGISTRY = referencing.Registry().with_resources(
    (name, referencing.Resource.from_contents(schema)) for name, schema in SCHEMAS.items())


def validator(name):
    return jsonschema.Draft202012Validator(SCHEMAS[f"{name}.schema.json"], registry=REGISTRY)


def complaint(name, instance):
    """The first thing that the contract says against `instance`, or None."""
    for error in validator(name).iter_errors(instance):
        best = jsonschema.exceptions.best_match([error])
        return f"{best.json_path}: {best.message}"
    return None


def yaml_blocks(page):
    """The configurations that a page of documentation shows."""
    text = (programs.TOP / page).read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if re.search(r"^(sources|sinks):", block, re.MULTILINE)]


CONFIGURATIONS = [(page, number, block) for page in ("README.md", "docs/configuration.md")
                  if (programs.TOP / page).exists()
                  for number, block in enumerate(yaml_blocks(page))]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run directories of every generated case."""
    folder = tmp_path_factory.mktemp("contracts")
    for case, make in telemetry.CASES.items():
        programs.write_run(folder / case, make(), telemetry.to_cbor_sequence, "telemetry.cbor")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run directory that the trainer wrote, in JSON."""
    folder = tmp_path_factory.mktemp("contracts") / "trained"
    done = programs.run("trainward-train", "--run-dir", folder, "--telemetry-format", "json",
                        "--epochs", 2, "--learning-rate", 3, "--quiet", timeout=120)
    assert done.returncode in (0, 1), done.stderr
    return folder


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_contract_is_a_valid_schema(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("case", telemetry.CASES)
def test_generated_records_keep_the_contract(case):
    for record in telemetry.CASES[case]():
        assert complaint("record", json.loads(telemetry.to_json(record))) is None


def test_the_records_of_the_documentation_keep_the_contract():
    assert complaint("record", {"run": "r1", "step": 10, "loss": 0.5, "grad_norm": 1.2,
                                "learning_rate": 1e-3}) is None


@pytest.mark.parametrize("broken", [
    {},                                                        # nobody's
    {"run": ""},
    {"run": "r", "v": 2},                                      # a later version
    {"run": "r", "kind": "step"},                              # at no step
    {"run": "r", "kind": "step", "step": -1},
    {"run": "r", "kind": "step", "step": 1, "loss": "big"},
    {"run": "r", "kind": "step", "step": 1, "overflow": 1},
    {"run": "r", "kind": "event", "step": 1},
    {"run": "r", "kind": "end", "status": "gone"},
    {"run": "r" * 128},
])
def test_what_is_no_record_breaks_the_contract(broken):
    assert complaint("record", broken) is not None


def test_the_trainers_records_keep_the_contract(trained):
    lines = (trained / "telemetry.jsonl").read_text().splitlines()
    kinds = set()
    for line in lines:
        record = json.loads(line)
        kinds.add(record["kind"])
        assert complaint("record", record) is None, line
    assert kinds == {"header", "step", "layers", "eval", "event", "end"} or \
        kinds == {"header", "step", "layers", "eval", "end"}
    assert complaint("record", json.loads((trained / "run.json").read_text())) is None


def test_the_trainers_cbor_read_by_another_decoder_keeps_the_contract(trained, tmp_path):
    done = programs.run("trainward-train", "--run-dir", tmp_path / "run", "--epochs", 2,
                        "--learning-rate", 3, "--quiet", timeout=120)
    assert done.returncode in (0, 1), done.stderr
    records = telemetry.from_cbor_sequence((tmp_path / "run" / "telemetry.cbor").read_bytes())
    for record in records:
        assert complaint("record", json.loads(telemetry.to_json(record))) is None, record
    # The same training in JSON told the same steps and losses.
    lines = (trained / "telemetry.jsonl").read_text().splitlines()
    told = [(record["step"], record["loss"]) for record in map(telemetry.from_json, lines)
            if record["kind"] == "step"]
    assert str([(record["step"], record["loss"]) for record in records
                if record["kind"] == "step"]) == str(told)


def test_the_trainers_own_advisories_keep_the_contract(trained):
    lines = (trained / "advisories.jsonl").read_text().splitlines()
    assert lines
    for line in lines:
        assert complaint("advisory", json.loads(line)) is None, line


def test_advisory_documents_keep_the_contract(runs):
    documents = programs.documents_of(runs)
    kinds = {json.loads(document)["trainward"]["kind"] for document in documents}
    assert kinds == {"episode", "run"}
    for document in documents:
        assert complaint("advisory", json.loads(document)) is None, document


def test_the_output_of_analyze_keeps_the_contract(runs):
    done = programs.trainward("analyze", "--format", "json", runs)
    lines = done.stdout.splitlines()
    assert len(lines) == len(telemetry.CASES)
    for line in lines:
        assert complaint("analyze", json.loads(line)) is None, line
    assert any(json.loads(line)["findings"] for line in lines)


@pytest.mark.parametrize("change, place", [
    (lambda finding: finding.pop("onset_step"), "onset_step"),
    (lambda finding: finding["suggestions"][0].pop("change"), "change"),
    (lambda finding: finding["suggestions"][0]["change"].update(value=None), "change"),
    (lambda finding: finding.update(severity="grave"), "severity"),
    (lambda finding: finding.update(confidence=1.5), "confidence"),
    (lambda finding: finding.update(closed_step=None, state="recovered"), "closed_step"),
    (lambda finding: finding.update(more=1), "more"),
])
def test_an_output_without_what_is_promised_breaks_the_contract(runs, change, place):
    done = programs.trainward("analyze", "--format", "json", runs / "divergence_critical")
    printed = json.loads(done.stdout)
    finding = next(finding for finding in printed["findings"] if finding["suggestions"])
    change(finding)
    assert place in complaint("analyze", printed)


@pytest.mark.parametrize("page, number, text", CONFIGURATIONS,
                         ids=[f"{page}-{number}" for page, number, _ in CONFIGURATIONS])
def test_the_documented_configurations_keep_the_contract(page, number, text):
    assert complaint("configuration", yaml.safe_load(text)) is None


def test_the_readme_shows_a_configuration():
    assert "README.md" in [page for page, *_ in CONFIGURATIONS]


# What the contract and the program say of a configuration has to be the same.
GOOD = {
    "nothing but a source": "sources: [{directory: {path: runs}}]\n",
    "everything": """\
state_dir: state
sources:
  - directory: {path: runs, recursive: true}
detectors: {shared: {cooldown_steps: 50}}
sinks:
  - terminal: {name: screen, stream: stderr, colour: never, width: 80}
delivery: {backoff_first: 50ms, backoff_max: 2m}
limits: {runs: 1000, memory: 1.5GiB, retire_after_end: 5m, retire_after_silence: 2d, retired: 0}
log: {level: debug, format: json}
""",
}
BAD = {
    "unknown section": "sauces: [{directory: {path: runs}}]\n",
    "unknown source": "sources: [{folder: {path: runs}}]\n",
    "unknown key": "sources: [{directory: {pfad: runs}}]\n",
    "unknown sink": "sinks: [{pigeon: {}}]\n",
    "unknown detector": "detectors: {luck: {rise: 2}}\n",
    "missing path": "sources: [{directory: {recursive: true}}]\n",
    "no boolean": "sources: [{directory: {path: runs, recursive: often}}]\n",
    "no duration": "delivery: {backoff_first: soon}\n",
    "no size": "limits: {memory: 8 gigabytes}\n",
    "no level": "log: {level: loud}\n",
    "unknown field of a route":
        "sinks: [{webhook: {url: 'https://h/', routes: [{match: {colour: red}}]}}]\n",
    "unknown key of a route":
        "sinks: [{webhook: {url: 'https://h/', routes: [{mail: x}]}}]\n",
    "no quiet zone": "sinks: [{webhook: {url: 'https://h/', quiet_zone: here}}]\n",
    "missing address": "sinks: [{webhook: {format: slack}}]\n",
    "missing recipient":
        "sinks: [{email: {server: 'smtp://localhost:25', from: a@example.org}}]\n",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_configuration_is_accepted_by_contract_and_program(tmp_path, name):
    assert complaint("configuration", yaml.safe_load(GOOD[name])) is None
    (tmp_path / "runs").mkdir()
    (tmp_path / "agent.yaml").write_text(GOOD[name])
    done = programs.trainward("check", "--config", "agent.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", BAD)
def test_a_bad_configuration_is_refused_by_contract_and_program(tmp_path, name):
    assert complaint("configuration", yaml.safe_load(BAD[name])) is not None
    (tmp_path / "agent.yaml").write_text(BAD[name])
    done = programs.trainward("check", "--config", "agent.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert re.search(r"agent\.yaml:\d+:\d+: ", done.stderr + done.stdout)
