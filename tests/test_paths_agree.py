"""The same records give the same documents, byte for byte, whichever way they come in."""

import time

import pytest

from support import programs, telemetry
from support.agents import advisories_in, kafka_config

CASES = ["divergence_critical", "fp16_scale_collapse", "resume", "dead_units"]


def records_of_all_cases():
    return {case: telemetry.CASES[case]() for case in CASES}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """{run: documents} by way of a CBOR file."""
    folder = tmp_path_factory.mktemp("expected")
    for case, records in records_of_all_cases().items():
        programs.write_run(folder / case, records, telemetry.to_cbor_sequence, "telemetry.cbor")
    return {case: programs.documents_of(folder / case) for case in CASES}


def test_the_cases_say_something(expected):
    for case in ("divergence_critical", "fp16_scale_collapse", "dead_units"):
        assert len(expected[case]) >= 3, "an opening, an end and the run's state"


@pytest.mark.parametrize("case", CASES)
def test_a_json_file_gives_the_same_documents(expected, tmp_path, case):
    programs.write_run(tmp_path / case, telemetry.CASES[case](), telemetry.to_json_lines,
                       "telemetry.jsonl")
    assert programs.documents_of(tmp_path / case) == expected[case]


@pytest.mark.parametrize("case", CASES)
def test_the_watching_agent_gives_the_same_documents(expected, tmp_path, agents, case):
    """A run directory that grows while the agent looks on."""
    records = telemetry.CASES[case]()
    folder = tmp_path / "runs" / case
    folder.mkdir(parents=True)
    config = programs.write_config(tmp_path / "agent.yaml", {
        "state_dir": str(tmp_path / "state"),
        "sources": [{"directory": {"path": str(tmp_path / "runs")}}],
    })
    log = tmp_path / "state" / "advisories.jsonl"
    agent = agents(config).start()
    with open(folder / "telemetry.cbor", "wb", buffering=0) as file:
        data = telemetry.to_cbor_sequence(records)
        for at in range(0, len(data), 16001):  # cut anywhere, also inside a record
            file.write(data[at:at + 16001])
            time.sleep(0.05)
    agent.wait_until(lambda: log.exists() and len(log.read_text().splitlines()) >= len(expected[case]),
                     30, "every document in the log")
    assert agent.stop() == 0
    assert log.read_text().splitlines() == expected[case]


def grouped(records, encode, size):
    return [encode(records[at:at + size]) for at in range(0, len(records), size)]


WAYS = {
    "all at once": lambda records: [telemetry.to_cbor_sequence(records)],
    "one record a message": lambda records: grouped(records, telemetry.to_cbor_sequence, 1),
    "37 records a message": lambda records: grouped(records, telemetry.to_cbor_sequence, 37),
    "JSON, 50 records a message": lambda records: grouped(records, telemetry.to_json_lines, 50),
    "slowly": lambda records: grouped(records, telemetry.to_cbor_sequence, 100),
}


@pytest.mark.parametrize("way", WAYS)
def test_kafka_gives_the_same_documents(expected, kafka, agents, tmp_path, test_name, way):
    config = programs.write_config(tmp_path / "agent.yaml", kafka_config(tmp_path, kafka, test_name))
    kafka.create_topics(f"{test_name}.telemetry", partitions=2)
    done = programs.trainward("setup", "kafka", "--config", config)
    assert done.returncode == 0, done.stderr
    agent = agents(config).start()
    batches = {case: WAYS[way](records) for case, records in records_of_all_cases().items()}
    if way == "slowly":
        for number in range(max(map(len, batches.values()))):
            kafka.produce(f"{test_name}.telemetry",
                          [(case, batch[number]) for case, batch in batches.items()
                           if number < len(batch)])
            time.sleep(0.4)
    else:
        kafka.produce(f"{test_name}.telemetry",
                      [(case, message) for case, batch in batches.items() for message in batch])
    total = sum(map(len, expected.values()))
    agent.wait_until(lambda: len(advisories_in(kafka, test_name)) >= total, 60,
                     f"{total} documents in the topic")
    assert agent.stop() == 0
    got = {case: [] for case in CASES}
    for key, value in kafka.read_all(f"{test_name}.advisories"):
        got[key.decode()].append(value.decode())
    assert got == expected
