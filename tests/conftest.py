"""Fixtures: the services start when the first test asks for one, and serve the whole session, those
of each worker where several run tests side by side. Their logs and the agents' are kept in
build/test-logs."""

import re
import tempfile

import pytest

from services import exim as exim_service
from services.elasticsearch import Elasticsearch
from services.kafka import Kafka
from services.mail import Mail
from services.opensearch import OpenSearch
from services.receiver import Receiver
from support import programs, workers
from support.jobs import Jobs

LOGS = programs.BUILD / "test-logs"
SERVICE_LOGS = LOGS / workers.WORKER


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes more than half a minute")


def pytest_xdist_make_scheduler(config, log):
    return workers.Scheduler(config, log)


def pytest_collection_modifyitems(items):
    workers.longest_first(items)


def _running(service):
    try:
        yield service.start()
    finally:
        service.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    yield from _running(Kafka(tmp_path_factory.mktemp("kafka"), SERVICE_LOGS, programs.BUILD))


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory):
    """With logins (SASL), TLS, and users that may do everything or nothing."""
    yield from _running(Kafka(tmp_path_factory.mktemp("secure-kafka"), SERVICE_LOGS, programs.BUILD,
                              name="secure-kafka", is_secure=True))


@pytest.fixture(scope="session")
def opensearch(tmp_path_factory):
    yield from _running(OpenSearch(tmp_path_factory.mktemp("opensearch"), SERVICE_LOGS,
                                   programs.BUILD))


@pytest.fixture(scope="session")
def elasticsearch(tmp_path_factory):
    yield from _running(Elasticsearch(tmp_path_factory.mktemp("elasticsearch"), SERVICE_LOGS,
                                      programs.BUILD))


@pytest.fixture(scope="session")
def mail(tmp_path_factory):
    yield from _running(Mail(tmp_path_factory.mktemp("mail")))


@pytest.fixture
def receiver():
    """Of webhooks, with an answer for this test alone."""
    yield from _running(Receiver())


@pytest.fixture(scope="session")
def exim(request):
    if not exim_service.is_there():
        pytest.skip("needs root and Debian's exim4-daemon-light")
    # Not in pytest's folder, which is private: exim delivers as a user of its own.
    with tempfile.TemporaryDirectory(prefix="trainward-exim-") as place:
        yield from _running(exim_service.Exim(place, SERVICE_LOGS))


@pytest.fixture
def test_name(request):
    """The test's name, fit for topics, indices and files."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")


@pytest.fixture
def agents(test_name):
    """Makes agents, each with a log of its own, and stops those that are left."""
    made = []

    def make(config_path, env=None):
        made.append(programs.Agent(config_path, LOGS / f"agent-{test_name}-{len(made)}.log", env))
        return made[-1]
    yield make
    for agent in made:
        if agent.process is not None:
            agent.process.kill()
            agent.process.wait()


@pytest.fixture
def jobs(tmp_path):
    made = Jobs(tmp_path)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_stream_is_left():
    """One that a failed test left behind would be in the way of those that follow."""
    yield
    for stream in list(programs.EmitStream.running):
        stream.kill()
