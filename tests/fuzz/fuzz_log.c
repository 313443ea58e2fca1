/* Any bytes as a log of one format (TW_FUZZ_FORMAT), as the reader of logs drives it: in portions
 * whose sizes the first byte tells. Formats that remember how lines or events looked, to read the
 * next ones faster, read it once more, in other portions, and forget that each time: both must tell
 * the same. */
#include "tests/fuzz/log_digest.h"
#include "tests/fuzz/log_sink.h"

#include "sources/logs/lines.h"
#include "sources/logs/tensorboard_tags.h"
#include "sources/logs/text_log.h"

#include <stdlib.h>
#include <string.h>

extern const struct tw_log_format TW_FUZZ_FORMAT, tw_log_format_tensorboard;
static const struct tw_log_format *const format = &TW_FUZZ_FORMAT;

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

/* In memory of just that size, so that a sanitizer sees a read beyond the end. */
static unsigned char *copy(const unsigned char *bytes, size_t size)
{
    unsigned char *exact = malloc(size ? size : 1);
    must(exact != NULL);
    memcpy(exact, bytes, size);
    return exact;
}

/* ---- what is remembered ---- */

typedef void forget_function(void *state);

static void forget_layouts(void *state)
{
    struct tw_text_log *log = state;
    free(log->layouts);
    log->layouts = NULL;
}

/* The tags are the first thing in the state of that format. */
static void forget_frames(void *state)
{
    struct tw_tags *tags = state;
    for (struct tw_tag *tag = tags->all; tag; tag = tag->hh.next)
        tag->frame_size = 0;
}

/* NULL: the format remembers nothing. */
static forget_function *what_forgets(void)
{
    return format->line == tw_text_line                       ? forget_layouts
           : format->bytes == tw_log_format_tensorboard.bytes ? forget_frames
                                                              : NULL;
}

static void remember(void *state)
{
    (void)state;
}

/* ---- reading ---- */

static void read_lines(void *state, const unsigned char *bytes, size_t size, size_t portion,
                       forget_function *forget, const struct tw_log_sink *sink)
{
    struct tw_log_lines *lines = tw_log_lines_new();
    const char *line;
    size_t length, room;
    must(lines != NULL);
    while (size || tw_log_lines_left(lines)) {
        bool has_line = tw_log_lines_next(lines, &line, &length);
        if (!has_line && size) {
            void *to = tw_log_lines_room(lines, &room);
            size_t n = room < portion ? room : portion;
            n = size < n ? size : n;
            memcpy(to, bytes, n);
            tw_log_lines_add(lines, n);
            bytes += n;
            size -= n;
            continue;
        }
        if (!has_line && !tw_log_lines_last(lines, &line, &length))
            break;
        char *exact = (char *)copy((const unsigned char *)line, length);
        forget(state);
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

/* An event at a time: a byte more is shown each time, and what was learnt is forgotten. */
static void read_events(void *state, const unsigned char *bytes, size_t size,
                        forget_function *forget, const struct tw_log_sink *sink)
{
    size_t taken = 0;
    for (size_t shown = 1; shown <= size; shown++) {
        long n = format->bytes(state, bytes + taken, shown - taken, shown == size, sink, NULL);
        if (n < 0)
            return;
        taken += (size_t)n;
        forget(state);
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

/* The text formats are one reader with a probe each: all of them look. */
static void probe(const unsigned char *bytes, size_t size)
{
    char *text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, bytes, size);
    text[size] = '\0';
    struct tw_log_sample sample = {"log", text, size, true, log_map()};
    bool is_text = format->line == tw_text_line;
    for (size_t i = 0; tw_log_formats[i]; i++) {
        const struct tw_log_format *other = tw_log_formats[i];
        if (other != format && !(is_text && other->line == tw_text_line))
            continue;
        int sure = other->probe(&sample);
        must(sure >= 0 && sure <= 100);
    }
    free(text);
}

/* `forget`: what is done before each line or event. */
static void read_log(const unsigned char *bytes, size_t size, forget_function *forget,
                     const struct tw_log_sink *sink)
{
    void *state = calloc(1, format->state_size ? format->state_size : 1);
    must(state != NULL);
    bool is_started = !format->start || !format->start(state, "log", NULL);
    if (is_started && format->map)
        format->map(state, log_map());
    size_t portion = size ? 1 + (size_t)bytes[0] * 16 : 1;
    if (is_started && format->kind == TW_LOG_LINES)
        read_lines(state, bytes, size, forget == remember ? portion : size, forget, sink);
    else if (is_started && format->kind == TW_LOG_BYTES && forget == remember)
        read_bytes(state, bytes, size, portion, sink);
    else if (is_started && format->kind == TW_LOG_BYTES)
        read_events(state, bytes, size, forget, sink);
    else if (is_started && format->kind == TW_LOG_DOCUMENT)
        read_document(state, bytes, size, sink);
    if (is_started && format->finish)
        must(!format->finish(state, sink, NULL));
    if (format->done)
        format->done(state);
    free(state);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct tw_assemble *assemble = new_assemble();
    struct tw_log_sink sink = log_sink(assemble);
    struct log_digest with = {.next = &sink}, without = {0};
    struct tw_log_sink first = log_digest_sink(&with), second = log_digest_sink(&without);
    probe(bytes, size);
    read_log(bytes, size, remember, &first);
    finish_assemble(assemble);
    if (what_forgets()) {
        read_log(bytes, size, what_forgets(), &second);
        must(log_digest_is_same(&with, &without));
    }
    return 0;
}
