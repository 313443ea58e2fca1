/* One telemetry file through a buffer that never grows beyond one record.
 *
 * The buffer holds bytes [offset, offset + used) of the file; `at` of them are dealt with. A file
 * that is followed may be cut back (a writer that starts again removes its torn last record), so at
 * its end the undecided tail is thrown away and read again next time. */
#include "sources/record_file.h"

#include "sources/held_file.h"

#include "telemetry/run_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_FIRST 65536u
/* The largest record and its newline fit, with room to read on. */
#define BUFFER_MAX (TW_RECORD_BYTES_MAX + BUFFER_FIRST)
/* At the end of a broken stretch these bytes may be the beginning of a whole record: a map's head
 * and its first key. */
#define RECORD_HEAD_MAX 16u

struct tw_record_file {
    char *path;
    bool follow;
    struct tw_held_file held;
    int64_t offset;
    unsigned char *buffer;
    size_t capacity, at, used;
    bool has_format, ended;
    enum tw_wire_format format;
    int64_t broken_from; /* start of a broken stretch that goes on, or -1 */
    char broken_reason[200];
    struct tw_record record;
};

struct tw_record_file *tw_record_file_new(const char *path, bool follow)
{
    struct tw_record_file *file = calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->path = strdup(path);
    file->buffer = malloc(BUFFER_FIRST);
    file->capacity = BUFFER_FIRST;
    file->follow = follow;
    file->held = TW_HELD_FILE_INIT;
    file->broken_from = -1;
    tw_record_init(&file->record);
    if (!file->path || !file->buffer) {
        tw_record_file_free(file);
        return NULL;
    }
    return file;
}

void tw_record_file_free(struct tw_record_file *file)
{
    if (!file)
        return;
    tw_held_file_close(&file->held);
    tw_record_clear(&file->record);
    free(file->buffer);
    free(file->path);
    free(file);
}

void tw_record_file_start(struct tw_record_file *file, int64_t offset)
{
    file->offset = offset < 0 ? 0 : offset;
    file->at = file->used = 0;
    file->ended = false;
    file->broken_from = -1;
}

/* ---- bytes ---- */

static int64_t position(const struct tw_record_file *file)
{
    return file->offset + (int64_t)file->at;
}

static size_t left(const struct tw_record_file *file)
{
    return file->used - file->at;
}

/* Starts the file, or the one that took its place, from the beginning. */
static void start_again(struct tw_record_file *file)
{
    tw_record_file_start(file, 0);
    file->has_format = false;
}

/* 1: it is open; 0: it is not there as yet, or no more. */
static int open_file(struct tw_record_file *file, struct tw_error *error)
{
    struct stat status;
    bool is_other;
    if (file->held.fd >= 0)
        return 1;
    if (tw_held_file_open(&file->held, file->path, &is_other) < 0) {
        if (errno == ENOENT && (file->follow || file->held.is_resting))
            return 0;
        return tw_error_at(error, -errno, file->path, 0, 0, "cannot be read: %s", strerror(errno));
    }
    if (is_other)
        start_again(file);
    if (!fstat(file->held.fd, &status) && S_ISREG(status.st_mode))
        return 1;
    tw_held_file_close(&file->held);
    return tw_error_at(error, -EINVAL, file->path, 0, 0, "is not a regular file");
}

/* Forgets what is dealt with and makes room for more. */
static int make_room(struct tw_record_file *file, struct tw_error *error)
{
    if (file->at) {
        memmove(file->buffer, file->buffer + file->at, left(file));
        file->offset += (int64_t)file->at;
        file->used -= file->at;
        file->at = 0;
    }
    if (file->used < file->capacity || file->capacity >= BUFFER_MAX)
        return 0;
    size_t capacity = file->capacity * 2 < BUFFER_MAX ? file->capacity * 2 : BUFFER_MAX;
    unsigned char *grown = realloc(file->buffer, capacity);
    if (!grown)
        return tw_error_set(error, -ENOMEM, "out of memory");
    file->buffer = grown;
    file->capacity = capacity;
    return 0;
}

/* Reads more. Returns 1 when there was some, 0 at the end of the file or with a full buffer. */
static int fill(struct tw_record_file *file, struct tw_error *error)
{
    int result = make_room(file, error);
    if (result)
        return result;
    if (file->used == file->capacity)
        return 0;
    ssize_t n;
    do
        n = pread(file->held.fd, file->buffer + file->used, file->capacity - file->used,
                  file->offset + (int64_t)file->used);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return tw_error_at(error, -errno, file->path, 0, 0, "cannot be read: %s", strerror(errno));
    file->used += (size_t)n;
    return n > 0;
}

