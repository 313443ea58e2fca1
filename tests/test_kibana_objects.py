"""The saved objects as they are committed: form, ids, references, JSON in JSON, and that every
field which they name is one that the index templates have. No Kibana is run here."""

import json
import re
import subprocess
import sys

import jsonschema
import pytest

from support import kibana
from support.programs import TOP

OBJECTS = kibana.committed()
DASHBOARDS = ("trainward_fleet", "trainward_project", "trainward_run")
SCHEMA = json.loads((TOP / "tests" / "contracts" / "saved_object.schema.json").read_text())
SHOWN = OBJECTS.of_type("visualization") + OBJECTS.of_type("search")
VEGA = [each for each in SHOWN if kibana.is_vega(each)]
PATTERNS = {each["attributes"]["title"]: each for each in OBJECTS.of_type("index-pattern")}


def by_id(each):
    return each["id"]


def test_the_file_is_what_the_script_makes():
    done = subprocess.run([sys.executable, "-B", TOP / "kibana" / "make_objects.py", "--check"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("saved", OBJECTS.all, ids=by_id)
def test_an_object_has_the_form(saved):
    jsonschema.validate(saved, SCHEMA)
    assert list(saved["migrationVersion"]) == [saved["type"]]


def test_ids_are_there_once():
    assert len(OBJECTS.by_id) == len(OBJECTS.all) > 30
    titles = [each["attributes"]["title"] for each in OBJECTS.all]
    assert len(set(zip(titles, (each["type"] for each in OBJECTS.all)))) >= len(titles) - 1


def texts_in(value):
    """Every text, also those in JSON that is a text itself."""
    if isinstance(value, str):
        yield value
        if value[:1] in "{[":
            try:
                yield from texts_in(json.loads(value))
            except ValueError:
                assert value.startswith("[trainward]") or value.startswith("["), value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)


@pytest.mark.parametrize("saved", OBJECTS.all, ids=by_id)
def test_json_inside_of_json_can_be_read(saved):
    for name, value in saved["attributes"].items():
        if name in ("visState", "uiStateJSON", "panelsJSON", "optionsJSON", "fields",
                    "fieldFormatMap"):
            json.loads(value)
    if "kibanaSavedObjectMeta" in saved["attributes"]:
        kibana.source_of(saved)
    if kibana.is_vega(saved):
        spec = json.loads(kibana.state_of(saved)["params"]["spec"])
        assert spec["$schema"].endswith("/vega-lite/v4.json")


@pytest.mark.parametrize("saved", OBJECTS.all, ids=by_id)
def test_references_lead_to_objects_and_are_all_used(saved):
    for reference in saved["references"]:
        assert OBJECTS.by_id[reference["id"]]["type"] == reference["type"]
    used = re.findall(r'(?:indexRefName|panelRefName)\\*":\\*"([^"\\]+)',
                      json.dumps(saved["attributes"]))
    assert sorted(used) == sorted(each["name"] for each in saved["references"])


def test_what_stands_on_dashboards_is_all_there_is():
    shown = {each["id"] for name in DASHBOARDS for each in OBJECTS.panels(name)}
    assert shown == {each["id"] for each in SHOWN}
    assert {each["id"] for each in OBJECTS.of_type("dashboard")} == set(DASHBOARDS)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_do_not_overlap(name):
    panels = json.loads(OBJECTS.by_id[name]["attributes"]["panelsJSON"])
    taken = set()
    for panel in panels:
        grid = panel["gridData"]
        assert grid["i"] == panel["panelIndex"] and grid["x"] + grid["w"] <= 48
        cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"])
                 for y in range(grid["y"], grid["y"] + grid["h"])}
        assert not cells & taken
        taken |= cells


