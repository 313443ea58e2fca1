/* Which logs are followed already: by their paths, and by what lies there, since a folder may be
 * renamed, or be reached in two ways. */
#include "agent/attach_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void tw_attach_remember(struct tw_followed *log)
{
    struct tw_attach *attach = log->attach;
    struct tw_followed *other;
    char whole[PATH_MAX];
    tw_file_identity_at(&log->file, log->path);
    if (log->is_store && realpath(log->path, whole))
        log->whole = strdup(whole);
    HASH_FIND_STR(attach->by_path, log->path, other);
    if (other)
        HASH_DEL(attach->by_path, other);
    HASH_ADD_KEYPTR(hh, attach->by_path, log->path, strlen(log->path), log);
}

void tw_attach_forget(struct tw_followed *log)
{
    struct tw_followed *known;
    HASH_FIND_STR(log->attach->by_path, log->path, known);
    if (known == log)
        HASH_DEL(log->attach->by_path, log);
    free(log->whole);
    log->whole = NULL;
}

struct tw_followed *tw_attach_find(const struct tw_attach *attach, const char *path)
{
    struct tw_followed *log;
    HASH_FIND_STR(attach->by_path, path, log);
    return log;
}

bool tw_attach_is_missing(const struct tw_followed *log)
{
    struct stat status;
    return stat(log->path, &status) && (errno == ENOENT || errno == ENOTDIR);
}

/* One that has gone from its path has another name now, and is followed under that one, unless it
 * was over before. */
static bool is_followed(const struct tw_followed *log, const struct tw_file_identity *file)
{
    return tw_file_identity_is_same(&log->file, file) && !log->is_gone &&
           (log->has_ended || !tw_attach_is_missing(log));
}

static bool is_below(const char *folder, const char *whole)
{
    size_t length = strlen(folder);
    return !strncmp(whole, folder, length) && (!whole[length] || whole[length] == '/');
}

static bool is_part_of_store(const struct tw_attach *attach, const char *path)
{
    char whole[PATH_MAX] = "";
    for (size_t i = 0; i < attach->n_logs; i++) {
        const struct tw_followed *log = attach->logs[i];
        if (log->whole && !whole[0] && !realpath(path, whole))
            return false;
        if (log->whole && is_below(log->whole, whole))
            return true;
    }
    return false;
}

bool tw_attach_knows(struct tw_attach *attach, const char *path)
{
    struct tw_file_identity file;
    struct tw_followed *log = tw_attach_find(attach, path);
    if (log && !log->is_gone) {
        tw_file_identity_at(&log->file, path); /* its writer may have replaced it */
        return true;
    }
    if (!tw_file_identity_at(&file, path))
        return false;
    for (size_t i = 0; i < attach->n_logs; i++) {
        if (is_followed(attach->logs[i], &file))
            return true;
    }
    return is_part_of_store(attach, path);
}

/* What a process has open is read through /proc. */
static bool is_deleted(const struct tw_followed *log)
{
    struct stat status;
    return !stat(log->path, &status) && !status.st_nlink;
}

void tw_attach_leave_renamed(struct tw_followed *log)
{
    const struct tw_attach *attach = log->attach;
    for (size_t i = 0; i < attach->n_logs; i++) {
        struct tw_followed *other = attach->logs[i];
        if (other == log || other->has_ended ||
            !tw_file_identity_is_same(&other->file, &log->file) || !tw_attach_is_missing(other))
            continue;
        tw_attach_take_over(log, other);
        tw_attach_leave(other, is_deleted(log) ? "was deleted, and goes on in" : "was renamed to",
                        log);
        other->is_gone = true;
    }
}
