/* One run in MLflow's file store: the folder mlruns/EXPERIMENT/RUN with meta.yaml, params/, tags/
 * and metrics/, a file each; keys with '/' have folders. */
#ifndef TW_MLFLOW_RUN_H
#define TW_MLFLOW_RUN_H

#include "sources/logs/format.h"

#include <uthash.h>

/* What of a run's meta.yaml is for us. */
struct tw_mlflow_meta {
    char run_id[64]; /* empty: this is no run's (but an experiment's, or a model's) */
    char status[16];
    char stage[16]; /* "active", "deleted" */
    bool is_experiment, is_model;
    int64_t changed_ns; /* when the file was written */
};

/* Reads FOLDER/meta.yaml. False where there is none, or only half of it. */
bool tw_mlflow_read_meta(const char *folder, struct tw_mlflow_meta *ret);

struct tw_mlflow_file;
struct tw_mlflow_run {
    char *name, *path;
    struct tw_mlflow_file *files; /* what was seen, and how far it was read */
    int64_t over_ns;              /* changed_ns when it had ended and all was read; 0 before */
    UT_hash_handle hh;            /* by `path` */
};

/* NULL when out of memory. `name` and `path` are copied. */
struct tw_mlflow_run *tw_mlflow_run_new(const char *name, const char *path);
void tw_mlflow_run_free(struct tw_mlflow_run *run);

/* Gives what is new, points in the order of their times, since that is the order in which they were
 * logged; those of one time and step are one row. Returns 0, -ENOMEM, or what the sink returned. */
int tw_mlflow_run_poll(struct tw_mlflow_run *run, const struct tw_mlflow_meta *meta,
                       const struct tw_log_sink *sink);

#endif
