/* Lines. A block of bytes is searched once for what is special in it (carriage returns, escapes,
 * backspaces); where there is none, which is nearly always, a line costs one memchr(). */
#include "sources/logs/lines.h"

#include "sources/logs/encoding.h"

#include <stdlib.h>
#include <string.h>

/* A line of the greatest length and a block behind it. */
#define BUFFER_BYTES (TW_LOG_LINE_MAX + 262144u)

struct tw_log_lines {
    char *buffer;
    size_t at, used;      /* lines from `at`, bytes up to `used` */
    size_t scanned;       /* no end of line between `at` and here */
    bool has_returns;     /* a "\r" is somewhere in the buffer */
    bool has_controls;    /* likewise an escape or a backspace */
    bool is_after_return; /* a "\n" that comes first belongs to the "\r" before it */
    bool is_passing_over; /* the rest of a line that was cut */
    enum tw_encoding encoding;
    unsigned char *wide; /* UTF-16 as it came; only where there is such */
    size_t n_wide;
    uint64_t cut;
};

#define WIDE_BYTES 16384u
#define FIRST_BYTES 4096u
#define PIECE_BYTES 512u

struct tw_log_lines *tw_log_lines_new(void)
{
    struct tw_log_lines *lines = calloc(1, sizeof *lines);
    if (!lines)
        return NULL;
    lines->buffer = malloc(BUFFER_BYTES);
    if (lines->buffer)
        return lines;
    free(lines);
    return NULL;
}

void tw_log_lines_free(struct tw_log_lines *lines)
{
    if (!lines)
        return;
    free(lines->wide);
    free(lines->buffer);
    free(lines);
}

void tw_log_lines_restart(struct tw_log_lines *lines)
{
    lines->at = lines->used = lines->scanned = lines->n_wide = 0;
    lines->has_returns = lines->has_controls = false;
    lines->is_after_return = lines->is_passing_over = false;
    lines->encoding = TW_ENCODING_UNKNOWN;
}

uint64_t tw_log_lines_cut(const struct tw_log_lines *lines)
{
    return lines->cut;
}

size_t tw_log_lines_left(const struct tw_log_lines *lines)
{
    return lines->used - lines->at;
}

/* ---- bytes in ---- */

static void make_room(struct tw_log_lines *lines)
{
    size_t left = lines->used - lines->at;
    memmove(lines->buffer, lines->buffer + lines->at, left);
    lines->scanned -= lines->at;
    lines->used = left;
    lines->at = 0;
    if (!left)
        lines->has_returns = lines->has_controls = false;
}

static bool is_wide(const struct tw_log_lines *lines)
{
    return tw_encoding_is_wide(lines->encoding);
}

void *tw_log_lines_room(struct tw_log_lines *lines, size_t *ret_size)
{
    make_room(lines);
    if (is_wide(lines)) {
        *ret_size = WIDE_BYTES - lines->n_wide;
        return lines->wide + lines->n_wide;
    }
    /* A small first block, which a byte order mark may turn into UTF-16. */
    size_t limit = lines->encoding == TW_ENCODING_UNKNOWN ? FIRST_BYTES : BUFFER_BYTES;
    *ret_size = limit - lines->used;
    return lines->buffer + lines->used;
}

static void note_special(struct tw_log_lines *lines, const char *bytes, size_t n)
{
    lines->has_returns |= memchr(bytes, '\r', n) != NULL;
    lines->has_controls |= memchr(bytes, '\033', n) || memchr(bytes, '\b', n);
}

static void convert_wide(struct tw_log_lines *lines)
{
    size_t used, before = lines->used;
    lines->used += tw_encoding_convert(lines->encoding, lines->wide, lines->n_wide,
                                       lines->buffer + before, &used);
    memmove(lines->wide, lines->wide + used, lines->n_wide - used);
    lines->n_wide -= used;
    note_special(lines, lines->buffer + before, lines->used - before);
}

/* Looks at the first bytes; false while these are too few. */
static bool tell_encoding(struct tw_log_lines *lines)
{
    size_t mark;
    enum tw_encoding encoding = tw_encoding_of(lines->buffer, lines->used, &mark);
    if (encoding == TW_ENCODING_UNKNOWN)
        return false;
    if (tw_encoding_is_wide(encoding)) {
        lines->wide = lines->wide ? lines->wide : malloc(WIDE_BYTES);
        lines->encoding = lines->wide ? encoding : TW_ENCODING_UTF8;
        return true;
    }
    lines->encoding = encoding;
    lines->at = lines->scanned = mark;
    return true;
}

/* The bytes of the first block were put where UTF-8 goes. */
static void begin_wide(struct tw_log_lines *lines)
{
    lines->n_wide = lines->used - 2;
    memcpy(lines->wide, lines->buffer + 2, lines->n_wide);
    lines->used = 0;
    lines->has_returns = lines->has_controls = false;
    convert_wide(lines);
}