/* ---- what the decoders say ---- */

static int give_record(struct tw_record_file *file, size_t used, struct tw_source_item *ret)
{
    file->at += used;
    file->ended = file->record.kind == TW_KIND_END;
    ret->record = &file->record;
    ret->position.offset = position(file);
    return TW_NEXT_RECORD;
}

/* Passes over `n` bytes that end a broken stretch. Its bytes are given when they are all here. */
static int give_broken(struct tw_record_file *file, size_t n, struct tw_source_item *ret)
{
    int64_t from = file->broken_from >= 0 ? file->broken_from : position(file);
    bool is_whole = from >= file->offset;
    file->at += n;
    ret->position.offset = position(file);
    ret->n_bytes = (size_t)(position(file) - from);
    ret->bytes = is_whole ? file->buffer + (from - file->offset) : NULL;
    snprintf(ret->reason, sizeof ret->reason, "%s", file->broken_reason);
    file->broken_from = -1;
    return TW_NEXT_BROKEN;
}

static void set_reason(struct tw_record_file *file, const struct tw_error *why)
{
    if (file->broken_from >= 0)
        return; /* the first reason of a stretch */
    snprintf(file->broken_reason, sizeof file->broken_reason, "%.199s",
             why->text[0] ? why->text : "these bytes are no record");
}

static void remember_broken(struct tw_record_file *file, size_t n)
{
    if (file->broken_from < 0)
        file->broken_from = position(file);
    file->at += n;
}

/* Answers of the two readers below beside enum tw_next. */
#define NEED_MORE (-1000)

/* A record's bytes are all in the buffer or the file has no more of them. */
static int next_cbor(struct tw_record_file *file, struct tw_source_item *ret)
{
    struct tw_error why = {0};
    size_t used = 0, skip;
    if (file->broken_from < 0) {
        if (!left(file))
            return NEED_MORE;
        int result =
            tw_cbor_decode(file->buffer + file->at, left(file), &file->record, &used, &why);
        if (result == 1)
            return give_record(file, used, ret);
        if (result == 0 && left(file) < BUFFER_MAX)
            return NEED_MORE;
        set_reason(file, &why);
        skip = tw_cbor_resync(file->buffer + file->at, left(file), 1);
    } else {
        skip = tw_cbor_resync(file->buffer + file->at, left(file), 0);
    }
    if (skip < left(file))
        return give_broken(file, skip, ret);
    remember_broken(file, skip > RECORD_HEAD_MAX ? skip - RECORD_HEAD_MAX : 0);
    return NEED_MORE;
}

static bool is_blank(const unsigned char *text, size_t n)
{
    while (n && strchr(" \t\r\n", text[n - 1]) && text[n - 1])
        n--;
    return n == 0;
}

static int decode_line(struct tw_record_file *file, size_t length, size_t with_newline,
                       struct tw_source_item *ret)
{
    struct tw_error why = {0};
    if (tw_json_decode((const char *)file->buffer + file->at, length, &file->record, &why) == 1)
        return give_record(file, with_newline, ret);
    set_reason(file, &why);
    return give_broken(file, with_newline, ret);
}

static int next_line(struct tw_record_file *file, struct tw_source_item *ret)
{
    for (;;) {
        unsigned char *start = file->buffer + file->at;
        unsigned char *newline = left(file) ? memchr(start, '\n', left(file)) : NULL;
        if (!newline)
            break;
        size_t length = (size_t)(newline - start);
        if (file->broken_from >= 0) /* the end of a line that was too long */
            return give_broken(file, length + 1, ret);
        if (!is_blank(start, length))
            return decode_line(file, length, length + 1, ret);
        file->at += length + 1;
    }
    if (left(file) == BUFFER_MAX || file->broken_from >= 0) {
        struct tw_error why = {0};
        tw_error_set(&why, -EMSGSIZE, "a line longer than %u bytes", TW_RECORD_BYTES_MAX);
        set_reason(file, &why);
        remember_broken(file, left(file));
    }
    return NEED_MORE;
}

/* ---- the end of the file ---- */

