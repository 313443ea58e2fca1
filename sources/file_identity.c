/* Device, inode and birth. */
#include "sources/file_identity.h"

#include <fcntl.h>
#include <sys/stat.h>

static int64_t born_at(int fd, const char *path, int flags)
{
    int64_t born = 0;
#ifdef STATX_BTIME
    struct statx status;
    if (!statx(fd, path, flags, STATX_BTIME, &status) && status.stx_mask & STATX_BTIME)
        born = status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
#else
    (void)fd, (void)path, (void)flags;
#endif
    return born;
}

bool tw_file_identity_at(struct tw_file_identity *ret, const char *path)
{
    struct stat status;
    if (stat(path, &status))
        return false;
    *ret = (struct tw_file_identity){status.st_dev, status.st_ino, born_at(AT_FDCWD, path, 0)};
    return true;
}

bool tw_file_identity_of(struct tw_file_identity *ret, int fd)
{
    struct stat status;
    if (fstat(fd, &status))
        return false;
    *ret = (struct tw_file_identity){status.st_dev, status.st_ino, born_at(fd, "", AT_EMPTY_PATH)};
    return true;
}

bool tw_file_identity_is_same(const struct tw_file_identity *a, const struct tw_file_identity *b)
{
    return a->inode == b->inode && a->device == b->device && a->born == b->born;
}
