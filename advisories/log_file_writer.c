/* The writing end of the file log: one write a line, nothing torn left behind, no id twice. The
 * file of charts is made when there is the first: most logs have none. It does not grow for ever:
 * from a size on it becomes a complete one, and complete ones go when they were delivered. */
#include "advisories/log_file_writer.h"
#include "advisories/log_kind.h"

#include "advisories/log_file.h"
#include "advisories/log_segments.h"
#include "advisories/recent_ids.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* How often is looked for complete files that were delivered meanwhile. */
#define TRIM_SECONDS 60.0

struct stream {
    int fd;
    char *path;
    off_t end;
    double since;    /* when this file was opened */
    bool is_unnamed; /* the directory has to be synced too */
    size_t unsynced; /* ids held that were added since the last successful flush */
    struct tw_recent_ids ids;
};

struct writer {
    char *dir;
    struct stream *streams[TW_LOG_STREAMS]; /* NULL: nothing was appended yet */
    struct tw_log_location location;
    double trimmed; /* when it was done last */
};

static int fail(const struct stream *stream, const char *what, struct tw_error *error)
{
    int code = -errno;
    return tw_error_at(error, code, stream->path, 0, 0, "cannot %s: %s", what, strerror(-code));
}

/* The offset behind the newline that ends the last but `lines` lines before `end`: with 0, behind
 * the last newline; 0 when there are not so many. Negative on failure. */
