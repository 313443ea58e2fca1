"""The recipes of examples/: each causes its problem, with an onset that is right; its healthy twin is
silent; the first suggestion mends it. What becomes of all seeds and of the twins' neighbours stands
in docs/recipes.md, made by hand (make recipes). The programs are those that are installed: optimized,
and without sanitizers."""

import pathlib
import sys

import pytest

from support import programs, simulated

sys.path.insert(0, str(programs.TOP / "examples"))
import recipes  # noqa: E402
import report  # noqa: E402

RECIPES = recipes.load()
PROBLEMS = {"gradient-explosion", "overflow", "saturation", "divergence", "overfitting",
            "underfitting"}


@pytest.fixture(scope="module")
def outcome_of(tmp_path_factory):
    """Trains a recipe with a seed once, for the tests that look at it."""
    made = {}

    def get(recipe, seed):
        if (recipe.name, seed) not in made:
            folder = tmp_path_factory.mktemp("recipes")
            made[recipe.name, seed] = report.try_recipe(recipe, seed, pathlib.Path(programs.BUILD),
                                                        folder)
        return made[recipe.name, seed]
    return get


each_training = pytest.mark.parametrize(
    "recipe, seed", [(recipe, seed) for recipe in RECIPES for seed in report.SEEDS],
    ids=lambda value: getattr(value, "name", value))


def test_every_problem_has_a_recipe():
    assert {recipe.problem for recipe in RECIPES} >= PROBLEMS


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_twin_differs_in_one_option(recipe):
    assert len(recipe.twin) == 1
    name, = recipe.twin
    assert recipe.twin[name] != recipe.settings.get(name, object())


@pytest.mark.parametrize("parameter, value, arguments", [
    ("batch_norm", 1, ["--batch-norm"]), ("batch_norm", 0, []), ("initializer", "he", ["--init", "he"]),
    ("learning_rate", 0.01, ["--learning-rate", "0.01"])])
def test_advice_is_typed_as_the_trainer_has_it(parameter, value, arguments):
    advice = {"parameter": parameter, "to": value, "change": {"op": "set", "value": value}}
    assert recipes.arguments_of(recipes.apply({}, advice)) == arguments


@each_training
def test_the_problem_is_found_and_its_onset_is_right(outcome_of, recipe, seed):
    outcome = outcome_of(recipe, seed)
    assert outcome.training.report["verdict"] == "problem"
    assert outcome.onset_error is not None, [alarm["detector"]
                                             for alarm in outcome.training.alarms()]
    assert outcome.onset_error <= .1


@each_training
def test_every_finding_carries_numbers_and_an_amount(outcome_of, recipe, seed):
    for finding in outcome_of(recipe, seed).training.report["findings"]:
        simulated.assert_numbers_and_an_amount(finding)


@each_training
def test_the_healthy_twin_is_silent(outcome_of, recipe, seed):
    outcome = outcome_of(recipe, seed)
    assert outcome.twin.alarms() == []
    assert outcome.twin.report["verdict"] == "healthy"


@each_training
def test_every_detector_that_applies_has_judged_the_twin(outcome_of, recipe, seed):
    report_of_twin = outcome_of(recipe, seed).twin.report
    unchecked = {entry["detector"] for entry in report_of_twin["not_checked"]}
    allowed = set(recipe.not_applicable)
    assert unchecked & PROBLEMS <= allowed, report_of_twin["not_checked"]


@each_training
def test_the_first_suggestion_mends_it(outcome_of, recipe, seed):
    outcome = outcome_of(recipe, seed)
    assert outcome.suggestion is not None
    assert outcome.is_mended, (outcome.suggestion, outcome.mended.final(recipe.metric),
                               outcome.twin.final(recipe.metric))
