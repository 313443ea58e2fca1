/* The logs at a path, one after the other, each with its own error. */
#include "agent/each_log.h"

#include "agent/find_runs.h"
#include "agent/usage.h"

#include <errno.h>

int tw_each_log(const char *command, const char *path,
                int (*look)(void *closure, const char *log, struct tw_error *error), void *closure)
{
    struct tw_texts logs = {0};
    struct tw_error error = {0};
    int status = 0, result = tw_find_runs(&logs, path, true, &error);
    if (!result && logs.n == 0)
        result = tw_error_at(&error, -ENOENT, path, 0, 0,
                             "no run directory in it (one holds telemetry.cbor or "
                             "telemetry.jsonl)");
    if (result) {
        tw_usage_error(command, &error);
        status = TW_EXIT_WRONG;
    }
    for (size_t i = 0; i < logs.n; i++) {
        struct tw_error log_error = {0};
        if (!look(closure, logs.at[i], &log_error))
            continue;
        tw_usage_error(command, &log_error);
        status = TW_EXIT_WRONG;
    }
    tw_texts_release(&logs);
    return status;
}
