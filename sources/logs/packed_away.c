/* gzip, bzip2, xz and zstd give a packed file the time of the plain one. */
#include "sources/logs/packed_away.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4200

static bool is_name_of_copy(const char *entry, const char *name)
{
    static const char *const packings[] = {".gz", ".bz2", ".xz", ".zst"};
    size_t length = strlen(name);
    const char *dot = strrchr(entry, '.');
    if (strncmp(entry, name, length) || !strchr(".-", entry[length]) || !dot)
        return false;
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++) {
        if (!strcmp(packings[i], dot))
            return true;
    }
    return false;
}

static bool is_of_that_time(const char *folder, const char *entry, const struct stat *status)
{
    char path[PATH_BYTES];
    struct stat copy;
    int length = snprintf(path, sizeof path, "%s/%s", folder, entry);
    return length > 0 && length < (int)sizeof path && !stat(path, &copy) &&
           copy.st_mtim.tv_sec == status->st_mtim.tv_sec;
}

bool tw_log_is_packed_away(const char *path, const struct stat *status)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *folder = slash ? strndup(path, (size_t)(name - path)) : strdup(".");
    DIR *dir = folder ? opendir(folder) : NULL;
    struct dirent *entry;
    bool is_there = false;
    while (dir && !is_there && (entry = readdir(dir)))
        is_there =
            is_name_of_copy(entry->d_name, name) && is_of_that_time(folder, entry->d_name, status);
    if (dir)
        closedir(dir);
    free(folder);
    return is_there;
}
