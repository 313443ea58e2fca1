"""Telemetry records, made and encoded without the project's C code.

A record is a dict with the wire's names. `*_run()` make whole runs; all are functions of their seed.
"""

import array
import io
import json
import math
import random
import sys

import cbor2

START_MS = 1_750_000_000_000  # 2025-06-15T15:06:40Z
FLOAT32_LITTLE_ENDIAN = 85  # RFC 8746, section 2.1


# ---- wire forms ----

def _json_value(value):
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return {name: _json_value(entry) for name, entry in value.items()}
    if isinstance(value, list):  # in the columns of layers, null is "not measured"
        return [None if isinstance(entry, float) and math.isnan(entry) else _json_value(entry)
                for entry in value]
    return value


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def to_json(record):
    """One line without its newline."""
    if "header_hash" in record:  # 64 bit: more than most readers of JSON hold in a number
        record = {**record, "header_hash": f"{record['header_hash']:016x}"}
    try:
        return _ENCODER.encode(record)
    except ValueError:  # it has a number that is none
        return _ENCODER.encode(_json_value(record))


def from_json(line):
    """The record of a line that to_json() made; "nan" and the like become floats again."""
    words = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

    def value(entry):
        return words.get(entry, entry) if isinstance(entry, str) else entry
    record = {name: value(entry) for name, entry in json.loads(line).items()}
    if record.get("kind") == "layers":
        record["header_hash"] = int(record["header_hash"], 16)
        record["layers"] = {name: [math.nan if entry is None else value(entry) for entry in column]
                            for name, column in record["layers"].items()}
    return record


