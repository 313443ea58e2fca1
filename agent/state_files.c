/* Snapshots as files: DIR/runs/<hash>.state, each replaced in one rename. */
#include "agent/state_files.h"

#include "advisories/advisory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SNAPSHOT_BYTES_MAX ((off_t)64 << 20)

struct tw_state_files {
    char dir[4096];
};

static int path_of(const struct tw_state_files *files, const char *key, const char *suffix,
                   char *ret, size_t size, struct tw_error *error)
{
    char hash[TW_EVENT_ID_SIZE];
    tw_run_event_id(hash, key, "state", 0);
    if ((size_t)snprintf(ret, size, "%s/%s%s", files->dir, hash, suffix) >= size)
        return tw_error_set(error, -ENAMETOOLONG, "%s: the path is too long", files->dir);
    return 0;
}

static int fail(struct tw_error *error, const char *path, const char *what)
{
    int code = errno ? -errno : -EIO;
    return tw_error_at(error, code, path, 0, 0, "cannot %s: %s", what, strerror(-code));
}

static int write_all(int file, const char *data, size_t size)
{
    while (size) {
        ssize_t written = write(file, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -1;
        data += written;
        size -= (size_t)written;
    }
    return fsync(file);
}

static int sync_directory(const char *dir)
{
    int file = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return -1;
    int result = fsync(file);
    close(file);
    return result;
}

static int replace(const struct tw_state_files *files, const char *from, const char *to,
                   const void *data, size_t size, struct tw_error *error)
{
    int file = open(from, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(error, from, "write the state file");
    int failed = write_all(file, data, size);
    if (close(file) || failed) {
        int result = fail(error, from, "write the state file");
        unlink(from);
        return result;
    }
    if (rename(from, to) || sync_directory(files->dir))
        return fail(error, to, "replace the state file");
    return 0;
}

int tw_state_files_put(struct tw_state_files *files, const char *key, const void *data, size_t size,
                       struct tw_error *error)
{
    char from[4200], to[4200];
    if (path_of(files, key, ".state", to, sizeof to, error) ||
        path_of(files, key, ".tmp", from, sizeof from, error))
        return -ENAMETOOLONG;
    return replace(files, from, to, data, size, error);
}

int tw_state_files_remove(struct tw_state_files *files, const char *key, struct tw_error *error)
{
    char path[4200];
    if (path_of(files, key, ".state", path, sizeof path, error))
        return -ENAMETOOLONG;
    /* Not made durable: what a crash brings back is small, and does no harm. */
    return unlink(path) && errno != ENOENT ? fail(error, path, "remove the state file") : 0;
}

static int read_whole(const char *path, char **ret, size_t *ret_size, struct tw_error *error)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC), result = 0;
    if (file < 0)
        return errno == ENOENT ? -ENOENT : fail(error, path, "read the state file");
    if (fstat(file, &status) || status.st_size > SNAPSHOT_BYTES_MAX) {
        close(file);
        return tw_error_at(error, -EFBIG, path, 0, 0, "is no state file of ours");
    }
    char *data = malloc((size_t)status.st_size + 1);
    ssize_t size = data ? read(file, data, (size_t)status.st_size) : -1;
    if (size != status.st_size) {
        free(data);
        result = fail(error, path, "read the state file");
    } else {
        *ret = data;
        *ret_size = (size_t)size;
    }
    close(file);
    return result;
}

int tw_state_files_visit(struct tw_state_files *files, const char *key, tw_state_visit *visit,
                         void *closure, struct tw_error *error)
{
    char path[4200], *data = NULL;
    size_t size = 0;
    int result = path_of(files, key, ".state", path, sizeof path, error);
    if (!result)
        result = read_whole(path, &data, &size, error);
    if (result)
        return result == -ENOENT ? 0 : result;
    result = visit(closure, key, data, size, error);
    free(data);
    return result;
}

void tw_state_files_close(struct tw_state_files *files)
{
    free(files);
}

int tw_state_files_open(struct tw_state_files **ret, const char *dir, struct tw_error *error)
{
    struct tw_state_files *files = calloc(1, sizeof *files);
    if (!files)
        return tw_error_set(error, -ENOMEM, "out of memory");
    snprintf(files->dir, sizeof files->dir, "%s/runs", dir);
    if ((mkdir(dir, 0700) && errno != EEXIST) || (mkdir(files->dir, 0700) && errno != EEXIST)) {
        int result = fail(error, files->dir, "make the state directory");
        free(files);
        return result;
    }
    *ret = files;
    return 0;
}
