/* The reading end of the file log: whole lines from a saved byte offset on. */
#include "config.h"

#include "advisories/log_file_reader.h"

#include "advisories/log_file.h"

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

/* The cursor's file, one line: version, the log's device and inode, the byte offset. */
#define CURSOR_FORMAT "trainward-cursor 1 %" PRIu64 " %" PRIu64 " %" PRId64 "\n"
#define CURSOR_SCAN "trainward-cursor 1 %" SCNu64 " %" SCNu64 " %" SCNd64

struct reader {
    char *log_path, *cursor_dir, *cursor_path, *cursor_new;
    int fd; /* -1 until the log is there */
    uint64_t device, inode;
    int64_t offset;    /* behind all that was read */
    int64_t committed; /* what the cursor's file says */
    char *buffer;      /* whole lines; `consumed` bytes of them were handed out */
    size_t room, filled, consumed;
};

static int fail(const char *path, const char *what, struct tw_error *error)
{
    int code = -errno;
    return tw_error_at(error, code, path, 0, 0, "cannot %s: %s", what, strerror(-code));
}

static int load_cursor(struct reader *reader, struct tw_error *error)
{
    FILE *stream = fopen(reader->cursor_path, "re");
    if (!stream)
        return errno == ENOENT ? 0 : fail(reader->cursor_path, "read the cursor", error);
    int n = fscanf(stream, CURSOR_SCAN, &reader->device, &reader->inode, &reader->offset);
    fclose(stream);
    if (n != 3 || reader->offset < 0)
        return tw_error_at(error, -EBADMSG, reader->cursor_path, 0, 0,
                           "is not a cursor; remove it to deliver the whole log again");
    reader->committed = reader->offset;
    return 0;
}

/* Opens the log once it is there. A log that is another file than the cursor's, or shorter than
 * the cursor, was replaced: it is read from its start, since a repeat is harmless and a gap not. */
static int open_log(struct reader *reader, struct tw_error *error)
{
    if (reader->fd >= 0)
        return 0;
    reader->fd = open(reader->log_path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0)
        return errno == ENOENT ? 0 : fail(reader->log_path, "open the advisory log", error);
    struct stat status;
    if (fstat(reader->fd, &status))
        return fail(reader->log_path, "open the advisory log", error);
    if (reader->device != status.st_dev || reader->inode != status.st_ino ||
        reader->offset > status.st_size)
        reader->offset = reader->committed = 0;
    reader->device = status.st_dev;
    reader->inode = status.st_ino;
    return 0;
}

static bool make_paths(struct reader *reader, const char *dir, enum tw_log_stream stream,
                       const char *name)
{
    char temporary[128], file[32];
    snprintf(temporary, sizeof temporary, ".%s.new", name);
    reader->log_path = tw_path_join(dir, tw_log_file_name(stream, file), NULL);
    reader->cursor_dir = tw_path_join(dir, "cursors", NULL);
    reader->cursor_path = tw_path_join(dir, "cursors", name);
    reader->cursor_new = tw_path_join(dir, "cursors", temporary);
    return reader->log_path && reader->cursor_dir && reader->cursor_path && reader->cursor_new;
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
        (result = grow(reader, error)) || (result = load_cursor(reader, error)) ||
        (result = open_log(reader, error))) {
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
        ssize_t n = pread(reader->fd, reader->buffer, reader->room, (off_t)reader->offset);
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
            reader->offset += n;
            continue;
        }
        int result = grow(reader, error);
        if (result)
            return result;
    }
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
    snprintf(item->position, sizeof item->position, "byte %" PRId64, reader->offset);
    reader->consumed += item->size + 1;
    reader->offset += (int64_t)item->size + 1;
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
    if (reader->filled - reader->consumed < BUFFER_BYTES / 2 && (result = fill(reader, error)))
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
    int n =
        snprintf(line, sizeof line, CURSOR_FORMAT, reader->device, reader->inode, reader->offset);
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
    if (reader->fd < 0 || reader->offset == reader->committed)
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
    reader->committed = reader->offset;
    return 0;
}

int64_t tw_file_reader_lag(void *opaque)
{
    struct reader *reader = opaque;
    struct stat status;
    if (reader->fd < 0 || fstat(reader->fd, &status))
        return reader->fd < 0 ? 0 : -1;
    return (int64_t)status.st_size - reader->committed;
}

void tw_file_reader_close(void *opaque)
{
    struct reader *reader = opaque;
    if (!reader)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader->buffer);
    free(reader->log_path);
    free(reader->cursor_dir);
    free(reader->cursor_path);
    free(reader->cursor_new);
    free(reader);
}
