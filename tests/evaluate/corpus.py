"""Labelled logs: a folder with a table of labels beside the logs or run directories that it names.

The table is tab-separated, INDEX.tsv or labels.tsv, with the columns `file` and `label`; `format`, `secondary`,
`onset_step` and `repo` may be missing. `onset_step` may have words behind the number.
"""

import csv
import dataclasses
import pathlib
import re

# Which detectors answer for a label.
DETECTORS_OF = {
    "overflow-nan": ("overflow",),
    "spikes": ("loss-spike", "gradient-explosion"),
    "gradient-explosion": ("gradient-explosion",),
    "divergence": ("divergence",),
    "overfitting": ("overfitting",),
    "underfitting": ("underfitting",),
    "saturation": ("saturation",),
}
NO_PROBLEM = ("healthy", "unknown")
RUN_DIRECTORY = "run_directory"


class CorpusError(Exception):
    """A table that cannot be used; the text says which line."""


@dataclasses.dataclass
class LabelledRun:
    path: pathlib.Path
    name: str
    format: str
    label: str
    secondary: str
    onset: int | None
    repo: str

    def detectors(self):
        """The detectors that may report a problem here without being wrong."""
        return DETECTORS_OF.get(self.label, ()) + DETECTORS_OF.get(self.secondary, ())


def read(folder):
    """The labelled runs of a folder."""
    folder = pathlib.Path(folder)
    tables = [folder / name for name in ("INDEX.tsv", "labels.tsv") if (folder / name).exists()]
    if not tables:
        raise CorpusError(f"{folder}: neither INDEX.tsv nor labels.tsv")
    with open(tables[0], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [labelled_run(folder, row, f"{tables[0]}:{line}") for line, row in enumerate(rows, 2)]


def labelled_run(folder, row, where):
    for column in ("file", "label"):
        if not row.get(column):
            raise CorpusError(f"{where}: no {column}")
    for label in filter(None, (row["label"], row.get("secondary"))):
        if label not in DETECTORS_OF and label not in NO_PROBLEM:
            known = ", ".join((*NO_PROBLEM, *DETECTORS_OF))
            raise CorpusError(f"{where}: unknown label {label!r}; known are {known}")
    path = folder / row["file"]
    if not path.exists():
        raise CorpusError(f"{where}: there is no {path}")
    onset = re.match(r"\d+", row.get("onset_step") or "")
    return LabelledRun(
        path=path,
        name=row["file"],
        format=row.get("format") or RUN_DIRECTORY,
        label=row["label"],
        secondary=row.get("secondary") or "",
        onset=int(onset[0]) if onset else None,
        repo=row.get("repo") or "none stated",
    )
