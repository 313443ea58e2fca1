/* Drives a format over one file. */
#include "sources/logs/reader.h"

#include "sources/logs/encoding.h"
#include "sources/logs/input.h"
#include "sources/logs/lines.h"
#include "sources/logs/patience.h"
#include "sources/logs/repeats.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BYTES_FIRST 65536u
/* A single record of a binary log; a larger length field is taken for damage. */
#define BYTES_MAX (64u << 20)
#define DOCUMENT_MAX (512u << 20)
#define LINES_A_STEP 256

struct tw_log_reader {
    char *path;
    const struct tw_log_format *format;
    void *state;
    const struct tw_texts *map;
    bool follow, has_no_more, has_finished, is_dead;
    bool is_rotated;            /* and no row came since */
    struct tw_log_input *input; /* LINES, BYTES */
    struct tw_log_lines *lines; /* LINES */
    uint64_t cut_told;
    unsigned char *buffer; /* BYTES: `used` of them, from `at` */
    size_t at, used, capacity;
    struct stat seen; /* DOCUMENT: when it was read */
    bool has_seen;
    struct tw_patience patience; /* DOCUMENT, STORE */
    struct tw_log_repeats repeats;
    const struct tw_log_sink *sink; /* of the present call */
};

/* ---- the sink of the format: what was told before is left out ---- */

static int take_row(void *closure, const struct tw_row *row)
{
    struct tw_log_reader *reader = closure;
    const struct tw_log_sink *sink = reader->sink;
    /* A store tells of nothing twice, and what is read once has no second time. */
    enum tw_log_row_news news = !reader->follow || reader->format->kind == TW_LOG_STORE
                                    ? TW_ROW_NEW
                                    : tw_log_repeats_see(&reader->repeats, row);
    bool goes_on = reader->is_rotated;
    reader->is_rotated = false;
    if (news == TW_ROW_REPEATED)
        return 0;
    int result = news == TW_ROW_CHANGED && !goes_on
                     ? sink->event(sink->closure, row->run, TW_LOG_RUN_RESUMES, row->step)
                     : 0;
    return result ? result : sink->row(sink->closure, row);
}

static int take_parameter(void *closure, const char *run, const char *name, const char *value)
{
    const struct tw_log_sink *sink = ((struct tw_log_reader *)closure)->sink;
    return sink->parameter(sink->closure, run, name, value);
}

static int take_event(void *closure, const char *run, enum tw_log_event event, double step)
{
    struct tw_log_reader *reader = closure;
    if (tw_log_repeats_see_event(&reader->repeats, event))
        return 0;
    return reader->sink->event(reader->sink->closure, run, event, step);
}

static int take_broken(void *closure, const char *reason)
{
    struct tw_log_reader *reader = closure;
    if (tw_log_repeats_see_broken(&reader->repeats))
        return 0;
    return reader->sink->broken(reader->sink->closure, reason);
}

static struct tw_log_sink own_sink(struct tw_log_reader *reader, const struct tw_log_sink *sink)
{
    reader->sink = sink;
    return (struct tw_log_sink){reader, take_row, take_parameter, take_event, take_broken};
}

/* ---- life ---- */

struct tw_log_reader *tw_log_reader_new(const char *path, const struct tw_log_format *format,
                                        bool follow, const struct tw_texts *map)
{
    struct tw_log_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->follow = follow;
    reader->map = map;
    reader->format = format;
    reader->path = strdup(path);
    if (reader->path)
        return reader;
    free(reader);
    return NULL;
}

static void drop_state(struct tw_log_reader *reader)
{
    if (reader->state && reader->format->done)
        reader->format->done(reader->state);
    free(reader->state);
    reader->state = NULL;
}

void tw_log_reader_free(struct tw_log_reader *reader)
{
    if (!reader)
        return;
    drop_state(reader);
    tw_log_input_free(reader->input);
    tw_log_lines_free(reader->lines);
    free(reader->buffer);
    free(reader->path);
    free(reader);
}

