#!/usr/bin/env python3
"""The benchmarks that need a broker: a real agent on a real Kafka, against a consumer of the same
topic that does nothing, in turn. Adds its figures to the results of trainward-bench.

    kafka_bench.py [--smoke] [--rounds N] [--output FILE] [FIGURE...]

The broker starts from its published jars, as for the tests, and shares the machine's CPUs with what
is measured. Every contestant is a process of its own, started anew for each round.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests"))

import yaml  # noqa: E402

from services.kafka import Kafka  # noqa: E402
from services.process import free_port  # noqa: E402

BUILD = pathlib.Path(os.environ.get("TW_BUILD", TOP / "build")).resolve()
BIN = pathlib.Path(os.environ.get("TW_BIN", BUILD)).resolve()
TOOL = BIN / "bench" / "trainward-bench-kafka"
TRAINWARD = BIN / "trainward"

PARTITIONS = 8
WARM_STEPS = 400  # what the runs' saved states have seen; baselines of 256 values are full
SIGNALS = ("epoch loss learning_rate grad_norm update_norm weight_norm samples step_seconds; "
           "all detectors, snapshots on")
# Two agents that start within this time share the partitions from the start.
REBALANCE_DELAY_MS = 3000
PATIENCE_SECONDS = 600


class BenchKafka(Kafka):
    """A broker with the JVM's full compiler and room for its index files."""

    def __init__(self, data_dir, log_dir, build_dir):
        super().__init__(data_dir, log_dir, build_dir)
        with open(self.properties, "a") as properties:
            properties.write(f"group.initial.rebalance.delay.ms={REBALANCE_DELAY_MS}\n"
                             "log.retention.check.interval.ms=3600000\n"
                             "message.max.bytes=8388608\nreplica.fetch.max.bytes=8388608\n")

    def command(self):
        return ["-Xmx1g" if part == "-Xmx512m" else part for part in super().command()
                if part != "-XX:TieredStopAtLevel=1"]


def stolen_and_all():
    """Ticks of all CPUs: stolen by the host, and in all (proc(5))."""
    fields = [int(field) for field in open("/proc/stat").readline().split()[1:9]]
    return fields[7], sum(fields)


def quartiles(values):
    values = sorted(values)
    if len(values) == 1:
        return {"median": values[0], "quartiles": [values[0], values[0]], "values": values}
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "quartiles": [first, third], "values": values}