static off_t find_line_start(int fd, off_t end, size_t lines)
{
    char chunk[65536];
    while (end > 0) {
        size_t size = end < (off_t)sizeof chunk ? (size_t)end : sizeof chunk;
        if (pread(fd, chunk, size, end - (off_t)size) != (ssize_t)size)
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
static int cut_torn_tail(struct stream *stream, struct tw_error *error)
{
    off_t size = lseek(stream->fd, 0, SEEK_END);
    stream->end = size < 0 ? -1 : find_line_start(stream->fd, size, 0);
    if (stream->end < 0)
        return fail(stream, "read the advisory log", error);
    if (stream->end < size && ftruncate(stream->fd, stream->end))
        return fail(stream, "cut off a torn last line", error);
    return 0;
}

static void remember_id(struct stream *stream, const char *line, size_t size)
{
    json_t *document = json_loadb(line, size, 0, NULL);
    const char *id = json_string_value(json_object_get(json_object_get(document, "event"), "id"));
    if (id)
        tw_recent_ids_add(&stream->ids, id);
    json_decref(document);
}

/* Of the newest lines of one file. */
static int load_ids_of(struct stream *stream, const char *path, struct tw_error *error)
{
    FILE *file = fopen(path, "re");
    off_t start = -1;
    if (file && !fseeko(file, 0, SEEK_END))
        start = find_line_start(fileno(file), ftello(file), TW_RECENT_IDS);
    if (start < 0 || fseeko(file, start, SEEK_SET)) {
        int result = fail(stream, "read the advisory log", error);
        if (file)
            fclose(file);
        return result;
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while ((n = getline(&line, &room, file)) > 0)
        remember_id(stream, line, (size_t)n);
    free(line);
    fclose(file);
    return 0;
}

/* The newest complete file has what a file that was just begun has not. */
static int load_recent_ids(struct stream *stream, const char *dir, enum tw_log_stream which,
                           struct tw_error *error)
{
    struct tw_log_segments segments;
    int result = tw_log_segments_list(&segments, dir, which, error);
    if (!result && segments.n_complete)
        result = load_ids_of(stream, segments.at[segments.n_complete - 1].path, error);
    tw_log_segments_release(&segments);
    return result ? result : load_ids_of(stream, stream->path, error);
}

static int open_file(struct stream *stream, const char *dir, enum tw_log_stream which,
                     struct tw_error *error)
{
    char name[32];
    stream->path = tw_path_join(dir, tw_log_file_name(which, name), NULL);
    if (!stream->path)
        return tw_error_set(error, -ENOMEM, "out of memory");
    stream->fd = open(stream->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (stream->fd < 0)
        return fail(stream, "open the advisory log", error);
    if (flock(stream->fd, LOCK_EX | LOCK_NB)) {
        return errno == EWOULDBLOCK
                   ? tw_error_at(error, -EBUSY, stream->path, 0, 0,
                                 "another process writes this advisory log; stop it, or choose "
                                 "another state_dir")
                   : fail(stream, "lock the advisory log", error);
    }
    int result = cut_torn_tail(stream, error);
    if (!result)
        result = load_recent_ids(stream, dir, which, error);
    return result ? result : tw_sync_directory(dir, error);
}

static void close_stream(struct stream *stream)
{
    if (!stream)
        return;
    if (stream->fd >= 0)
        close(stream->fd);
    free(stream->path);
    free(stream);
}

static int open_stream(struct writer *writer, enum tw_log_stream which, struct tw_error *error)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return tw_error_set(error, -ENOMEM, "out of memory");
    stream->fd = -1;
    stream->since = tw_now_seconds();
    int result = open_file(stream, writer->dir, which, error);
    if (result)
        close_stream(stream);
    else
        writer->streams[which] = stream;
    return result;
}

int tw_file_writer_open(void **ret, const struct tw_log_location *location, struct tw_error *error)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return tw_error_set(error, -ENOMEM, "out of memory");
    writer->location = *location;
    writer->dir = strdup(location->dir);
    int result = writer->dir ? tw_make_directory(writer->dir, error)
                             : tw_error_set(error, -ENOMEM, "out of memory");
    if (!result)
        result = open_stream(writer, TW_LOG_ADVISORIES, error);
    if (result) {
        tw_file_writer_close(writer);
        return result;
    }
    *ret = writer;
    return 0;
}

static int append_line(struct stream *stream, const char *id, const char *document,
                       struct tw_error *error)
{
    if (tw_recent_ids_has(&stream->ids, id))
        return TW_LOG_REPEAT;
    size_t size = strlen(document) + 1;
    char *line = malloc(size);
    if (!line)
        return tw_error_set(error, -ENOMEM, "out of memory");
    memcpy(line, document, size - 1);
    line[size - 1] = '\n';
    int result = tw_write_all(stream->fd, line, size);
    free(line);
    if (result) {
        errno = -result;
        result = fail(stream, "write to the advisory log", error);
        /* A full disk took a part of the line. Should cutting fail too, the next open cuts. */
        if (ftruncate(stream->fd, stream->end))
            tw_error_add_place(error, stream->path);
        return result;
    }
    stream->end += (off_t)size;
    tw_recent_ids_add(&stream->ids, id);
    if (stream->unsynced < TW_RECENT_IDS)
        stream->unsynced++;
    return 0;
}

static int flush_stream(const struct writer *writer, struct stream *stream, struct tw_error *error)
{
    if (!stream || !stream->unsynced)
        return 0;
    int result = 0;
    if (fdatasync(stream->fd))
        result = fail(stream, "make the advisory log durable", error);
    else if (stream->is_unnamed)
        result = tw_sync_directory(writer->dir, error);
    if (result) {
        /* The kernel may have dropped the pages: what the caller appends again must be written. */
        tw_recent_ids_forget(&stream->ids, stream->unsynced);
        stream->unsynced = 0;
        return result;
    }
    stream->unsynced = 0;
    stream->is_unnamed = false;
    return 0;
}

/* ---- the pieces of the stream of charts ---- */

static bool is_full(const struct writer *writer, const struct stream *stream)
{
    const struct tw_log_location *location = &writer->location;
    if (!stream->end)
        return false;
    return (location->charts_file_bytes && (uint64_t)stream->end >= location->charts_file_bytes) ||
           (location->charts_file_seconds > 0 &&
            tw_now_seconds() - stream->since >= location->charts_file_seconds);
}

/* Makes the file at hand a complete one and puts `fresh` into its place; where that fails, it stays
 * the one that is written to. A crash in between leaves none, and the next open makes one. */
static void replace_file(struct stream *stream, const char *complete, const char *fresh)
{
    int fd = open(fresh, O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) || rename(stream->path, complete) ||
        rename(fresh, stream->path)) {
        if (access(stream->path, F_OK))
            rename(complete, stream->path);
        close(fd);
        return;
    }
    close(stream->fd);
    stream->fd = fd;
    stream->end = 0;
    stream->since = tw_now_seconds();
    stream->is_unnamed = true;
}

static int begin_file(struct writer *writer, enum tw_log_stream which, struct tw_error *error)
{
    struct stream *stream = writer->streams[which];
    struct tw_log_segments segments;
    int result = flush_stream(writer, stream, error);
    if (result || tw_log_segments_list(&segments, writer->dir, which, NULL))
        return result;
    unsigned newest = segments.n_complete ? segments.at[segments.n_complete - 1].number : 0;
    char *complete = tw_log_segment_path(writer->dir, which, newest + 1);
    char *fresh = tw_path_join(writer->dir, ".charts.new", NULL);
    if (complete && fresh)
        replace_file(stream, complete, fresh);
    free(complete);
    free(fresh);
    tw_log_segments_release(&segments);
    return 0;
}

/* What could not be removed is tried again later: it is in nobody's way. */
static void trim(struct writer *writer)
{
    double now = tw_now_seconds();
    if (!writer->streams[TW_LOG_CHARTS] || now - writer->trimmed < TRIM_SECONDS)
        return;
    writer->trimmed = now;
    tw_log_segments_trim(writer->dir, TW_LOG_CHARTS, writer->location.charts_readers, NULL);
}

int tw_file_writer_append(void *opaque, enum tw_log_stream which, const char *id, const char *run,
                          const char *document, struct tw_error *error)
{
    struct writer *writer = opaque;
    (void)run;
    int result = writer->streams[which] ? 0 : open_stream(writer, which, error);
    if (!result && which == TW_LOG_CHARTS && is_full(writer, writer->streams[which]))
        result = begin_file(writer, which, error);
    return result ? result : append_line(writer->streams[which], id, document, error);
}

int tw_file_writer_flush(void *opaque, double timeout_seconds, struct tw_error *error)
{
    struct writer *writer = opaque;
    int result = 0;
    (void)timeout_seconds;
    for (size_t i = 0; i < TW_LOG_STREAMS && !result; i++)
        result = flush_stream(writer, writer->streams[i], error);
    trim(writer);
    return result;
}

void tw_file_writer_close(void *opaque)
{
    struct writer *writer = opaque;
    if (!writer)
        return;
    for (size_t i = 0; i < TW_LOG_STREAMS; i++)
        close_stream(writer->streams[i]);
    free(writer->dir);
    free(writer);
}
