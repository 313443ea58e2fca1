/* The silences of one machine. */
#include "config.h"

#include "sinks/notify/silence_file.h"

#include "advisories/log_file.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_NAME "silences.json"
#define LOCK_NAME ".silences.lock"
#define NEW_NAME ".silences.new"

static int fail(const char *path, int code, const char *what, struct tw_error *error)
{
    return tw_error_at(error, code, path, 0, 0, "cannot %s the silences: %s", what,
                       strerror(-code));
}

static int load(const char *path, json_t **ret, struct tw_error *error)
{
    json_error_t why;
    FILE *stream = fopen(path, "re");
    if (!stream)
        return errno == ENOENT ? 0 : fail(path, -errno, "read", error);
    json_t *found = json_loadf(stream, JSON_REJECT_DUPLICATES, &why);
    fclose(stream);
    if (!json_is_object(found)) {
        json_decref(found);
        return tw_error_at(error, -EBADMSG, path, (unsigned)(why.line > 0 ? why.line : 1), 0,
                           "holds no silences: %s", found ? "not an object" : why.text);
    }
    *ret = found;
    return 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void take(struct tw_silences *silences, json_t *found)
{
    const char *id;
    json_t *silence;
    tw_silences_release(silences);
    json_object_foreach(found, id, silence) tw_silences_set(silences, id, silence);
}

int tw_silence_file_look(struct tw_silence_file *file, const char *dir,
                         struct tw_silences *silences, struct tw_error *error)
{
    struct stat status = {0};
    json_t *found = NULL;
    char *path = tw_path_join(dir, FILE_NAME, NULL);
    if (!path)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = 0;
    if (stat(path, &status))
        status = (struct stat){0};
    if (!is_same(&status, &file->seen)) {
        result = load(path, &found, error);
        if (!result)
            take(silences, found);
        file->seen = status;
    }
    json_decref(found);
    free(path);
    return result;
}

/* ---- changing ---- */

static void drop_old(json_t *all)
{
    const char *id;
    void *next;
    json_t *silence;
    json_object_foreach_safe(all, next, id, silence)
    {
        if (tw_silence_is_over(silence, tw_wall_ms() - TW_SILENCE_KEEP_MS))
            json_object_del(all, id);
    }
}

static int replace(const char *dir, const char *path, const json_t *all, struct tw_error *error)
{
    char *fresh = tw_path_join(dir, NEW_NAME, NULL), *text = json_dumps(all, JSON_INDENT(1));
    int result = fresh && text ? 0 : -ENOMEM;
    int fd = result ? -1 : open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!result && fd < 0)
        result = -errno;
    if (!result)
        result = tw_write_all(fd, text, strlen(text));
    if (!result && fsync(fd))
        result = -errno;
    if (fd >= 0)
        close(fd);
    if (!result && rename(fresh, path))
        result = -errno;
    free(fresh);
    free(text);
    return result ? fail(path, result, "write", error) : tw_sync_directory(dir, error);
}

static int set_locked(const char *dir, const char *id, json_t *silence, struct tw_error *error)
{
    json_t *all = NULL;
    char *path = tw_path_join(dir, FILE_NAME, NULL);
    if (!path)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = load(path, &all, error);
    if (!result) {
        all = all ? all : json_object();
        drop_old(all);
        if (silence)
            json_object_set(all, id, silence);
        else
            json_object_del(all, id);
        result = replace(dir, path, all, error);
    }
    json_decref(all);
    free(path);
    return result;
}

int tw_silence_file_set(const char *dir, const char *id, json_t *silence, struct tw_error *error)
{
    int result = tw_make_directory(dir, error);
    char *path = result ? NULL : tw_path_join(dir, LOCK_NAME, NULL);
    if (result)
        return result;
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || flock(fd, LOCK_EX))
        result = fail(path ? path : dir, path ? -errno : -ENOMEM, "lock", error);
    else
        result = set_locked(dir, id, silence, error);
    if (fd >= 0)
        close(fd);
    free(path);
    return result;
}
