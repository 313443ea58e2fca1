/* Names that log files get when they are rotated. */
#ifndef TW_ROTATED_NAME_H
#define TW_ROTATED_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* "train.log" of train.log.1, train.log.2.gz, train.log-20260131, train.log.2026-01-31_12. False:
 * it is no such name, or has no room in `ret`. */
bool tw_rotated_name(char *ret, size_t size, const char *path);

#endif
