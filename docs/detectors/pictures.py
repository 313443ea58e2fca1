#!/usr/bin/env python3
"""Draws the picture on each detector's page: a training that has the problem, its healthy twin, and
where the finding began and was told.

    docs/detectors/pictures.py [--build FOLDER] [--out FOLDER] [NAME...]

Run by hand, as `make -C build pictures`, after a detector or a rule has changed. The trainings are
real ones of trainward-train: those of examples/recipes.toml, and those below.
"""

import argparse
import collections
import dataclasses
import io
import math
import pathlib
import subprocess
import sys
import tempfile
import textwrap

import matplotlib
import PIL.Image

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path.insert(0, str(TOP / "examples"))
import recipes  # noqa: E402

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

SEED = 1
RUN, OTHERS, TWIN, LINE, TOLD, INK = ("#1f5fa8", ["#1f5fa8", "#2a9d8f", "#b5651d"], "#b4bac2",
                                      "#d98a00", "#b91c1c", "#30363d")
STYLE = {
    "figure.facecolor": "white", "axes.facecolor": "white", "font.family": "DejaVu Sans",
    "font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": "#8b949e",
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": .8, "legend.framealpha": .9, "legend.edgecolor": "white", "legend.fontsize": 9.5, "lines.linewidth": 1.3,
}


# ---- what is drawn ----

@dataclasses.dataclass(frozen=True)
class Panel:
    """One signal. `curves` makes {label: [(step, value)]} of a training; a label of "" is not told."""
    name: str
    curves: object
    line: object = None     # of a finding: (value, label) of the threshold in this signal's units
    log: bool = False
    limits: tuple = (None, None)


@dataclasses.dataclass(frozen=True)
class Picture:
    detector: str
    panels: list
    recipe: str = None      # of examples/recipes.toml, or else:
    options: str = None     # of trainward-train,
    twin: dict = None       # and what the healthy twin has otherwise
    resume: str = None      # further options with which the run is resumed
    scope: str = None       # that the finding has to have
    severity: str = None    # likewise
    first: int = 1          # steps to show; 0: to the end
    last: int = 0

    @property
    def settings(self):
        return recipes.options_of(self.options or recipes.find(self.recipe).options)

    @property
    def otherwise(self):
        return self.twin if self.recipe is None else recipes.find(self.recipe).twin


def step(name, smooth=1):
    """A signal of the steps; its median over the newest so many values."""
    def curves(training):
        return {"": recipes.medians(training.series("step", name), smooth)}
    return curves


def evaluation(**labels):
    """Signals of the evaluations, each with its label."""
    def curves(training):
        return {label: training.series("eval", name) for name, label in labels.items()}
    return curves


def layers(name):
    """A figure of each layer that has it."""
    def curves(training):
        names = [layer["name"] for layer in training.records[0]["layers"]]
        series = collections.defaultdict(list)
        for record in layer_records(training, name):
            for layer, value in zip(names, record["layers"][name]):
                if value is not None:
                    series[layer].append((record["step"], float(value)))
        return series
    return curves


def first_over_last(training):
    return {"": [(record["step"], float(norms[0]) / float(norms[-1]))
                 for record in layer_records(training, "grad_norm")
                 if (norms := record["layers"]["grad_norm"])[-1]]}


def update_over_weight(training):
    weights = dict(training.series("step", "weight_norm"))
    return {"": [(step, math.log10(norm / weights[step]))
                 for step, norm in training.series("step", "update_norm") if norm > 0]}


def layer_records(training, name):
    return [record for record in training.records
            if record["kind"] == "layers" and name in record["layers"]]


def over_baseline(what):
    def line(evidence):
        return (evidence["threshold"] * evidence["baseline"],
                f"{evidence['threshold']:g} × {what} ({evidence['baseline']:.3g})")
    return line


def threshold(evidence):
    return evidence["threshold"], f"line: {evidence['threshold']:g}"


