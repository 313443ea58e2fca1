"""Runs with known faults, sent side by side, and the keeping of programs that are killed on purpose."""

import random
import time

from support import programs, telemetry


def faulty_runs(n):
    """{run: records}: `n` runs with the faults of the list below in turn, each at a step of its own."""
    source = random.Random(n)
    makers = [
        lambda name, onset: telemetry.rising_run(name, to=8, onset=onset, steps=onset + 250),
        lambda name, onset: telemetry.rising_run(name, to=1.3, onset=onset, steps=onset + 400),
        lambda name, onset: telemetry.nan_run(name, onset=onset - 400),
        lambda name, onset: telemetry.nan_recovers_run(name, onset=onset - 350, steps=onset + 50),
        lambda name, onset: telemetry.loss_scale_run(name, onset=onset - 200, steps=onset + 150),
        lambda name, onset: telemetry.spike_run(name, onset=onset, steps=onset + 250),
        lambda name, onset: telemetry.rising_from_start_run(name, steps=onset - 300),
    ]
    names = [f"run-{number:03}" for number in range(n)]
    return {name: makers[number % len(makers)](name, source.randrange(600, 700))
            for number, name in enumerate(names)}


def feed(stream, runs, seconds, share_of_time=1.0):
    """Sends all runs side by side within `seconds`, evenly. Each takes `share_of_time` of them; with
    less than all of it, they begin one after the other and end so."""
    ticks = int(20 * seconds)
    lines = [[telemetry.to_json(record) for record in records] for records in runs.values()]
    spans = []
    for number in range(len(lines)):
        begin = (1 - share_of_time) * number / max(1, len(lines) - 1)
        spans.append((begin, begin + share_of_time))
    sent = [0] * len(lines)
    started = time.monotonic()
    for tick in range(1, ticks + 1):
        batch = []
        for number, (begin, end) in enumerate(spans):
            share = min(1.0, max(0.0, (tick / ticks - begin) / (end - begin)))
            due = len(lines[number]) if tick == ticks else int(len(lines[number]) * share)
            batch += lines[number][sent[number]:due]
            sent[number] = due
        stream.send(batch)
        time.sleep(max(0, started + tick / 20 - time.monotonic()))


def restart_if_ended(agent):
    """What a service manager does. True when the agent had ended by itself, for want of a broker."""
    ended = agent.process is not None and not agent.is_running()
    if ended:
        status = agent.process.poll()
        programs.refuse_sanitizer_reports(status, agent.log_tail(200))
        assert status == 2, f"the agent ended with {status}:\n{agent.log_tail()}"
        agent.process = None
    if agent.process is None:
        agent.start()
    return ended


def pause(seconds, keep_alive):
    """Lets time pass, and keeps alive what ended by itself."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        keep_alive()
        time.sleep(0.05)
