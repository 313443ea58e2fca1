/* The points of several metric files of one run, merged by time. */
#ifndef TW_MLFLOW_METRICS_H
#define TW_MLFLOW_METRICS_H

#include "sources/logs/format.h"

/* More metrics than that are not read: the merge holds a buffer of each. */
#define TW_MLFLOW_METRICS_MAX 4096

struct tw_mlflow_metric {
    const char *name;
    const char *folder, *path; /* `path` is from the folder */
    uint64_t *place;           /* of the first byte that was not read; moved on */
};

/* Gives the whole lines behind each metric's place. Returns 0, -ENOMEM, or what the sink
 * returned. */
int tw_mlflow_metrics_give(const char *run, const struct tw_mlflow_metric *metrics, size_t n,
                           const struct tw_log_sink *sink);

#endif
