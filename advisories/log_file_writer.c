/* The writing end of the file log: one write a line, nothing torn left behind, no id twice. */
#include "advisories/log_file_writer.h"

#include "advisories/log_file.h"
#include "advisories/recent_ids.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct writer {
    int fd;
    char *path;
    off_t end;
    size_t unsynced; /* ids added since the last successful flush */
    struct tw_recent_ids ids;
};

static int fail(const struct writer *writer, const char *what, struct tw_error *error)
{
    int code = -errno;
    return tw_error_at(error, code, writer->path, 0, 0, "cannot %s: %s", what, strerror(-code));
}

/* The offset behind the newline that ends the last but `lines` lines before `end`: with 0, behind
 * the last newline; 0 when there are not so many. Negative on failure. */
static off_t find_line_start(const struct writer *writer, off_t end, size_t lines)
{
    char chunk[65536];
    while (end > 0) {
        size_t size = end < (off_t)sizeof chunk ? (size_t)end : sizeof chunk;
        if (pread(writer->fd, chunk, size, end - (off_t)size) != (ssize_t)size)
            return -1;
        for (size_t i = size; i > 0; i--) {
            if (chunk[i - 1] == '\n' && lines-- == 0)
                return end - (off_t)(size - i);
        }
        end -= (off_t)size;
    }
    return 0;
}

/* A line without its newline was being written when the process or the machine died. */
static int cut_torn_tail(struct writer *writer, struct tw_error *error)
{
    off_t size = lseek(writer->fd, 0, SEEK_END);
    writer->end = size < 0 ? -1 : find_line_start(writer, size, 0);
    if (writer->end < 0)
        return fail(writer, "read the advisory log", error);
    if (writer->end < size && ftruncate(writer->fd, writer->end))
        return fail(writer, "cut off a torn last line", error);
    return 0;
}

static void remember_id(struct writer *writer, const char *line, size_t size)
{
    json_t *document = json_loadb(line, size, 0, NULL);
    const char *id = json_string_value(json_object_get(json_object_get(document, "event"), "id"));
    if (id)
        tw_recent_ids_add(&writer->ids, id);
    json_decref(document);
}

static int load_recent_ids(struct writer *writer, struct tw_error *error)
{
    off_t start = find_line_start(writer, writer->end, TW_RECENT_IDS);
    if (start < 0)
        return fail(writer, "read the advisory log", error);
    int fd = open(writer->path, O_RDONLY | O_CLOEXEC);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");
    if (!stream) {
        int result = fail(writer, "read the advisory log", error);
        if (fd >= 0)
            close(fd);
        return result;
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    if (!fseeko(stream, start, SEEK_SET)) {
        while ((n = getline(&line, &room, stream)) > 0)
            remember_id(writer, line, (size_t)n);
    }
    free(line);
    fclose(stream);
    return 0;
}

static int open_files(struct writer *writer, const char *dir, struct tw_error *error)
{
    int result = tw_make_directory(dir, error);
    if (result)
        return result;
    writer->path = tw_path_join(dir, TW_LOG_FILE_NAME, NULL);
    if (!writer->path)
        return tw_error_set(error, -ENOMEM, "out of memory");
    writer->fd = open(writer->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (writer->fd < 0)
        return fail(writer, "open the advisory log", error);
    if (flock(writer->fd, LOCK_EX | LOCK_NB)) {
        return errno == EWOULDBLOCK
                   ? tw_error_at(error, -EBUSY, writer->path, 0, 0,
                                 "another process writes this advisory log; stop it, or choose "
                                 "another state_dir")
                   : fail(writer, "lock the advisory log", error);
    }
    if ((result = cut_torn_tail(writer, error)) || (result = load_recent_ids(writer, error)))
        return result;
    return tw_sync_directory(dir, error);
}

int tw_file_writer_open(void **ret, const struct tw_log_location *location, struct tw_error *error)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return tw_error_set(error, -ENOMEM, "out of memory");
    writer->fd = -1;
    int result = open_files(writer, location->dir, error);
    if (result) {
        tw_file_writer_close(writer);
        return result;
    }
    *ret = writer;
    return 0;
}

int tw_file_writer_append(void *opaque, const char *id, const char *run, const char *document,
                          struct tw_error *error)
{
    struct writer *writer = opaque;
    (void)run;
    if (tw_recent_ids_has(&writer->ids, id))
        return 0;
    size_t size = strlen(document) + 1;
    char *line = malloc(size);
    if (!line)
        return tw_error_set(error, -ENOMEM, "out of memory");
    memcpy(line, document, size - 1);
    line[size - 1] = '\n';
    int result = tw_write_all(writer->fd, line, size);
    free(line);
    if (result) {
        errno = -result;
        result = fail(writer, "write to the advisory log", error);
        /* A full disk took a part of the line. Should cutting fail too, the next open cuts. */
        if (ftruncate(writer->fd, writer->end))
            tw_error_add_place(error, writer->path);
        return result;
    }
    writer->end += (off_t)size;
    tw_recent_ids_add(&writer->ids, id);
    writer->unsynced++;
    return 0;
}

int tw_file_writer_flush(void *opaque, double timeout_seconds, struct tw_error *error)
{
    struct writer *writer = opaque;
    (void)timeout_seconds;
    if (!writer->unsynced)
        return 0;
    if (fdatasync(writer->fd)) {
        int result = fail(writer, "make the advisory log durable", error);
        /* The kernel may have dropped the pages: what the caller appends again must be written. */
        tw_recent_ids_forget(&writer->ids, writer->unsynced);
        writer->unsynced = 0;
        return result;
    }
    writer->unsynced = 0;
    return 0;
}

void tw_file_writer_close(void *opaque)
{
    struct writer *writer = opaque;
    if (!writer)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    free(writer->path);
    free(writer);
}
