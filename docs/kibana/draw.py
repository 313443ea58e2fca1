"""Draws the run view's Vega panels as pictures, with what `trainward analyze` says of a log in place
of a server's answers; each specification is checked by Vega-Lite's own schema first.

    make -C build kibana-pictures        # docs/kibana/*.png; wants npm and chromium
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
PICTURES = (("divergence_critical", "run_loss", 1100, 300), ("overflow_nan", "run_loss", 1100, 300),
            ("saturation", "run_layers_gradients", 420, 200))


def documents(path):
    """(present states of findings, charts) of a log."""
    from support import programs
    last = {}
    for line in programs.documents_of(path):
        document = json.loads(line)
        if document["trainward"]["kind"] == "episode":
            last[document["trainward"]["episode_id"]] = document
    charts = programs.trainward("analyze", "--format", "charts", path).stdout.splitlines()
    return ([each for each in last.values() if each["trainward"]["state"] != "withdrawn"],
            [json.loads(line) for line in charts])


def has(document, path):
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document is not None


def fill(data, findings, charts):
    url = data.pop("url")
    found = findings
    if url["index"].endswith("-charts"):
        field, = [each["exists"]["field"] for each in url["body"]["query"]["bool"]["filter"]
                  if "exists" in each]
        found = [chart for chart in charts if has(chart, field)]
    data["values"] = {"hits": {"hits": [{"_source": each} for each in found]}}


def specification(saved, findings, charts):
    """As Kibana hands it to Vega-Lite."""
    from support import kibana
    spec = json.loads(kibana.state_of(saved)["params"]["spec"])
    spec["config"].pop("kibana")
    for data in kibana.vega_requests(spec):
        fill(data, findings, charts)
    return spec


def draw(spec, modules, picture, width, height):
    page = modules / (picture.stem + ".html")
    (modules / "spec.json").write_text(json.dumps({**spec, "height": height, "width": width}))
    subprocess.run(["node", HERE / "render.js", modules, page], check=True, timeout=120)
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    f"--window-size={width + 10},{height + 10}", f"--screenshot={picture}",
                    page.as_uri()], check=True, timeout=120, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--modules", required=True, type=pathlib.Path,
                        help="where npm has put vega and vega-lite")
    options = parser.parse_args()
    os.environ["TW_BUILD"] = os.environ["TW_BIN"] = str(options.build)
    sys.path.insert(0, str(TOP / "tests"))
    from support import kibana
    saved = {each["id"]: each for each in kibana.committed().all}
    schema = json.loads((options.modules / "node_modules/vega-lite/build/vega-lite-schema.json")
                        .read_text())
    for case, name, width, height in PICTURES:
        found = documents(TOP / "tests" / "golden" / case / "records.jsonl")
        spec = specification(saved[f"trainward_{name}"], *found)
        jsonschema.Draft7Validator(schema).validate(spec)
        draw(spec, options.modules, HERE / f"{name}_{case}.png", width, height)


if __name__ == "__main__":
    main()
