"""What every panel asks for, asked of a real OpenSearch that a real agent filled, against numbers
computed here from the runs' records and their advisories.

The requests are taken out of the saved objects as Kibana would make them (support/kibana.py)."""

import bisect
import collections
import copy
import datetime
import hashlib
import json
import math
import pathlib

import pytest

from support import kibana, programs

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
# Case: project, group. A run without either is in the fleet too.
RUNS = {
    "divergence_critical": ("alpha", "sweep-1"), "healthy": ("alpha", "sweep-1"),
    "loss_spike_recovers": ("alpha", "sweep-2"), "fp16_scale_collapse": ("beta", None),
    "overflow_nan": ("beta", "sweep-1"), "saturation": ("beta", "sweep-1"),
    "gradient_explosion": (None, None), "overfitting": (None, None), "resume": ("beta", "sweep-2"),
}
# What people say: case, which of its findings by their onset, verdict, author.
SAID = (
    ("loss_spike_recovers", 0, "false-alarm", "ada"), ("loss_spike_recovers", 0, "false-alarm", "bob"),
    ("loss_spike_recovers", 0, "useful", "eve"), ("divergence_critical", 0, "useful", "ada"),
    ("overflow_nan", 0, "false-alarm", "ada"), ("saturation", 0, "useful", "bob"),
    ("fp16_scale_collapse", 0, "false-alarm", "bob"), ("overfitting", 0, "useful", "bob"),
)
PREFIX = "kibana-queries"
ALL_TIMES = {"gte": "2000-01-01", "lte": "2100-01-01"}
NO_TIME = {"gte": "1999-01-01", "lte": "1999-12-31"}
SEVERITIES = {"info": 1, "warning": 2, "critical": 3}


# ---- the runs, and what is known of them without a server ----

def write_run(folder, case, project, group):
    (folder / case).mkdir(parents=True)
    with open(folder / case / "telemetry.jsonl", "w") as out:
        for line in open(GOLDEN / case / "records.jsonl"):
            record = json.loads(line)
            if record.get("kind") == "header":
                record.pop("project"), record.pop("group")
                record.update({name: value for name, value in
                               (("project", project), ("group", group)) if value})
            out.write(json.dumps(record) + "\n")


class Known:
    def __init__(self, folder):
        self.said = []
        self.records = {case: [json.loads(line) for line in
                               open(folder / case / "telemetry.jsonl")] for case in RUNS}
        lines = [line for case in RUNS for line in programs.documents_of(folder / case)]
        self.advisories = list({json.loads(line)["event"]["id"]: json.loads(line)
                                for line in lines}.values())
        last = {}
        for document in sorted(self.advisories, key=lambda one: one["trainward"]["transition"]):
            own = document["trainward"]
            last[own.get("episode_id") or (own["run"]["id"], own["run"].get("attempt"))] = document
        self.episodes = last
        self.states = list(last.values())


def feedback_of(document, verdict, author):
    """Its document as docs/advisories.md describes it. The time is not known here."""
    made = copy.deepcopy(document)
    fields = ("feedback", own(document)["episode_id"], verdict, author)
    made["event"].update(kind="event", action=verdict,
                         id=hashlib.sha256("\0".join(fields).encode()).hexdigest()[:32])
    own(made).update(kind="feedback", feedback={"verdict": verdict, "author": author})
    if verdict == "false-alarm":
        own(made)["state"] = "false_alarm"
    return made


def say(known, config):
    """Says it all, as people do, and knows what comes of it but for the time."""
    for case, index, verdict, author in SAID:
        findings = [document for document in known.episodes.values()
                    if is_episode(document) and run_of(document) == [case]]
        finding = sorted(findings, key=lambda one: own(one)["onset_step"])[index]
        done = programs.trainward("feedback", "--config", config, own(finding)["episode_id"], verdict,
                                  "--author", author)
        assert done.returncode == 0, done.stderr
        known.said.append(feedback_of(finding, verdict, author))