PICTURES = [
    Picture("converged", options="""--hidden none --optimizer sgd --learning-rate 0.1
                --schedule constant --weight-decay 0.01 --batch-size 128 --epochs 200""",
            twin={"weight_decay": 0},
            panels=[Panel("loss", step("loss", 16), limits=(0, 1)),
                    Panel("eval loss", evaluation(eval_loss=""), limits=(0, 1))]),
    Picture("dead-units", recipe="dead-relus",
            panels=[Panel("dead units", layers("dead_fraction"), line=threshold,
                          limits=(-.04, 1.04)),
                    Panel("loss", step("loss", 16), limits=(0, 3))]),
    Picture("divergence", recipe="late-divergence",
            panels=[Panel("loss, median of 16", step("loss", 16), log=True,
                          line=over_baseline("best level"))]),
    Picture("gradient-explosion", recipe="exploding-rate", first=400, last=650,
            panels=[Panel("gradient norm", step("grad_norm"), log=True,
                          line=over_baseline("baseline"), limits=(.05, 1e5)),
                    Panel("loss", step("loss"), log=True, limits=(1e-3, 1e5))]),
    Picture("learning-rate", recipe="rate-too-low",
            panels=[Panel("log10 of update\nover weight norm", update_over_weight, line=threshold,
                          limits=(-8, -1)),
                    Panel("loss", step("loss", 16), limits=(0, 3))]),
    Picture("loss-spike", options="""--hidden 128,128 --learning-rate 0.003 --beta2 0.95
                --schedule constant --batch-size 128 --epochs 120""", twin={"beta2": .999},
            severity="warning",
            first=600, last=1000,
            panels=[Panel("loss", step("loss"), log=True, limits=(1e-7, 10))]),
    Picture("overfitting", recipe="small-set-too-long",
            panels=[Panel("loss", evaluation(eval_loss="evaluation loss",
                                             train_loss="training loss"), log=True,
                          line=over_baseline("best"))]),
    Picture("overflow", recipe="collapsing-loss-scale", scope="run", first=400, last=650,
            panels=[Panel("loss scale", step("loss_scale"), log=True),
                    Panel("loss", step("loss"), log=True, limits=(1e-3, 1e5))]),
    Picture("resume-discontinuity", options="""--hidden 128,64 --learning-rate 0.01
                --schedule constant --epochs 200 --max-steps 450""", twin={"reset_optimizer": False},
            resume="--max-steps 900 --reset-optimizer", first=400, last=520,
            panels=[Panel("loss, median of 5", step("loss", 5), log=True, limits=(3e-4, 1),
                          line=over_baseline("loss before"))]),
    Picture("saturation", recipe="saturated-tanh",
            panels=[Panel("saturated activations", layers("saturated_fraction"), line=threshold,
                          limits=(-.04, 1.04)),
                    Panel("loss", step("loss", 16), log=True)]),
    Picture("underfitting", recipe="model-too-small",
            panels=[Panel("loss, median of 16", step("loss", 16), limits=(0, 3.2),
                          line=over_baseline("trivial loss"))]),
    Picture("vanishing-gradient", options="""--hidden 64,64,64,64,64,64 --activation sigmoid
                --optimizer sgd --learning-rate 0.05 --batch-size 32 --epochs 30""",
            twin={"activation": "relu"},
            panels=[Panel("gradient norm,\nfirst over last layer", first_over_last, log=True,
                          line=threshold),
                    Panel("loss", step("loss", 16), limits=(0, 3))]),
]


# ---- trainings ----

def train(picture, binaries, folder):
    """The training with the problem and its twin."""
    if picture.resume is None:
        return [recipes.Training(binaries, settings, SEED, folder / name)
                for name, settings in (("run", picture.settings),
                                       ("twin", {**picture.settings, **picture.otherwise}))]
    further = recipes.options_of(picture.resume)
    return [resumed(picture.settings, settings, binaries, folder / name)
            for name, settings in (("run", further), ("twin", {**further, **picture.otherwise}))]


def resumed(settings, further, binaries, folder):
    training = recipes.Training(binaries, settings, SEED, folder)
    subprocess.run([binaries / "trainward-train", "--run-dir", folder, "--resume", "--no-watch",
                    "--quiet", "--no-progress", *recipes.arguments_of(further)], check=True)
    training.judge(binaries)
    return training


def check_twin(picture, twin):
    """It is called healthy."""
    if twin.alarms():
        raise SystemExit(f"{picture.detector}: an alarm for the healthy twin: "
                         f"{twin.alarms()[0]['detector']}")


def choose(picture, training):
    """The finding that the picture is about."""
    for finding in training.report["findings"]:
        if (finding["detector"] == picture.detector and finding["state"] != "withdrawn"
                and picture.scope in (None, finding["scope"])
                and picture.severity in (None, finding["severity"])):
            return finding
    raise SystemExit(f"{picture.detector}: its training has no such finding any more")


# ---- drawing ----

def draw(picture, training, twin):
    finding = choose(picture, training)
    heights = [2, 1][:len(picture.panels)]
    figure, axes = pyplot.subplots(len(heights), sharex=True, squeeze=False, figsize=(8, 4.5),
                                   height_ratios=heights)
    figure.subplots_adjust(left=.125, right=.97, top=.84, bottom=.315, hspace=.16)
    bounds = (picture.first, picture.last or training.last_step)
    for panel, area in zip(picture.panels, axes[:, 0]):
        draw_panel(panel, area, training, twin, finding)
        area.set_xlim(*bounds)
        mark(area, finding)
    label_marks(axes[0, 0], finding, bounds)
    draw_legend(axes[:, 0])
    axes[-1, 0].set_xlabel("step", labelpad=1)
    draw_words(figure, picture, finding)
    return figure


def draw_panel(panel, area, training, twin, finding):
    draw_twin(panel, area, twin, ends=twin.last_step < training.last_step)
    curves = panel.curves(training)
    for (label, series), color in zip(curves.items(), OTHERS):
        area.plot(*columns(series), color=color, zorder=3, label=label or "this run")
        draw_gap(area, series)
    if panel.line:
        value, label = panel.line(finding["evidence"])
        area.axhline(value, color=LINE, linewidth=1.1, linestyle=(0, (5, 3)), zorder=2, label=label)
    area.set_yscale("log" if panel.log else "linear")
    area.set_ylim(*panel.limits)
    area.set_ylabel(panel.name)


