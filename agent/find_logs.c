/* Walks a tree with fts(3), in order of name, without following links into loops. Of each file its
 * beginning is read, to tell what it is. */
#include "agent/find_logs.h"

#include "agent/find_runs.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOGS_MAX 100000

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* What is written now lies in what changed last, and a search may not get any further. */
static int by_change(const FTSENT **a, const FTSENT **b)
{
    const struct timespec *left = &(*a)->fts_statp->st_mtim, *right = &(*b)->fts_statp->st_mtim;
    if (left->tv_sec != right->tv_sec)
        return left->tv_sec > right->tv_sec ? -1 : 1;
    if (left->tv_nsec != right->tv_nsec)
        return left->tv_nsec > right->tv_nsec ? -1 : 1;
    return by_name(a, b);
}

struct walk {
    FTS *tree;
    struct tw_texts *ret, *closed; /* closed may be NULL */
    struct tw_log_search *search;  /* NULL: everything */
    tw_log_known *known;           /* may be NULL */
    const void *closure;
    unsigned entries;
    struct tw_error *error;
};

static int add(struct walk *walk, const char *path)
{
    if (walk->ret->n >= LOGS_MAX)
        return tw_error_set(walk->error, -E2BIG, "more than %d logs", LOGS_MAX);
    return tw_texts_add(walk->ret, path) ? tw_error_set(walk->error, -ENOMEM, "out of memory") : 0;
}

static int add_closed(struct walk *walk, const char *path)
{
    if (!walk->closed || !tw_texts_add(walk->closed, path))
        return 0;
    return tw_error_set(walk->error, -ENOMEM, "out of memory");
}

/* The path of a parent is not kept: fts has one buffer for all of them. */
static void parent_path(const FTSENT *entry, char *folder, size_t size)
{
    size_t length = (size_t)entry->fts_pathlen - entry->fts_namelen;
    while (length > 1 && entry->fts_path[length - 1] == '/')
        length--;
    snprintf(folder, size, "%.*s", (int)length, entry->fts_path);
}

/* Some file systems keep whole seconds alone: of those all of the second counts. */
static bool has_changed_since(const struct stat *status, double since)
{
    double seconds = (double)status->st_mtim.tv_sec;
    double part = (double)status->st_mtim.tv_nsec * 1e-9;
    return seconds + part >= since || (status->st_mtim.tv_nsec == 0 && seconds + 1 > since);
}

/* Whether a log was written to in the time that is asked for. */
static bool is_recent(const struct walk *walk, const char *path)
{
    struct stat status;
    return !walk->search ||
           (tw_stat_log(path, &status) && has_changed_since(&status, walk->search->changed_since));
}

static int add_folder(struct walk *walk, const char *path)
{
    return is_recent(walk, path) ? add(walk, path) : 0;
}

static int take_log(struct walk *walk, FTSENT *entry, enum tw_log_shape shape)
{
    if (shape != TW_SHAPE_FILES)
        fts_set(walk->tree, entry, FTS_SKIP);
    return add_folder(walk, entry->fts_path);
}

/* What is below a store is part of it. Where only what is new counts, the store's runs are looked
 * at one by one: it may hold those of years. */
static int visit_log(struct walk *walk, FTSENT *entry)
{
    enum tw_log_shape shape = tw_log_shape_of(entry->fts_path);
    if (shape == TW_SHAPE_NONE || (shape == TW_SHAPE_STORE && walk->search))
        return 0;
    return take_log(walk, entry, shape);
}

static enum tw_log_shape known_shape(const struct walk *walk, const char *path)
{
    return walk->known ? walk->known(walk->closure, path) : TW_SHAPE_NONE;
}

static int visit_folder(struct walk *walk, FTSENT *entry)
{
    char folder[4200];
    enum tw_log_shape shape = known_shape(walk, entry->fts_path);
    bool is_below = entry->fts_level > 0;
    if ((is_below && tw_log_is_passed_over(entry->fts_name, true)) ||
        (walk->search && (unsigned)entry->fts_level > walk->search->depth_max)) {
        fts_set(walk->tree, entry, FTS_SKIP);
        return 0;
    }
    if (shape != TW_SHAPE_NONE)
        return take_log(walk, entry, shape);
    if (tw_is_run_directory(entry->fts_path)) {
        fts_set(walk->tree, entry, FTS_SKIP);
        return add_folder(walk, entry->fts_path);
    }
    parent_path(entry, folder, sizeof folder);
    if (is_below && tw_log_is_folder_of_group(folder, entry->fts_name)) {
        fts_set(walk->tree, entry, FTS_SKIP);
        return 0;
    }
    return visit_log(walk, entry);
}

