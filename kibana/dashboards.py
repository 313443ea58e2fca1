"""What the three dashboards show."""

import charts
from aggregations import (bars, count, metric, number, over_time, pie, table, terms)
from objects import (dashboard, index_pattern, markdown, object_id, search, vega, visualization)

ADVISORIES, RUNS, CHARTS = "advisories", "runs", "charts"
EPISODES = "trainward.kind : episode"
# Withdrawn: it was wrong. Recovered: it is over. The others are what somebody should look at.
IN_TROUBLE = f"{EPISODES} and trainward.state : (open or still_open)"
TOLD = f"{EPISODES} and event.action : (opened or escalated)"
RUN_STATES = "trainward.kind : run"
# What people said with `trainward feedback`. A false alarm is no finding any more, in no panel.
FEEDBACK = "trainward.kind : feedback"
# All that was ever told of a run: its view has no other limit in time.
ALL_TIMES = ("now-5y", "now+1d")


def view_of(name, field):
    """A link from a value to a dashboard that shows it alone."""
    url = (f"#/view/{object_id(name)}?_g=(filters:!(),time:(from:{ALL_TIMES[0]},to:now%2B1d))"
           f"&_a=(query:(language:kuery,query:'{field}:%22{{{{value}}}}%22'))")
    return {"id": "url", "params": {"labelTemplate": "{{value}}", "openLinkInCurrentTab": True,
                                    "type": "a", "urlTemplate": url}}


FORMATS = {"labels.project": view_of("project", "labels.project"),
           "trainward.run.id": view_of("run", "trainward.run.id")}


def index_patterns(advisories, charts_template):
    return [index_pattern(ADVISORIES, "trainward-advisories-*", advisories, FORMATS),
            index_pattern(RUNS, "trainward-runs", advisories, FORMATS),
            index_pattern(CHARTS, "trainward-charts", charts_template, FORMATS)]


# ---- fleet ----

def links(here, text):
    others = [f"[{name}](#/view/{object_id(name)})" if name != here else f"**{name}**"
              for name in ("fleet", "project", "run")]
    return f"{' · '.join(others)}\n\n{text.strip()}"


def severities(number=3, schema="group"):
    return terms(number, "trainward.severity", schema, "Severity", 3)


def fleet():
    intro = markdown("fleet_intro", "Fleet: how to read it", links("fleet", """
All runs of all projects. **Findings in trouble** are `open`, or were not over when their run ended (`still_open`); what
was withdrawn or has recovered is not among them. A click on a run or a project opens its view.
"""))
    in_trouble = visualization(
        "fleet_runs_in_trouble", "Runs in trouble", "metric", number(),
        [metric(1, "cardinality", "trainward.run.id", "runs with open findings")], RUNS, IN_TROUBLE)
    open_findings = visualization(
        "fleet_open_by_severity", "Findings in trouble, by severity", "pie", pie(),
        [count(label="Findings"), severities(2, "segment")], RUNS, IN_TROUBLE)
    health = visualization(
        "fleet_runs_by_health", "Runs by health", "pie", pie(),
        [count(label="Runs"), terms(2, "trainward.verdict", "segment", "Verdict", 5),
         terms(3, "trainward.status", "segment", "Status", 5)], RUNS, RUN_STATES)
    told = visualization(
        "fleet_new_advisories", "New advisories over time", "histogram", bars("Advisories"),
        [count(label="Advisories"), over_time(), severities()], ADVISORIES, TOLD)
    by_detector = visualization(
        "fleet_by_detector", "New advisories by detector", "horizontal_bar",
        bars("Advisories", is_horizontal=True),
        [count(label="Advisories"), terms(2, "trainward.detector", "segment", "Detector"),
         severities()], ADVISORIES, TOLD)
    worst = visualization(
        "fleet_worst_runs", "Runs in trouble, worst first", "table", table(15),
        [metric(1, "max", "event.severity", "Worst (3 critical, 2 warning, 1 info)"),
         terms(2, "trainward.run.id", "bucket", "Run", 100),
         terms(3, "labels.project", "bucket", "Project", 1, missing="(none)"),
         metric(4, "cardinality", "trainward.episode_id", "Findings"),
         metric(5, "max", "trainward.step", "Step"),
         metric(6, "max", "@timestamp", "Last change")], RUNS, IN_TROUBLE)
    projects = visualization(
        "fleet_projects", "Projects and groups", "table", table(15),
        [metric(1, "cardinality", "trainward.run.id", "Runs"),
         terms(2, "labels.project", "bucket", "Project", 100, missing="(none)"),
         terms(3, "labels.group", "bucket", "Group", 20, missing="(none)"),
         terms(4, "trainward.verdict", "bucket", "Verdict", 5)], RUNS, RUN_STATES)
    newest = search(
        "fleet_newest", "Newest advisories", ADVISORIES, TOLD,
        ["trainward.severity", "trainward.detector", "trainward.run.id", "labels.project",
         "message"], [["@timestamp", "desc"]])
    return [intro, in_trouble, open_findings, health, told, by_detector, worst, projects, newest,
            dashboard("fleet", "Fleet", "All projects: which runs are in trouble", [
                (6, (intro, 48)),
                (11, (in_trouble, 10), (open_findings, 18), (health, 20)),
                (16, (worst, 29), (projects, 19)),
                (12, (told, 28), (by_detector, 20)),
                (16, (newest, 48))], "now-7d")]