def draw_twin(panel, area, twin, ends):
    """Below everything, but for the dot where it ends before the run does."""
    label = f"healthy twin, to step {twin.last_step:,}" if ends else "healthy twin"
    for series in panel.curves(twin).values():
        area.plot(*columns(series), color=TWIN, linewidth=1.1, zorder=1, label=label)
        if ends:
            area.plot(*columns(series[-1:]), color=TWIN, marker="o", markeredgecolor=INK, zorder=4)


def draw_legend(areas):
    """That of the first panel, where it has room, and what is grey in any."""
    handles = {}
    for area in areas:
        for handle, label in zip(*area.get_legend_handles_labels()):
            if area is areas[0] or label == "not finite":
                handles.setdefault(label, handle)
    narrow = len(handles) > 3 and len(areas) > 1
    areas[0].legend(handles.values(), handles.keys(), loc="best", ncols=2 if narrow else 1,
                    handlelength=1.8, borderaxespad=.2, labelspacing=.3, columnspacing=1.2)


def columns(series):
    """Steps and values, with a gap where a value is not finite."""
    return ([step for step, _ in series],
            [value if math.isfinite(value) else math.nan for _, value in series])


def draw_gap(area, series):
    """Grey from where no value is finite any more."""
    if series and not math.isfinite(series[-1][1]):
        lost = next((step for step, value in reversed(series) if math.isfinite(value)), 0)
        area.axvspan(lost, series[-1][0], color="#eef0f2", zorder=0, label="not finite")


def mark(area, finding):
    area.axvline(finding["onset_step"], color=INK, linewidth=1.1, linestyle=":", zorder=2)
    area.axvline(finding["detected_step"], color=TOLD, linewidth=1.1, zorder=2)


def label_marks(area, finding, bounds):
    """Above the signal, one over the other, so that they never meet."""
    for name, verb, color, height in (("onset_step", "began", INK, 3),
                                      ("detected_step", "told", TOLD, 16)):
        place = (finding[name] - bounds[0]) / (bounds[1] - bounds[0])
        area.annotate(f"{verb} at step {finding[name]:,}", (place, 1), (0, height), color=color,
                      xycoords="axes fraction", textcoords="offset points", fontsize=9.5,
                      ha="right" if place > .8 else "left")


def draw_words(figure, picture, finding):
    figure.text(.02, .945, title(finding), fontsize=11.5, weight="bold")
    words = [sentence(finding)]
    if finding["suggestions"]:
        first = finding["suggestions"][0]
        words += [f"Advice: {change(first)}.", first["why"]]
    lines = [line for text in words for line in textwrap.wrap(text, 112)]
    figure.text(.02, .205, "\n".join(lines), fontsize=9.2, va="top", linespacing=1.4)


def title(finding):
    scope = finding["scope"].replace("layer:", "layer ")
    place = "" if scope == "run" else f" in {scope}"
    return f"{finding['detector']}{place}: {finding['severity']}, confidence {finding['confidence']:g}"


def sentence(finding):
    evidence = finding["evidence"]
    text = (evidence["statistic"][:1].upper() + evidence["statistic"][1:]
            + f": {evidence['value']:.4g}, with a line at {evidence['threshold']:.4g}")
    return text + {"recovered": f"; over at step {finding['closed_step']}.",
                   "still_open": "; not over when the run ended."}[finding["state"]]


def change(suggestion):
    name, target = suggestion["parameter"], suggestion["to"]
    if suggestion["from"] is not None:
        return f"{name} from {plain(suggestion['from'])} to {plain(target)}"
    how = {"multiply": "times", "add": "plus", "set": "set to"}[suggestion["change"]["op"]]
    return f"{name} {how} {plain(suggestion['change']['value'])}"


def plain(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def save(figure, path):
    """In 48 colours, without a date or the names of programs: the same file each time."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=180, metadata={"Software": None})
    pyplot.close(figure)
    image = PIL.Image.open(buffer).convert("RGB").quantize(48, dither=PIL.Image.Dither.NONE)
    image.save(path, optimize=True)


def main():
    names = [picture.detector for picture in PICTURES]
    parser = argparse.ArgumentParser(prog="pictures.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="detectors [all]")
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build")
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    chosen = parser.parse_args()
    for name in set(chosen.names) - set(names):
        parser.error(f"no picture '{name}'; there are {', '.join(names)}")
    matplotlib.rcParams.update(STYLE)
    for picture in PICTURES:
        if chosen.names and picture.detector not in chosen.names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            training, twin = train(picture, chosen.build, pathlib.Path(folder))
            check_twin(picture, twin)
            path = chosen.out / f"{picture.detector}.png"
            save(draw(picture, training, twin), path)
            print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