def count_in(known, opensearch):
    """What was said is an advisory; a false alarm is the state of its finding from now on. Which of
    two that call it so stands there is not told: both say the same."""
    times = {hit["_id"]: hit["_source"] for hit in opensearch.hits(f"{PREFIX}-advisories-*")}
    for document in known.said:
        document.update({name: times[document["event"]["id"]][name]
                         for name in ("@timestamp", "message")})
    false_alarms = {own(document)["episode_id"] for document in known.said
                    if own(document)["state"] == "false_alarm"}
    known.advisories += known.said
    known.states = [document for document in known.states
                    if own(document).get("episode_id") not in false_alarms]


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kibana-runs")
    for case, (project, group) in RUNS.items():
        write_run(folder / "runs", case, project, group)
    made = Known(folder / "runs")
    made.folder = folder
    done = programs.trainward("analyze", "--format", "charts", folder / "runs", timeout=120)
    made.n_charts = sum(own(json.loads(line))["kind"] != "run" for line in done.stdout.splitlines())
    return made


@pytest.fixture(scope="module")
def server(opensearch, known):
    """OpenSearch with all that an agent made of the runs. The objects' prefix is set by setup."""
    config = programs.write_config(known.folder / "agent.yaml", {
        "state_dir": str(known.folder / "state"), "http": {"listen": "none"},
        "sources": [{"directory": {"path": str(known.folder / "runs")}}],
        "sinks": [{"elasticsearch": {"urls": [opensearch.url], "index_prefix": PREFIX}}]})
    done = programs.trainward("setup", "elasticsearch", "--config", config)
    assert done.returncode == 0, done.stderr
    exported = programs.trainward("setup", "kibana", "--config", config, "--export").stdout
    opensearch.saved = kibana.Objects(exported)
    agent = programs.Agent(config, known.folder / "agent.log").start()
    try:
        agent.wait_until(lambda: is_filled(opensearch, known), 300, "all documents")
        say(known, config)
        agent.wait_until(lambda: is_filled(opensearch, known), 60, "all that people said")
    finally:
        agent.stop()
    opensearch.request("POST", f"/{PREFIX}-*/_refresh")
    count_in(known, opensearch)
    return opensearch


def is_filled(opensearch, known):
    return (len(opensearch.hits(f"{PREFIX}-advisories-*", False)) >=
            len(known.advisories) + len(known.said) and
            len(opensearch.hits(f"{PREFIX}-charts", False)) >= known.n_charts)


# ---- counting by hand ----

def own(document):
    return document["trainward"]


def is_episode(document):
    return own(document)["kind"] == "episode"


def in_trouble(document):
    return is_episode(document) and own(document)["state"] in ("open", "still_open")


def is_feedback(document):
    return own(document)["kind"] == "feedback"


def is_false_alarm(document):
    return is_feedback(document) and own(document)["feedback"]["verdict"] == "false-alarm"


def verdict_said(document):
    return [own(document)["feedback"]["verdict"]]


def is_told(document):
    return is_episode(document) and document["event"]["action"] in ("opened", "escalated")


def label(name, missing="__missing__"):
    return lambda document: [document.get("labels", {}).get(name, missing)]


def field(name):
    return lambda document: [own(document)[name]]


def run_of(document):
    return [own(document)["run"]["id"]]


def suggested(name):
    return lambda document: sorted({each[name] for each in own(document)["suggestions"]})


