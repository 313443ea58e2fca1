/* The search for the end of the last whole record, through a window over the file. A window rather
 * than mmap(): a file that shrinks under us (a full NFS server, a hand) must not raise SIGBUS in
 * somebody's training. */
#include "telemetry/run_file_tail.h"

#include "telemetry/cbor_cursor.h"
#include "telemetry/run_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two records: the one that is read, and what may follow it. */
#define WINDOW_BYTES (2 * (size_t)TW_RECORD_BYTES_MAX)

struct window {
    int fd;
    off_t start, size; /* of the window; of the file */
    size_t filled;
    unsigned char *bytes;
};

/* Makes the window begin at `start` and hold all it can from there. */
static int slide(struct window *window, off_t start)
{
    window->start = start;
    window->filled = 0;
    while (window->filled < WINDOW_BYTES) {
        ssize_t got = pread(window->fd, window->bytes + window->filled,
                            WINDOW_BYTES - window->filled, start + (off_t)window->filled);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        window->filled += (size_t)got;
    }
    return 0;
}

/* The length of the whole record at the beginning of the bytes, of this version or of a later one;
 * 0 when there is none. */
static size_t whole_record(const unsigned char *bytes, size_t size)
{
    struct tw_cbor_cursor cursor;
    const struct tw_token *token;
    if (!tw_cbor_may_begin(bytes, size))
        return 0;
    tw_cbor_cursor_start(&cursor, bytes, size < TW_RECORD_BYTES_MAX ? size : TW_RECORD_BYTES_MAX);
    if (tw_reader_next(&cursor.reader, &token, NULL) <= 0 ||
        tw_reader_skip(&cursor.reader, token, NULL) <= 0)
        return 0;
    return cursor.at;
}

/* Walks over the records of the window, and over what is none, until a record might reach beyond
 * the window. Returns where it stopped, at least 1; `*end` is set behind each whole record. */
static size_t walk(const struct window *window, off_t *end)
{
    bool is_last = window->filled < WINDOW_BYTES;
    size_t at = 0;
    while (at < window->filled && (is_last || at <= TW_RECORD_BYTES_MAX)) {
        size_t length = whole_record(window->bytes + at, window->filled - at);
        at = length ? at + length : tw_cbor_resync(window->bytes, window->filled, at + 1);
        if (length)
            *end = window->start + (off_t)at;
    }
    return at;
}

static int find_cbor_end(struct window *window, off_t *ret_end)
{
    for (off_t from = 0; from < window->size;) {
        int result = slide(window, from);
        if (result)
            return result;
        if (window->filled == 0)
            break; /* it shrank */
        from += (off_t)walk(window, ret_end);
    }
    return 0;
}

/* The offset behind the last newline, 0 when there is none. */
static int find_line_start(struct window *window, off_t *ret)
{
    off_t at = window->size;
    while (at > 0) {
        off_t start = at > (off_t)WINDOW_BYTES ? at - (off_t)WINDOW_BYTES : 0;
        int result = slide(window, start);
        if (result)
            return result;
        for (; at > start; at--) {
            if (window->bytes[at - 1 - start] == '\n') {
                *ret = at;
                return 0;
            }
        }
    }
    *ret = 0;
    return 0;
}

static int find_json_end(struct window *window, off_t *ret_end, bool *ret_lacks_newline)
{
    struct tw_record record;
    int result = find_line_start(window, ret_end);
    if (result || *ret_end == window->size)
        return result;
    result = slide(window, *ret_end);
    if (result)
        return result;
    tw_record_init(&record);
    if (tw_json_decode((const char *)window->bytes, window->filled, &record, NULL) > 0) {
        *ret_end = window->size;
        *ret_lacks_newline = true;
    }
    tw_record_clear(&record);
    return 0;
}

/* True when a file without a single whole record may be the beginning of one of ours. */
static bool may_be_ours(const struct window *window, enum tw_wire_format format)
{
    if (window->filled == 0)
        return true;
    return format == TW_WIRE_JSON ? window->bytes[0] == '{'
                                  : tw_cbor_may_begin(window->bytes, window->filled);
}

int tw_run_file_find_end(int fd, off_t size, enum tw_wire_format format, off_t *ret_end,
                         bool *ret_lacks_newline, struct tw_error *error)
{
    struct window window = {.fd = fd, .size = size, .bytes = malloc(WINDOW_BYTES)};
    int result;
    *ret_lacks_newline = false;
    *ret_end = 0;
    if (!window.bytes)
        return tw_error_set(error, -ENOMEM, "out of memory");
    if (format == TW_WIRE_JSON)
        result = find_json_end(&window, ret_end, ret_lacks_newline);
    else
        result = find_cbor_end(&window, ret_end);
    if (!result && size > 0 && *ret_end == 0)
        result = slide(&window, 0);
    if (result)
        tw_error_set(error, result, "cannot be read: %s", strerror(-result));
    else if (size > 0 && *ret_end == 0 && !may_be_ours(&window, format))
        result = tw_error_set(error, -EBADMSG,
                              "holds something else than telemetry: move it away first");
    free(window.bytes);
    return result;
}
