/* A status (docs/operations.md, /-/status) as tables for a terminal. */
#ifndef TW_STATUS_TEXT_H
#define TW_STATUS_TEXT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* At most `episodes_max` of the open episodes are listed, and some of many partitions; the rest is
 * counted. `now`: seconds since 1970. */
void tw_status_text(FILE *out, const json_t *status, size_t episodes_max, double now);

#endif
