/* mkdir -p. */
#include "telemetry/directories.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int make_one(const char *path)
{
    struct stat status;
    if (!mkdir(path, 0777))
        return 0;
    /* Also where a parent may not be written, but is there. */
    if (errno == EEXIST || errno == EROFS || errno == EACCES) {
        int saved = errno;
        if (!stat(path, &status))
            return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
        errno = saved;
    }
    return -errno;
}

static int make_each(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int result = make_one(path);
        *slash = '/';
        if (result)
            return result;
    }
    return make_one(path);
}

int tw_directories_make(const char *dir, struct tw_error *error)
{
    char *path = strdup(dir);
    int result = path ? *path ? make_each(path) : -ENOENT : -ENOMEM;
    free(path);
    if (result)
        tw_error_at(error, result, dir, 0, 0, "the directory cannot be made: %s",
                    strerror(-result));
    return result;
}
