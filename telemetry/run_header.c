/* run.json: the header of a run where people and programs look for it, whole at any time. */
#include "telemetry/run_file.h"

#include "telemetry/directories.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_and_sync(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        ssize_t written = write(fd, text, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -1;
        text += written;
        left -= (size_t)written;
    }
    return fsync(fd);
}

/* Writes `text` to a new file `temporary` and renames it to `path`. 0, or -1 with errno. */
static int replace(const char *path, const char *temporary, const char *text)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    int result = write_and_sync(fd, text);
    if (close(fd))
        result = -1;
    if (!result)
        result = rename(temporary, path);
    if (result) {
        int saved = errno;
        unlink(temporary);
        errno = saved;
    }
    return result;
}

/* So that the new name, too, is on the disk; not all file systems know how. */
static void sync_directory(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fsync(fd))
        errno = 0;
    close(fd);
}

/* The line with its newline, for free(). */
static char *make_text(const struct tw_record *header)
{
    char *line = tw_json_encode(header);
    size_t length = line ? strlen(line) : 0;
    char *text = line ? realloc(line, length + 2) : NULL;
    if (!text) {
        free(line);
        return NULL;
    }
    memcpy(text + length, "\n", 2);
    return text;
}

int tw_run_file_write_header(const char *dir, const struct tw_record *header,
                             struct tw_error *error)
{
    char path[PATH_MAX], temporary[PATH_MAX];
    int result = tw_directories_make(dir, error);
    if (result)
        return result;
    int length = snprintf(path, sizeof path, "%s/run.json", dir);
    int longest = snprintf(temporary, sizeof temporary, "%s/.run.json.%ld", dir, (long)getpid());
    if (length < 0 || longest < 0 || (size_t)longest >= sizeof temporary)
        return tw_error_at(error, -ENAMETOOLONG, dir, 0, 0, "the directory's name is too long");
    char *text = make_text(header);
    if (!text)
        return tw_error_set(error, -ENOMEM, "out of memory");
    if (replace(path, temporary, text))
        result = tw_error_at(error, -errno, path, 0, 0, "cannot be written: %s", strerror(errno));
    else
        sync_directory(dir);
    free(text);
    return result;
}
