/* Finding run directories below a path. */
#ifndef TW_FIND_RUNS_H
#define TW_FIND_RUNS_H

#include "telemetry/error.h"
#include "telemetry/option.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Appends to `ret` each path that a source can read, in order of name: `path` itself where it is a
 * file or a run directory, else the run directories below it (all levels when `recursive`, else the
 * next one). At most 100,000. Errors: the path does not exist or cannot be read. */
int tw_find_runs(struct tw_texts *ret, const char *path, bool recursive, struct tw_error *error);

/* True when `path` is a directory that holds a telemetry file. */
bool tw_is_run_directory(const char *path);

/* Looks at the telemetry of a log: the file itself, or rank 0's file of a run directory (the first
 * that holds something). False when there is none. */
bool tw_stat_telemetry(const char *path, struct stat *ret);

#endif
