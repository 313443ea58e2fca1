"""Progress bars that tqdm writes itself, one for each epoch and no epoch told: when they are finished
and while they are written."""

import io
import json
import math

from tqdm import tqdm

from support import programs
from test_log_programs import points, records_of
from test_log_replays import expect_the_same

BATCHES = 200
EPOCHS = 5
ONSET = 2 * BATCHES + BATCHES // 2  # in the third bar


def loss(step, diverges):
    value = .5 + 2 * math.exp(-step / 100) + .05 * math.sin(7 * step)
    return min(value * 1.05 ** max(0, step - ONSET), 1e9) if diverges else value


def bars(diverges=False, leave=True, evaluates=False, around=False):
    """What a loop writes to standard error."""
    text = io.StringIO()
    options = {"file": text, "mininterval": 0, "ncols": 90}
    for epoch in tqdm(range(EPOCHS), **options) if around else range(EPOCHS):
        with tqdm(total=BATCHES, leave=leave, **options) as bar:
            for batch in range(BATCHES):
                bar.set_postfix(loss=round(loss(epoch * BATCHES + batch, diverges), 4),
                                refresh=False)
                bar.update()
        for batch in tqdm(range(20), leave=leave, **options) if evaluates else ():
            pass
    return text.getvalue()


def expect_steps(path):
    """Every loss at its step, from 1 on, in one attempt."""
    records = records_of(path)
    steps = [step for step, _ in points(records, "loss")]
    assert steps == sorted(set(steps)) and steps[0] <= 2 and steps[-1] == EPOCHS * BATCHES
    assert len(steps) >= EPOCHS * BATCHES - EPOCHS
    assert {each["attempt"] for each in records} == {"1"}


def findings_of(path):
    done = programs.trainward("analyze", "--format", "json", path)
    object = json.loads(done.stdout)
    return object["verdict"], {each["detector"]: each for each in object["findings"]}


VARIANTS = [{}, {"leave": False}, {"evaluates": True}, {"around": True},
            {"around": True, "evaluates": True, "leave": False}]


def test_bars_one_after_the_other_are_epochs(tmp_path):
    for i, variant in enumerate(VARIANTS):
        healthy, ill = tmp_path / f"{i}.log", tmp_path / f"{i}-ill.log"
        healthy.write_text(bars(**variant))
        ill.write_text(bars(diverges=True, **variant))
        expect_steps(healthy)
        assert findings_of(healthy) == ("healthy", {}), variant
        verdict, findings = findings_of(ill)
        assert verdict == "problem", variant
        onset = findings["divergence"]["onset_step"]
        assert ONSET - 10 <= onset <= ONSET + 60, (variant, onset)


def test_bars_that_are_being_written_tell_the_same(tmp_path):
    for seed, variant in enumerate(VARIANTS):
        expect_the_same(tmp_path, f"{seed}.log", bars(diverges=True, **variant).encode(), seed)


def test_a_second_training_behind_the_first_is_none_of_its_epochs(tmp_path):
    """The same command again, into the same file."""
    path = tmp_path / "train.log"
    one = io.StringIO()
    for _ in range(3):
        with tqdm(total=BATCHES, file=one, mininterval=0, ncols=90) as bar:
            for batch in range(BATCHES):
                bar.set_postfix(loss=round(loss(batch, False), 4), refresh=False)
                bar.update()
    path.write_text(one.getvalue())
    records = records_of(path)
    assert points(records, "loss")[-1][0] == BATCHES
    assert {each["attempt"] for each in records} == {"1", "2", "3"}
    assert findings_of(path)[0] == "healthy"
