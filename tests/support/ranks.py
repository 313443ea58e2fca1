"""Runs of several ranks: each rank has its own noise, times and attempt."""

import math
import random

from support import simulated, telemetry

RANKS = 4


def records_of(run, rank, steps, seed=1, fault=None, learning_rate=1e-3, status="completed"):
    """What one rank sends; `fault(step, fields)` changes what is logged."""
    made = simulated.language_model(run, seed=f"{seed}/{rank}", attempt=f"a{rank}",
                                    learning_rate=learning_rate, max_steps=steps)
    for step in range(1, steps + 1):
        fields = {"loss": simulated.healthy_loss(made.random, step),
                  "learning_rate": learning_rate, "grad_norm": made.noisy(.5, .15)}
        if fault:
            fault(step, fields)
        made.add("step", step, grad_norm_kind="pre_clip",
                 **{name: telemetry.rounded(value) for name, value in fields.items()})
        if step % 50 == 0:
            made.layers(step)
        if step % 100 == 0 and rank == 0:
            level = 2.3 + 8 / math.sqrt(step + 10)
            made.evaluation(step, made.noisy(1.05 * level, .01), made.noisy(level, .01))
        if step % 100 == 0:
            made.add("event", step, event="checkpoint")
    records = made.end(steps, status)
    for record in records:
        record.update(rank=rank, time=record["time"] + rank)
        if record["kind"] == "header":
            record["world_size"] = RANKS
    return records


def by_step(ranks):
    """As they come when no rank is ahead of another."""
    return sorted((record for records in ranks for record in records),
                  key=lambda record: (record["step"], record["kind"] == "end"))


def shuffled(ranks, skew, seed=1):
    """As they come when ranks are up to `skew` steps behind one another, each in its own order."""
    source = random.Random(seed)
    left = [list(reversed(records)) for records in ranks]
    came = []
    while any(left):
        least = min(records[-1]["step"] for records in left if records)
        records = source.choice([some for some in left if some])
        for _ in range(source.randint(1, skew)):
            if records and records[-1]["step"] <= least + skew:
                came.append(records.pop())
    return came


def write_directory(folder, ranks, encode=telemetry.to_cbor_sequence, suffix="cbor"):
    """A run directory with a file a rank."""
    folder.mkdir(parents=True)
    for rank, records in enumerate(ranks):
        name = f"telemetry.rank{rank}.{suffix}" if rank else f"telemetry.{suffix}"
        (folder / name).write_bytes(encode(records))
    return folder