/* A record that seems to go on behind the end: torn, or a corrupt length swallows others. */
static int give_cbor_tail(struct tw_record_file *file, struct tw_source_item *ret)
{
    size_t skip = tw_cbor_resync(file->buffer + file->at, left(file), 1);
    snprintf(file->broken_reason, sizeof file->broken_reason, "%.199s",
             skip < left(file) ? "a record that has no end" : "record cut off at the end");
    return give_broken(file, skip, ret);
}

/* What stands behind the last record of a file that nobody appends to. */
static int give_tail(struct tw_record_file *file, struct tw_source_item *ret)
{
    struct tw_error why = {0};
    size_t n = left(file);
    if (file->broken_from >= 0)
        return give_broken(file, n, ret);
    if (!file->has_format || (file->format == TW_WIRE_JSON && is_blank(file->buffer + file->at, n)))
        file->at += n;
    if (!left(file))
        return TW_NEXT_END;
    if (file->format == TW_WIRE_CBOR)
        return give_cbor_tail(file, ret);
    /* Foreign writers may leave out the last newline. */
    if (tw_json_decode((const char *)file->buffer + file->at, n, &file->record, &why) == 1)
        return give_record(file, n, ret);
    snprintf(file->broken_reason, sizeof file->broken_reason, "record cut off at the end");
    return give_broken(file, n, ret);
}

static int check_followed(struct tw_record_file *file, struct tw_source_item *ret)
{
    struct stat open_one, named_one;
    if (fstat(file->held.fd, &open_one))
        return TW_NEXT_WAIT;
    if (open_one.st_size < position(file)) {
        start_again(file);
        snprintf(ret->reason, sizeof ret->reason, "file was truncated, it is read from its start");
        return TW_NEXT_BROKEN;
    }
    bool is_gone = stat(file->path, &named_one) && errno == ENOENT;
    if (is_gone && open_one.st_nlink == 0)
        return TW_NEXT_END;
    if (!is_gone && (named_one.st_ino != open_one.st_ino || named_one.st_dev != open_one.st_dev)) {
        tw_held_file_close(&file->held);
        start_again(file);
    }
    return TW_NEXT_WAIT;
}

static int at_end(struct tw_record_file *file, struct tw_source_item *ret)
{
    if (!file->follow)
        return give_tail(file, ret);
    bool has_tail = left(file) > 0 || file->broken_from >= 0;
    file->used = file->at;
    int next = check_followed(file, ret);
    return next == TW_NEXT_WAIT && file->ended && !has_tail ? TW_NEXT_END : next;
}

void tw_record_file_no_more(struct tw_record_file *file)
{
    bool has_come = file->held.fd >= 0 || file->held.is_resting;
    file->follow = file->follow && !has_come; /* what never came is no error now */
}

static void tell_format(struct tw_record_file *file)
{
    if (file->has_format)
        return;
    if (is_blank(file->buffer + file->at, left(file))) {
        file->at = file->used;
        return;
    }
    file->format = tw_wire_format_of(file->buffer + file->at, left(file));
    file->has_format = true;
}

/* What stands in the buffer. */
static int decode(struct tw_record_file *file, struct tw_source_item *ret)
{
    tell_format(file);
    if (!file->has_format)
        return NEED_MORE;
    return file->format == TW_WIRE_JSON ? next_line(file, ret) : next_cbor(file, ret);
}

/* NEED_MORE: there is more in the buffer now. */
static int read_more(struct tw_record_file *file, struct tw_source_item *ret,
                     struct tw_error *error)
{
    if (tw_held_file_is_quiet(&file->held, file->path, position(file)))
        return file->ended || !file->follow ? TW_NEXT_END : TW_NEXT_WAIT;
    int result = open_file(file, error);
    if (result == 0)
        return file->held.is_resting ? TW_NEXT_END : TW_NEXT_WAIT;
    if (result > 0)
        result = fill(file, error);
    if (result == 0)
        result = at_end(file, ret);
    else if (result > 0)
        result = NEED_MORE;
    if (file->follow)
        tw_held_file_rest(&file->held);
    return result;
}

int tw_record_file_next(struct tw_record_file *file, struct tw_source_item *ret,
                        struct tw_error *error)
{
    tw_source_item_clear(ret);
    int next = decode(file, ret);
    while (next == NEED_MORE) {
        next = read_more(file, ret, error);
        if (next == NEED_MORE)
            next = decode(file, ret);
    }
    return next;
}
