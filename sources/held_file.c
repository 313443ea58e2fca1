/* Who may stay open is counted for the whole process, as descriptors are. */
#include "sources/held_file.h"

#include "sources/open_log.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PATH_SIZE 4200

static atomic_size_t n_places;

/* The other half is for what comes and goes: looks at folders, processes and files' beginnings. */
static bool take_place(void)
{
    struct rlimit limit;
    size_t taken = atomic_fetch_add(&n_places, 1);
    if (getrlimit(RLIMIT_NOFILE, &limit) || taken < limit.rlim_cur / 2)
        return true;
    atomic_fetch_sub(&n_places, 1);
    return false;
}

static bool is_that_file(int fd, const struct tw_file_identity *wanted)
{
    struct tw_file_identity identity;
    return fd >= 0 && tw_file_identity_of(&identity, fd) &&
           tw_file_identity_is_same(&identity, wanted);
}

/* -1 where it is not there. */
static int open_under_other_name(const char *path, const struct tw_file_identity *wanted)
{
    char name[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash + 1 - path) : 0;
    struct dirent *entry;
    int fd = -1;
    if (snprintf(name, sizeof name, "%.*s.", length, path) >= (int)sizeof name)
        return -1;
    DIR *dir = opendir(name);
    while (dir && fd < 0 && (entry = readdir(dir))) {
        if (entry->d_ino != wanted->inode)
            continue;
        int size = snprintf(name, sizeof name, "%.*s%s", length, path, entry->d_name);
        fd = size < (int)sizeof name ? tw_open_log(name) : -1;
    }
    if (dir)
        closedir(dir);
    if (fd < 0 || is_that_file(fd, wanted))
        return fd;
    close(fd);
    return -1;
}

/* The one that rested, or what lies at its name now. */
static int open_again(const char *path, const struct tw_file_identity *wanted, bool *ret_is_other)
{
    int fd = tw_open_log(path), why = errno;
    if (is_that_file(fd, wanted) || (fd < 0 && why != ENOENT))
        return fd;
    int renamed = open_under_other_name(path, wanted);
    *ret_is_other = renamed < 0 && fd >= 0;
    if (renamed >= 0 && fd >= 0)
        close(fd);
    errno = why;
    return renamed >= 0 ? renamed : fd;
}

int tw_held_file_open(struct tw_held_file *file, const char *path, bool *ret_is_other)
{
    *ret_is_other = false;
    if (file->fd >= 0)
        return file->fd;
    file->fd =
        file->is_resting ? open_again(path, &file->identity, ret_is_other) : tw_open_log(path);
    if (file->fd < 0)
        return -1;
    file->is_resting = false;
    if (!file->has_place)
        file->has_place = take_place();
    return file->fd;
}

void tw_held_file_rest(struct tw_held_file *file)
{
    if (file->fd < 0 || file->has_place || fstat(file->fd, &file->seen) ||
        !tw_file_identity_of(&file->identity, file->fd))
        return;
    close(file->fd);
    file->fd = -1;
    file->is_resting = true;
}

bool tw_held_file_is_quiet(const struct tw_held_file *file, const char *path, int64_t place)
{
    struct stat now;
    const struct stat *seen = &file->seen;
    return file->is_resting && seen->st_size == place && !stat(path, &now) &&
           now.st_ino == seen->st_ino && now.st_dev == seen->st_dev &&
           now.st_size == seen->st_size && now.st_mtim.tv_sec == seen->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == seen->st_mtim.tv_nsec;
}

void tw_held_file_close(struct tw_held_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->has_place)
        atomic_fetch_sub(&n_places, 1);
    *file = TW_HELD_FILE_INIT;
}
