/* Walks a tree with fts(3), in order of name, without following links into loops. */
#include "agent/find_runs.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RUNS_MAX 100000

static bool stat_file(const char *dir, const char *name, struct stat *ret)
{
    char file[4200];
    int length = snprintf(file, sizeof file, "%s%s", dir, name);
    return length > 0 && (size_t)length < sizeof file && !stat(file, ret) && S_ISREG(ret->st_mode);
}

bool tw_stat_telemetry(const char *path, struct stat *ret)
{
    static const char *const names[] = {"/telemetry.cbor", "/telemetry.jsonl"};
    if (stat_file(path, "", ret))
        return true;
    for (int i = 0; i < 4; i++) {
        if (stat_file(path, names[i % 2], ret) && (ret->st_size > 0 || i >= 2))
            return true;
    }
    return false;
}

bool tw_is_run_directory(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISDIR(status.st_mode) && tw_stat_telemetry(path, &status);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(FTS *tree, struct tw_texts *ret, bool recursive, struct tw_error *error)
{
    FTSENT *entry;
    while ((entry = fts_read(tree))) {
        /* What cannot be opened further down hides no other runs. */
        if (entry->fts_info == FTS_DNR && entry->fts_level == 0)
            return tw_error_set(error, -entry->fts_errno, "cannot be read: %s",
                                strerror(entry->fts_errno));
        if (entry->fts_info != FTS_D)
            continue;
        bool is_run = tw_is_run_directory(entry->fts_path);
        if (is_run && ret->n >= RUNS_MAX)
            return tw_error_set(error, -E2BIG, "more than %d runs", RUNS_MAX);
        if (is_run && tw_texts_add(ret, entry->fts_path))
            return tw_error_set(error, -ENOMEM, "out of memory");
        if (is_run || (!recursive && entry->fts_level >= 1))
            fts_set(tree, entry, FTS_SKIP);
    }
    return 0;
}

int tw_find_runs(struct tw_texts *ret, const char *path, bool recursive, struct tw_error *error)
{
    struct stat status;
    if (stat(path, &status))
        return tw_error_at(error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    if (!S_ISDIR(status.st_mode)) {
        if (tw_texts_add(ret, path))
            return tw_error_set(error, -ENOMEM, "out of memory");
        return 0;
    }
    char *start[] = {(char *)(size_t)path, NULL};
    FTS *tree = fts_open(start, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    if (!tree)
        return tw_error_at(error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    int result = walk(tree, ret, recursive, error);
    fts_close(tree);
    tw_error_add_place(error, path);
    return result;
}
