/* The program's own log, on standard error: one line an event. Any thread.
 *
 * text    2026-11-27T06:10:08.123Z warning: sink search: ...
 *         for journald (standard error is what $JOURNAL_STREAM says): <4>sink search: ...
 * json    {"time": ..., "level": ..., "message": ..., "sink": ...}
 *
 * Control characters and those that turn the direction of text become '?' in text, so that a run's
 * name can neither begin a line of its own nor drive a terminal. */
#ifndef TW_LOGGING_H
#define TW_LOGGING_H

#include "telemetry/error.h"

#include <stdbool.h>
#include <stdint.h>

enum tw_logging_level { TW_LOG_ERROR, TW_LOG_WARNING, TW_LOG_INFO, TW_LOG_DEBUG };

/* What a line is about, for JSON: keys of their own beside the message, which tells all of it too.
 * Leave out what does not apply. */
struct tw_logging_fields {
    const char *sink, *source, *run;
    bool has_partition;
    int32_t partition;
};

/* Lines above `level` are left out. */
void tw_logging_start(enum tw_logging_level level, bool as_json);
void tw_logging(enum tw_logging_level level, const char *format, ...) TW_PRINTF(2, 3);
void tw_logging_about(enum tw_logging_level level, struct tw_logging_fields about,
                      const char *format, ...) TW_PRINTF(3, 4);
/* An error, with what was being done. */
void tw_logging_error(enum tw_logging_level level, const char *doing, const struct tw_error *error);

#endif
