"""Writes tests/golden/<case>/advisories.jsonl and golden_charts/charts.jsonl anew from what the programs in build/ (or TW_BIN) say.

    build/venv/bin/python tests/golden/update.py

The golden files are what we promise, not what the program happens to print: read the difference
(`git diff tests/golden`) document by document, and keep it only where you can say why each change
is right. Say that in the commit.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support import programs  # noqa: E402


def main():
    for records in sorted(HERE.glob("*/records.jsonl")):
        lines = programs.documents_of(records)
        (records.parent / "advisories.jsonl").write_text("".join(line + "\n" for line in lines))
        print(f"{records.parent.name}: {len(lines)} documents")
    charts = HERE.parent / "golden_charts"
    lines = programs.documents_of(charts / "records.jsonl", format="charts")
    (charts / "charts.jsonl").write_text("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    main()
