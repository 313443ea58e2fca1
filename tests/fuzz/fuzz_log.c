/* Any bytes as a log of one format (TW_FUZZ_FORMAT), as the reader of logs drives it: in portions
 * whose sizes the first byte tells. Rows must be whole: names without a NUL in them, meanings that
 * exist. What the format makes of it is put together to records, too. */
#include "sources/logs/assemble.h"
#include "sources/logs/format.h"
#include "sources/logs/lines.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const struct tw_log_format TW_FUZZ_FORMAT;
static const struct tw_log_format *const format = &TW_FUZZ_FORMAT;

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static int take_row(void *closure, const struct tw_row *row)
{
    must(row->part <= TW_PART_EVAL && (row->cells || !row->n_cells));
    for (size_t i = 0; i < row->n_cells; i++) {
        must(row->cells[i].name != NULL && row->cells[i].meaning < TW_MEANINGS);
        must(strlen(row->cells[i].name) < 1u << 21);
    }
    must(!tw_assemble_row(closure, row));
    return 0;
}

static int take_parameter(void *closure, const char *run, const char *name, const char *value)
{
    must(name && value);
    must(!tw_assemble_parameter(closure, run, name, value));
    return 0;
}

static int take_event(void *closure, const char *run, enum tw_log_event event, double step)
{
    must(event <= TW_LOG_INTERRUPTED);
    must(!tw_assemble_event(closure, run, event, step));
    return 0;
}

static int take_broken(void *closure, const char *reason)
{
    (void)closure;
    must(reason && *reason);
    return 0;
}

/* In memory of just that size, so that a sanitizer sees a read beyond the end. */
static unsigned char *copy(const unsigned char *bytes, size_t size)
{
    unsigned char *exact = malloc(size ? size : 1);
    must(exact != NULL);
    memcpy(exact, bytes, size);
    return exact;
}

static void read_lines(void *state, const unsigned char *bytes, size_t size,
                       const struct tw_log_sink *sink)
{
    struct tw_log_lines *lines = tw_log_lines_new();
    const char *line;
    size_t length, room;
    must(lines != NULL);
    while (size || tw_log_lines_left(lines)) {
        bool has_line = tw_log_lines_next(lines, &line, &length);
        if (!has_line && size) {
            void *to = tw_log_lines_room(lines, &room);
            size_t n = size < room ? size : room;
            memcpy(to, bytes, n);
            tw_log_lines_add(lines, n);
            bytes += n;
            size -= n;
            continue;
        }
        if (!has_line && !tw_log_lines_last(lines, &line, &length))
            break;
        char *exact = (char *)copy((const unsigned char *)line, length);
        int result = format->line(state, exact, length, sink, NULL);
        free(exact);
        must(result == 0);
    }
    tw_log_lines_free(lines);
}

static void read_bytes(void *state, const unsigned char *bytes, size_t size, size_t portion,
                       const struct tw_log_sink *sink)
{
    size_t taken = 0, shown = 0;
    while (shown < size) {
        long n;
        shown = size - shown > portion ? shown + portion : size;
        do {
            unsigned char *exact = copy(bytes + taken, shown - taken);
            n = format->bytes(state, exact, shown - taken, shown == size, sink, NULL);
            free(exact);
            if (n < 0)
                return;
            must((size_t)n <= shown - taken);
            taken += (size_t)n;
        } while (n > 0 && taken < shown);
    }
}

static void read_document(void *state, const unsigned char *bytes, size_t size,
                          const struct tw_log_sink *sink)
{
    unsigned char *text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, bytes, size);
    text[size] = '\0'; /* as the reader gives it */
    format->document(state, (char *)text, size, sink, NULL);
    free(text);
}

static void probe(const unsigned char *bytes, size_t size)
{
    char *text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, bytes, size);
    text[size] = '\0';
    struct tw_log_sample sample = {"log", text, size, true, NULL};
    int sure = format->probe(&sample);
    must(sure >= 0 && sure <= 100);
    free(text);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct tw_assemble_options options = {.run = "fuzz"};
    struct tw_assemble *assemble = tw_assemble_new(&options);
    struct tw_log_sink sink = {assemble, take_row, take_parameter, take_event, take_broken};
    void *state = calloc(1, format->state_size ? format->state_size : 1);
    must(assemble && state);
    probe(bytes, size);
    bool is_started = !format->start || !format->start(state, "log", NULL);
    size_t portion = size ? 1 + (size_t)bytes[0] * 16 : 1;
    if (is_started && format->kind == TW_LOG_LINES)
        read_lines(state, bytes, size, &sink);
    else if (is_started && format->kind == TW_LOG_BYTES)
        read_bytes(state, bytes, size, portion, &sink);
    else if (is_started && format->kind == TW_LOG_DOCUMENT)
        read_document(state, bytes, size, &sink);
    if (is_started && format->finish)
        must(!format->finish(state, &sink, NULL));
    if (format->done)
        format->done(state);
    free(state);
    must(!tw_assemble_flush(assemble, true));
    while (tw_assemble_next(assemble))
        ;
    tw_assemble_free(assemble);
    return 0;
}
