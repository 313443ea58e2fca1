/* The logs at a path, one after the other, each with its own error. */
#include "agent/each_log.h"

#include "agent/find_logs.h"
#include "agent/usage.h"

#include <errno.h>

int tw_each_log(const char *command, const char *path,
                int (*look)(void *closure, const char *log, const char *run,
                            struct tw_error *error),
                void *closure)
{
    struct tw_texts logs = {0};
    struct tw_error error = {0};
    int status = 0, result = tw_find_logs(&logs, path, &error);
    if (!result && logs.n == 0)
        result = tw_error_at(&error, -ENOENT, path, 0, 0, "no training log in it");
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
