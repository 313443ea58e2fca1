/* Listing and removing the files of a stream, and the cursors that say what may be removed. */
#include "config.h"

#include "advisories/log_segments.h"

#include "advisories/log_file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The cursor's file, one line: version, the log's device and inode, the byte offset. */
#define CURSOR_FORMAT "trainward-cursor 1 %" PRIu64 " %" PRIu64 " %" PRId64 "\n"
#define CURSOR_SCAN "trainward-cursor 1 %" SCNu64 " %" SCNu64 " %" SCNd64

static int fail(const char *path, const char *what, struct tw_error *error)
{
    int code = -errno;
    return tw_error_at(error, code, path, 0, 0, "cannot %s: %s", what, strerror(-code));
}

char *tw_log_segment_path(const char *dir, enum tw_log_stream stream, unsigned number)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%08u.jsonl", tw_log_stream_name(stream), number);
    return tw_path_join(dir, name, NULL);
}

/* The number in the name of a complete file of the stream; 0: it is none. */
static unsigned number_of(const char *name, enum tw_log_stream stream)
{
    char wanted[64];
    const char *stream_name = tw_log_stream_name(stream);
    size_t n = strlen(stream_name);
    if (strncmp(name, stream_name, n) != 0 || name[n] != '.')
        return 0;
    unsigned number = (unsigned)strtoul(name + n + 1, NULL, 10);
    snprintf(wanted, sizeof wanted, "%s.%08u.jsonl", stream_name, number);
    return strcmp(name, wanted) ? 0 : number;
}

/* Adds a file unless it has gone meanwhile. `path` becomes the list's. */
static int add(struct tw_log_segments *segments, char *path, unsigned number,
               struct tw_error *error)
{
    struct tw_log_segment segment = {.path = path, .number = number};
    struct tw_log_segment *grown = NULL;
    if (path && stat(path, &segment.status)) {
        int result = errno == ENOENT ? 0 : fail(path, "look at the advisory log", error);
        free(path);
        return result;
    }
    if (path)
        grown = realloc(segments->at, (segments->n + 1) * sizeof *grown);
    if (!grown) {
        free(path);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    segments->at = grown;
    segments->at[segments->n++] = segment;
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct tw_log_segment *left = a, *right = b;
    return left->number < right->number ? -1 : left->number > right->number;
}

static int add_complete(struct tw_log_segments *segments, const char *dir,
                        enum tw_log_stream stream, struct tw_error *error)
{
    const struct dirent *entry;
    int result = 0;
    DIR *stream_dir = opendir(dir);
    if (!stream_dir)
        return errno == ENOENT ? 0 : fail(dir, "read this directory", error);
    while (!result && (entry = readdir(stream_dir))) {
        unsigned number = number_of(entry->d_name, stream);
        if (number)
            result = add(segments, tw_log_segment_path(dir, stream, number), number, error);
    }
    closedir(stream_dir);
    if (segments->n)
        qsort(segments->at, segments->n, sizeof *segments->at, by_number);
    segments->n_complete = segments->n;
    return result;
}

int tw_log_segments_list(struct tw_log_segments *ret, const char *dir, enum tw_log_stream stream,
                         struct tw_error *error)
{
    char name[32];
    *ret = (struct tw_log_segments){0};
    int result = add_complete(ret, dir, stream, error);
    if (!result)
        result = add(ret, tw_path_join(dir, tw_log_file_name(stream, name), NULL), 0, error);
    if (result)
        tw_log_segments_release(ret);
    return result;
}

void tw_log_segments_release(struct tw_log_segments *segments)
{
    for (size_t i = 0; i < segments->n; i++)
        free(segments->at[i].path);
    free(segments->at);
    *segments = (struct tw_log_segments){0};
}

size_t tw_log_segments_find(const struct tw_log_segments *segments,
                            const struct tw_log_cursor *cursor)
{
    size_t i = 0;
    for (; i < segments->n; i++) {
        const struct stat *status = &segments->at[i].status;
        if (status->st_dev == cursor->device && status->st_ino == cursor->inode &&
            cursor->offset <= status->st_size)
            break;
    }
    return i;
}

/* The oldest file that one of the readers still needs, by its index. A reader that is nowhere yet
 * needs them all. */
static int find_needed(const struct tw_log_segments *segments, const char *dir,
                       const struct tw_texts *readers, size_t *ret, struct tw_error *error)
{
    int result = 0;
    *ret = segments->n;
    for (size_t i = 0; i < readers->n && !result; i++) {
        struct tw_log_cursor cursor;
        char *path = tw_path_join(dir, "cursors", readers->at[i]);
        result = path ? tw_log_cursor_load(&cursor, path, error)
                      : tw_error_set(error, -ENOMEM, "out of memory");
        free(path);
        size_t at = result ? 0 : tw_log_segments_find(segments, &cursor);
        if (at == segments->n)
            at = 0;
        if (at < *ret)
            *ret = at;
    }
    return result;
}

int tw_log_segments_trim(const char *dir, enum tw_log_stream stream, const struct tw_texts *readers,
                         struct tw_error *error)
{
    struct tw_log_segments segments;
    size_t needed;
    if (!readers || !readers->n)
        return 0;
    int result = tw_log_segments_list(&segments, dir, stream, error);
    if (result)
        return result;
    result = find_needed(&segments, dir, readers, &needed, error);
    for (size_t i = 0; !result && i < needed && i + 1 < segments.n_complete; i++) {
        if (unlink(segments.at[i].path) && errno != ENOENT)
            result = fail(segments.at[i].path, "remove this file, which was delivered", error);
    }
    tw_log_segments_release(&segments);
    return result;
}

int tw_log_cursor_line(const struct tw_log_cursor *cursor, char *ret, size_t size)
{
    return snprintf(ret, size, CURSOR_FORMAT, cursor->device, cursor->inode, cursor->offset);
}

int tw_log_cursor_load(struct tw_log_cursor *ret, const char *path, struct tw_error *error)
{
    *ret = (struct tw_log_cursor){0};
    FILE *stream = fopen(path, "re");
    if (!stream)
        return errno == ENOENT ? 0 : fail(path, "read the cursor", error);
    int n = fscanf(stream, CURSOR_SCAN, &ret->device, &ret->inode, &ret->offset);
    fclose(stream);
    if (n != 3 || ret->offset < 0)
        return tw_error_at(error, -EBADMSG, path, 0, 0,
                           "is not a cursor; remove it to deliver the whole log again");
    return 0;
}