def test_the_words_that_setup_replaces_mean_one_thing_each():
    ids, indices = set(OBJECTS.by_id), {"advisories-*", "runs", "charts"}
    text = kibana.PATH.read_text()
    for found in re.finditer(r"trainward_([a-z_]+)", text):
        assert f"trainward_{found.group(1)}" in ids
    for found in re.finditer(r"trainward-([a-z*-]*)", text):
        assert found.group(1) in indices
    for found in re.finditer(r"trainward(.)", text):
        assert found.group(1) in "_-.]", text[found.start() - 40:found.end() + 40]
    for found in re.finditer(r".\w*trainward\]", text):
        assert found.group(0) == "[trainward]"


def test_links_lead_to_dashboards():
    text = kibana.PATH.read_text()
    links = set(re.findall(r"#/view/(\w+)", text))
    assert links == set(DASHBOARDS)


# ---- fields ----

def mapped(properties, path=""):
    for name, mapping in properties.items():
        if "properties" in mapping:
            yield from mapped(mapping["properties"], f"{path}{name}.")
        else:
            yield path + name, mapping["type"]


@pytest.mark.parametrize("title, template", [
    ("trainward-advisories-*", "elasticsearch_template.json"),
    ("trainward-runs", "elasticsearch_template.json"),
    ("trainward-charts", "elasticsearch_charts.json")])
def test_an_index_pattern_has_the_fields_of_the_template(title, template):
    mappings = json.loads((TOP / "sinks" / template).read_text())["template"]["mappings"]
    expected = dict(mapped(mappings["properties"]))
    fields = kibana.fields_of(PATTERNS[title])
    assert {name: field["esTypes"][0] for name, field in fields.items()
            if not name.startswith("_")} == expected
    for field in fields.values():
        assert field["aggregatable"] == (field["esTypes"] not in (["text"], [])
                                         or field["name"] in ("_id", "_index", "_type"))


@pytest.mark.parametrize("saved", [each for each in SHOWN if OBJECTS.index_of(each)], ids=by_id)
def test_queries_columns_and_aggregations_name_fields_that_are_there(saved):
    fields = kibana.fields_of(OBJECTS.index_of(saved))
    for name in kibana.kuery_fields(kibana.source_of(saved)["query"]["query"]):
        assert name in fields
    if saved["type"] == "search":
        for name in [*saved["attributes"]["columns"], *(s[0] for s in saved["attributes"]["sort"])]:
            assert name in fields
        return
    aggs = kibana.state_of(saved)["aggs"]
    ids = [each["id"] for each in aggs]
    assert len(set(ids)) == len(ids) and any(each["schema"] == "metric" for each in aggs)
    for agg in aggs:
        if "field" in agg["params"]:
            assert fields[agg["params"]["field"]]["aggregatable"], agg
        if agg["type"] == "terms":
            ordering = aggs[ids.index(agg["params"]["orderBy"])]
            assert ordering["schema"] == "metric"


def fields_in_query(value):
    if isinstance(value, list):
        for each in value:
            yield from fields_in_query(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "exists":
                yield each["field"]
            elif key in ("term", "terms", "range"):
                yield from each
            else:
                yield from fields_in_query(each)


def is_known(path, fields):
    return path in fields or any(name.startswith(path + ".") for name in fields)


@pytest.mark.parametrize("saved", VEGA, ids=by_id)
def test_vega_asks_for_and_draws_fields_that_are_there(saved):
    spec = json.loads(kibana.state_of(saved)["params"]["spec"])
    found = list(kibana.vega_requests(spec))
    assert found
    everything = set()
    for data in found:
        fields = kibana.fields_of(PATTERNS[data["url"]["index"]])
        body = data["url"]["body"]
        assert data["format"] == {"property": "hits.hits"}
        for name in [*body["_source"], *fields_in_query(body["query"]),
                     *(name for each in body["sort"] for name in each)]:
            assert is_known(name, fields), name
        for clause, word in kibana.VEGA_WORDS.items():
            assert word in body["query"]["bool"][clause]
        assert {"range": {"@timestamp": {"%timefilter%": True}}} in body["query"]["bool"]["filter"]
        assert body["size"] <= 10000
        everything.update(body["_source"])
    for name in re.findall(r"datum\._source\.([@\w.]+)", json.dumps(spec)):
        assert any(name == each or name.startswith(each + ".") for each in everything), name