def hour(document):
    return [int(milliseconds(document)) // 3600000 * 3600000]


def milliseconds(document):
    return datetime.datetime.fromisoformat(document["@timestamp"]).timestamp() * 1000


def counted(documents, *keys, **metrics):
    """{keys: {metric: number}} over the documents, one entry for each combination of values."""
    groups = collections.defaultdict(list)
    for document in documents:
        combinations = [()]
        for key in keys:
            combinations = [path + (value,) for path in combinations for value in key(document)]
        for path in combinations:
            groups[path].append(document)
    metrics = metrics or {"m1": len}
    return {path: {name: metric(group) for name, metric in metrics.items()}
            for path, group in groups.items()}


def most(of):
    return lambda group: max(of(document) for document in group)


def distinct(of):
    return lambda group: len({of(document)[0] for document in group})


def mean(of):
    return lambda group: sum(of(document) for document in group) / len(group)


SEVERITY, DETECTOR = field("severity"), field("detector")
EXPECTED = {
    "fleet_runs_in_trouble": lambda a, s: counted(
        filter(in_trouble, s), m1=distinct(run_of)),
    "fleet_open_by_severity": lambda a, s: counted(filter(in_trouble, s), SEVERITY),
    "fleet_runs_by_health": lambda a, s: counted(
        [d for d in s if not is_episode(d)], field("verdict"), field("status")),
    "fleet_new_advisories": lambda a, s: counted(filter(is_told, a), hour, SEVERITY),
    "fleet_by_detector": lambda a, s: counted(filter(is_told, a), DETECTOR, SEVERITY),
    "fleet_worst_runs": lambda a, s: counted(
        filter(in_trouble, s), run_of, label("project"),
        m1=most(lambda d: d["event"]["severity"]), m4=distinct(field("episode_id")),
        m5=most(lambda d: own(d)["step"]), m6=most(milliseconds)),
    "fleet_projects": lambda a, s: counted(
        [d for d in s if not is_episode(d)], label("project"), label("group"), field("verdict"),
        m1=distinct(run_of)),
    "project_runs_by_health": lambda a, s: counted(
        [d for d in s if not is_episode(d)], field("verdict")),
    "project_runs": lambda a, s: counted(
        [d for d in s if not is_episode(d)], run_of, field("status"), field("verdict"),
        m1=most(milliseconds), m5=most(lambda d: own(d)["step"])),
    "project_advisories": lambda a, s: counted(filter(is_told, a), hour, DETECTOR),
    "project_rules": lambda a, s: counted(
        filter(is_episode, s), suggested("rule"), field("state"), m1=len,
        m4=mean(lambda d: own(d)["confidence"])),
    "project_parameters": lambda a, s: counted(
        filter(is_episode, s), suggested("parameter"), field("state")),
    "project_feedback": lambda a, s: counted(
        filter(is_feedback, a), DETECTOR, verdict_said, m1=distinct(field("episode_id"))),
    "project_false_alarms": lambda a, s: counted(
        filter(is_false_alarm, a), DETECTOR, run_of, m1=distinct(field("episode_id")),
        m4=most(milliseconds)),
}
SEARCHES = {
    "fleet_newest": lambda a, s: filter(is_told, a),
    "project_findings": lambda a, s: filter(is_episode, s),
    "run_state": lambda a, s: [d for d in s if not is_episode(d)],
    "run_findings": lambda a, s: filter(is_episode, s),
    "run_suggestions": lambda a, s: [d for d in s if is_episode(d) and own(d)["suggestions"]
                                     and own(d)["state"] != "withdrawn"],
    "run_feedback": lambda a, s: filter(is_feedback, a),
    "run_history": lambda a, s: a,
}
# A dashboard's own query, as its links make it, and what it leaves.
VIEWS = {
    "fleet": [("", lambda document: True)],
    "project": [('labels.project:"alpha"', lambda d: label("project")(d) == ["alpha"]),
                ('labels.group : "sweep-1"', lambda d: label("group")(d) == ["sweep-1"])],
    "run": [(f'trainward.run.id:"{name}"', lambda d, name=name: run_of(d) == [name])
            for name in ("divergence_critical", "saturation", "resume")],
}
COMMITTED = kibana.committed()
IDS = [each["id"].removeprefix("trainward_") for each in
       COMMITTED.of_type("visualization") + COMMITTED.of_type("search")]
TEXTS = {"fleet_intro", "project_intro", "run_intro"}
VEGA = {each["id"].removeprefix("trainward_") for each in COMMITTED.all if kibana.is_vega(each)}


def test_every_panel_is_tested():
    assert set(IDS) == set(EXPECTED) | set(SEARCHES) | VEGA | TEXTS
    assert VEGA and all(name.split("_")[0] in VIEWS for name in IDS)


def ask(server, name, kuery, time_range=ALL_TIMES):
    """[(answer)] to each request of a panel."""
    saved = server.saved.by_id[f"{PREFIX}_{name}"]
    pattern = server.saved.index_of(saved)
    title = pattern and pattern["attributes"]["title"]
    return [server.request("POST", f"/{index}/_search", body) for index, body in
            kibana.requests(saved, title, kuery, time_range)]


def numbers(server, name, answer):
    """The answer to aggregations in the form of counted()."""
    aggs = kibana.state_of(server.saved.by_id[f"{PREFIX}_{name}"])["aggs"]
    buckets = [each["id"] for each in aggs if each["schema"] != "metric"]
    metrics = {each["id"]: each["type"] for each in aggs if each["schema"] == "metric"}
    found = {}

    def walk(at, depth, path, count):
        if depth < len(buckets):
            for bucket in at[buckets[depth]]["buckets"]:
                walk(bucket, depth + 1, path + (bucket["key"],), bucket["doc_count"])
            return
        found[path] = {f"m{number}": count if kind == "count" else at[number]["value"]
                       for number, kind in metrics.items()}
    walk(answer.get("aggregations", {}), 0, (), answer["hits"]["total"]["value"])
    return found


def filtered(known, fits):
    return [[d for d in documents if fits(d)] for documents in (known.advisories, known.states)]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_aggregations_give_the_numbers_that_are_counted_by_hand(server, known, name):
    for kuery, fits in VIEWS[name.split("_")[0]]:
        answer, = ask(server, name, kuery)
        expected = EXPECTED[name](*filtered(known, fits))
        assert expected, "a test that compares nothing"
        found = numbers(server, name, answer)
        assert found.keys() == expected.keys()
        for path, metrics in expected.items():
            assert found[path] == pytest.approx(metrics, rel=1e-12), path
        empty, = ask(server, name, kuery, NO_TIME)
        assert not any(metrics["m1"] for metrics in numbers(server, name, empty).values())


def test_the_worst_runs_come_first(server):
    answer, = ask(server, "fleet_worst_runs", "")
    severities = [bucket["1"]["value"] for bucket in answer["aggregations"]["2"]["buckets"]]
    assert severities == sorted(severities, reverse=True)
    assert len(set(severities)) > 1


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_searches_show_the_documents_and_no_others(server, known, name):
    for kuery, fits in VIEWS[name.split("_")[0]]:
        answer, = ask(server, name, kuery)
        found = [hit["_source"] for hit in answer["hits"]["hits"]]
        expected = list(SEARCHES[name](*filtered(known, fits)))
        assert sorted(each["event"]["id"] for each in found) == \
            sorted(each["event"]["id"] for each in expected)
        times = [milliseconds(each) for each in found]
        is_newest_first = COMMITTED.by_id[f"trainward_{name}"]["attributes"]["sort"][0][1] == "desc"
        assert times == sorted(times, reverse=is_newest_first)
        assert ask(server, name, kuery, NO_TIME)[0]["hits"]["total"]["value"] == 0


# ---- Vega ----

def hits(answer):
    return [hit["_source"] for hit in answer["hits"]["hits"]]


def readings(known, run, signal):
    """{attempt: [(step, value)]} from the records, in the order of their steps."""
    found = collections.defaultdict(list)
    for record in known.records[run]:
        if record.get(signal) is not None:
            found[record.get("attempt")].append((record["step"], float(record[signal])))
    return {attempt: sorted(values, key=lambda one: one[0]) for attempt, values in found.items()}


def check_signal(known, run, signal, found):
    """Every reading stands in one bucket, and the bucket says of its readings what they are."""
    expected = readings(known, run, signal)
    left = collections.Counter({attempt: len(values) for attempt, values in expected.items()})
    last = {}
    for chart in reversed(found):  # the newest steps come first
        own_, told = chart["trainward"], chart["trainward"]["signals"][signal]
        attempt = own_["run"].get("attempt")
        assert own_["run"]["id"] == run and own_["first_step"] > last.get(attempt, -1)
        last[attempt] = own_["step"]
        steps = expected[attempt]
        inside = [value for _, value in
                  steps[bisect.bisect_left(steps, own_["first_step"], key=lambda one: one[0]):
                        bisect.bisect_right(steps, own_["step"], key=lambda one: one[0])]]
        left[attempt] -= len(inside)
        finite = [value for value in inside if math.isfinite(value)]
        assert told["count"] == len(inside)
        assert told["nonfinite"] == len(inside) - len(finite)
        if finite:
            assert math.isclose(told["min"], min(finite), rel_tol=1e-6)
            assert math.isclose(told["max"], max(finite), rel_tol=1e-6)
            assert math.isclose(told["mean"], sum(finite) / len(finite), rel_tol=1e-6)
        else:
            assert told["min"] is told["mean"] is told["max"] is None
    assert not any(left.values()), "readings that are in no bucket, or in two"


SIGNALS = {"run_loss": ("loss", "eval_loss"), "run_learning_rate": ("learning_rate",),
           "run_grad_norm": ("grad_norm",), "run_loss_scale": ("loss_scale",)}


@pytest.mark.parametrize("run", sorted(RUNS))
@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_curves_are_those_of_the_records(server, known, name, run):
    *curves, findings = ask(server, name, f'trainward.run.id:"{run}"')
    for signal, answer in zip(SIGNALS[name], curves, strict=True):
        check_signal(known, run, signal, hits(answer))
    expected = [d for d in known.states if is_episode(d) and run_of(d) == [run]
                and own(d)["state"] != "withdrawn"]
    assert sorted((own(d)["detector"], own(d)["scope"], own(d)["onset_step"], own(d)["severity"],
                   d["message"]) for d in hits(findings)) == \
        sorted((own(d)["detector"], own(d)["scope"], own(d)["onset_step"], own(d)["severity"],
                d["message"]) for d in expected)
    severities = [SEVERITIES[own(d)["severity"]] for d in hits(findings)]
    assert severities == sorted(severities, reverse=True)
    for answer in ask(server, name, f'trainward.run.id:"{run}"', NO_TIME):
        assert not hits(answer)


def test_curves_have_something_to_show(server, known):
    """The tests above would pass on runs without such signals."""
    for name, signals in SIGNALS.items():
        for signal in signals:
            assert any(readings(known, run, signal) for run in RUNS), signal
    assert any(not math.isfinite(value) for run in RUNS
               for values in readings(known, run, "loss").values() for _, value in values)


LAYERS = {"run_layers_gradients": ("grad_norm",),
          "run_layers_units": ("saturated_fraction", "dead_fraction"),
          "run_layers_updates": ("update_norm", "weight_norm")}


@pytest.mark.parametrize("run", ["saturation", "gradient_explosion", "healthy"])
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_heat_maps_are_those_of_the_records(server, known, name, run):
    answer, = ask(server, name, f'trainward.run.id:"{run}"')
    header, = [r for r in known.records[run] if r.get("kind") == "header"]
    names = [layer["name"] for layer in header["layers"]]
    by_step = {r["step"]: r["layers"] for r in known.records[run] if r.get("kind") == "layers"}
    assert {own(d)["layer"]["name"] for d in hits(answer)} == set(names)
    compared = 0
    for document in hits(answer):
        layer = own(document)["layer"]
        assert names[layer["index"]] == layer["name"]
        for figure in LAYERS[name]:
            told = by_step[own(document)["step"]].get(figure, [None] * len(names))[layer["index"]]
            if told is None:
                assert layer.get(figure) is None
            elif math.isfinite(float(told)):
                assert layer[figure] == pytest.approx(float(told), rel=1e-6)
                compared += 1
    assert compared or not any(figure in layers for layers in by_step.values()
                               for figure in LAYERS[name])
    steps = {own(d)["step"] for d in hits(answer)}
    assert len(steps) >= min(8, len(by_step))
