/* A log format is one file ending in one struct tw_log_format, listed in formats.c: how a log that
 * trainward did not write is read. A format turns lines, bytes or a whole document into rows of
 * named numbers, by the letter of the format; what the names mean is decided behind it (names.h),
 * and records are made of the rows behind that (assemble.h). So a format holds no file, no clock,
 * no wait, and knows of no other: bytes in, rows out, in any portions.
 *
 *   input.h (a file, followed; .gz, .zst) -> lines.h -> a format -> names.h, assemble.h -> records
 */
#ifndef TW_LOG_FORMAT_H
#define TW_LOG_FORMAT_H

#include "telemetry/error.h"
#include "telemetry/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a number is, where the format itself says so beyond doubt. TW_MEANS_BY_NAME leaves it to the
 * name, by the table of names.h and what the user maps. */
enum tw_meaning {
    TW_MEANS_BY_NAME,
    TW_MEANS_NOTHING, /* no signal: times, memory, throughput */
    TW_MEANS_LOSS,
    TW_MEANS_LOSS_PART, /* one addend of the loss */
    TW_MEANS_LOSS_AVERAGED_OVER,
    TW_MEANS_TRAIN_LOSS, /* on the same footing as eval_loss: over an epoch, say */
    TW_MEANS_EVAL_LOSS,
    TW_MEANS_EVAL_METRIC,
    TW_MEANS_GRAD_NORM,
    TW_MEANS_LEARNING_RATE,
    TW_MEANS_LOSS_SCALE,
    TW_MEANS_OVERFLOW,
    TW_MEANS_SKIPPED_STEPS,
    TW_MEANS_NAN_COUNT, /* losses that were NaN since the last row, and were left out of it */
    TW_MEANS_WEIGHT_NORM,
    TW_MEANS_UPDATE_NORM,
    TW_MEANS_SAMPLES,
    TW_MEANS_STEP_SECONDS,
    TW_MEANS_STEP,
    TW_MEANS_EPOCH,
    TW_MEANS_TIME, /* seconds since the epoch */
    /* A statistic of one tensor (a layer's weights, gradients, activations), of which the log has a
     * histogram: NAME/mean, /std, /norm (L2), /abs_max, /zero_fraction, where NAME is the log's.
     * Never a signal of the run, whatever NAME looks like. */
    TW_MEANS_OF_LAYER,
    TW_MEANS_PERPLEXITY, /* of the training: exp(loss), and stands for it where no loss is told */
    TW_MEANINGS
};

/* One number of a row. NaN and infinity are readings; what is absent has no cell. */
struct tw_cell {
    const char *name; /* raw, as the log spells it, UTF-8; valid during the call */
    double value;
    enum tw_meaning meaning;
};

enum tw_row_part {
    TW_PART_BY_NAME, /* the names tell (val_loss, eval/loss) */
    TW_PART_TRAIN,   /* the line or file is about training: "loss" is the training loss */
    TW_PART_EVAL     /* ... about validation: "loss" is eval_loss, "accuracy" eval_accuracy */
};

/* What a log tells at one moment. A format gives what it knows; the rest stays unknown. */
struct tw_row {
    const char *run; /* which of several runs in one log; "" or NULL: its only one */
    enum tw_row_part part;
    double step;     /* optimizer steps, by the format's word for it; NaN: not told */
    double epoch;    /* NaN: not told */
    int64_t time_ms; /* since 1970; negative: not told */
    const struct tw_cell *cells;
    size_t n_cells;
};

enum tw_log_event {
    TW_LOG_RUN_STARTS,  /* anew: what follows is another attempt or run, by the log's own word */
    TW_LOG_RUN_RESUMES, /* steps above tw_sink's `step` are void: they come again */
    TW_LOG_CHECKPOINT,
    TW_LOG_COMPLETED,
    TW_LOG_FAILED, /* the log tells of its own death: a traceback, "out of memory" */
    TW_LOG_INTERRUPTED
};

/* Where a format puts what it finds. Each function returns 0 or a negative error, which the format
 * passes on at once. Texts are valid during the call only. */
struct tw_log_sink {
    void *closure;
    int (*row)(void *closure, const struct tw_row *row);
    /* A hyper-parameter or a fact about the run under its raw name ("learning_rate", "args/lr",
     * "optimizer"), as text; numbers in any spelling. Nested names are joined by '/'. */
    int (*parameter)(void *closure, const char *run, const char *name, const char *value);
    int (*event)(void *closure, const char *run, enum tw_log_event event, double step);
    /* A line, record or cell that should have been data and was not: counted and told. */
    int (*broken)(void *closure, const char *reason);
};

/* What a probe sees: the beginning of a file (unpacked), and its name. */
struct tw_log_sample {
    const char *path; /* for the name's sake; not to be opened, but by formats of kind STORE */
    const char *bytes;
    size_t size;
    bool is_whole;              /* `bytes` is all there is */
    const struct tw_texts *map; /* names that the user knows (names.h); may be NULL */
};

enum tw_log_kind {
    TW_LOG_LINES,    /* text, line by line */
    TW_LOG_BYTES,    /* a binary stream of records */
    TW_LOG_DOCUMENT, /* one document, read again as a whole whenever it has changed */
    TW_LOG_STORE     /* a directory or database, which the format opens itself, read-only */
};

struct tw_log_format {
    const char *name;        /* "tensorboard", "huggingface_state", "megatron"; in reports */
    const char *description; /* one line */
    enum tw_log_kind kind;
    size_t state_size; /* zeroed before start(); holds no pointers into anything but itself, unless
                          `done` frees them */

    /* 0..100: how sure am I that this is mine, by its content: 90 and more = by a magic number or
     * a line that nobody else writes, 50 = it can be read so, below 30 = nothing better is known.
     */
    int (*probe)(const struct tw_log_sample *sample);

    /* (optional) */
    int (*start)(void *state, const char *path, struct tw_error *error);
    /* (optional) Names that the user knows, for formats that look for names in text; told behind
     * start(), valid until done(); may be NULL. */
    void (*map)(void *state, const struct tw_texts *map);
    /* LINES: one line without its end; not NUL-terminated; ANSI sequences are gone, "\r" ends a
     * line as "\n" does. */
    int (*line)(void *state, const char *line, size_t size, const struct tw_log_sink *sink,
                struct tw_error *error);
    /* BYTES: takes what it can of `size` bytes and says how many these were (0: more are needed);
     * negative: the rest of the file cannot be read. `has_ended`: nothing more will come. */
    long (*bytes)(void *state, const void *bytes, size_t size, bool has_ended,
                  const struct tw_log_sink *sink, struct tw_error *error);
    /* DOCUMENT: all of it, from the start; the rows that were there before come again. -EAGAIN: it
     * is half-written, ask again later. */
    int (*document)(void *state, const char *bytes, size_t size, const struct tw_log_sink *sink,
                    struct tw_error *error);
    /* STORE: gives the rows that are new since the last call. -EAGAIN: it is locked, later. */
    int (*poll)(void *state, const struct tw_log_sink *sink, struct tw_error *error);
    /* (optional) STORE: whether that at `path`, which is one, has a single run and no more. */
    bool (*has_one_run)(const char *path);
    /* (optional) The log ends here, as far as anybody knows: rows that were held back. */
    int (*finish)(void *state, const struct tw_log_sink *sink, struct tw_error *error);
    void (*done)(void *state); /* (optional) frees what the state holds */
};

extern const struct tw_log_format *const tw_log_formats[]; /* NULL-terminated */

#endif
