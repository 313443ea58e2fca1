/* The reading end of the file log: whole lines from a saved byte offset on, and on into the next
 * file where the stream has several. */
#include "config.h"

#include "advisories/log_file_reader.h"

#include "advisories/log_file.h"
#include "advisories/log_segments.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How often an empty log is looked at again, in seconds. */
#define POLL_SECONDS 0.1

/* The buffer: a large batch fits, and pages that no backlog has filled cost nothing. */
#define BUFFER_BYTES (2u << 20)

struct reader {
    char *dir, *log_path, *cursor_dir, *cursor_path, *cursor_new;
    enum tw_log_stream stream;
    int fd;                      /* -1 until the log is there */
    struct tw_log_cursor cursor; /* behind all that was read */
    struct tw_log_cursor saved;  /* what the cursor's file says */
    char *buffer;                /* whole lines; `consumed` bytes of them were handed out */
    size_t room, filled, consumed;
};

static int fail(const char *path, const char *what, struct tw_error *error)
{
    int code = -errno;
    return tw_error_at(error, code, path, 0, 0, "cannot %s: %s", what, strerror(-code));
}

/* Opens one of the files, at the cursor where that names it, else at its start. A file that has
 * gone, or was renamed since it was listed, is left for the next attempt. */
static int open_segment(struct reader *reader, const struct tw_log_segment *segment,
                        struct tw_error *error)
{
    struct stat status;
    int fd = open(segment->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : fail(segment->path, "open the advisory log", error);
    if (fstat(fd, &status)) {
        int result = fail(segment->path, "open the advisory log", error);
        close(fd);
        return result;
    }
    if (status.st_dev != segment->status.st_dev || status.st_ino != segment->status.st_ino) {
        close(fd);
        return 0;
    }
    if (reader->cursor.device != status.st_dev || reader->cursor.inode != status.st_ino ||
        reader->cursor.offset > status.st_size)
        reader->cursor = (struct tw_log_cursor){status.st_dev, status.st_ino, 0};
    if (reader->fd >= 0)
        close(reader->fd);
    reader->fd = fd;
    return 0;
}

/* Opens the log once it is there. A cursor whose file is not there, or is shorter than it: that
 * was replaced. Then the log is read from its start, since a repeat is harmless and a gap not. */
static int open_log(struct reader *reader, struct tw_error *error)
{
    struct tw_log_segments segments;
    if (reader->fd >= 0)
        return 0;
    int result = tw_log_segments_list(&segments, reader->dir, reader->stream, error);
    if (!result && segments.n) {
        size_t at = tw_log_segments_find(&segments, &reader->cursor);
        result = open_segment(reader, &segments.at[at == segments.n ? 0 : at], error);
    }
    tw_log_segments_release(&segments);
    return result;
}

/* Whether the file at hand is complete: another stands where it was written. */
static bool is_complete(const struct reader *reader)
{
    struct stat status;
    return !stat(reader->log_path, &status) &&
           (status.st_dev != reader->cursor.device || status.st_ino != reader->cursor.inode);
}

/* Goes on to the file behind the one at hand, which is complete and read. */
static int open_next(struct reader *reader, struct tw_error *error)
{
    struct tw_log_segments segments;
    int result = tw_log_segments_list(&segments, reader->dir, reader->stream, error);
    if (result)
        return result;
    size_t at = tw_log_segments_find(&segments, &reader->cursor);
    at = at == segments.n ? 0 : at + 1;
    if (at < segments.n)
        result = open_segment(reader, &segments.at[at], error);
    tw_log_segments_release(&segments);
    return result;
}

static bool make_paths(struct reader *reader, const char *dir, enum tw_log_stream stream,
                       const char *name)
{
    char temporary[128], file[32];
    snprintf(temporary, sizeof temporary, ".%s.new", name);
    reader->stream = stream;
    reader->dir = strdup(dir);
    reader->log_path = tw_path_join(dir, tw_log_file_name(stream, file), NULL);
    reader->cursor_dir = tw_path_join(dir, "cursors", NULL);
    reader->cursor_path = tw_path_join(dir, "cursors", name);
    reader->cursor_new = tw_path_join(dir, "cursors", temporary);
    return reader->dir && reader->log_path && reader->cursor_dir && reader->cursor_path &&
           reader->cursor_new;
}

static int grow(struct reader *reader, struct tw_error *error)
{
    size_t room = reader->room ? 2 * reader->room : BUFFER_BYTES;
    char *grown = realloc(reader->buffer, room);
    if (!grown)
        return tw_error_set(error, -ENOMEM, "out of memory");
    reader->buffer = grown;
    reader->room = room;
    return 0;
}

int tw_file_reader_open(void **ret, const struct tw_log_location *location, const char *name,
                        struct tw_error *error)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return tw_error_set(error, -ENOMEM, "out of memory");
    reader->fd = -1;
    int result = make_paths(reader, location->dir, location->stream, name)
                     ? 0
                     : tw_error_set(error, -ENOMEM, "out of memory");
    if (result || (result = tw_make_directory(reader->cursor_dir, error)) ||
        (result = grow(reader, error)) ||
        (result = tw_log_cursor_load(&reader->cursor, reader->cursor_path, error)) ||
        (reader->saved = reader->cursor, result = open_log(reader, error))) {
        tw_file_reader_close(reader);
        return result;
    }
    *ret = reader;
    return 0;
}

/* Reads the whole lines at the offset into the buffer. A part of a line is not kept: the writer
 * cuts a torn one off and writes something else there. */
