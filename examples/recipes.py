"""Recipes: trainings on real data that truly cause a problem, and their healthy twins.

recipes.toml holds them. Here they are trained, judged by `trainward analyze`, mended by a script
that applies the first suggestion as it stands, and trained again. Only Python's standard library.
"""

import dataclasses
import json
import math
import pathlib
import shlex
import statistics
import subprocess
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent


@dataclasses.dataclass(frozen=True)
class Recipe:
    name: str
    problem: str      # the detector whose finding it must cause
    also: list        # labels of what follows from it, and may be told beside it
    about: str        # one sentence: what is done to the training
    options: str      # of trainward-train
    twin: dict        # the one option that the healthy twin has otherwise
    onset: str        # how the truth is read from the telemetry: a key of ONSETS
    metric: str       # the final evaluation that is compared: eval_accuracy or eval_loss
    vary: list        # numeric options that are halved and doubled to try the neighbours of the twin
    not_applicable: list  # detectors that have nothing to judge in this training

    @property
    def settings(self):
        return options_of(self.options)


def load(path=HERE / "recipes.toml"):
    table = tomllib.loads(path.read_text())
    shared = table.pop("shared", {})
    return [Recipe(name=name, **{**shared, **fields}) for name, fields in table.items()]


def find(name):
    for recipe in load():
        if recipe.name == name:
            return recipe
    raise KeyError(f"no recipe '{name}'; there are {', '.join(r.name for r in load())}")


# ---- command lines ----

def options_of(text):
    """"--a 1 --flag" as {"a": "1", "flag": None}; names with underscores, as telemetry has them."""
    settings, words = {}, shlex.split(text)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise ValueError(f"'{word}' is no option")
        has_value = bool(words) and not words[0].startswith("--")
        settings[word[2:].replace("-", "_")] = words.pop(0) if has_value else None
    return settings


# Telemetry and advice have longer names for some options, and 0 and 1 for flags.
OPTIONS = {"initializer": "init"}
FLAGS = {"batch_norm", "nesterov"}


def arguments_of(settings):
    """The other way round. False leaves a flag out, True and None set it."""
    arguments = []
    for name, value in settings.items():
        if name in FLAGS and value is not None:
            value = bool(value)
        if value is False:
            continue
        option = "--" + OPTIONS.get(name, name).replace("_", "-")
        is_flag = value is None or value is True
        arguments += [option] if is_flag else [option, format_value(value)]
    return arguments


def format_value(value):
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


# ---- trainings ----

