/* Making directories. */
#ifndef TW_DIRECTORIES_H
#define TW_DIRECTORIES_H

#include "telemetry/error.h"

/* Makes `dir` and its parents where missing. */
int tw_directories_make(const char *dir, struct tw_error *error);

#endif
