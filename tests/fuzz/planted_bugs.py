#!/usr/bin/env python3
"""Plants bugs in the readers of logs, one after the other, and sees that the corpora of the fuzz targets find it.

    planted_bugs.py SOURCE BUILD [FILE...]

Copies SOURCE to BUILD, builds the replays there with AddressSanitizer, and for each bug builds and
runs that of its target again. Exit status 1 when a bug passed, or when the sources themselves fail.
"""

import os
import pathlib
import shutil
import subprocess
import sys

# File of sources/logs/, whose replay is to find it, what stands there, the bug.
BUGS = (
    ("caffe.c", "text", "while (at < end && *at == ' ')", "while (*at == ' ' || at++ < end)"),
    ("crc32c.c", "tree", "if (size & 4) {", "if (size & 2) {"),
    ("date_time.c", "text", "if (cursor->end - cursor->at < n)", "if (cursor->end < cursor->at)"),
    ("dict_lines.c", "text", "for (; at < end && *at != quote; at++)", "for (; *at != quote; at++)"),
    ("huggingface_state.c", "huggingface_state", "free(", "(void)("),
    ("input.c", "tree", "memmove(input->tail, input->tail + input->n_tail - kept, kept);",
     "memmove(input->tail, input->tail + input->n_tail - kept, kept + TAIL_BYTES + 1);"),
    ("json_objects.c", "json_lines", "for (at++; at < end && *at != '\"'; at++)", "for (at++; *at != '\"'; at++)"),
    ("key_values.c", "key_values", "size - name_size - 1, &cell->value", "size - name_size, &cell->value"),
    ("lines.c", "text", "lines->scanned -= lines->at;", "lines->scanned -= lines->at + 1;"),
    ("mlflow_metrics.c", "tree", "reader->size += (size_t)n;", "reader->size += (size_t)n + BUFFER_BYTES;"),
    ("rows_queue.c", "tree", "n_cells * sizeof(struct tw_cell) + text_size", "n_cells * sizeof(struct tw_cell)"),
    ("table.c", "csv", "plain[n++] =", "plain[n++ - 400] ="),
    ("tensorboard.c", "tensorboard", "if (length + FRAME_BYTES <= size) {", "if (length <= size) {"),
    ("text_scan.c", "text", "while (to < scan->end && (bytes", "while ((bytes"),
    ("unpack.c", "tree", "inflateEnd(&unpack->gzip);", "(void)unpack->gzip;"),
    ("wandb_blocks.c", "wandb", "chunk->data, chunk->size);", "chunk->data, chunk->size + 4096);"),
)
ENVIRONMENT = {"ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "exitcode=99"}


def copy(source, build):
    def is_left_out(folder, names):
        return [name for name in names if name in (".git", "autom4te.cache")
                or (pathlib.Path(folder) == source and name.startswith("build") and name != "build-aux")]
    target = build / "source"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=is_left_out)
    return target


def configure(source, build):
    if not (build / "Makefile").exists():
        subprocess.run([source / "configure", "-q", "--enable-static", "--disable-shared",
                        "--without-simdjson", "--enable-sanitizers=address,undefined",
                        "CFLAGS=-g -O1", f"CC={os.environ.get('CC', 'gcc')}"], cwd=build, check=True)


def fails(source, build, target):
    """Does the replay of a target fail, or go round in circles?"""
    replay = f"tests/fuzz/replay_log_{target}"
    subprocess.run(["make", "-s", "-j2", replay], cwd=build, check=True, stdout=subprocess.DEVNULL)
    environment = {**os.environ, **ENVIRONMENT, "TW_SRCDIR": str(source)}
    try:
        return subprocess.run([build / replay], cwd=build, env=environment, timeout=60,
                              capture_output=True).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def plant(source, build, name, target, before, after):
    path = source / "sources" / "logs" / name
    text = path.read_text()
    if before not in text:
        sys.exit(f"planted_bugs.py: {name} has no {before!r} any more")
    path.write_text(text.replace(before, after, 1))
    try:
        return fails(source, build, target)
    finally:
        path.write_text(text)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    bugs = [bug for bug in BUGS if len(sys.argv) == 3 or bug[0] in sys.argv[3:]]
    build = pathlib.Path(sys.argv[2]).resolve()
    build.mkdir(parents=True, exist_ok=True)
    source = copy(pathlib.Path(sys.argv[1]).resolve(), build)
    for name, *_ in bugs:  # a run that was broken off has left an object with a bug
        (source / "sources" / "logs" / name).touch()
    configure(source, build)
    for target in sorted({bug[1] for bug in bugs}):
        if fails(source, build, target):
            sys.exit(f"planted_bugs.py: {target} fails without any bug")
    passed = 0
    for name, target, before, after in bugs:
        is_found = plant(source, build, name, target, before, after)
        passed += not is_found
        print(f"{name:24} {'found' if is_found else 'NOT FOUND'}", flush=True)
    print(f"{len(bugs) - passed} of {len(bugs)} planted bugs found")
    return passed > 0


if __name__ == "__main__":
    sys.exit(main())