static int fill(struct reader *reader, struct tw_error *error)
{
    reader->consumed = reader->filled = 0;
    for (;;) {
        ssize_t n = pread(reader->fd, reader->buffer, reader->room, (off_t)reader->cursor.offset);
        if (n < 0)
            return fail(reader->log_path, "read the advisory log", error);
        char *newline = memrchr(reader->buffer, '\n', (size_t)n);
        if (newline)
            reader->filled = (size_t)(newline - reader->buffer) + 1;
        if (newline || (size_t)n < reader->room)
            return 0;
        if (reader->room > TW_DOCUMENT_BYTES_MAX) {
            /* No writer of ours made such a line. It is passed over in pieces as it comes, and its
             * last piece arrives as a document that is broken. */
            reader->cursor.offset += n;
            continue;
        }
        int result = grow(reader, error);
        if (result)
            return result;
    }
}

/* The same, from the next file on once this one is complete. */
static int fill_onward(struct reader *reader, struct tw_error *error)
{
    int result = fill(reader, error);
    while (!result && !reader->filled && is_complete(reader)) {
        /* Between the two looks a last line may have come. */
        uint64_t inode = reader->cursor.inode;
        if ((result = fill(reader, error)) || reader->filled)
            break;
        if ((result = open_next(reader, error)) || reader->cursor.inode == inode)
            break;
        result = fill(reader, error);
    }
    return result;
}

/* Hands out the next whole line of the buffer, if there is one. */
static bool take_line(struct reader *reader, struct tw_log_item *item)
{
    char *start = reader->buffer + reader->consumed;
    char *end = memchr(start, '\n', reader->filled - reader->consumed);
    if (!end)
        return false;
    *end = '\0';
    item->document = start;
    item->size = (size_t)(end - start);
    snprintf(item->position, sizeof item->position, "byte %" PRId64, reader->cursor.offset);
    reader->consumed += item->size + 1;
    reader->cursor.offset += (int64_t)item->size + 1;
    return true;
}

static long read_now(struct reader *reader, struct tw_log_item *items, size_t max,
                     struct tw_error *error)
{
    size_t n = 0;
    int result = open_log(reader, error);
    if (result || reader->fd < 0)
        return result;
    /* Handed-out lines point into the buffer, so a call fills it only before it hands out any. What
     * little is left is read again with what follows: no batch is small for the buffer's end. */
    if (reader->filled - reader->consumed < BUFFER_BYTES / 2 &&
        (result = fill_onward(reader, error)))
        return result;
    while (n < max && take_line(reader, &items[n]))
        n++;
    return (long)n;
}

static void sleep_seconds(double seconds)
{
    struct timespec wait = {.tv_sec = (time_t)seconds};
    wait.tv_nsec = (long)((seconds - (double)wait.tv_sec) * 1e9);
    nanosleep(&wait, NULL);
}

long tw_file_reader_read(void *opaque, struct tw_log_item *items, size_t max,
                         double timeout_seconds, struct tw_error *error)
{
    struct reader *reader = opaque;
    for (;;) {
        long n = read_now(reader, items, max, error);
        if (n || timeout_seconds <= 0)
            return n;
        double wait = timeout_seconds < POLL_SECONDS ? timeout_seconds : POLL_SECONDS;
        sleep_seconds(wait);
        timeout_seconds -= wait;
    }
}

static int write_cursor(struct reader *reader, struct tw_error *error)
{
    char line[128];
    int n = tw_log_cursor_line(&reader->cursor, line, sizeof line);
    int fd = open(reader->cursor_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(reader->cursor_new, "save the cursor", error);
    errno = -tw_write_all(fd, line, (size_t)n);
    int result = errno || fsync(fd) ? fail(reader->cursor_new, "save the cursor", error) : 0;
    close(fd);
    return result;
}

int tw_file_reader_commit(void *opaque, struct tw_error *error)
{
    struct reader *reader = opaque;
    if (reader->fd < 0 || (reader->cursor.inode == reader->saved.inode &&
                           reader->cursor.offset == reader->saved.offset))
        return 0;
    /* The reader may be ahead of the writer's own sync: no cursor may point behind what a power cut
     * leaves of the log. */
    if (fdatasync(reader->fd) && errno != EINVAL)
        return fail(reader->log_path, "make the advisory log durable", error);
    int result = write_cursor(reader, error);
    if (result)
        return result;
    if (rename(reader->cursor_new, reader->cursor_path))
        return fail(reader->cursor_path, "save the cursor", error);
    if ((result = tw_sync_directory(reader->cursor_dir, error)))
        return result;
    reader->saved = reader->cursor;
    return 0;
}

/* The same over all files, of which the saved cursor may name another than the one at hand. */
static int64_t lag_of_all(const struct reader *reader)
{
    struct tw_log_segments segments;
    if (tw_log_segments_list(&segments, reader->dir, reader->stream, NULL))
        return -1;
    size_t at = tw_log_segments_find(&segments, &reader->saved);
    int64_t lag = at == segments.n ? 0 : -reader->saved.offset;
    for (size_t i = at == segments.n ? 0 : at; i < segments.n; i++)
        lag += segments.at[i].status.st_size;
    tw_log_segments_release(&segments);
    return lag;
}

int64_t tw_file_reader_lag(void *opaque)
{
    struct reader *reader = opaque;
    struct stat status;
    if (reader->fd < 0)
        return 0;
    if (reader->saved.inode != reader->cursor.inode || is_complete(reader))
        return lag_of_all(reader);
    return fstat(reader->fd, &status) ? -1 : (int64_t)status.st_size - reader->saved.offset;
}

void tw_file_reader_close(void *opaque)
{
    struct reader *reader = opaque;
    if (!reader)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader->buffer);
    free(reader->dir);
    free(reader->log_path);
    free(reader->cursor_dir);
    free(reader->cursor_path);
    free(reader->cursor_new);
    free(reader);
}
