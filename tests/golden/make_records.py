"""Writes tests/golden/<case>/records.jsonl of each case again. They are a function of the seeds in
support/telemetry.py: run this only after changing a generator, and then see `update.py`.

    build/venv/bin/python tests/golden/make_records.py
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support import telemetry  # noqa: E402


def main():
    for case, make in telemetry.CASES.items():
        folder = HERE / case
        folder.mkdir(exist_ok=True)
        (folder / "records.jsonl").write_bytes(telemetry.to_json_lines(make()))


if __name__ == "__main__":
    main()