static int out_of_memory(struct tw_error *error)
{
    return tw_error_set(error, -ENOMEM, "out of memory");
}

static int start_state(struct tw_log_reader *reader, struct tw_error *error)
{
    const struct tw_log_format *format = reader->format;
    drop_state(reader);
    reader->state = calloc(1, format->state_size ? format->state_size : 1);
    if (!reader->state)
        return out_of_memory(error);
    int result = format->start ? format->start(reader->state, reader->path, error) : 0;
    if (!result && format->map)
        format->map(reader->state, reader->map);
    return result;
}

/* 1 when it is ready to be read, 0 while nothing is known of it. */
static int start(struct tw_log_reader *reader, struct tw_error *error)
{
    int sure;
    if (reader->state)
        return 1;
    if (!reader->format)
        reader->format = tw_log_format_probe(reader->path, reader->map, &sure);
    if (!reader->format)
        return 0;
    bool is_stream = reader->format->kind == TW_LOG_LINES || reader->format->kind == TW_LOG_BYTES;
    if (is_stream && !(reader->input = tw_log_input_new(reader->path, reader->follow)))
        return out_of_memory(error);
    if (reader->format->kind == TW_LOG_LINES && !(reader->lines = tw_log_lines_new()))
        return out_of_memory(error);
    int result = start_state(reader, error);
    return result ? result : 1;
}

static int restart(struct tw_log_reader *reader, struct tw_error *error)
{
    if (reader->lines)
        tw_log_lines_restart(reader->lines);
    reader->at = reader->used = 0;
    reader->is_dead = false;
    tw_log_repeats_restart(&reader->repeats);
    return start_state(reader, error);
}

/* What the input says when it gave no bytes. */
static int no_bytes(struct tw_log_reader *reader, int news, const struct tw_log_sink *sink,
                    struct tw_error *error)
{
    int result = 0;
    switch (news) {
    case TW_LOG_RESTARTED:
    case TW_LOG_ROTATED:
        reader->is_rotated = news == TW_LOG_ROTATED;
        result = restart(reader, error);
        return result ? result : TW_LOG_READ_SOME;
    case TW_LOG_DAMAGED:
        result = sink->broken(sink->closure, "the packed file is damaged from here on");
        return result ? result : TW_LOG_READ_ALL;
    case TW_LOG_GONE:
        return TW_LOG_READ_GONE;
    default:
        return news < 0 ? news : TW_LOG_READ_ALL;
    }
}

/* ---- lines ---- */

static int tell_cut(struct tw_log_reader *reader, const struct tw_log_sink *sink)
{
    if (tw_log_lines_cut(reader->lines) == reader->cut_told)
        return 0;
    reader->cut_told = tw_log_lines_cut(reader->lines);
    return sink->broken(sink->closure, "a line longer than 1 MiB was cut");
}

static int step_lines(struct tw_log_reader *reader, const struct tw_log_sink *sink,
                      struct tw_error *error)
{
    const char *line;
    size_t size, n;
    for (int i = 0; i < LINES_A_STEP; i++) {
        if (!tw_log_lines_next(reader->lines, &line, &size)) {
            void *room = tw_log_lines_room(reader->lines, &size);
            int news = tw_log_input_read(reader->input, room, size, &n, error);
            if (news != TW_LOG_BYTES_CAME)
                return no_bytes(reader, news, sink, error);
            tw_log_lines_add(reader->lines, n);
            continue;
        }
        int result = reader->format->line(reader->state, line, size, sink, error);
        if (!result)
            result = tell_cut(reader, sink);
        if (result)
            return result;
    }
    return TW_LOG_READ_SOME;
}

static int finish_lines(struct tw_log_reader *reader, const struct tw_log_sink *sink,
                        struct tw_error *error)
{
    const char *line;
    size_t size;
    if (!tw_log_lines_last(reader->lines, &line, &size))
        return 0;
    return reader->format->line(reader->state, line, size, sink, error);
}

/* ---- bytes ---- */

