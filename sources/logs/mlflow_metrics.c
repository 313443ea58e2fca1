/* A file is "TIME_MS VALUE STEP" a line; old ones have no step, new ones have further fields behind
 * it. No file stays open: there may be more of them than a process may have. */
#include "sources/logs/mlflow_metrics.h"

#include "sources/logs/number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES 8192
#define CELLS_MAX 64

struct point {
    double time_ms, value, step;
};

struct reader {
    const struct tw_mlflow_metric *metric;
    size_t at, size; /* in `buffer` */
    bool is_long;    /* within a line that is longer than the buffer */
    bool has_point;
    struct point point;
    char buffer[BUFFER_BYTES];
};

/* Field `i` of a line, from 0; false where there is none. */
static bool read_field(const char *line, size_t size, unsigned i, double *ret)
{
    const char *at = line, *end = line + size;
    for (;; i--) {
        while (at < end && *at == ' ')
            at++;
        const char *field = at;
        while (at < end && *at != ' ')
            at++;
        if (field == at)
            return false;
        if (!i)
            return tw_log_number(field, (size_t)(at - field), ret) == 1;
    }
}

static bool read_point(const char *line, size_t size, struct point *ret)
{
    if (size && line[size - 1] == '\r')
        size--;
    if (!read_field(line, size, 2, &ret->step))
        ret->step = NAN;
    return read_field(line, size, 0, &ret->time_ms) && read_field(line, size, 1, &ret->value) &&
           isfinite(ret->time_ms);
}

/* Moves what is left to the buffer's beginning and reads on. False at the end of the file. */
static bool fill(struct reader *reader)
{
    const struct tw_mlflow_metric *metric = reader->metric;
    size_t left = reader->size - reader->at;
    memmove(reader->buffer, reader->buffer + reader->at, left);
    reader->at = 0;
    reader->size = left;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", metric->folder, metric->path) >= (int)sizeof path)
        return false;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return false;
    ssize_t n = pread(file, reader->buffer + left, sizeof reader->buffer - left,
                      (off_t)(*metric->place + left));
    close(file);
    if (n > 0)
        reader->size += (size_t)n;
    return n > 0;
}

static void pass(struct reader *reader, size_t size)
{
    reader->at += size;
    *reader->metric->place += size;
}

/* The next whole line with its end: its size, or 0 where there is none as yet. */
static size_t next_line(struct reader *reader, const char **ret)
{
    for (;;) {
        const char *line = reader->buffer + reader->at;
        size_t size = reader->size - reader->at;
        const char *end = memchr(line, '\n', size);
        if (end) {
            *ret = line;
            return (size_t)(end - line) + 1;
        }
        if (size == sizeof reader->buffer) {
            pass(reader, size);
            reader->is_long = true;
        }
        if (!fill(reader))
            return 0;
    }
}

static int advance(struct reader *reader, const struct tw_log_sink *sink)
{
    const char *line;
    size_t size;
    int result = 0;
    reader->has_point = false;
    while (!result && !reader->has_point && (size = next_line(reader, &line))) {
        reader->has_point = !reader->is_long && read_point(line, size - 1, &reader->point);
        if (!reader->has_point && (reader->is_long || size > 1))
            result = sink->broken(sink->closure, "a line of a metric is no point");
        reader->is_long = false;
        pass(reader, size);
    }
    return result;
}

static bool is_before(const struct point *one, const struct point *other)
{
    if (one->time_ms < other->time_ms || one->time_ms > other->time_ms)
        return one->time_ms < other->time_ms;
    return one->step < other->step;
}

static bool is_together(const struct point *one, const struct point *other)
{
    return !is_before(one, other) && !is_before(other, one) &&
           isnan(one->step) == isnan(other->step);
}

static const struct reader *first_of(const struct reader *readers, size_t n)
{
    const struct reader *first = NULL;
    for (size_t i = 0; i < n; i++)
        if (readers[i].has_point && (!first || is_before(&readers[i].point, &first->point)))
            first = &readers[i];
    return first;
}

/* A row of all points that are together with `key`. */
static int give_together(const char *run, struct reader *readers, size_t n, struct point key,
                         const struct tw_log_sink *sink)
{
    struct tw_cell cells[CELLS_MAX];
    struct tw_row row = {.run = run,
                         .step = key.step,
                         .epoch = NAN,
                         .time_ms =
                             key.time_ms > 0 && key.time_ms < 1e15 ? (int64_t)key.time_ms : -1,
                         .cells = cells};
    int result = 0;
    for (size_t i = 0; i < n && !result; i++) {
        struct reader *reader = &readers[i];
        if (!reader->has_point || !is_together(&reader->point, &key))
            continue;
        cells[row.n_cells++] =
            (struct tw_cell){reader->metric->name, reader->point.value, TW_MEANS_BY_NAME};
        result = advance(reader, sink);
        if (!result && row.n_cells == CELLS_MAX) {
            result = sink->row(sink->closure, &row);
            row.n_cells = 0;
        }
    }
    return !result && row.n_cells ? sink->row(sink->closure, &row) : result;
}

int tw_mlflow_metrics_give(const char *run, const struct tw_mlflow_metric *metrics, size_t n,
                           const struct tw_log_sink *sink)
{
    struct reader *readers = n ? malloc(n * sizeof *readers) : NULL;
    const struct reader *first;
    int result = 0;
    if (n && !readers)
        return -ENOMEM;
    for (size_t i = 0; i < n && !result; i++) {
        readers[i].metric = &metrics[i];
        readers[i].at = readers[i].size = 0;
        readers[i].is_long = false;
        result = advance(&readers[i], sink);
    }
    while (!result && (first = first_of(readers, n)))
        result = give_together(run, readers, n, first->point, sink);
    free(readers);
    return result;
}
