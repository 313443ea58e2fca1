/* The few things that state files need of a file system. */
#include "config.h"

#include "advisories/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *tw_path_join(const char *dir, const char *name, const char *leaf)
{
    char *path;
    int n = asprintf(&path, "%s/%s%s%s", dir, name, leaf ? "/" : "", leaf ? leaf : "");
    return n < 0 ? NULL : path;
}

int tw_make_directory(const char *path, struct tw_error *error)
{
    char *copy = strdup(path);
    if (!copy)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = 0;
    for (char *slash = copy + 1; slash && !result;) {
        slash = strchr(slash, '/');
        if (slash)
            *slash = '\0';
        if (mkdir(copy, 0700) && errno != EEXIST)
            result = tw_error_at(error, -errno, copy, 0, 0, "cannot make this directory: %s",
                                 strerror(errno));
        if (slash)
            *slash++ = '/';
    }
    free(copy);
    return result;
}

int tw_write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int tw_end_torn_line(int fd)
{
    char last;
    off_t size = lseek(fd, 0, SEEK_END);
    if (size <= 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n')
        return 0;
    return tw_write_all(fd, "\n", 1);
}

int tw_sync_directory(const char *dir, struct tw_error *error)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd < 0 || fsync(fd) ? -errno : 0;
    if (fd >= 0)
        close(fd);
    if (result)
        return tw_error_at(error, result, dir, 0, 0, "cannot sync this directory: %s",
                           strerror(-result));
    return 0;
}
