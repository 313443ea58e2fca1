#!/usr/bin/env python3
"""Makes the saved objects of Kibana and OpenSearch Dashboards: one JSON object a line.

    kibana/make_objects.py [--check]    # writes, or compares with, kibana/saved_objects.ndjson

Two words in them have one meaning each, so that `trainward setup kibana` can put others in their
place: "trainward_" begins an object's id, "trainward-" the name of an index."""

import json
import pathlib
import sys

import dashboards
from objects import dumped

HERE = pathlib.Path(__file__).resolve().parent
SINKS = HERE.parent / "sinks"
OUTPUT = HERE / "saved_objects.ndjson"


def template(name):
    return json.loads((SINKS / name).read_text())


def all_objects():
    """What others refer to comes first."""
    made = dashboards.index_patterns(template("elasticsearch_template.json"),
                                     template("elasticsearch_charts.json"))
    for view in (dashboards.fleet, dashboards.project, dashboards.run):
        made += view()
    return made


def text():
    return "".join(dumped(each) + "\n" for each in all_objects())


def main():
    if sys.argv[1:] == ["--check"]:
        if OUTPUT.read_text() != text():
            sys.exit(f"{OUTPUT}: is not what make_objects.py makes; run it")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        OUTPUT.write_text(text())


if __name__ == "__main__":
    main()
