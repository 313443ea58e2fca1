/* Walks a tree with fts(3), in order of name, without following links into loops. Of each file its
 * beginning is read, to tell what it is. */
#include "agent/find_logs.h"

#include "agent/find_runs.h"

#include "sources/logs/tree.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGS_MAX 100000

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int add(struct tw_texts *ret, const char *path, struct tw_error *error)
{
    if (ret->n >= LOGS_MAX)
        return tw_error_set(error, -E2BIG, "more than %d logs", LOGS_MAX);
    return tw_texts_add(ret, path) ? tw_error_set(error, -ENOMEM, "out of memory") : 0;
}

/* The path of a parent is not kept: fts has one buffer for all of them. */
static void parent_path(const FTSENT *entry, char *folder, size_t size)
{
    size_t length = (size_t)entry->fts_pathlen - entry->fts_namelen;
    while (length > 1 && entry->fts_path[length - 1] == '/')
        length--;
    snprintf(folder, size, "%.*s", (int)length, entry->fts_path);
}

static int visit_folder(FTS *tree, FTSENT *entry, struct tw_texts *ret, struct tw_error *error)
{
    char folder[4200];
    bool is_below = entry->fts_level > 0;
    if (is_below && tw_log_is_passed_over(entry->fts_name, true)) {
        fts_set(tree, entry, FTS_SKIP);
        return 0;
    }
    if (tw_is_run_directory(entry->fts_path)) {
        fts_set(tree, entry, FTS_SKIP);
        return add(ret, entry->fts_path, error);
    }
    parent_path(entry, folder, sizeof folder);
    if (is_below && tw_log_is_folder_of_group(folder, entry->fts_name)) {
        fts_set(tree, entry, FTS_SKIP);
        return 0;
    }
    return tw_log_group_probe(entry->fts_path, NULL) ? add(ret, entry->fts_path, error) : 0;
}

static int visit_file(const FTSENT *entry, struct tw_texts *ret, struct tw_error *error)
{
    char folder[4200];
    if (tw_log_is_passed_over(entry->fts_name, false))
        return 0;
    parent_path(entry, folder, sizeof folder);
    if (tw_log_is_part_of_group(folder, entry->fts_name) ||
        tw_log_group_probe(entry->fts_path, NULL) < TW_LOG_SURE_IN_TREE)
        return 0;
    return add(ret, entry->fts_path, error);
}

static int walk(FTS *tree, struct tw_texts *ret, struct tw_error *error)
{
    FTSENT *entry;
    int result = 0;
    while (!result && (entry = fts_read(tree))) {
        /* What cannot be opened further down hides no other logs. */
        if (entry->fts_info == FTS_DNR && entry->fts_level == 0)
            return tw_error_set(error, -entry->fts_errno, "cannot be read: %s",
                                strerror(entry->fts_errno));
        if (entry->fts_info == FTS_D)
            result = visit_folder(tree, entry, ret, error);
        else if (entry->fts_info == FTS_F)
            result = visit_file(entry, ret, error);
    }
    return result;
}

int tw_find_logs(struct tw_texts *ret, const char *path, struct tw_error *error)
{
    struct stat status;
    if (stat(path, &status))
        return tw_error_at(error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return add(ret, path, error);
    char *start[] = {(char *)(size_t)path, NULL};
    FTS *tree = fts_open(start, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    if (!tree)
        return tw_error_at(error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    int result = walk(tree, ret, error);
    fts_close(tree);
    tw_error_add_place(error, path);
    return result;
}

/* ---- names of runs ---- */

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

const char *tw_run_of_log(const char *log, const char *named, char *buffer, size_t size)
{
    char whole[PATH_MAX];
    struct stat status;
    size_t length = strlen(named);
    if (!strncmp(log, named, length) && log[length]) {
        const char *below = log + length;
        while (*below == '/')
            below++;
        snprintf(buffer, size, "%s", below);
    } else if (!stat(log, &status) && S_ISDIR(status.st_mode) && realpath(log, whole)) {
        snprintf(buffer, size, "%s", last_name(whole)); /* "." says nothing */
    } else {
        snprintf(buffer, size, "%s", !strncmp(log, "./", 2) ? log + 2 : log);
    }
    return buffer;
}

bool tw_stat_log(const char *path, struct stat *ret)
{
    return tw_stat_telemetry(path, ret) || tw_log_group_stat(path, ret);
}
