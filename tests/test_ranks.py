"""Several ranks of one run are judged together: the same documents whichever way and in whatever order
they come in; what one rank says is found; a rank that stops is told."""

import json
import math
import time

import pytest

from support import programs, ranks, telemetry
from support.agents import advisories_in, kafka_config

STEPS, FAULT = 700, 500


def blow_up(step, fields):
    fields["loss"] *= 2 ** (max(step - FAULT, 0) / 25)


@pytest.fixture(scope="module")
def blown_up():
    return [ranks.records_of("blown-up", rank, STEPS, fault=blow_up)
            for rank in range(ranks.RANKS)]


@pytest.fixture(scope="module")
def expected(blown_up, tmp_path_factory):
    folder = ranks.write_directory(tmp_path_factory.mktemp("ranks") / "blown-up", blown_up)
    documents = programs.documents_of(folder)
    assert any('"divergence"' in document for document in documents)
    return documents


def report_of(path):
    done = programs.trainward("analyze", "--format", "json", path)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_a_directory_of_four_files_is_one_run(blown_up, expected, tmp_path):
    report = report_of(ranks.write_directory(tmp_path / "blown-up", blown_up,
                                             telemetry.to_json_lines, "jsonl"))
    assert report["run"] == "blown-up"
    assert report["steps"] == STEPS
    assert report["signals"]["loss"]["count"] == STEPS
    assert report["signals"]["eval_loss"]["count"] == STEPS // 100
    assert report["verdict"] == "problem"
    assert programs.documents_of(tmp_path / "blown-up") == expected


@pytest.mark.parametrize("skew", [1, 10, 45])
def test_the_order_in_which_ranks_report_changes_nothing(blown_up, expected, tmp_path, skew):
    records = ranks.shuffled(blown_up, skew)
    assert records != ranks.by_step(blown_up)
    programs.write_run(tmp_path / "one", records, telemetry.to_cbor_sequence, "telemetry.cbor")
    assert programs.documents_of(tmp_path / "one") == expected


def test_a_nan_of_one_rank_is_found_and_the_rank_named(tmp_path):
    def fault(step, fields):
        if step == FAULT:
            fields.update(loss=math.nan, grad_norm=math.nan)
    sent = [ranks.records_of("nan", rank, STEPS, fault=fault if rank == 3 else None)
            for rank in range(ranks.RANKS)]
    finding, = [finding for finding in report_of(ranks.write_directory(tmp_path / "nan", sent))["findings"]
                if finding["detector"] == "overflow"]
    assert finding["detected_step"] == FAULT
    assert finding["evidence"]["first_rank"] == 3
    assert finding["evidence"]["ranks"] == 1


def test_where_rank_0_alone_reports_it_is_judged_as_ever(tmp_path):
    sent = ranks.records_of("alone", 0, STEPS, fault=blow_up)
    programs.write_run(tmp_path / "of-four", sent, telemetry.to_cbor_sequence, "telemetry.cbor")
    for record in sent:
        if record["kind"] == "header":
            record["world_size"] = 1
    programs.write_run(tmp_path / "of-one", sent, telemetry.to_cbor_sequence, "telemetry.cbor")
    documents = programs.documents_of(tmp_path / "of-one")
    assert len(documents) >= 3
    assert programs.documents_of(tmp_path / "of-four") == documents


def test_the_watching_agent_gives_the_same_documents_however_often_it_is_restarted(
        blown_up, expected, tmp_path, agents):
    """The ranks' files grow at their own pace, cut anywhere; agents come and go."""
    folder = tmp_path / "runs" / "blown-up"
    folder.mkdir(parents=True)
    config = programs.write_config(tmp_path / "agent.yaml", {
        "state_dir": str(tmp_path / "state"),
        "sources": [{"directory": {"path": str(tmp_path / "runs")}}],
    })
    log = tmp_path / "state" / "advisories.jsonl"
    parts = 12
    names = ["telemetry.cbor", *(f"telemetry.rank{rank}.cbor" for rank in range(1, ranks.RANKS))]
    data = [telemetry.to_cbor_sequence(records) for records in blown_up]
    agent = agents(config).start()
    written = [0] * ranks.RANKS
    for part in range(1, parts + 1):
        for rank, name in enumerate(names):  # each a bit behind the one before, by 14 steps
            share = part / parts - (.02 * rank if part < parts else 0)
            end = int(len(data[rank]) * share)
            with open(folder / name, "ab") as file:
                file.write(data[rank][written[rank]:end])
            written[rank] = end
        time.sleep(0.3)
        if part % 3 == 0 and part < parts:
            if part == 3:
                agent.kill9()
            else:
                assert agent.stop() == 0
            agent = agents(config).start()
    agent.wait_until(lambda: log.exists() and len(log.read_text().splitlines()) >= len(expected),
                     30, "every document in the log")
    assert agent.stop() == 0
    assert log.read_text().splitlines() == expected


def test_kafka_gives_the_same_documents(blown_up, expected, kafka, agents, tmp_path, test_name):
    records = ranks.shuffled(blown_up, 30, seed=2)
    config = programs.write_config(tmp_path / "agent.yaml", kafka_config(tmp_path, kafka, test_name))
    kafka.create_topics(f"{test_name}.telemetry", partitions=2)
    done = programs.trainward("setup", "kafka", "--config", config)
    assert done.returncode == 0, done.stderr
    agent = agents(config).start()
    for half in records[:len(records) // 2], records[len(records) // 2:]:
        kafka.produce(f"{test_name}.telemetry",
                      [("blown-up", telemetry.to_cbor_sequence([record])) for record in half])
        time.sleep(1)
        agent.kill9()
        agent = agents(config).start()
    agent.wait_until(lambda: len(advisories_in(kafka, test_name)) >= len(expected), 60,
                     "every document in the topic")
    agent.wait_until(agent.has_logged, 60, "its start: one that does not run yet dies of SIGTERM")
    assert agent.stop() == 0
    got = [value.decode() for _, value in kafka.read_all(f"{test_name}.advisories")]
    assert list(dict.fromkeys(got)) == expected
