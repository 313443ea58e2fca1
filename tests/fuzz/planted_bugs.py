#!/usr/bin/env python3
"""Plants bugs in the readers of logs, one after the other, and sees that the corpora of the fuzz targets find
it, or a unit test does where they cannot see it.

    planted_bugs.py SOURCE BUILD [FILE...]

Copies SOURCE to BUILD, builds the tests there with AddressSanitizer, and for each bug builds and
runs the one that is to find it again. Exit status 1 when a bug passed, or when the sources themselves fail.
"""

import os
import pathlib
import shutil
import subprocess
import sys

# File of sources/logs/, which target's replay is to find it (or which unit test), what stands there, the
# bug.
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
    ("megatron.c", "text", "to = to ? to : end;", "to = to ? to : end + 1;"),
    ("megatron.c", "text", "const char *text = colon + 1;", "const char *text = colon + 2;"),
    ("mlflow_metrics.c", "tree", "reader->size += (size_t)n;", "reader->size += (size_t)n + BUFFER_BYTES;"),
    ("protobuf.h", "unit/test_log_protobuf", "if (tw_protobuf_size(from) < size)", "if (tw_protobuf_size(from) < 1)"),
    ("protobuf.h", "unit/test_log_protobuf", "ret->value > tw_protobuf_size(message)",
     "ret->value > tw_protobuf_size(message) + 1"),
    ("repeats.c", "unit/test_log_repeats", "repeats->newest[repeats->told % TW_REPEATS_NEWEST]",
     "repeats->newest[repeats->told]"),
    ("repeats.c", "unit/test_log_repeats", "at >= repeats->kept_from &&", ""),
    ("rows_queue.c", "tree", "n_cells * sizeof(struct tw_cell) + text_size", "n_cells * sizeof(struct tw_cell)"),
    ("table.c", "csv", "plain[n++] =", "plain[n++ - 400] ="),
    ("tensorboard.c", "tensorboard", "if (length + FRAME_BYTES <= size) {", "if (length <= size) {"),
    ("tensorboard.c", "tensorboard", "memcmp(tag->frame, plain->frame, plain->frame_size)", "false"),
    ("tensorboard.c", "tensorboard", "tag->frame_size != plain->frame_size ||", "!tag->frame_size ||"),
    ("tensorboard.c", "tensorboard", "plain->frame_size > TW_TAG_FRAME_MAX ||", ""),
    ("tensorboard.c", "tensorboard", "|| !is_one_summary(rest)", "|| (false && is_one_summary(rest))"),
    ("tensorboard.c", "tensorboard", "&& ends_with_number(field.bytes)", "&& (true || ends_with_number(field.bytes))"),
    ("tensorboard.c", "tensorboard", "tag->frame_size = 0;", ""),
    ("tensorboard.c", "tensorboard", "(double)(int64_t)plain->step", "(double)plain->step"),
    ("tensorboard_tensor.c", "tensorboard", "if (ret->n_dimensions < 2)", "if (true)"),
    ("tensorboard_tensor.c", "tensorboard", "field->number <= 5)", "field->number <= 7)"),
    ("tensorboard_tensor.c", "unit/test_log_tensorboard", "size < 24 || size % 24 ||", ""),
    ("text_layout.c", "text", "layout->n_numbers == TW_LAYOUT_NUMBERS ||", ""),
    ("text_layout.c", "text", "if ((size_t)(end - at) < size)", "if (end < at)"),
    ("text_layout.c", "text", "(layouts->made + 1) % TW_LAYOUTS", "layouts->made + 1"),
    ("text_layout.c", "text", "isnan(of) == number->has_total ||", ""),
    ("text_layout.c", "text", "(size_t)(scan->end - scan->at) == layout->tail_size &&", ""),
    ("text_layout.c", "text", "<< (64 - 8 * size) == 0", "<< (64 - 8 * size) << 8 == 0"),
    ("text_layout.c", "text", "row->time_ms = time_ms;", "row->time_ms = time_ms + 1;"),
    ("text_layout.c", "text", "return value >= 0 && value < 1e9 &&", "return"),
    ("text_layout.c", "text", "return !isnan(tw_text_whole(value)) &&", "return"),
    ("text_layout.c", "text", "return is_bracket && use", "return is_bracket && false && use"),
    ("text_layout.c", "text", "row->cells[number->cell + 1].value", "row->cells[number->cell].value"),
    ("text_layout.c", "text", "at[-1] == '(' &&", "false &&"),
    ("text_layout.c", "text", "return (is_number &&", "return (false && is_number &&"),
    ("text_scan.c", "text", "while (to < scan->end && (bytes", "while ((bytes"),
    ("unpack.c", "tree", "inflateEnd(&unpack->gzip);", "(void)unpack->gzip;"),
    ("wandb_blocks.c", "wandb", "chunk->data, chunk->size);", "chunk->data, chunk->size + 4096);"),
    ("words.c", "unit/test_log_words", "words->n == TW_WORDS_MAX ||", ""),
    ("words.c", "unit/test_log_words", "while (start > name && (", "while (("),
    ("words.c", "unit/test_log_words", "used < size; i++)", "true; i++)"),
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


def fails(source, build, finder):
    """Does the replay of a target, or the unit test, fail or go round in circles?"""
    test = f"tests/{finder}" if "/" in finder else f"tests/fuzz/replay_log_{finder}"
    subprocess.run(["make", "-s", "-j2", test], cwd=build, check=True, stdout=subprocess.DEVNULL)
    environment = {**os.environ, **ENVIRONMENT, "TW_SRCDIR": str(source)}
    try:
        return subprocess.run([build / test], cwd=build, env=environment, timeout=60,
                              capture_output=True).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def plant(source, build, name, finder, before, after):
    path = source / "sources" / "logs" / name
    text = path.read_text()
    if before not in text:
        sys.exit(f"planted_bugs.py: {name} has no {before!r} any more")
    path.write_text(text.replace(before, after, 1))
    try:
        return fails(source, build, finder)
    finally:
        path.write_text(text)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    bugs = [bug for bug in BUGS if len(sys.argv) == 3 or bug[0] in sys.argv[3:]]
    build = pathlib.Path(sys.argv[2]).resolve()
    build.mkdir(parents=True, exist_ok=True)
    source = copy(pathlib.Path(sys.argv[1]).resolve(), build)
    for name, *_ in BUGS:  # the run before has left an object with a bug
        (source / "sources" / "logs" / name).touch()
    configure(source, build)
    for finder in sorted({bug[1] for bug in bugs}):
        if fails(source, build, finder):
            sys.exit(f"planted_bugs.py: {finder} fails without any bug")
    passed = 0
    for name, finder, before, after in bugs:
        is_found = plant(source, build, name, finder, before, after)
        passed += not is_found
        print(f"{name:24} {'found' if is_found else 'NOT FOUND'}", flush=True)
    print(f"{len(bugs) - passed} of {len(bugs)} planted bugs found")
    return passed > 0


if __name__ == "__main__":
    sys.exit(main())