# ---- project ----

def project():
    intro = markdown("project_intro", "Project: how to read it", links("project", """
Runs of one project: a click on a project in the fleet comes here, or type `labels.project : "NAME"` or
`labels.group : "NAME"` above. **Which suggestion helped** counts, for each rule and each parameter that was suggested, how its findings
ended: that a finding recovered after a suggestion does not prove that somebody followed it. **What people said**: findings that somebody
called useful or a false alarm, by the command that each mail ends with; a detector with many false alarms wants other thresholds.
"""))
    health = visualization(
        "project_runs_by_health", "Runs by health", "pie", pie(),
        [count(label="Runs"), terms(2, "trainward.verdict", "segment", "Verdict", 5)],
        RUNS, RUN_STATES)
    runs = visualization(
        "project_runs", "Runs", "table", table(15),
        [metric(1, "max", "@timestamp", "Last change"),
         terms(2, "trainward.run.id", "bucket", "Run", 200),
         terms(3, "trainward.status", "bucket", "Status", 4),
         terms(4, "trainward.verdict", "bucket", "Verdict", 3),
         metric(5, "max", "trainward.step", "Step")], RUNS, RUN_STATES)
    over = visualization(
        "project_advisories", "Advisories over time, by detector", "histogram",
        bars("Advisories"), [count(label="Advisories"), over_time(),
                             terms(3, "trainward.detector", "group", "Detector")],
        ADVISORIES, TOLD)
    rules = visualization(
        "project_rules", "Which suggestion helped: by rule", "table", table(10),
        [count(label="Findings"),
         terms(2, "trainward.suggestions.rule", "bucket", "Rule", 50),
         terms(3, "trainward.state", "bucket", "How it ended", 5),
         metric(4, "avg", "trainward.confidence", "Mean confidence")],
        RUNS, f"{EPISODES} and trainward.suggestions.rule : *")
    parameters = visualization(
        "project_parameters", "Which suggestion helped: by parameter", "horizontal_bar",
        bars("Findings", is_horizontal=True),
        [count(label="Findings"),
         terms(2, "trainward.suggestions.parameter", "segment", "Parameter"),
         terms(3, "trainward.state", "group", "How it ended", 5)], RUNS, EPISODES)
    feedback = visualization(
        "project_feedback", "What people said of findings, by detector", "horizontal_bar",
        bars("Findings", is_horizontal=True),
        [metric(1, "cardinality", "trainward.episode_id", "Findings"),
         terms(2, "trainward.detector", "segment", "Detector"),
         terms(3, "trainward.feedback.verdict", "group", "Verdict", 2)], ADVISORIES, FEEDBACK)
    false_alarms = visualization(
        "project_false_alarms", "False alarms by detector and run", "table", table(10),
        [metric(1, "cardinality", "trainward.episode_id", "Findings"),
         terms(2, "trainward.detector", "bucket", "Detector"),
         terms(3, "trainward.run.id", "bucket", "Run", 50),
         metric(4, "max", "@timestamp", "Last said")],
        ADVISORIES, f'{FEEDBACK} and trainward.feedback.verdict : "false-alarm"')
    findings = search(
        "project_findings", "Findings, newest first", RUNS, EPISODES,
        ["trainward.severity", "trainward.state", "trainward.detector", "trainward.run.id",
         "message"], [["@timestamp", "desc"]])
    return [intro, health, runs, over, rules, parameters, feedback, false_alarms, findings,
            dashboard("project", "Project", "Runs of a project or group and what helped", [
                (7, (intro, 48)),
                (14, (health, 16), (runs, 32)),
                (12, (over, 48)),
                (14, (rules, 24), (parameters, 24)),
                (12, (feedback, 24), (false_alarms, 24)),
                (16, (findings, 48))], "now-90d")]


