/* The program's own log, on standard error: one line an event, as text or as JSON. Any thread. */
#ifndef TW_LOGGING_H
#define TW_LOGGING_H

#include "telemetry/error.h"

#include <stdbool.h>

enum tw_logging_level { TW_LOG_ERROR, TW_LOG_WARNING, TW_LOG_INFO, TW_LOG_DEBUG };

/* Lines above `level` are left out. */
void tw_logging_start(enum tw_logging_level level, bool as_json);
void tw_logging(enum tw_logging_level level, const char *format, ...) TW_PRINTF(2, 3);
/* An error, with what was being done. */
void tw_logging_error(enum tw_logging_level level, const char *doing, const struct tw_error *error);

#endif
