"""Labelled logs: a folder with a table of labels beside the logs or run directories that it names.

The table is tab-separated, INDEX.tsv or labels.tsv, with the columns `file` and `label`; `format`
(a run directory or a file of our records without it), `secondary`, `onset_step` and `repo` may be
missing. `secondary` may hold several labels with commas between, `onset_step` words behind the number.
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
    "dead-units": ("dead-units",),
    "vanishing-gradient": ("vanishing-gradient",),
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

    def labels(self):
        """The label and the secondary ones."""
        return (self.label, *labels_of(self.secondary))

    def detectors(self):
        """The detectors that may report a problem here without being wrong."""
        return sum((DETECTORS_OF.get(label, ()) for label in self.labels()), ())


def labels_of(text):
    return [label for label in re.split(r"[,\s]+", text or "") if label]


def read(folder, forms):
    """The labelled runs of a folder; `forms` are the formats that can be read."""
    folder = pathlib.Path(folder)
    tables = [folder / name for name in ("INDEX.tsv", "labels.tsv") if (folder / name).exists()]
    if not tables:
        raise CorpusError(f"{folder}: neither INDEX.tsv nor labels.tsv")
    with open(tables[0], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    known = (*forms, RUN_DIRECTORY)
    return [
        labelled_run(folder, row, f"{tables[0]}:{line}", known) for line, row in enumerate(rows, 2)
    ]


def expect(where, what, word, known):
    if word not in known:
        raise CorpusError(f"{where}: unknown {what} {word!r}; known are {', '.join(known)}")


def labelled_run(folder, row, where, forms):
    for column in ("file", "label"):
        if not row.get(column):
            raise CorpusError(f"{where}: no {column}")
    for label in (row["label"], *labels_of(row.get("secondary"))):
        expect(where, "label", label, (*NO_PROBLEM, *DETECTORS_OF))
    form = row.get("format") or RUN_DIRECTORY
    expect(where, "format", form, forms)
    path = folder / row["file"]
    if not path.exists():
        raise CorpusError(f"{where}: there is no {path}")
    onset = re.match(r"\d+", row.get("onset_step") or "")
    return LabelledRun(
        path=path,
        name=row["file"],
        format=form,
        label=row["label"],
        secondary=row.get("secondary") or "",
        onset=int(onset[0]) if onset else None,
        repo=row.get("repo") or "none stated",
    )