def _typed_array(values):
    packed = array.array("f", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return cbor2.CBORTag(FLOAT32_LITTLE_ENDIAN, packed.tobytes())


def to_cbor(record):
    if record.get("kind") == "layers":
        columns = {name: _typed_array(column) for name, column in record["layers"].items()}
        record = {**record, "layers": columns}
    return cbor2.dumps(record)


def _plain_array(tag, _):
    assert tag.tag == FLOAT32_LITTLE_ENDIAN, f"tag {tag.tag}"
    values = array.array("f", tag.value)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tolist()


def from_cbor_sequence(data):
    """The records of a CBOR sequence (RFC 8742), by a decoder that is not ours."""
    file = io.BytesIO(data)
    decoder = cbor2.CBORDecoder(file, tag_hook=_plain_array)
    records = []
    while file.tell() < len(data):
        records.append(decoder.decode())
    return records


def to_json_lines(records):
    return "".join(to_json(record) + "\n" for record in records).encode()


def to_cbor_sequence(records):
    return b"".join(map(to_cbor, records))


def layers_hash(names):
    """The `header_hash` of layers of these names: FNV-1a, 64 bit, each name closed by a zero byte."""
    value = 0xCBF29CE484222325
    for byte in b"".join(name.encode() + b"\0" for name in names):
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


# ---- runs ----

# Names, activations (None: the run's), units, inputs.
LAYERS = [("fc1", None, 64, 64), ("fc2", None, 32, 64), ("fc3", "none", 10, 32)]


def rounded(value, digits=5):
    return float(f"{value:.{digits}g}") if math.isfinite(value) else value


class Run:
    """Collects the records of one run and numbers them."""

    def __init__(self, run, attempt="a1", seed=1, start_ms=START_MS, objective="supervised",
                 activation="relu", classes=10, **hyperparameters):
        self.run, self.attempt, self.seq, self.start_ms = run, attempt, 0, start_ms
        self.objective, self.activation, self.classes = objective, activation, classes
        self.random = random.Random(f"{run}/{seed}")
        self.hyperparameters = {
            "optimizer": "adam", "learning_rate": 0.01, "schedule": "constant", "warmup_steps": 0,
            "batch_size": 32, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "precision": "fp32",
            "max_steps": 2000, **hyperparameters}
        self.learning_rate = self.hyperparameters["learning_rate"]
        self.records = []

    def add(self, kind, step, **fields):
        self.records.append({
            "v": 1, "run": self.run, "attempt": self.attempt, "seq": self.seq, "rank": 0,
            "kind": kind, "time": self.start_ms + 100 * step, "step": step, **fields})
        self.seq += 1

    def header(self, step=0, **fields):
        self.add("header", step, name=self.run, project="tests", group="generated",
                 framework="generator", objective=self.objective, world_size=1,
                 hyperparameters=self.hyperparameters,
                 layers=[{"name": name, "kind": "linear", "activation": activation or self.activation,
                          "units": units, "fan_in": fan_in, "parameters": units * (fan_in + 1)}
                         for name, activation, units, fan_in in LAYERS],
                 dataset={"name": "generated", "samples": 6400, "eval_samples": 640,
                          "classes": self.classes},
                 **fields)

    def step(self, step, loss, grad_norm=None, **fields):
        if grad_norm is None:
            grad_norm = self.noisy(0.5, 0.15)
        self.add("step", step, loss=rounded(loss), learning_rate=self.learning_rate,
                 **{"grad_norm": rounded(grad_norm), "grad_norm_kind": "pre_clip", **fields})

    def layers(self, step, **columns):
        """Healthy figures of the layers; `columns` take the place of some."""
        n = len(LAYERS)

        def column(middle, spread):
            return [rounded(self.noisy(middle, spread), 4) for _ in range(n)]
        self.add("layers", step, header_hash=layers_hash([name for name, *_ in LAYERS]), layers={
            "grad_norm": column(0.3, 0.1), "weight_norm": column(6, 0.01),
            "update_norm": column(0.01, 0.1), "activation_mean": column(0.4, 0.05),
            "activation_std": column(0.6, 0.05), "activation_abs_max": column(3, 0.1),
            "zero_fraction": column(0.4, 0.05),
            "saturated_fraction": [math.nan] * n, "dead_fraction": [0.0] * (n - 1) + [math.nan],
            "nonfinite": [0.0] * n, **columns})

    def norms(self, ratio, weight_norm=6.0):
        """A step's fields of an update of this share of the weights."""
        return {"update_norm": rounded(self.noisy(ratio * weight_norm, 0.1)),
                "weight_norm": rounded(weight_norm)}

    def evaluation(self, step, eval_loss, train_loss, **metrics):
        self.add("eval", step, eval_loss=rounded(eval_loss), eval_samples=640,
                 train_loss=rounded(train_loss), **metrics)

    def noisy(self, middle, spread):
        """Log-normal around `middle`."""
        return middle * math.exp(self.random.gauss(0, spread))

    def learning_curve(self, step, floor=0.25, spread=0.05):
        """A loss that falls from ln 10 and levels off, with noise."""
        return self.noisy(floor + (math.log(10) - floor) * math.exp(-step / 120), spread)

    def end(self, step, status="completed"):
        self.add("end", step, status=status)
        return self.records


def healthy_run(run="healthy", steps=1200, **options):
    made = Run(run, **options)
    made.header()
    for step in range(1, steps + 1):
        made.step(step, made.learning_curve(step))
        if step % 100 == 0:
            made.layers(step)
            made.evaluation(step, made.learning_curve(step) * 1.05, made.learning_curve(step),
                            eval_accuracy=0.9)
            made.add("event", step, event="checkpoint")
    return made.end(steps)


def rising_run(run, to, steps=1200, onset=800, over=100, floor=0.25, **options):
    """From `onset` on the loss rises to `to` times its floor within `over` steps and stays there."""
    made = Run(run, **options)
    made.header()
    for step in range(1, steps + 1):
        risen = min(max(step - onset, 0) / over, 1)
        made.step(step, made.learning_curve(step, floor) * to ** risen)
        if step % 200 == 0 and step < onset:
            made.add("event", step, event="checkpoint")
    return made.end(steps)


def rising_from_start_run(run="divergence_from_start", steps=400, **options):
    """The loss only ever rises, from the first step on."""
    made = Run(run, **{"learning_rate": 3.0, **options})
    made.header()
    for step in range(1, steps + 1):
        made.step(step, made.noisy(math.log(10) * 1.02 ** min(step, 200), 0.05),
                  grad_norm=made.noisy(2 * 1.02 ** min(step, 200), 0.1))
    return made.end(steps)


def nan_run(run="overflow_nan", steps=500, onset=350, **options):
    """From `onset` on the loss and the gradients are NaN, as after a division by zero."""
    made = Run(run, **options)
    made.header()
    for step in range(1, steps + 1):
        if step < onset:
            made.step(step, made.learning_curve(step))
        else:
            made.step(step, math.nan, math.nan)
        if step == 300:
            made.add("event", step, event="checkpoint")
    return made.end(steps, "failed")


def nan_recovers_run(run="overflow_recovers", steps=900, onset=400, bad=3, **options):
    """A few steps of infinities, then the run goes on as before."""
    made = Run(run, **options)
    made.header()
    for step in range(1, steps + 1):
        is_bad = onset <= step < onset + bad
        made.step(step, math.inf if is_bad else made.learning_curve(step),
                  math.inf if is_bad else None)
    return made.end(steps)


def spike_run(run="loss_spike_recovers", steps=1200, onset=800, height=4.0, half_life=15, **options):
    """The loss jumps up at `onset` and decays back within some dozen steps."""
    made = Run(run, **options)
    made.header()
    for step in range(1, steps + 1):
        loss = made.learning_curve(step)
        if step >= onset:
            loss *= 1 + (height - 1) * 0.5 ** ((step - onset) / half_life)
        made.step(step, loss)
    return made.end(steps)


def loss_scale_run(run="fp16_scale_collapse", steps=900, onset=600, **options):
    """fp16: the scale calibrates, grows as planned, and from `onset` on halves at every step."""
    made = Run(run, **{"precision": "fp16", "initial_loss_scale": 65536, "loss_scale_window": 200,
                       **options})
    made.header()
    scale = 65536.0
    for step in range(1, steps + 1):
        overflows = step <= 2 or step >= onset
        if overflows:
            scale = max(scale / 2, 1.0)
        elif step % 200 == 0:
            scale *= 2
        made.step(step, made.learning_curve(step), math.inf if overflows else None,
                  loss_scale=scale, overflow=overflows, skipped_steps=int(overflows))
    return made.end(steps, "failed")


def resumed_run(run="resume", steps=1000, at=600, back_to=500, **options):
    """Interrupted at `at`, resumed by a new process from the checkpoint at `back_to`."""
    first = Run(run, attempt="a1", **options)
    first.header()
    for step in range(1, at + 1):
        first.step(step, first.learning_curve(step))
        if step == back_to:
            first.add("event", step, event="checkpoint")
    first.end(at, "interrupted")
    second = Run(run, attempt="a2", start_ms=START_MS + 600_000, **options)
    second.header(back_to, resumed_from={"attempt": "a1", "step": back_to})
    second.add("event", back_to, event="resume")
    for step in range(back_to + 1, steps + 1):
        # The optimizer's moments are warm again after a while.
        second.step(step, second.learning_curve(step) * (1 + 0.3 * math.exp((back_to - step) / 20)))
    return first.records + second.end(steps)

def explosion_run(run="gradient_explosion", steps=520, onset=400, to=15, **options):
    """The norm grows to `to` times its level within 30 steps, that of the second layer first; the
    loss hardly moves yet."""
    made = Run(run, **{"max_steps": steps, **options})
    made.header()
    for step in range(1, steps + 1):
        grown = to ** min(max(step - onset, 0) / 30, 1)
        made.step(step, made.learning_curve(step) * (1.06 if step > onset + 20 else 1),
                  made.noisy(0.5, 0.15) * grown)
        if step % 20 == 0:
            norms = [made.noisy(0.3, 0.1) * factor for factor in (1, grown, 1)]
            made.layers(step, grad_norm=[rounded(norm, 4) for norm in norms])
    return made.end(steps)


def saturation_run(run="saturation", steps=500, share=0.8, **options):
    """tanh layers whose weights were drawn too wide: they are saturated from the first step on and
    the loss comes down slowly."""
    made = Run(run, activation="tanh", **{"max_steps": steps, **options})
    made.header()
    for step in range(1, steps + 1):
        made.step(step, made.noisy(0.9 + 1.4 * math.exp(-step / 150), 0.05))
        if step == 1 or step % 10 == 0:
            saturated = [rounded(share - 0.02 + 0.04 * made.random.random(), 4) for _ in range(2)]
            made.layers(step, saturated_fraction=saturated + [math.nan],
                        saturated_units_fraction=saturated + [math.nan])
    return made.end(steps)


def overfitting_run(run="overfitting", steps=500, best=200, every=20, **options):
    """The evaluation loss turns at step `best`; the training loss goes on falling."""
    made = Run(run, **{"max_steps": steps, "weight_decay": 0.0, "dropout": 0.0, **options})
    made.header()
    for step in range(1, steps + 1):
        train = 0.02 + 2.28 * math.exp(-step / 100)
        made.step(step, made.noisy(train, 0.05))
        if step % every == 0:
            held_out = 0.3 + 2 * math.exp(-min(step, best) / 60) + 0.001 * max(step - best, 0)
            made.evaluation(step, made.noisy(held_out, 0.01), made.noisy(train, 0.02))
        if step == best:
            made.add("event", step, event="checkpoint")
    return made.end(steps)


def underfitting_run(run="underfitting", steps=550, **options):
    """A learning rate so small that the loss stays where a network stands that knows nothing."""
    made = Run(run, **{"learning_rate": 1e-6, "max_steps": steps, **options})
    made.header()
    for step in range(1, steps + 1):
        made.step(step, made.noisy(2.31 - 0.01 * step / steps, 0.02), **made.norms(2e-6))
    return made.end(steps)


def dead_units_run(run="dead_units", steps=500, onset=150, **options):
    """ReLU units die after `onset` until nothing comes through, and the loss stands still."""
    made = Run(run, **{"learning_rate": 0.3, **options})
    made.header()
    for step in range(1, steps + 1):
        died = min(max(step - onset, 0) / 50, 1)
        made.step(step, made.noisy(2.3 - 0.3 * min(step, onset) / onset + 0.2 * died, 0.02))
        if step % 10 == 0:
            dead = [rounded(0.05 + 0.93 * died, 4), rounded(0.02 + 0.95 * died, 4), math.nan]
            norms = [made.noisy(0.3, 0.1) * 10 ** (-5 * died * (layer < 2)) for layer in range(3)]
            made.layers(step, dead_fraction=dead, grad_norm=[rounded(norm, 4) for norm in norms])
    return made.end(steps, "interrupted")


def spikes_run(run="loss_spike", steps=580, first=200, apart=70, n=5, height=3.0, **options):
    """Spike upon spike on a flat loss, each of which is over within a dozen steps."""
    made = Run(run, **options)
    made.header()
    for step in range(1, steps + 1):
        loss = made.learning_curve(6 * step)
        since = step - first
        if since >= 0 and since // apart < n:
            loss *= 1 + (height - 1) * 0.5 ** (since % apart / 3)
        made.step(step, loss)
    return made.end(steps, "interrupted")


def lost_optimizer_run(run="resume_discontinuity", steps=560, at=300, height=0.5, half_life=None,
                       **options):
    """Resumed without Adam's moments: its first updates are three times as large, and the loss
    jumps. It stays up, or comes down with a half-life."""
    first = Run(run, attempt="a1", **options)
    first.header()
    for step in range(1, at + 1):
        first.step(step, first.learning_curve(6 * step), **first.norms(1e-3))
    first.add("event", at, event="checkpoint")
    first.end(at, "interrupted")
    second = Run(run, attempt="a2", start_ms=START_MS + 600_000, **options)
    second.header(at, resumed_from={"attempt": "a1", "step": at})
    second.add("event", at, event="resume")
    for step in range(at + 1, steps + 1):
        since = step - at - 1
        jump = min(since, 3) / 3 * height * (0.5 ** (since / half_life) if half_life else 1)
        ratio = 1e-3 * (1 + 2 * math.exp(-since / 20))
        second.step(step, second.learning_curve(6 * step) * (1 + jump), **second.norms(ratio))
    return first.records + second.end(steps, "interrupted")


def converged_run(run="converged", steps=560, **options):
    """Flat to less than a percent since the first fifth, with nearly half of the budget to come."""
    made = Run(run, **{"max_steps": 1000, **options})
    made.header()
    for step in range(1, steps + 1):
        made.step(step, made.noisy(0.25 + 2.05 * math.exp(-step / 20), 0.01))
        if step % 20 == 0:
            made.evaluation(step, made.noisy(0.26 + 2.05 * math.exp(-step / 20), 0.002),
                            made.noisy(0.25, 0.002))
    return made.end(steps, "interrupted")


def no_rate_run(run="learning_rate", steps=500, end=250, **options):
    """The learning rate is set to 0 at half of the budget, and nothing moves from there on."""
    made = Run(run, **{"max_steps": steps, **options})
    made.header()
    for step in range(1, steps + 1):
        if step == end:
            made.learning_rate = 0.0
        made.step(step, made.learning_curve(min(step, end)),
                  **(made.norms(1e-3) if step < end else {"update_norm": 0.0, "weight_norm": 6.0}))
    return made.end(steps)


def vanishing_run(run="vanishing_gradient", steps=500, **options):
    """A ten-thousandth of the last layer's gradient comes through to the first, and the run does
    not learn. (It is stopped before a third of its budget.)"""
    made = Run(run, activation="tanh", **options)
    made.header()
    for step in range(1, steps + 1):
        made.step(step, made.noisy(2.3, 0.02))
        if step % 20 == 0:
            made.layers(step, grad_norm=[rounded(made.noisy(norm, 0.1), 4)
                                         for norm in (2e-5, 4e-3, 0.3)])
    return made.end(steps, "interrupted")


def dead_rank_run(run="dead_rank", steps=260, dies=180, **options):
    """Of three ranks the last dies, and the others train on."""
    sent = []
    for rank in range(3):
        made = Run(run, seed=rank, **options)
        made.header()
        for step in range(1, (steps if rank < 2 else dies) + 1):
            made.step(step, made.learning_curve(min(step, 100)))
            if step == 150:
                made.add("event", step, event="checkpoint")
        sent += made.end(steps) if rank < 2 else made.records
        for record in made.records:
            record["rank"] = rank
            if record["kind"] == "header":
                record["world_size"] = 3
    return sorted(sent, key=lambda record: (record["step"], record["kind"] == "end"))


def story_run(run="story", steps=420, onset=300, **options):
    """One cause after the other: the gradient grows without end, the loss follows, and in the end
    neither is a number."""
    made = Run(run, **{"max_grad_norm": 0.0, "max_steps": 600, **options})
    made.header()
    for step in range(1, steps + 1):
        since = step - onset
        if since > 90:
            made.step(step, math.nan, math.nan)
        else:
            made.step(step, made.learning_curve(step) * 1.06 ** max(since - 5, 0),
                      made.noisy(0.5, 0.15) * 1.15 ** max(since, 0))
        if step % 200 == 0:
            made.add("event", step, event="checkpoint")
    return made.end(steps, "failed")


CASES = {
    "healthy": healthy_run,
    "divergence_warning": lambda: rising_run("divergence_warning", to=1.3, floor=1.0),
    "divergence_critical": lambda: rising_run("divergence_critical", to=8),
    "divergence_from_start": rising_from_start_run,
    "overflow_nan": nan_run,
    "overflow_recovers": nan_recovers_run,
    "loss_spike_recovers": spike_run,
    "fp16_scale_collapse": loss_scale_run,
    "resume": resumed_run,
    "gradient_explosion": explosion_run,
    "saturation": saturation_run,
    "overfitting": overfitting_run,
    "underfitting": underfitting_run,
    "dead_units": dead_units_run,
    "loss_spike": spikes_run,
    "resume_discontinuity": lost_optimizer_run,
    "converged": converged_run,
    "learning_rate": no_rate_run,
    "vanishing_gradient": vanishing_run,
    "dead_rank": dead_rank_run,
    "story": story_run,
}