void tw_log_lines_add(struct tw_log_lines *lines, size_t n)
{
    if (is_wide(lines)) {
        lines->n_wide += n;
        convert_wide(lines);
        return;
    }
    note_special(lines, lines->buffer + lines->used, n);
    lines->used += n;
    if (lines->encoding == TW_ENCODING_UNKNOWN && tell_encoding(lines) && is_wide(lines))
        begin_wide(lines);
}

/* ---- lines out ---- */

/* The bytes of an escape sequence (ECMA-48): CSI up to its final byte, OSC up to BEL or ST, else
 * two bytes. One that does not end is passed over as far as the line goes. */
static size_t escape_size(const char *text, size_t size)
{
    size_t i = 2;
    if (size < 2)
        return size;
    if (text[1] == '[') {
        while (i < size && ((unsigned char)text[i] < 0x40 || (unsigned char)text[i] > 0x7e))
            i++;
        return i < size ? i + 1 : size;
    }
    if (text[1] != ']')
        return 2;
    while (i < size && text[i] != '\a' && text[i] != '\033')
        i++;
    return i < size && text[i] == '\033' && i + 1 < size ? i + 2 : i < size ? i + 1 : size;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t tw_log_lines_clean(char *line, size_t size)
{
    size_t to = 0;
    for (size_t at = 0; at < size;) {
        if (line[at] == '\033') {
            at += escape_size(line + at, size - at);
        } else if (line[at] == '\b') {
            while (to && is_continuation(line[to - 1]))
                to--;
            to -= to > 0;
            at++;
        } else {
            line[to++] = line[at++];
        }
    }
    return to;
}

static bool give(struct tw_log_lines *lines, size_t length, const char **ret, size_t *ret_size)
{
    char *line = lines->buffer + lines->at;
    *ret = line;
    *ret_size = lines->has_controls ? tw_log_lines_clean(line, length) : length;
    return *ret_size > 0;
}

/* The first "\r" or "\n". In pieces: a log of progress bars has many of the one, and may have none
 * of the other, which would be looked for up to the end of the buffer for each line. */
static const char *find_either(const char *at, const char *end)
{
    while (at < end) {
        size_t size = (size_t)(end - at) < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
        const char *newline = memchr(at, '\n', size);
        const char *other = memchr(at, '\r', newline ? (size_t)(newline - at) : size);
        if (other || newline)
            return other ? other : newline;
        at += size;
    }
    return NULL;
}

/* The first end of line at or behind `scanned`, or NULL. */
static const char *find_end(const struct tw_log_lines *lines)
{
    const char *from = lines->buffer + lines->scanned, *end = lines->buffer + lines->used;
    return lines->has_returns ? find_either(from, end) : memchr(from, '\n', (size_t)(end - from));
}

/* A line that has grown too long: its beginning is given, its end will be passed over. */
static bool give_cut(struct tw_log_lines *lines, const char **ret, size_t *ret_size)
{
    bool is_line = !lines->is_passing_over && give(lines, TW_LOG_LINE_MAX, ret, ret_size);
    lines->cut += !lines->is_passing_over;
    lines->is_passing_over = true;
    lines->at = lines->scanned = lines->used;
    return is_line;
}

bool tw_log_lines_next(struct tw_log_lines *lines, const char **ret, size_t *ret_size)
{
    const char *end;
    if (lines->encoding == TW_ENCODING_UNKNOWN)
        return false;
    while (lines->used > lines->at && (end = find_end(lines))) {
        size_t length = (size_t)(end - lines->buffer) - lines->at;
        bool is_second_half = lines->is_after_return && length == 0 && *end == '\n';
        bool is_line =
            !lines->is_passing_over && !is_second_half &&
            give(lines, length < TW_LOG_LINE_MAX ? length : TW_LOG_LINE_MAX, ret, ret_size);
        if (length > TW_LOG_LINE_MAX && !lines->is_passing_over)
            lines->cut++;
        lines->is_passing_over = false;
        lines->is_after_return = *end == '\r';
        lines->at = lines->scanned = (size_t)(end - lines->buffer) + 1;
        if (is_line)
            return true;
    }
    lines->scanned = lines->used;
    return lines->used - lines->at >= TW_LOG_LINE_MAX && give_cut(lines, ret, ret_size);
}

bool tw_log_lines_last(struct tw_log_lines *lines, const char **ret, size_t *ret_size)
{
    size_t length = lines->used - lines->at;
    bool is_line = length && !lines->is_passing_over && give(lines, length, ret, ret_size);
    lines->at = lines->scanned = lines->used;
    return is_line;
}
