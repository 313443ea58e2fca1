#!/usr/bin/env python3
"""Plants one bug in each reader of logs and sees that the corpora of the fuzz targets find it.

    planted_bugs.py SOURCE BUILD [FILE...]

Copies SOURCE to BUILD, builds the replays there with AddressSanitizer, and for each bug builds and
runs them again. Exit status 1 when a bug passed, or when the sources themselves fail.
"""

import os
import pathlib
import shutil
import subprocess
import sys

# File of sources/logs/, what stands there, the bug.
BUGS = (
    ("caffe.c", "while (at < end && *at == ' ')", "while (*at == ' ' || at++ < end)"),
    ("crc32c.c", "if (size & 4) {", "if (size & 2) {"),
    ("date_time.c", "if (cursor->end - cursor->at < n)", "if (cursor->end < cursor->at)"),
    ("dict_lines.c", "for (; at < end && *at != quote; at++)", "for (; *at != quote; at++)"),
    ("huggingface_state.c", "free(", "(void)("),
    ("input.c", "memmove(input->tail, input->tail + input->n_tail - kept, kept);",
     "memmove(input->tail, input->tail + input->n_tail - kept, kept + TAIL_BYTES + 1);"),
    ("json_objects.c", "for (at++; at < end && *at != '\"'; at++)", "for (at++; *at != '\"'; at++)"),
    ("key_values.c", "size - name_size - 1, &cell->value", "size - name_size, &cell->value"),
    ("lines.c", "lines->scanned -= lines->at;", "lines->scanned -= lines->at + 1;"),
    ("llmc.c", "while (at < end) {", "while (at <= end) {"),
    ("megatron.c", "while (at < end) {", "while (at <= end) {"),
    ("mlflow_metrics.c", "reader->size += (size_t)n;", "reader->size += (size_t)n + BUFFER_BYTES;"),
    ("protobuf.h", "if (tw_protobuf_size(from) < size)", "if (!tw_protobuf_size(from))"),
    ("repeats.c", "repeats->newest[at % TW_REPEATS_NEWEST] != hash", "repeats->newest[~at] != hash"),
    ("rows_queue.c", "n_cells * sizeof(struct tw_cell) + text_size", "n_cells * sizeof(struct tw_cell)"),
    ("table.c", "plain[n++] =", "plain[n++ - 400] ="),
    ("tensorboard.c", "if (length + FRAME_BYTES <= size) {", "if (length <= size) {"),
    ("tensorboard_tensor.c", "if (tw_protobuf_size(&values) != type->size)", "if (!type->size)"),
    ("text_scan.c", "while (to < scan->end && (bytes", "while ((bytes"),
    ("unpack.c", "ZSTD_outBuffer to = {out, size, 0};", "ZSTD_outBuffer to = {out, size + 70000, 0};"),
    ("wandb_blocks.c", "if (whole > size)", "if (whole > size + 8)"),
    ("words.c", "if (words->n == TW_WORDS_MAX ||", "if ("),
)
REPLAYS = [f"tests/fuzz/replay_log_{name}" for name in
           ("text", "csv", "json_lines", "huggingface_state", "key_values", "tensorboard", "wandb",
            "mlflow", "tree")]
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


def fails(source, build):
    """Do the replays fail?"""
    subprocess.run(["make", "-s", "-j2", *REPLAYS], cwd=build, check=True, stdout=subprocess.DEVNULL)
    environment = {**os.environ, **ENVIRONMENT, "TW_SRCDIR": str(source)}
    for replay in REPLAYS:
        try:
            done = subprocess.run([build / replay], cwd=build, env=environment, timeout=120,
                                  capture_output=True)
        except subprocess.TimeoutExpired:
            return True
        if done.returncode:
            return True
    return False


def plant(source, build, name, before, after):
    path = source / "sources" / "logs" / name
    text = path.read_text()
    if before not in text:
        sys.exit(f"planted_bugs.py: {name} has no {before!r} any more")
    path.write_text(text.replace(before, after, 1))
    try:
        return fails(source, build)
    finally:
        path.write_text(text)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    bugs = [bug for bug in BUGS if len(sys.argv) == 3 or bug[0] in sys.argv[3:]]
    build = pathlib.Path(sys.argv[2]).resolve()
    build.mkdir(parents=True, exist_ok=True)
    source = copy(pathlib.Path(sys.argv[1]).resolve(), build)
    configure(source, build)
    if fails(source, build):
        sys.exit("planted_bugs.py: the replays fail without any bug")
    passed = 0
    for name, before, after in bugs:
        is_found = plant(source, build, name, before, after)
        passed += not is_found
        print(f"{name:24} {'found' if is_found else 'NOT FOUND'}", flush=True)
    print(f"{len(bugs) - passed} of {len(bugs)} planted bugs found")
    return passed > 0


if __name__ == "__main__":
    sys.exit(main())