static int visit_file(struct walk *walk, const FTSENT *entry)
{
    char folder[4200];
    if (tw_log_is_passed_over(entry->fts_name, false) ||
        (walk->search && !has_changed_since(entry->fts_statp, walk->search->changed_since)))
        return 0;
    if (known_shape(walk, entry->fts_path) != TW_SHAPE_NONE)
        return add(walk, entry->fts_path);
    parent_path(entry, folder, sizeof folder);
    if (tw_log_is_part_of_group(folder, entry->fts_name))
        return 0;
    if (tw_log_group_probe(entry->fts_path, NULL) >= TW_LOG_SURE_IN_TREE)
        return add(walk, entry->fts_path);
    return access(entry->fts_path, R_OK) ? add_closed(walk, entry->fts_path) : 0;
}

static bool is_enough(struct walk *walk)
{
    if (!walk->search || ++walk->entries <= walk->search->entries_max)
        return false;
    walk->search->is_cut = true;
    return true;
}

static int walk_tree(struct walk *walk)
{
    FTSENT *entry;
    int result = 0;
    while (!result && (entry = fts_read(walk->tree)) && !is_enough(walk)) {
        /* What cannot be opened further down hides no other logs. */
        if (entry->fts_info == FTS_DNR && entry->fts_level == 0)
            return tw_error_set(walk->error, -entry->fts_errno, "cannot be read: %s",
                                strerror(entry->fts_errno));
        if (entry->fts_info == FTS_DNR)
            result = add_closed(walk, entry->fts_path);
        else if (entry->fts_info == FTS_D)
            result = visit_folder(walk, entry);
        else if (entry->fts_info == FTS_F)
            result = visit_file(walk, entry);
    }
    return result;
}

static int find(struct walk *walk, const char *path)
{
    struct stat status;
    if (stat(path, &status))
        return tw_error_at(walk->error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return add(walk, path);
    char *start[] = {(char *)(size_t)path, NULL};
    int options = FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR | (walk->search ? FTS_XDEV : 0);
    walk->tree = fts_open(start, options, walk->search ? by_change : by_name);
    if (!walk->tree)
        return tw_error_at(walk->error, -errno, path, 0, 0, "cannot be read: %s", strerror(errno));
    int result = walk_tree(walk);
    fts_close(walk->tree);
    tw_error_add_place(walk->error, path);
    return result;
}

int tw_find_logs(struct tw_texts *ret, struct tw_texts *ret_closed, const char *path,
                 struct tw_error *error)
{
    struct walk walk = {.ret = ret, .closed = ret_closed, .error = error};
    return find(&walk, path);
}

int tw_find_logs_again(struct tw_texts *ret, const char *path, tw_log_known *known,
                       const void *closure, struct tw_error *error)
{
    struct walk walk = {.ret = ret, .known = known, .closure = closure, .error = error};
    return find(&walk, path);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int tw_find_logs_within(struct tw_texts *ret, const char *path, struct tw_log_search *search,
                        struct tw_error *error)
{
    struct walk walk = {.ret = ret, .search = search, .error = error};
    size_t before = ret->n;
    int result = find(&walk, path);
    if (ret->n > before)
        qsort(ret->at + before, ret->n - before, sizeof *ret->at, by_text);
    return result;
}

/* ---- the log of a file ---- */

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* The folder that `path` lies in; false for the root and for bare names. */
static bool cut_name(char *ret, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/');
    int length = slash && slash != path ? (int)(slash - path) : 0;
    return length && snprintf(ret, size, "%.*s", length, path) < (int)size;
}

static bool give(char *ret, size_t size, const char *path, bool is_log)
{
    return is_log && snprintf(ret, size, "%s", path) < (int)size;
}

bool tw_log_that_holds(char *ret, size_t size, const char *file, int sure)
{
    char folder[4200], above[4200];
    const char *name = last_name(file);
    if (!cut_name(folder, sizeof folder, file))
        return false;
    if (!strncmp(name, "telemetry.", 10) && tw_is_run_directory(folder))
        return give(ret, size, folder, true);
    if (tw_log_is_passed_over(name, false))
        return false;
    bool is_below = cut_name(above, sizeof above, folder) &&
                    tw_log_is_folder_of_group(above, last_name(folder));
    if (tw_log_is_part_of_group(folder, name)) {
        const char *group = is_below ? above : folder;
        return give(ret, size, group, tw_log_group_probe(group, NULL) > 0);
    }
    return !is_below && give(ret, size, file, tw_log_group_probe(file, NULL) >= sure);
}

/* ---- names of runs ---- */

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