static int make_room(struct tw_log_reader *reader, struct tw_error *error)
{
    if (reader->at)
        memmove(reader->buffer, reader->buffer + reader->at, reader->used - reader->at);
    reader->used -= reader->at;
    reader->at = 0;
    if (reader->used < reader->capacity)
        return 0;
    size_t capacity = reader->capacity ? reader->capacity * 2 : BYTES_FIRST;
    unsigned char *grown = realloc(reader->buffer, capacity);
    if (!grown)
        return out_of_memory(error);
    reader->buffer = grown;
    reader->capacity = capacity;
    return 0;
}

/* Shows the format what there is. Returns how many bytes it took, or negative where the log's own
 * reader failed; a format that gives the rest up makes it dead. */
static long show(struct tw_log_reader *reader, bool has_ended, const struct tw_log_sink *sink,
                 struct tw_error *error)
{
    struct tw_error why = {0};
    size_t left = reader->used - reader->at;
    if (!left || reader->is_dead)
        return 0;
    long n = reader->format->bytes(reader->state, reader->buffer + reader->at, left, has_ended,
                                   sink, &why);
    if (n == -ENOMEM)
        return out_of_memory(error);
    if (n < 0 || (size_t)n > left) {
        reader->is_dead = true;
        reader->at = reader->used;
        return sink->broken(sink->closure, why.text[0] ? why.text : "the rest cannot be read");
    }
    reader->at += (size_t)n;
    return n;
}

static int step_bytes(struct tw_log_reader *reader, const struct tw_log_sink *sink,
                      struct tw_error *error)
{
    size_t n;
    long taken = show(reader, false, sink, error);
    if (taken)
        return taken < 0 ? (int)taken : TW_LOG_READ_SOME;
    if (reader->is_dead)
        reader->at = reader->used;
    if (reader->used - reader->at >= BYTES_MAX) {
        reader->is_dead = true;
        int result = sink->broken(sink->closure, "a record of more than 64 MiB; the rest is left");
        return result ? result : TW_LOG_READ_SOME;
    }
    int result = make_room(reader, error);
    if (result)
        return result;
    int news = tw_log_input_read(reader->input, reader->buffer + reader->used,
                                 reader->capacity - reader->used, &n, error);
    if (news != TW_LOG_BYTES_CAME)
        return no_bytes(reader, news, sink, error);
    reader->used += n;
    return TW_LOG_READ_SOME;
}

static int finish_bytes(struct tw_log_reader *reader, const struct tw_log_sink *sink,
                        struct tw_error *error)
{
    long taken;
    do
        taken = show(reader, true, sink, error);
    while (taken > 0);
    return (int)taken;
}

/* ---- documents and stores ---- */

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Whoever writes what is followed may put it back soon, and what failed may be well again. */
static int fail(struct tw_log_reader *reader, const struct tw_error *why, struct tw_error *error)
{
    bool may_pass =
        reader->follow && !reader->has_no_more && tw_patience_lasts(&reader->patience, -why->code);
    if (may_pass)
        return TW_LOG_READ_ALL;
    if (reader->follow && why->code == -ENOENT)
        return TW_LOG_READ_GONE;
    if (error && !error->code)
        *error = *why;
    return why->code;
}

/* 0, or what the step comes to. */
static int look(struct tw_log_reader *reader, struct stat *ret, struct tw_error *error)
{
    struct tw_error why = {0};
    if (!stat(reader->path, ret))
        return 0;
    tw_error_at(&why, -errno, reader->path, 0, 0, "cannot be read: %s", strerror(errno));
    return fail(reader, &why, error);
}

static int take_document(struct tw_log_reader *reader, const char *bytes, size_t size,
                         const struct tw_log_sink *sink, struct tw_error *error)
{
    struct tw_error why = {0};
    int result = restart(reader, error);
    if (result)
        return result;
    result = reader->format->document(reader->state, bytes, size, sink, &why);
    /* Half-written: whoever writes it is not done. */
    if (result == -EAGAIN && reader->follow)
        return 0;
    if (result && result != -ENOMEM)
        return sink->broken(sink->closure, why.text[0] ? why.text : "the document cannot be read");
    return result;
}

