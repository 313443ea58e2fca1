/* How a run of MLflow ended (mlflow/entities/run_status.py): the file store has numbers, the
 * databases have names. */
#ifndef TW_MLFLOW_STATUS_H
#define TW_MLFLOW_STATUS_H

#include "sources/logs/format.h"

#include <stdbool.h>
#include <string.h>

/* False while it has not ended. */
static inline bool tw_mlflow_end(const char *status, enum tw_log_event *ret)
{
    static const struct {
        const char *number, *name;
        enum tw_log_event event;
    } ends[] = {
        {"3", "FINISHED", TW_LOG_COMPLETED},
        {"4", "FAILED", TW_LOG_FAILED},
        {"5", "KILLED", TW_LOG_INTERRUPTED},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(status, ends[i].number) || !strcmp(status, ends[i].name)) {
            *ret = ends[i].event;
            return true;
        }
    return false;
}

#endif
