/* A directory of a test's own. */
#ifndef TEMPORARY_DIRECTORY_H
#define TEMPORARY_DIRECTORY_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* New string, for remove_directory(). */
static inline char *make_directory(void)
{
    char *path = malloc(64);
    if (!path)
        return NULL;
    snprintf(path, 64, "/tmp/trainward-test-XXXXXX");
    return mkdtemp(path);
}

static inline int remove_entry(const char *path, const struct stat *status, int type,
                               struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static inline void remove_directory(char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(path);
}

#endif
