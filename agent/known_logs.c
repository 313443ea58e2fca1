/* A hash table by path. */
#include "agent/known_logs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void tw_known_logs_begin_look(struct tw_known_logs *logs)
{
    logs->look++;
}

struct tw_known_log *tw_known_logs_found(struct tw_known_logs *logs, const char *path)
{
    struct tw_known_log *known;
    HASH_FIND_STR(logs->table, path, known);
    if (known)
        known->look = logs->look;
    return known;
}

struct tw_known_log *tw_known_logs_add(struct tw_known_logs *logs, const char *path)
{
    struct tw_known_log *known = calloc(1, sizeof *known);
    if (!known || !(known->path = strdup(path))) {
        free(known);
        return NULL;
    }
    known->size_at_end = -1;
    known->look = logs->look;
    HASH_ADD_KEYPTR(hh, logs->table, known->path, strlen(known->path), known);
    return known;
}

static void drop(struct tw_known_logs *logs, struct tw_known_log *known)
{
    HASH_DEL(logs->table, known);
    free(known->path);
    free(known);
}

static bool is_gone(const char *path)
{
    struct stat status;
    return lstat(path, &status) && (errno == ENOENT || errno == ENOTDIR);
}

void tw_known_logs_forget(struct tw_known_logs *logs, tw_known_logs_gone *gone, void *closure)
{
    struct tw_known_log *known, *next;
    HASH_ITER(hh, logs->table, known, next)
    {
        if (known->open || known->look == logs->look || !is_gone(known->path))
            continue;
        gone(closure, known->path);
        drop(logs, known);
    }
}

size_t tw_known_logs_count(const struct tw_known_logs *logs)
{
    return HASH_COUNT(logs->table);
}

void tw_known_logs_release(struct tw_known_logs *logs)
{
    while (logs->table)
        drop(logs, logs->table);
}
