/* Walking the logs that a command line names. */
#ifndef TW_EACH_LOG_H
#define TW_EACH_LOG_H

#include "telemetry/error.h"

/* Calls `look` with each log at `path`: a file, a run directory, or every log below it, and with
 * the id of a run whose log tells none. A path without a log, and a log that `look` fails on, is
 * told on standard error as `command`'s; the others are looked at all the same. Returns 0, or
 * TW_EXIT_WRONG when anything was told. */
int tw_each_log(const char *command, const char *path,
                int (*look)(void *closure, const char *log, const char *run,
                            struct tw_error *error),
                void *closure);

#endif