class Bench:
    def __init__(self, kafka, folder, smoke, rounds):
        self.kafka, self.folder, self.smoke, self.rounds = kafka, folder, smoke, rounds
        self.topics = 0

    # ---- the tools ----

    def tool(self, command, topic, **options):
        arguments = [str(TOOL), command, "--brokers", self.kafka.brokers, "--topic", topic,
                     "--partitions", str(PARTITIONS)]
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            arguments += [flag] if value is True else [] if value is False else [flag, str(value)]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=3600)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout)

    def telemetry(self, **options):
        """A new topic with the records that the options tell."""
        self.topics += 1
        topic = f"telemetry-{self.topics}"
        self.kafka.create_topics(topic, partitions=PARTITIONS)
        filled = self.tool("fill", topic, first_step=WARM_STEPS, **options)
        return topic, filled

    def prefix(self, runs):
        """A new advisory log and state topic; the latter knows `runs` runs already."""
        self.topics += 1
        prefix = f"log-{self.topics}"
        self.kafka.create_topics(f"{prefix}.advisories", f"{prefix}.charts",
                                 f"{prefix}.dead-letters", partitions=1)
        self.kafka.create_topics(f"{prefix}.notifications", partitions=1,
                                 config={"cleanup.policy": "compact"})
        self.kafka.create_topics(f"{prefix}.state", partitions=PARTITIONS,
                                 config={"cleanup.policy": "compact",
                                         "max.message.bytes": "8388608"})
        if runs:
            self.tool("seed", prefix, prefix=prefix, runs=runs, first_step=WARM_STEPS)
        return prefix

    def forget(self, *prefixes):
        """Deletes all topics of the prefixes: states of 100,000 runs fill disks."""
        admin = self.kafka.admin()
        names = [name for name in admin.list_topics(timeout=10).topics
                 if any(name.startswith(prefix + ".") or name == prefix for prefix in prefixes)]
        for future in admin.delete_topics(names, operation_timeout=30).values():
            future.result()

    def agents(self, n, topic, prefix):
        return [Agent(self, number, topic, prefix) for number in range(n)]

    # ---- contestants ----

    def noop(self, topic, records, per_message):
        told = self.tool("noop", topic, records=records, per_message=per_message)
        return {"rate": told["records"] / told["wall"], "cpu_us": told["cpu"] / told["records"] * 1e6}

    def watch(self, topic, records, runs, n_agents=1):
        """`n_agents` agents read the topic to its end. Their rate together, from the first record
        to the last, and what they used."""
        prefix = self.prefix(runs)
        agents = self.agents(n_agents, topic, prefix)
        try:
            for agent in agents:
                agent.start()
            samples = follow(agents, records)
        finally:
            for agent in agents:
                agent.stop()
        self.forget(prefix)
        # The agent publishes once a second: when it took the last record is not known.
        first, last = (samples[0], samples[-2]) if len(samples) > 2 else (samples[0], samples[-1])
        done = last["records"] - first["records"]
        if not done:  # too short to tell, as with --smoke
            return {"rate": 0, "cpu_us": 0, "rss_mib": 0, "shares": [], "restore_seconds": 0}
        return {"rate": done / (last["time"] - first["time"]),
                "cpu_us": (last["cpu"] - first["cpu"]) / done * 1e6,
                "rss_mib": last["rss"] / 2 ** 20, "shares": last["shares"],
                "restore_seconds": last["restore"]}

    def rounds_of(self, contestants):
        """Runs the contestants in turn, in the opposite order every other round."""
        told = {name: [] for name, _ in contestants}
        stolen, ticks = stolen_and_all()
        for number in range(self.rounds):
            for name, run in contestants if number % 2 == 0 else reversed(contestants):
                told[name].append(run())
        stolen_now, ticks_now = stolen_and_all()
        raw = {"rounds": self.rounds, "stolen_share": (stolen_now - stolen) / (ticks_now - ticks)}
        for name, results in told.items():
            raw[name] = {key: quartiles([result[key] for result in results])
                         for key, value in results[0].items() if isinstance(value, (int, float))}
        return told, raw


