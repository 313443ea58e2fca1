/* Drives a log format as the source does, and writes down what it gives, a line each:
 *
 *   row [RUN] [train|eval] [step=S] [epoch=E] [time=MS]: NAME=VALUE NAME=VALUE(MEANING)
 *   parameter [RUN] NAME=VALUE
 *   event [RUN] NUMBER [step=S]
 *   broken REASON
 *
 * so that a test compares text. Numbers are written with %.9g. */
#ifndef TW_TEST_LOG_ROWS_H
#define TW_TEST_LOG_ROWS_H

#include "sources/logs/format.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct log_rows {
    char *text; /* what came so far; never NULL once something came */
    size_t size;
    unsigned n_rows, n_broken;
};

static inline void log_rows_put(struct log_rows *rows, const char *format, ...)
{
    va_list arguments;
    char piece[2000];
    va_start(arguments, format);
    int n = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    size_t more = n < (int)sizeof piece ? (size_t)n : sizeof piece - 1;
    rows->text = realloc(rows->text, rows->size + more + 1);
    memcpy(rows->text + rows->size, piece, more + 1);
    rows->size += more;
}

static inline int log_rows_row(void *closure, const struct tw_row *row)
{
    static const char *const parts[] = {"", " train", " eval"};
    struct log_rows *rows = closure;
    rows->n_rows++;
    log_rows_put(rows, "row%s%s%s", row->run && row->run[0] ? " " : "", row->run ? row->run : "",
                 parts[row->part]);
    if (!isnan(row->step))
        log_rows_put(rows, " step=%.9g", row->step);
    if (!isnan(row->epoch))
        log_rows_put(rows, " epoch=%.9g", row->epoch);
    if (row->time_ms >= 0)
        log_rows_put(rows, " time=%lld", (long long)row->time_ms);
    log_rows_put(rows, ":");
    for (size_t i = 0; i < row->n_cells; i++) {
        const struct tw_cell *cell = &row->cells[i];
        log_rows_put(rows, " %s=%.9g", cell->name, cell->value);
        if (cell->meaning != TW_MEANS_BY_NAME)
            log_rows_put(rows, "(%d)", (int)cell->meaning);
    }
    log_rows_put(rows, "\n");
    return 0;
}

static inline int log_rows_parameter(void *closure, const char *run, const char *name,
                                     const char *value)
{
    log_rows_put(closure, "parameter%s%s %s=%s\n", run && run[0] ? " " : "", run ? run : "", name,
                 value);
    return 0;
}

static inline int log_rows_event(void *closure, const char *run, enum tw_log_event event,
                                 double step)
{
    log_rows_put(closure, "event%s%s %d", run && run[0] ? " " : "", run ? run : "", (int)event);
    if (!isnan(step))
        log_rows_put(closure, " step=%.9g", step);
    log_rows_put(closure, "\n");
    return 0;
}

static inline int log_rows_broken(void *closure, const char *reason)
{
    ((struct log_rows *)closure)->n_broken++;
    log_rows_put(closure, "broken %s\n", reason);
    return 0;
}

static inline struct tw_log_sink log_rows_sink(struct log_rows *rows)
{
    return (struct tw_log_sink){rows, log_rows_row, log_rows_parameter, log_rows_event,
                                log_rows_broken};
}

static inline int log_rows_lines(const struct tw_log_format *format, void *state, const char *bytes,
                                 size_t size, const struct tw_log_sink *sink,
                                 struct tw_error *error)
{
    int result = 0;
    while (size && !result) {
        size_t length = strcspn(bytes, "\r\n"), step;
        length = length < size ? length : size;
        step = length < size ? length + 1 : length;
        if (length)
            result = format->line(state, bytes, length, sink, error);
        bytes += step;
        size -= step;
    }
    return result;
}

/* Each call shows `portion` bytes more than the one before. */
static inline int log_rows_portions(const struct tw_log_format *format, void *state,
                                    const char *bytes, size_t size, size_t portion,
                                    const struct tw_log_sink *sink, struct tw_error *error)
{
    size_t taken = 0, shown = 0;
    while (shown < size) {
        shown = size - shown > portion ? shown + portion : size;
        long n;
        do {
            char *exact = malloc(shown - taken + !(shown - taken)); /* sanitizers see its end */
            memcpy(exact, bytes + taken, shown - taken);
            n = format->bytes(state, exact, shown - taken, shown == size, sink, error);
            free(exact);
            if (n < 0)
                return (int)n;
            taken += (size_t)n;
        } while (n > 0 && taken < shown);
    }
    return 0;
}

/* Reads NUL-terminated-or-not `bytes` from start to finish. A format of kind BYTES sees them
 * `portion` at a time (0: all at once). The caller frees rows->text. */
static inline int log_rows_read(const struct tw_log_format *format, const char *path,
                                const void *bytes, size_t size, size_t portion,
                                struct log_rows *rows, struct tw_error *error)
{
    void *state = calloc(1, format->state_size ? format->state_size : 1);
    struct tw_log_sink sink = log_rows_sink(rows);
    int result = format->start ? format->start(state, path, error) : 0;
    if (!result && format->kind == TW_LOG_LINES) {
        char *text = calloc(1, size + 1);
        memcpy(text, bytes, size);
        result = log_rows_lines(format, state, text, size, &sink, error);
        free(text);
    } else if (!result && format->kind == TW_LOG_BYTES) {
        result =
            log_rows_portions(format, state, bytes, size, portion ? portion : size, &sink, error);
    } else if (!result && format->kind == TW_LOG_DOCUMENT) {
        result = format->document(state, bytes, size, &sink, error);
    } else if (!result) {
        result = format->poll(state, &sink, error);
    }
    if (!result && format->finish)
        result = format->finish(state, &sink, error);
    if (format->done)
        format->done(state);
    free(state);
    return result;
}

#endif
