"""build-aux/check-includes.sh turns red when an include goes against the arrows."""

import shutil
import subprocess

import pytest

from support.programs import TOP

ROOMS = ["telemetry", "trainer", "sources", "detectors", "rules", "advisories", "sinks", "agent",
         "tests"]


def check(folder):
    return subprocess.run([TOP / "build-aux" / "check-includes.sh", folder], capture_output=True,
                          text=True)


@pytest.fixture
def tree(tmp_path):
    for room in ROOMS:
        shutil.copytree(TOP / room, tmp_path / room,
                        ignore=lambda _, names: [n for n in names if n.startswith("__")])
    (tmp_path / "bench").mkdir()
    return tmp_path


def test_the_tree_as_it_is_is_accepted(tree):
    done = check(tree)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("room, line", [
    ("detectors", '#include "sinks/sink.h"'),          # against the arrow
    ("detectors", '#  include  "../agent/watch.h"'),   # in disguise
    ("telemetry", '#include "detectors/finding.h"'),   # the floor stands on nothing
    ("trainer", '#include "sources/source.h"'),        # a sibling
    ("sources", '#include "agent/generated.h"'),       # a file that is made by the build
    ("sinks", '#include "agent/config.h"'),
])
def test_an_include_against_the_arrows_is_refused(tree, room, line):
    (tree / room / "planted.c").write_text("/* A planted file. */\n" + line + "\n")
    done = check(tree)
    assert done.returncode == 1
    assert f"# {room}/planted.c:2: " in done.stdout
    assert f"- {room}/ includes along the arrows" in \
        [text for text in done.stdout.splitlines() if text.startswith("not ok")][0]


def test_an_include_along_the_arrows_is_accepted(tree):
    (tree / "sinks" / "planted.c").write_text(
        '#include "advisories/log.h"\n#include "detectors/finding.h"\n#include <stdio.h>\n')
    (tree / "trainer" / "planted.c").write_text('#include "telemetry/error.h"\n')
    assert check(tree).returncode == 0