class Agent:
    """`trainward agent`, asked by /metrics how far it is."""

    def __init__(self, bench, number, topic, prefix):
        self.port = free_port()
        folder = bench.folder / f"{prefix}-{number}"
        folder.mkdir()
        self.config, self.log = folder / "agent.yaml", folder / "agent.log"
        kafka = {"brokers": bench.kafka.brokers}
        self.config.write_text(yaml.safe_dump({
            "state_dir": str(folder / "state"),
            "sources": [{"kafka": {**kafka, "topic": topic, "group": prefix}}],
            "advisory_log": {"kafka": {**kafka, "prefix": prefix}},
            "http": {"listen": f"127.0.0.1:{self.port}"},
        }))
        self.process = None

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([TRAINWARD, "agent", "--config", self.config],
                                            stdout=log, stderr=log)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(120)

    def metric(self, text, name):
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith((name + "{", name + " ")))

    def sample(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the agent ended:\n{self.log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
                text = answer.read().decode()
        except (urllib.error.URLError, ConnectionError):
            return None
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = os.sysconf("SC_CLK_TCK")
        return {"records": self.metric(text, "trainward_records_total"),
                "restore": self.metric(text, "trainward_restore_seconds_total"),
                "cpu": (int(stat[11]) + int(stat[12])) / ticks,
                "rss": int(stat[21]) * os.sysconf("SC_PAGE_SIZE")}


def follow(agents, records):
    """Samples of all agents together, one whenever more records have come, until all have."""
    samples, deadline = [], time.monotonic() + PATIENCE_SECONDS
    while not samples or samples[-1]["records"] < records:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {samples[-1:]} of {records} records")
        each = [agent.sample() for agent in agents]
        now = time.monotonic()
        come = 0 if None in each else sum(one["records"] for one in each)
        if come > (samples[-1]["records"] if samples else 0):
            samples.append({
                "time": now, **{key: sum(one[key] for one in each)
                                for key in ("records", "cpu", "rss")},
                "restore": max(one["restore"] for one in each),
                "shares": [one["records"] for one in each]})
        time.sleep(0.05)
    return samples


# ---- the figures ----

def ratio(told, numerator, denominator, key="rate"):
    return quartiles([one[key] / other[key] if other[key] else 0
                      for one, other in zip(told[numerator], told[denominator])])


def against_noop(bench, runs, records, per_message=1, **format):
    topic, filled = bench.telemetry(runs=runs, records=records, per_message=per_message, **format)
    told, raw = bench.rounds_of([
        ("noop", lambda: bench.noop(topic, records, per_message)),
        ("agent", lambda: bench.watch(topic, records, runs))])
    bench.forget(topic)
    rates = ratio(told, "agent", "noop")
    return rates["median"], {**raw, "ratio": rates, "ratio_cpu": ratio(told, "agent", "noop", "cpu_us"),
                             "runs": runs, "records": records, "per_message": per_message,
                             "bytes_a_record": filled["bytes"] / records, "signals": SIGNALS}


def cbor_100k(bench):
    return against_noop(bench, *((1000, 20000) if bench.smoke else (100000, 6000000)))


def cbor_1m(bench):
    return against_noop(bench, *((2000, 20000) if bench.smoke else (1000000, 6000000)))


def json_vs_noop(bench):
    return against_noop(bench, *((1000, 10000) if bench.smoke else (100000, 3000000)), json=True)


def grouped_vs_single(bench):
    runs, records = (1000, 32000) if bench.smoke else (100000, 6400000)
    single, _ = bench.telemetry(runs=runs, records=records)
    grouped, _ = bench.telemetry(runs=runs, records=records, per_message=16)
    told, raw = bench.rounds_of([
        ("single", lambda: bench.watch(single, records, runs)),
        ("grouped", lambda: bench.watch(grouped, records, runs)),
        ("noop_single", lambda: bench.noop(single, records, 1)),
        ("noop_grouped", lambda: bench.noop(grouped, records, 16))])
    bench.forget(single, grouped)
    rates = ratio(told, "grouped", "single")
    return rates["median"], {**raw, "ratio": rates, "runs": runs, "records": records,
                             "ratio_cpu": ratio(told, "single", "grouped", "cpu_us"),
                             "records_a_message": 16, "signals": SIGNALS}


def two_agents_vs_one(bench):
    runs, records = (1000, 20000) if bench.smoke else (100000, 6000000)
    topic, _ = bench.telemetry(runs=runs, records=records)
    told, raw = bench.rounds_of([
        ("one", lambda: bench.watch(topic, records, runs)),
        ("two", lambda: bench.watch(topic, records, runs, n_agents=2))])
    bench.forget(topic)
    costs = ratio(told, "two", "one", "cpu_us")
    return costs["median"], {**raw, "ratio_cpu": costs, "ratio_wall": ratio(told, "two", "one"),
                             "shares_of_two": [one["shares"] for one in told["two"]],
                             "runs": runs, "records": records, "signals": SIGNALS}


def latency_once(bench, runs, seconds):
    """With topics and an agent of its own: records that come again would be passed over."""
    bench.topics += 1
    topic = f"telemetry-{bench.topics}"
    bench.kafka.create_topics(topic, partitions=PARTITIONS)
    prefix = bench.prefix(0)
    agent, = bench.agents(1, topic, prefix)
    try:
        agent.start()
        time.sleep(5 + REBALANCE_DELAY_MS / 1000)
        return bench.tool("latency", topic, prefix=prefix, runs=runs, seconds=seconds,
                          per_second=1000)
    finally:
        agent.stop()
        bench.forget(topic, prefix)


def latency(bench):
    runs, seconds = (100, 3) if bench.smoke else (1000, 60)
    # A broker's first minute is its just-in-time compiler's: p99 is 32 ms in it and 6 behind it.
    latency_once(bench, runs, seconds)
    stolen, ticks = stolen_and_all()
    told = [latency_once(bench, runs, seconds) for _ in range(bench.rounds)]
    stolen_now, ticks_now = stolen_and_all()
    p99 = quartiles([one["p99_ms"] for one in told])
    return p99["median"], {"rounds": bench.rounds, "p99_ms": p99, "each": told,
                           "records_a_second": 1000, "runs": runs, "signals": SIGNALS,
                           "stolen_share": (stolen_now - stolen) / (ticks_now - ticks)}


# name: (function, unit, goal or None, is the goal a minimum, what it is)
FIGURES = {
    "agent_cbor_vs_noop_100k": (cbor_100k, "of the no-op consumer's records/s", 0.60, True,
                                "agent, one CBOR step record a message, 100,000 runs"),
    "agent_cbor_vs_noop_1m": (cbor_1m, "of the no-op consumer's records/s", 0.60, True,
                              "the same with a million runs"),
    "agent_json_vs_noop": (json_vs_noop, "of the no-op consumer's records/s", None, True,
                           "the same with JSON and 100,000 runs"),
    "grouped_vs_single": (grouped_vs_single, "times the records/s", 2, True,
                          "agent, 16 records a message against one"),
    "two_agents_vs_one": (two_agents_vs_one, "of one agent's CPU time a record", 1.10, False,
                          "two agents of one group, half of the partitions each"),
    "produce_to_advisory_p99_ms": (latency, "ms", 10, False,
                                   "from produce() to the advisory, 1,000 records/s"),
}


def verdict(value, goal, is_minimum, smoke):
    if goal is None or smoke:
        return "no goal" if goal is None else "not measured (smoke)"
    is_met = value >= goal if is_minimum else value <= goal
    return f"goal {'>=' if is_minimum else '<='} {goal:<6g} {'met' if is_met else 'MISSED'}"


def measure(bench, name):
    run, unit, goal, is_minimum, description = FIGURES[name]
    value, raw = run(bench)
    print(f"{name:<27} {value:10.4g}  {verdict(value, goal, is_minimum, bench.smoke):<21} {unit}",
          flush=True)
    return {"name": name, "value": value, "unit": unit, "description": description,
            "raw": {**raw, "goal": goal, "machine": machine()}}


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), "unknown")
    return {"cpu": model, "cpus": os.cpu_count(), "load": os.getloadavg()[0],
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def add_to(path, figures):
    """Replaces figures of the same names in the results file, and keeps the others."""
    kept = json.loads(path.read_text()) if path.exists() else []
    names = {figure["name"] for figure in figures}
    path.write_text(json.dumps([figure for figure in kept if figure["name"] not in names] + figures,
                               indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: does everything run?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=pathlib.Path, help="results file to add the figures to")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=", ".join(FIGURES))
    options = parser.parse_args()
    unknown = [name for name in options.figures if name not in FIGURES]
    if unknown:
        parser.error(f"there is no figure '{unknown[0]}'")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="trainward-bench-"))
    kafka = BenchKafka(folder / "kafka", folder / "logs", BUILD)
    try:
        kafka.start()
        bench = Bench(kafka, folder, options.smoke, 1 if options.smoke else options.rounds)
        figures = []
        for name in options.figures or FIGURES:
            figures.append(measure(bench, name))
            if options.output:
                add_to(options.output, figures)
    finally:
        kafka.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
