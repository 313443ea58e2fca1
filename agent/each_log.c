/* The logs at a path, one after the other, each with its own error. */
#include "agent/each_log.h"

#include "agent/find_logs.h"
#include "agent/usage.h"

#include <dirent.h>
#include <errno.h>

#define CLOSED_TOLD 3

/* Logs may be in what is not ours to read: others of the folder are judged all the same. */
static void tell_closed(const char *command, const struct tw_texts *closed)
{
    for (size_t i = 0; i < closed->n && i < CLOSED_TOLD; i++) {
        struct tw_error error = {0};
        tw_error_at(&error, -EACCES, closed->at[i], 0, 0, "may not be read, and is left out");
        tw_usage_error(command, &error);
    }
    if (closed->n > CLOSED_TOLD) {
        struct tw_error error = {0};
        tw_error_set(&error, -EACCES, "%zu more files and folders may not be read",
                     closed->n - CLOSED_TOLD);
        tw_usage_error(command, &error);
    }
}

/* A link may lead to data of any size, so that a search follows none. */
static bool has_links(const char *folder)
{
    struct dirent *entry;
    bool has_any = false;
    DIR *dir = opendir(folder);
    while (dir && !has_any && (entry = readdir(dir)))
        has_any = entry->d_type == DT_LNK;
    if (dir)
        closedir(dir);
    return has_any;
}

int tw_each_log(const char *command, const char *path,
                int (*look)(void *closure, const char *log, const char *run,
                            struct tw_error *error),
                void *closure)
{
    struct tw_texts logs = {0}, closed = {0};
    struct tw_error error = {0};
    int status = 0, result = tw_find_logs(&logs, &closed, path, &error);
    tell_closed(command, &closed);
    tw_texts_release(&closed);
    if (!result && logs.n == 0)
        result = tw_error_at(&error, -ENOENT, path, 0, 0, "no training log in it%s",
                             has_links(path) ? "; its links are not followed, name them" : "");
    if (result) {
        tw_usage_error(command, &error);
        status = TW_EXIT_WRONG;
    }
    for (size_t i = 0; i < logs.n; i++) {
        struct tw_error log_error = {0};
        char run[4200];
        tw_run_of_log(logs.at[i], path, run, sizeof run);
        if (!look(closure, logs.at[i], run, &log_error))
            continue;
        tw_usage_error(command, &log_error);
        status = TW_EXIT_WRONG;
    }
    tw_texts_release(&logs);
    return status;
}
