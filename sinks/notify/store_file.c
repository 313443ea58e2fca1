/* The notification log of one machine: a file of JSON lines, each one batch of records that is
 * there as a whole or not at all: a line that a crash has torn is cut off. The last value of a key
 * counts; the file is written anew when most of it is outdated. */
#include "config.h"

#include "sinks/notify/store_kind.h"

#include "sinks/notify/silence_file.h"

#include "advisories/json_text.h"
#include "advisories/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define DIRECTORY "notifications"
/* Written anew when it is so many times as large as it was then, and no smaller than this. */
#define GROWTH 4
#define BYTES_MIN (1 << 20)

struct file {
    int fd;
    char *state_dir, *dir, *path, *fresh;
    off_t size, compact_size;
    struct tw_silence_file silences;
};

static int fail(const struct file *file, int code, const char *what, struct tw_error *error)
{
    return tw_error_at(error, code, file->path, 0, 0, "cannot %s the notification log: %s", what,
                       strerror(-code));
}

static void file_close(void *opaque)
{
    struct file *file = opaque;
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    free(file->state_dir);
    free(file->dir);
    free(file->path);
    free(file->fresh);
    free(file);
}

static bool make_paths(struct file *file, const struct tw_notify_store_options *options)
{
    char leaf[128];
    file->state_dir = strdup(options->dir);
    file->dir = tw_path_join(options->dir, DIRECTORY, NULL);
    snprintf(leaf, sizeof leaf, "%s.jsonl", options->name);
    file->path = tw_path_join(options->dir, DIRECTORY, leaf);
    snprintf(leaf, sizeof leaf, ".%s.new", options->name);
    file->fresh = tw_path_join(options->dir, DIRECTORY, leaf);
    return file->state_dir && file->dir && file->path && file->fresh;
}

static int open_locked(const struct file *file, const char *path, int flags, struct tw_error *error)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0600);
    if (fd < 0)
        return fail(file, -errno, "open", error);
    if (!flock(fd, LOCK_EX | LOCK_NB))
        return fd;
    int code = -errno;
    close(fd);
    if (code == -EWOULDBLOCK)
        return tw_error_at(error, -EBUSY, file->path, 0, 0,
                           "another process notifies from this state_dir");
    return fail(file, code, "lock", error);
}

static int file_open(void **ret, const struct tw_notify_store_options *options,
                     struct tw_error *error)
{
    struct file *file = calloc(1, sizeof *file);
    if (!file)
        return tw_error_set(error, -ENOMEM, "out of memory");
    file->fd = -1;
    int result = make_paths(file, options) ? tw_make_directory(file->dir, error)
                                           : tw_error_set(error, -ENOMEM, "out of memory");
    if (!result) {
        file->fd = open_locked(file, file->path, 0, error);
        result = file->fd < 0 ? file->fd : tw_sync_directory(file->dir, error);
    }
    if (result) {
        file_close(file);
        return result;
    }
    *ret = file;
    return 0;
}

static int file_serve(void *opaque, double seconds, struct tw_silences *silences,
                      struct tw_error *error)
{
    struct file *file = opaque;
    struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    if (seconds > 0)
        nanosleep(&pause, NULL);
    /* Silences that cannot be read keep nobody from being told: the error says so, once. */
    tw_silence_file_look(&file->silences, file->state_dir, silences, error);
    return 1;
}

/* ---- reading ---- */

static void merge(json_t *all, json_t *batch)
{
    const char *key;
    json_t *value;
    json_object_foreach(batch, key, value)
    {
        if (json_is_null(value))
            json_object_del(all, key);
        else
            json_object_set(all, key, value);
    }
}

/* Reads all whole lines; `file->size` is behind the last of them. A line in the middle that is no
 * JSON was damaged by something else than a crash of ours: what it said is lost, the rest is not.
 */
static int read_all(struct file *file, json_t *all, struct tw_error *error)
{
    int fd = dup(file->fd);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    if (!stream) {
        int code = -errno;
        if (fd >= 0)
            close(fd);
        return fail(file, code, "read", error);
    }
    rewind(stream);
    file->size = 0;
    while ((n = getline(&line, &room, stream)) > 0 && line[n - 1] == '\n') {
        json_t *batch = json_loadb(line, (size_t)n, 0, NULL);
        merge(all, batch);
        json_decref(batch);
        file->size += n;
    }
    int code = ferror(stream) ? -EIO : 0;
    free(line);
    fclose(stream);
    return code ? fail(file, code, "read", error) : 0;
}

/* ---- writing ---- */

static int append(const struct file *file, int fd, const json_t *records, off_t *size,
                  struct tw_error *error)
{
    char *line = tw_json_text(records);
    if (!line)
        return tw_error_set(error, -ENOMEM, "out of memory");
    size_t length = strlen(line);
    line[length] = '\n'; /* in place of NUL: one write a line */
    int result = tw_write_all(fd, line, length + 1);
    free(line);
    if (!result && fdatasync(fd))
        result = -errno;
    if (result)
        return fail(file, result, "write", error);
    *size += (off_t)length + 1;
    return 0;
}

/* All that counts as one line of a new file, which takes the place of the old one. */
static int compact(struct file *file, const json_t *all, struct tw_error *error)
{
    off_t size = 0;
    int fd = open_locked(file, file->fresh, O_TRUNC, error);
    if (fd < 0)
        return fd;
    int result = json_object_size(all) ? append(file, fd, all, &size, error) : 0;
    if (!result && rename(file->fresh, file->path))
        result = fail(file, -errno, "replace", error);
    if (!result)
        result = tw_sync_directory(file->dir, error);
    if (result) {
        close(fd);
        return result;
    }
    close(file->fd);
    file->fd = fd;
    file->size = file->compact_size = size;
    return 0;
}

static int load_into(struct file *file, json_t *all, struct tw_error *error)
{
    int result = read_all(file, all, error);
    return result ? result : compact(file, all, error);
}

static int file_load(void *opaque, tw_notify_store_visit *visit, void *closure,
                     struct tw_error *error)
{
    const char *key;
    json_t *value, *all = json_object();
    if (!all)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = load_into(opaque, all, error);
    if (!result) {
        json_object_foreach(all, key, value) visit(closure, key, value);
    }
    json_decref(all);
    return result;
}

static int file_write(void *opaque, const json_t *records, struct tw_error *error)
{
    struct file *file = opaque;
    int result = append(file, file->fd, records, &file->size, error);
    if (result) {
        /* A full disk took a part of the line. Should cutting fail too, the next load cuts. */
        if (ftruncate(file->fd, file->size))
            tw_error_add_place(error, file->path);
        return result;
    }
    if (file->size < BYTES_MIN || file->size < GROWTH * file->compact_size)
        return 0;
    json_t *all = json_object();
    result = all ? load_into(file, all, error) : tw_error_set(error, -ENOMEM, "out of memory");
    json_decref(all);
    return result;
}

const struct tw_store_kind tw_store_file_kind = {
    .open = file_open,
    .close = file_close,
    .serve = file_serve,
    .load = file_load,
    .write = file_write,
};
