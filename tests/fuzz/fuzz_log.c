/* Any bytes as a log of one format (TW_FUZZ_FORMAT), as the reader of logs drives it: in portions
 * whose sizes the first byte tells. */
#include "tests/fuzz/log_sink.h"

#include "sources/logs/lines.h"
#include "sources/logs/text_log.h"

#include <stdlib.h>
#include <string.h>

extern const struct tw_log_format TW_FUZZ_FORMAT;
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

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct tw_assemble *assemble = new_assemble();
    struct tw_log_sink sink = log_sink(assemble);
    void *state = calloc(1, format->state_size ? format->state_size : 1);
    must(state != NULL);
    probe(bytes, size);
    bool is_started = !format->start || !format->start(state, "log", NULL);
    if (is_started && format->map)
        format->map(state, log_map());
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
    finish_assemble(assemble);
    return 0;
}