class Training:
    """One training in its run directory, and what was told of it."""

    def __init__(self, binaries, settings, seed, folder):
        self.folder = pathlib.Path(folder)
        self.command = ["trainward-train", *arguments_of({**settings, "seed": seed})]
        done = subprocess.run([pathlib.Path(binaries) / self.command[0], *self.command[1:],
                               "--run-dir", self.folder, "--telemetry-format", "json",
                               "--no-watch", "--quiet", "--no-progress"],
                              capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{shlex.join(self.command)}: {done.stderr.strip()}")
        self.judge(binaries)

    def judge(self, binaries):
        """Reads the telemetry, and what is told of it."""
        lines = (self.folder / "telemetry.jsonl").read_text().splitlines()
        self.records = [json.loads(line) for line in lines]
        done = subprocess.run([pathlib.Path(binaries) / "trainward", "analyze", "--format", "json",
                               self.folder], capture_output=True, text=True)
        if not done.stdout:
            raise RuntimeError(done.stderr.strip())
        self.report = json.loads(done.stdout)

    def series(self, kind, name):
        """[(step, value)] of a signal; NaN and infinities as floats."""
        return [(record["step"], float(record[name])) for record in self.records
                if record["kind"] == kind and record.get(name) is not None]

    @property
    def last_step(self):
        return max(record["step"] for record in self.records if "step" in record)

    def final(self, metric):
        """The last evaluation; NaN when it was not finite."""
        values = self.series("eval", metric)
        return values[-1][1] if values else math.nan

    def alarms(self):
        """Findings that a person is told as something wrong."""
        return [finding for finding in self.report["findings"]
                if finding["severity"] != "info" and finding["state"] != "withdrawn"]

    def found(self, detector):
        return next((finding for finding in self.alarms() if finding["detector"] == detector), None)

    def first_suggestion(self):
        """Of the gravest finding that a story begins with: it follows from nothing and has advice."""
        roots = [finding for finding in self.alarms()
                 if not finding["causes"] and finding["suggestions"]]
        gravest = min(roots, key=lambda finding: finding["severity"] != "critical", default=None)
        return gravest and gravest["suggestions"][0]


# ---- the truth, read from the telemetry by plain arithmetic ----

def medians(series, width):
    values = [value for _, value in series]
    return [(series[i][0], statistics.median(values[max(0, i - width + 1):i + 1]))
            for i in range(len(series))]


def onset_at_start(training):
    return training.records[0].get("step", 0) or 0


def onset_of_nonfinite(training):
    """The first step whose loss or gradient norm is no number, or that a loss scaler skipped."""
    for record in training.records:
        values = [float(record.get(name, 0)) for name in ("loss", "grad_norm")]
        if record["kind"] == "step" and (record.get("overflow")
                                         or not all(map(math.isfinite, values))):
            return record["step"]
    return None


def onset_of_collapse(training):
    """The first skip of the collapse: of the first six halvings of the loss scale within 200 steps.
    A scaler skips single steps on purpose, to find how high its scale may be."""
    scales = training.series("step", "loss_scale")
    halvings = [step for (step, before), (_, now) in zip(scales, scales[1:]) if now <= before / 2]
    return next((first for first, sixth in zip(halvings, halvings[5:]) if sixth - first <= 200),
                None)


def onset_of_eval_minimum(training):
    return min(training.series("eval", "eval_loss"), key=lambda point: point[1])[0]


def onset_of_rise(training):
    """The last step before the loss left its best level for good: a twentieth of the progress since
    the start is lost again, by medians over a fiftieth of the run."""
    series = [(step, loss) for step, loss in training.series("step", "loss") if math.isfinite(loss)]
    smooth = medians(series, max(16, len(series) // 50))
    first = statistics.median(loss for _, loss in series[:8])
    best = min(loss for _, loss in smooth)
    line = best + .05 * (first - best)
    return max((step for step, loss in smooth if loss <= line), default=series[0][0])


def onset_of_explosion(training):
    """The last step before the largest norm at which the median of five norms was at most twice what
    is normal: the median of all norms until then."""
    series = [(step, norm) for step, norm in training.series("step", "grad_norm")
              if math.isfinite(norm)]
    smooth = medians(series, 5)
    peak = max(range(len(smooth)), key=lambda i: smooth[i][1])
    onset = series[0][0]
    for i in range(5, peak):
        normal = statistics.median(norm for _, norm in series[:i])
        if smooth[i][1] <= 2 * normal:
            onset = smooth[i][0]
    return onset


ONSETS = {
    "start": onset_at_start,
    "nonfinite": onset_of_nonfinite,
    "scale-collapse": onset_of_collapse,
    "eval-minimum": onset_of_eval_minimum,
    "rise": onset_of_rise,
    "explosion": onset_of_explosion,
}


def onset_error(training, recipe):
    """How far the finding's onset is from the truth, as a share of the run; None: not found."""
    finding, truth = training.found(recipe.problem), ONSETS[recipe.onset](training)
    if finding is None or truth is None:
        return None
    return abs(finding["onset_step"] - truth) / max(training.last_step, 1)


# ---- mending ----

def apply(settings, suggestion):
    """The settings with one suggestion carried out, as it stands."""
    name, change = suggestion["parameter"], suggestion["change"]
    value = suggestion["to"] if suggestion["to"] is not None else change["value"]
    if suggestion["to"] is None and change["op"] != "set":
        present = float(settings[name])
        value = present * change["value"] if change["op"] == "multiply" else present + change["value"]
    if name == "hidden" and isinstance(value, (int, float)):
        value = int(value)
    return {**settings, name: value}


def is_as_good(value, of, metric, within=.02):
    """Whether a final evaluation comes within 2 % of another."""
    if not math.isfinite(value) or not math.isfinite(of):
        return False
    return value >= of * (1 - within) if metric == "eval_accuracy" else value <= of * (1 + within)


def neighbours(recipe):
    """The twin with each of its numeric options halved and doubled: [(option, factor, settings)]."""
    settings = {**recipe.settings, **recipe.twin}
    for name in recipe.vary:
        for factor in (.5, 2):
            yield name, factor, {**settings, name: scaled(settings[name], factor)}


def scaled(value, factor):
    """A number or a list of whole numbers ("128,64") times a factor; whole numbers stay whole."""
    def one(text):
        product = float(text) * factor
        return str(max(1, round(product))) if str(text).isdigit() else f"{product:.10g}"
    return ",".join(one(part) for part in str(value).split(","))
