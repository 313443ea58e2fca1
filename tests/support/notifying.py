"""Runs that go wrong, for the tests of notifications."""

from support import programs, telemetry

# Nobody waits in tests.
AT_ONCE = {"group_wait": "0s", "group_interval": "0s", "max_per_hour": 0, "min_severity": "info"}


def hook(receiver, **more):
    """A webhook sink that posts to it."""
    return {"webhook": {"name": "chat", "url": receiver.url(), **AT_ONCE, **more}}


def bad_run(folder, name, case="divergence_critical", project=None, is_open=True):
    """A run that goes wrong; unless told otherwise it has not ended."""
    records = [record for record in telemetry.CASES[case]()
               if record["kind"] != "end" or not is_open]
    for record in records:
        record["run"] = name
        if record["kind"] == "header":
            record["name"] = name
            if project:
                record["project"] = project
    programs.write_run(folder, records, telemetry.to_json_lines, "telemetry.jsonl")


def configuration(place, *sinks, **more):
    (place / "runs").mkdir(exist_ok=True)
    return {"state_dir": str(place / "state"),
            "sources": [{"directory": {"path": str(place / "runs")}}],
            "delivery": {"backoff_first": "50ms", "backoff_max": "500ms"},
            "http": {"listen": "127.0.0.1:0"}, "sinks": list(sinks), **more}


def write(place, *sinks, **more):
    return programs.write_config(place / "agent.yaml", configuration(place, *sinks, **more))
