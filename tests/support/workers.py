"""How the tests are shared out among workers that run side by side (pytest-xdist): a file goes to one
worker, and so do files of which each would start the same service, as every worker has its own."""

import os
import pathlib

from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "test_line.py": "OpenSearch", "test_oracle.py": "OpenSearch", "test_services.py": "OpenSearch",
    "test_kafka_security.py": "logins", "test_kafka_topics.py": "logins",
}
# The longest begin first, so that no worker is left alone with one at the end; before all those that
# wait more than they work, as the compiler may be busy beside them.
FIRST = ["test_oracle_agents.py", "test_silence.py", "test_oracle.py", "test_kafka_faults.py",
         "test_feed.py", "test_operations_kafka.py", "test_recipes.py", "test_acceptance.py",
         "test_commands.py", "test_kafka_security.py", "test_operations.py", "test_includes.py"]

for named in [*TOGETHER, *FIRST]:
    assert (pathlib.Path(__file__).parents[1] / named).exists(), f"{named}: there is no such test"

# Names the worker that a test runs in; empty where there is only one process.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


def share_of(path):
    """What goes to one worker as a whole."""
    name = pathlib.PurePath(path).name
    return TOGETHER.get(name, name)


def longest_first(items):
    """Orders collected tests in place; within a share their order stays."""
    place = {}
    for at, name in enumerate(FIRST):
        place.setdefault(share_of(name), at)
    items.sort(key=lambda item: (place.get(share_of(item.path), len(FIRST)), share_of(item.path)))


class Scheduler(LoadScopeScheduling):
    def _split_scope(self, nodeid):
        return share_of(nodeid.split("::")[0])
