/* Finding every log below a path: run directories of telemetry, and logs that others wrote. */
#ifndef TW_FIND_LOGS_H
#define TW_FIND_LOGS_H

#include "sources/logs/tree.h"

#include "telemetry/error.h"
#include "telemetry/option.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Appends to `ret` each path that a source can read, in order of name: `path` itself where it is a
 * file or one log, else the logs below it. A file below it that is no log is passed over; files and
 * folders that may not be read are added to `ret_closed`, where that is not NULL. At most 100,000.
 * Errors: the path does not exist or cannot be read. */
int tw_find_logs(struct tw_texts *ret, struct tw_texts *ret_closed, const char *path,
                 struct tw_error *error);

/* What is known to be at a path: TW_SHAPE_NONE where nothing is. */
typedef enum tw_log_shape tw_log_known(const void *closure, const char *path);

/* As tw_find_logs(), without a look at what is known. */
int tw_find_logs_again(struct tw_texts *ret, const char *path, tw_log_known *known,
                       const void *closure, struct tw_error *error);

/* Bounds of a search in a tree that may hold anything. */
struct tw_log_search {
    double changed_since; /* seconds since 1970: what did not change since then is left out */
    unsigned depth_max;   /* folders below the first */
    unsigned entries_max; /* files and folders looked at */
    bool is_cut;          /* set when there were more entries than that */
};

/* As tw_find_logs(), within bounds, and on the file system of `path` only. In each folder what has
 * changed last is looked at first, so that the bound on entries meets what is old. */
int tw_find_logs_within(struct tw_texts *ret, const char *path, struct tw_log_search *search,
                        struct tw_error *error);

/* The log that a file is, or that it is part of (event files make one of their folder), when it is
 * at least so `sure` (0..100) that it is one. False where it is none. */
bool tw_log_that_holds(char *ret, size_t size, const char *file, int sure);

/* The id of a run whose log tells none: where `log` lies below `named`. Returns `buffer`. */
const char *tw_run_of_log(const char *log, const char *named, char *buffer, size_t size);

/* As tw_stat_telemetry(), of logs that others wrote, too: size of all their files, newest change.
 */
bool tw_stat_log(const char *path, struct stat *ret);

#endif