# ---- run ----

SIGNALS = (
    ("run_learning_rate", "Learning rate", "learning_rate", False),
    ("run_grad_norm", "Gradient norm", "grad_norm", True),
    ("run_loss_scale", "Loss scale", "loss_scale", True),
)


def run():
    intro = markdown("run_intro", "Run: how to read it", links("run", """
One run: a click on a run elsewhere, or the link in a mail, comes here; or type `trainward.run.id : "NAME"` above. Several runs are drawn
over each other. Lines are means of a bucket of steps, the band goes from its least to its greatest reading, so no spike is lost;
a red triangle at the top: readings that were NaN or infinite. Dashed lines: the steps where findings began; what was withdrawn,
or called a false alarm, is not drawn.
"""))
    state = search(
        "run_state", "State", RUNS, RUN_STATES,
        ["trainward.run.id", "trainward.run.attempt", "trainward.status", "trainward.verdict",
         "trainward.step", "message"], [["@timestamp", "desc"]])
    findings = search(
        "run_findings", "Findings", RUNS, EPISODES,
        ["trainward.severity", "trainward.state", "trainward.detector", "trainward.scope",
         "trainward.onset_step", "trainward.confidence", "message"], [["@timestamp", "asc"]])
    advice = search(
        "run_suggestions", "Suggestions in words", RUNS,
        f"{EPISODES} and trainward.suggestions.parameter : * and not trainward.state : withdrawn",
        ["trainward.detector", "trainward.suggestions.parameter", "trainward.suggestions.from",
         "trainward.suggestions.to", "trainward.suggestions.why"], [["@timestamp", "asc"]])
    feedback = search(
        "run_feedback", "What people said of findings", ADVISORIES, FEEDBACK,
        ["trainward.feedback.verdict", "trainward.detector", "trainward.scope",
         "trainward.onset_step", "trainward.feedback.author", "trainward.feedback.comment"],
        [["@timestamp", "asc"]])
    loss = vega("run_loss", "Loss and eval loss, with findings", charts.loss())
    signals = [vega(name, title, charts.signal(field, title.lower(), is_symlog))
               for name, title, field, is_symlog in SIGNALS]
    gradients = vega("run_layers_gradients", "Layers: gradient norm", charts.layers_gradients())
    units = vega("run_layers_units", "Layers: saturated or dead units", charts.layers_units())
    updates = vega("run_layers_updates", "Layers: update over weights", charts.layers_updates())
    history = search(
        "run_history", "What was said, in order", ADVISORIES, "",
        ["event.action", "trainward.severity", "trainward.detector", "trainward.step", "message"],
        [["@timestamp", "asc"]])
    return [intro, state, findings, advice, feedback, loss, *signals, gradients, units, updates, history,
            dashboard("run", "Run", "One run: its curves, findings and what to change", [
                (6, (intro, 48)),
                (8, (state, 48)),
                (18, (loss, 48)),
                (12, (findings, 24), (advice, 24)),
                (7, (feedback, 48)),
                (14, *((signal, 16) for signal in signals)),
                (16, (gradients, 16), (units, 16), (updates, 16)),
                (12, (history, 48))], *ALL_TIMES)]
