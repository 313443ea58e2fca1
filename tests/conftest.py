"""Fixtures: the services start when the first test asks for one, and serve the whole session. Their
logs and the agents' are kept in build/test-logs."""

import re

import pytest

from services.kafka import Kafka
from services.mail import Mail
from services.opensearch import OpenSearch
from support import programs

LOGS = programs.BUILD / "test-logs"


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes more than half a minute")


def _running(service):
    try:
        yield service.start()
    finally:
        service.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    yield from _running(Kafka(tmp_path_factory.mktemp("kafka"), LOGS, programs.BUILD))


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory):
    """With logins (SASL), TLS, and users that may do everything or nothing."""
    yield from _running(Kafka(tmp_path_factory.mktemp("secure-kafka"), LOGS, programs.BUILD,
                              name="secure-kafka", is_secure=True))


@pytest.fixture(scope="session")
def opensearch(tmp_path_factory):
    yield from _running(OpenSearch(tmp_path_factory.mktemp("opensearch"), LOGS, programs.BUILD))


@pytest.fixture(scope="session")
def mail(tmp_path_factory):
    yield from _running(Mail(tmp_path_factory.mktemp("mail")))


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