static int step_document(struct tw_log_reader *reader, const struct tw_log_sink *sink,
                         struct tw_error *error)
{
    struct stat now;
    struct tw_error why = {0};
    char *bytes;
    size_t size;
    int result = look(reader, &now, error);
    if (result)
        return result;
    if (reader->has_seen && is_same(&now, &reader->seen)) {
        tw_patience_restore(&reader->patience);
        return TW_LOG_READ_ALL;
    }
    if (tw_log_input_whole(reader->path, DOCUMENT_MAX, &bytes, &size, &why))
        return fail(reader, &why, error);
    tw_patience_restore(&reader->patience);
    result = tw_encoding_to_utf8(&bytes, &size) ? take_document(reader, bytes, size, sink, error)
                                                : out_of_memory(error);
    free(bytes);
    reader->seen = now;
    reader->has_seen = true;
    return result ? result : TW_LOG_READ_ALL;
}

int tw_log_reader_move(struct tw_log_reader *reader, const char *path)
{
    char *copy = reader->input ? NULL : strdup(path);
    if (!copy)
        return reader->input ? 0 : -ENOMEM;
    free(reader->path);
    reader->path = copy;
    reader->has_seen = false;
    return 0;
}

static int step_store(struct tw_log_reader *reader, const struct tw_log_sink *sink,
                      struct tw_error *error)
{
    struct stat status;
    struct tw_error why = {0};
    int result = look(reader, &status, error);
    if (result)
        return result;
    result = reader->format->poll(reader->state, sink, &why);
    if (result && result != -EAGAIN) {
        tw_error_set(&why, result, "cannot be read: %s", strerror(-result));
        return fail(reader, &why, error);
    }
    tw_patience_restore(&reader->patience);
    return TW_LOG_READ_ALL;
}

/* ---- all kinds ---- */

int tw_log_reader_step(struct tw_log_reader *reader, const struct tw_log_sink *sink,
                       struct tw_error *error)
{
    struct tw_log_sink own = own_sink(reader, sink);
    int result = start(reader, error);
    if (result <= 0)
        return result ? result : TW_LOG_READ_ALL;
    switch (reader->format->kind) {
    case TW_LOG_LINES:
        return step_lines(reader, &own, error);
    case TW_LOG_BYTES:
        return step_bytes(reader, &own, error);
    case TW_LOG_DOCUMENT:
        return step_document(reader, &own, error);
    case TW_LOG_STORE:
        return step_store(reader, &own, error);
    }
    return TW_LOG_READ_ALL;
}

int tw_log_reader_finish(struct tw_log_reader *reader, const struct tw_log_sink *sink,
                         struct tw_error *error)
{
    struct tw_log_sink own = own_sink(reader, sink);
    int result = 0;
    if (!reader->state || reader->has_finished)
        return 0;
    reader->has_finished = true;
    if (reader->lines)
        result = finish_lines(reader, &own, error);
    else if (reader->input)
        result = finish_bytes(reader, &own, error);
    if (!result && reader->format->finish)
        result = reader->format->finish(reader->state, &own, error);
    return result;
}

void tw_log_reader_no_more(struct tw_log_reader *reader)
{
    reader->has_no_more = true;
    if (reader->input)
        tw_log_input_no_more(reader->input);
}

int64_t tw_log_reader_place(const struct tw_log_reader *reader)
{
    if (!reader->input)
        return reader->has_seen ? (int64_t)reader->seen.st_size : 0;
    int64_t place = tw_log_input_place(reader->input);
    size_t left = reader->lines ? tw_log_lines_left(reader->lines) : reader->used - reader->at;
    return place > (int64_t)left ? place - (int64_t)left : 0;
}

const struct tw_log_format *tw_log_reader_format(const struct tw_log_reader *reader)
{
    return reader->format;
}
