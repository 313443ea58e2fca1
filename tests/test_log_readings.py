"""The labelled logs beside the source folder, where they are: read as other readers read them."""

import re

import pytest

from evaluate import readings
from support import programs

LOGS = pytest.mark.skipif(not readings.SHARED.exists(), reason="needs ../shared/runs")


@LOGS
def test_the_labelled_logs_are_read_as_the_page_says():
    found = list(readings.read_all(programs.BUILD, readings.SHARED))
    assert len(found) > 100
    assert not [reading for reading in found if not reading.right()]
    page = (programs.TOP / "docs" / "logs.md").read_text()
    told = re.search(f"{readings.MARKS[0]}\n\n(.*)\n\n{readings.MARKS[1]}", page, re.S)
    assert told[1].splitlines() == readings.table(found)
