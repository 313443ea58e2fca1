"""The pages say what the programs do: their tables, examples, options and links."""

import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from support import programs
from test_contracts import complaint, yaml_blocks

DOCS = programs.TOP / "docs"
PAGES = [programs.TOP / "README.md", *sorted(DOCS.rglob("*.md"))]
TABLE = re.compile(r"^<!-- options: (.*?) -->\n(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page_name(page):
    return str(page.relative_to(programs.TOP))


def each_page(function):
    return pytest.mark.parametrize("page", PAGES, ids=map(page_name, PAGES))(function)


def blocks(page, language):
    return [text for found, text in FENCE.findall((DOCS / page).read_text()) if found == language]


def print_options(*arguments):
    done = programs.run("tests/tools/print_options", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---- tables ----

@each_page
def test_the_tables_of_a_page_are_those_of_the_code(page):
    for names, table in TABLE.findall(page.read_text()):
        assert table.strip() == print_options(*names.split()).strip(), \
            f"{names}: run docs/update.sh"


def test_every_option_of_the_code_stands_in_a_page():
    text = "".join(page.read_text() for page in PAGES)
    for kind in ("detectors", "sinks", "sources", "configuration", "metrics"):
        for line in print_options(kind).splitlines():
            if line.startswith("|"):
                assert line in text, f"{kind}: run docs/update.sh, or add a marker for this table"


def test_the_update_script_mends_a_page_that_has_drifted(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- options: sinks email -->\n| old |\n<!-- end -->\nafter\n")
    subprocess.run([DOCS / "update.sh", programs.BIN, page], check=True, capture_output=True,
                   env=programs.environment())
    assert page.read_text() == ("before\n<!-- options: sinks email -->\n\n"
                                + print_options("sinks", "email")
                                + "\n<!-- end -->\nafter\n")


# ---- pictures ----

def detectors():
    return [name for name in re.findall(r"^### `(.*)`$", print_options("detectors"), re.MULTILINE)
            if name != "shared"]


@pytest.mark.parametrize("name", detectors())
def test_every_detector_has_a_page_with_a_picture(name):
    page = (DOCS / "detectors" / f"{name}.md").read_text()
    assert f"(detectors/{name}.md)" in (DOCS / "detectors.md").read_text()
    if name == "stalled-run":
        return  # silence has nothing that could be drawn
    assert re.search(rf"^!\[.{{20,}}\]\({name}\.png\)$", page, re.MULTILINE)
    assert (DOCS / "detectors" / f"{name}.png").stat().st_size < 60 * 1024


# ---- links ----

def anchors(page):
    """The names that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_relative_links_lead_somewhere(page):
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text()))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


# ---- commands and their options ----

@functools.cache
def options_of(*command):
    done = programs.run(*command, "--help")
    assert done.returncode == 0, done.stderr
    return frozenset(re.findall(r"(?<![\w-])--?[a-z][\w-]*|-o\b", done.stdout))


@functools.cache
def commands():
    return frozenset(re.findall(r"^  ([a-z]+) {2,}", programs.trainward("--help").stdout,
                                re.MULTILINE))


def code_of(page):
    """What stands in code spans and in the shell's lines of a page."""
    text = page.read_text()
    for language, block in FENCE.findall(text):
        if language in ("", "sh"):
            yield from block.replace("\\\n", " ").splitlines()
    yield from (" ".join(span.split()) for span in
                re.findall(r"`([^`]+)`", FENCE.sub("", text)))


@each_page
def test_options_that_a_page_mentions_exist(page):
    everywhere = frozenset().union(options_of("trainward-train"),
                                   *(options_of("trainward", name) for name in commands()))
    for code in code_of(page):
        code = re.sub(r"(^|\s)#.*", "", code)
        words = [re.sub(r"[=].*", "", word) for word in code.split()]
        words = words[:words.index("--exec") + 1] if "--exec" in words else words  # its command's own
        typed = [word for word in words if re.fullmatch(r"--[a-z][\w-]*|-[a-z]", word)]
        program = pathlib.PurePath(words[0]).name if words else ""
        if program == "trainward-train":
            known = options_of("trainward-train")
        elif program == "trainward" and len(words) > 1 and re.fullmatch("[a-z]+", words[1]):
            assert words[1] in commands(), code
            known = options_of("trainward", words[1])
        elif program.startswith("-"):
            known = everywhere
        else:
            continue
        assert set(typed) <= known, code


def test_the_check_of_options_sees_a_wrong_one(tmp_path):
    page = tmp_path / "page.md"
    for code in ("`trainward analyze --fromat json`", "`--lerning-rate`", "`trainward sielnce`",
                 "```sh\nbuild/trainward-train --learning-rat=1\n```"):
        page.write_text(code + "\n")
        with pytest.raises(AssertionError):
            test_options_that_a_page_mentions_exist(page)


# ---- examples ----

def test_the_example_configuration_passes_the_check(tmp_path):
    example = next(block for block in yaml_blocks("docs/configuration.md")
                   if "state_dir" in block)
    paths = re.findall(r"/(?:etc|srv|var)/[\w./-]*[\w]", example)
    assert paths
    for path in paths:
        here = tmp_path / path[1:]
        if re.search(r"\.(key|pem|password)$", path):
            here.parent.mkdir(parents=True, exist_ok=True)
            here.write_text("nothing\n")
            here.chmod(0o600)
        else:
            here.mkdir(parents=True)
    (tmp_path / "agent.yaml").write_text(
        re.sub(r"(?<=[ \[])/(?=(?:etc|srv|var)/)", f"{tmp_path}/", example))
    done = programs.trainward("check", "--config", tmp_path / "agent.yaml", "--offline")
    assert done.returncode == 0, done.stderr


def test_the_example_advisories_keep_the_contract():
    documents = [json.loads(block) for block in blocks("advisories.md", "json")]
    assert [document["trainward"]["kind"] for document in documents] == ["episode", "run"]
    for document in documents:
        assert complaint("advisory", document) is None


def test_the_example_records_keep_the_contract():
    lines = [line for block in blocks("telemetry.md", "json") for line in block.splitlines()]
    kinds = [json.loads(line).get("kind") for line in lines]
    assert kinds == [None, "header", "step", "layers", "eval", "end"]
    for line in lines:
        assert complaint("record", json.loads(line)) is None, line


def test_every_field_of_a_record_is_described():
    schema = json.loads((programs.TOP / "tests/contracts/record.schema.json").read_text())
    text = (DOCS / "telemetry.md").read_text()
    names = {*schema["properties"], *schema["$defs"]["header"]["properties"],
             *schema["$defs"]["layers"]["properties"],
             *schema["$defs"]["layers"]["properties"]["layers"]["properties"]}
    assert [name for name in sorted(names) if not re.search(rf"`[^`\n]*\b{name}\b", text)] == []


def test_the_example_in_python_makes_a_run_that_can_be_analyzed(tmp_path):
    example, = blocks("telemetry.md", "python")
    subprocess.run([sys.executable, "-c", example], check=True, cwd=tmp_path)
    done = programs.trainward("analyze", "--format", "json", tmp_path / "runs")
    told = json.loads(done.stdout)
    assert (told["run"], told["verdict"], told["skipped_lines"]) == ("exp7", "healthy", 0)
    assert told["steps"] == 100


@pytest.mark.parametrize("example", blocks("telemetry.md", "c"))
def test_the_examples_in_c_compile_without_a_warning(example, tmp_path):
    (tmp_path / "trainward").mkdir()
    for header in (programs.TOP / "telemetry").glob("*.h"):
        shutil.copy(header, tmp_path / "trainward")
    subprocess.run(["cc", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", tmp_path, "-x", "c",
                    "-"], input=example, text=True, check=True)
