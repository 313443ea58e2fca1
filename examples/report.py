"""The page that says how the recipes fare: found, onset, twins, mended, neighbours."""

import concurrent.futures
import dataclasses
import os
import pathlib
import platform
import shutil
import tempfile

import recipes

SEEDS = (1, 2, 3)


@dataclasses.dataclass
class Outcome:
    recipe: recipes.Recipe
    seed: int
    training: recipes.Training
    twin: recipes.Training
    mended: recipes.Training | None
    suggestion: dict | None

    @property
    def onset_error(self):
        return recipes.onset_error(self.training, self.recipe)

    @property
    def is_found(self):
        return self.onset_error is not None and self.onset_error <= .1

    @property
    def is_twin_silent(self):
        return not self.twin.alarms()

    @property
    def is_mended(self):
        if self.mended is None:
            return False
        metric = self.recipe.metric
        return recipes.is_as_good(self.mended.final(metric), self.twin.final(metric), metric)


def try_recipe(recipe, seed, binaries, folder):
    def train(settings, name):
        return recipes.Training(binaries, settings, seed, folder / f"{recipe.name}-{seed}-{name}")
    training = train(recipe.settings, "ill")
    suggestion = training.first_suggestion()
    mended = suggestion and train(recipes.apply(recipe.settings, suggestion), "mended")
    return Outcome(recipe, seed, training, train({**recipe.settings, **recipe.twin}, "twin"),
                   mended, suggestion)


def try_all(binaries, folder, seeds=SEEDS):
    work = [(recipe, seed) for recipe in recipes.load() for seed in seeds]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda item: try_recipe(*item, binaries, folder), work))


# A neighbour "still trains well" when its final evaluation is not much worse than the twin's.
WELL = .05


def try_neighbours(outcomes, binaries, folder):
    """[(outcome, option, factor, training, trains well)]"""
    def one(item):
        outcome, (name, factor, settings) = item
        metric = outcome.recipe.metric
        where = folder / f"{outcome.recipe.name}-{outcome.seed}-{name}-{factor}"
        training = recipes.Training(binaries, settings, outcome.seed, where)
        is_well = recipes.is_as_good(training.final(metric), outcome.twin.final(metric), metric,
                                     WELL)
        return outcome, name, factor, training, is_well
    work = [(outcome, neighbour) for outcome in outcomes
            for neighbour in recipes.neighbours(outcome.recipe)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, work))


# ---- a labelled corpus, for tests/evaluate ----

LABEL_OF = {"overflow": "overflow-nan"}  # where a label has another name than its detector


def labels_row(recipe, seed, name, label):
    is_twin = label == "healthy"
    return "\t".join([name, label, "" if is_twin else ",".join(recipe.also), "examples"])


def write_corpus(folder, binaries):
    """Run directories of all recipes and twins, with a table of labels beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["file\tlabel\tsecondary\trepo"]
    for recipe in recipes.load():
        problem = LABEL_OF.get(recipe.problem, recipe.problem)
        for seed in SEEDS:
            for kind, settings, label in (("ill", {}, problem), ("twin", recipe.twin, "healthy")):
                name = f"{recipe.name}-{seed}-{kind}"
                shutil.rmtree(folder / name, ignore_errors=True)
                recipes.Training(binaries, {**recipe.settings, **settings}, seed, folder / name)
                rows.append(labels_row(recipe, seed, name, label))
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n")
    return 0


# ---- the page ----

def share(part):
    part = list(part)
    return f"{sum(part)} of {len(part)}"


def change_text(suggestion):
    if suggestion is None:
        return "-"
    to = suggestion["to"] if suggestion["to"] is not None else suggestion["change"]["value"]
    return f"`{suggestion['parameter']}` {suggestion['from']} → {to}"


def row(outcome):
    recipe, error = outcome.recipe, outcome.onset_error
    finding = outcome.training.found(recipe.problem)
    metric = recipe.metric
    others = sorted({alarm["detector"] for alarm in outcome.training.alarms()} - {recipe.problem})
    cells = [recipe.name, outcome.seed, "yes" if finding else "**no**",
             "-" if error is None else f"{100 * error:.1f} %",
             "-" if finding is None else finding["detected_step"], outcome.training.last_step,
             ", ".join(others) or "-", change_text(outcome.suggestion),
             f"{outcome.training.final(metric):.4g}",
             "-" if outcome.mended is None else f"{outcome.mended.final(metric):.4g}",
             f"{outcome.twin.final(metric):.4g}", "yes" if outcome.is_mended else "**no**",
             "silent" if outcome.is_twin_silent else
             "**" + ", ".join(alarm["detector"] for alarm in outcome.twin.alarms()) + "**"]
    return "| " + " | ".join(map(str, cells)) + " |"


def not_checked_rows(outcomes):
    reasons = sorted({(outcome.recipe.name, entry["detector"], entry["reason"])
                      for outcome in outcomes for entry in outcome.twin.report["not_checked"]})
    return [f"| {name} | {detector} | {reason} |" for name, detector, reason in reasons]


def neighbour_lines(tried):
    well = [item for item in tried if item[4]]
    loud = [item for item in well if item[3].alarms()]
    yield (f"Of {len(tried)} neighbours {len(well)} still train well (a final evaluation within "
           f"{WELL:.0%} of the twin's), and {len(well) - len(loud)} of those are silent.")
    for outcome, name, factor, training, _ in loud:
        names = ", ".join(sorted({alarm["detector"] for alarm in training.alarms()}))
        yield f"- {outcome.recipe.name}, seed {outcome.seed}, `{name}` x {factor}: {names}"


def page(outcomes, tried):
    yield "# The recipes, tried"
    yield ""
    yield ("Made by `examples/run --report docs/recipes.md`. Each recipe of "
           "[examples/recipes.toml](../examples/recipes.toml) is trained with three seeds; its "
           "healthy twin differs in the one option that the recipe names; \"mended\" is the recipe "
           "with the first suggestion applied by a script, as it stands. Machine: "
           f"{platform.machine()}, {os.cpu_count()} cores.")
    yield ""
    yield "| | |\n| --- | --- |"
    yield ("| the problem is found, its onset within 10 % of the run | "
           + share(outcome.is_found for outcome in outcomes) + " |")
    yield ("| the twin is silent at full length | "
           + share(outcome.is_twin_silent for outcome in outcomes) + " |")
    yield ("| mended: the final evaluation comes within 2 % of the twin's | "
           + share(outcome.is_mended for outcome in outcomes) + " |")
    yield ""
    yield ("| recipe | seed | found | onset off by | found at | of steps | also told | first "
           "suggestion | final | mended | twin | as good | twin says |")
    yield "|" + " --- |" * 13
    yield from map(row, outcomes)
    yield ""
    yield "## What could not be judged in the twins"
    yield ""
    yield "| recipe | detector | reason |\n| --- | --- | --- |"
    yield from not_checked_rows(outcomes)
    yield ""
    yield "## Neighbours of the twins"
    yield ""
    yield "Each numeric option of a twin, halved and doubled, one at a time, with three seeds."
    yield ""
    yield from neighbour_lines(tried)


def write(path, binaries):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        outcomes = try_all(binaries, folder)
        tried = try_neighbours(outcomes, binaries, folder)
        path.write_text("\n".join(page(outcomes, tried)) + "\n")
    is_good = all(outcome.is_found and outcome.is_twin_silent for outcome in outcomes)
    return 0 if is_good else 1
