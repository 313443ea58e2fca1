/* The writer of a run directory's telemetry file. */
#include "telemetry/run_file.h"

#include "telemetry/directories.h"
#include "telemetry/run_file_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct tw_run_file {
    int fd;
    off_t end;    /* behind the last whole record */
    bool is_torn; /* there may be part of a record behind `end` */
    char *path;
};

static int failed(const struct tw_run_file *file, const char *what, struct tw_error *error)
{
    int code = errno ? -errno : -EIO;
    return tw_error_at(error, code, file->path, 0, 0, "%s: %s", what, strerror(-code));
}

static int make_path(struct tw_run_file *file, const char *dir, enum tw_wire_format format,
                     uint32_t rank)
{
    char name[48] = "telemetry";
    size_t used = strlen(name), size = strlen(dir) + 1 + sizeof name;
    if (rank)
        used += (size_t)snprintf(name + used, sizeof name - used, ".rank%u", rank);
    snprintf(name + used, sizeof name - used, format == TW_WIRE_JSON ? ".jsonl" : ".cbor");
    file->path = malloc(size);
    if (!file->path)
        return -ENOMEM;
    snprintf(file->path, size, "%s/%s", dir, name);
    return 0;
}

static int open_locked(struct tw_run_file *file, struct tw_error *error)
{
    file->fd = open(file->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file->fd < 0)
        return failed(file, "cannot be opened", error);
    if (!flock(file->fd, LOCK_EX | LOCK_NB))
        return 0;
    if (errno == EWOULDBLOCK)
        return tw_error_at(error, -EBUSY, file->path, 0, 0,
                           "is being written by another process; give each process its own run "
                           "directory or rank");
    /* Some cluster file systems know no locks (Lustre unless it is mounted with them). A run that
     * tells nothing would be worse than one that is not protected against a second writer. */
    if (errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK)
        return 0;
    return failed(file, "cannot be locked", error);
}

static int cut_back(struct tw_run_file *file)
{
    file->is_torn = ftruncate(file->fd, file->end) != 0;
    return file->is_torn ? -1 : 0;
}

/* The whole of it, or -1 with errno. */
static int write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size) {
        ssize_t written = write(fd, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -1;
        at += written;
        size -= (size_t)written;
    }
    return 0;
}

static int mend(struct tw_run_file *file, enum tw_wire_format format, struct tw_error *error)
{
    struct stat status;
    bool lacks_newline;
    if (fstat(file->fd, &status))
        return failed(file, "cannot be examined", error);
    int result =
        tw_run_file_find_end(file->fd, status.st_size, format, &file->end, &lacks_newline, error);
    tw_error_add_place(error, file->path);
    if (result)
        return result;
    if (file->end < status.st_size && cut_back(file))
        return failed(file, "its torn last record cannot be cut off", error);
    if (!lacks_newline)
        return 0;
    if (write_all(file->fd, "\n", 1))
        return failed(file, "cannot be written", error);
    file->end++;
    return 0;
}

int tw_run_file_open(struct tw_run_file **ret, const char *dir, enum tw_wire_format format,
                     uint32_t rank, struct tw_error *error)
{
    int result = tw_directories_make(dir, error);
    if (result)
        return result;
    struct tw_run_file *file = calloc(1, sizeof *file);
    if (!file)
        return tw_error_set(error, -ENOMEM, "out of memory");
    file->fd = -1;
    if (make_path(file, dir, format, rank))
        result = tw_error_set(error, -ENOMEM, "out of memory");
    if (!result)
        result = open_locked(file, error);
    if (!result)
        result = mend(file, format, error);
    if (result)
        tw_run_file_close(file);
    else
        *ret = file;
    return result;
}

int tw_run_file_append(struct tw_run_file *file, const void *data, size_t size,
                       struct tw_error *error)
{
    if (file->is_torn && cut_back(file))
        return failed(file, "a torn record cannot be cut off", error);
    if (write_all(file->fd, data, size)) {
        int saved = errno;
        cut_back(file);
        errno = saved;
        return failed(file, "cannot be written", error);
    }
    file->end += (off_t)size;
    return 0;
}

int tw_run_file_sync(struct tw_run_file *file, struct tw_error *error)
{
    return fsync(file->fd) ? failed(file, "cannot be written to the disk", error) : 0;
}

void tw_run_file_close(struct tw_run_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0) {
        /* Children that the process forked hold the file open, and with it the lock. */
        flock(file->fd, LOCK_UN);
        close(file->fd);
    }
    free(file->path);
    free(file);
}
