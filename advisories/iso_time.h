/* Moments as texts: ISO 8601 in UTC with milliseconds. */
#ifndef TW_ISO_TIME_H
#define TW_ISO_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define TW_ISO_SIZE 40

/* "2026-11-27T08:00:00.250Z"; 1970 for what no calendar holds, or a year of five digits, which
 * readers of this form refuse. Returns `buffer`. */
const char *tw_iso_text(int64_t time_ms, char buffer[TW_ISO_SIZE]);
/* The same, with or without the fraction and the Z. False: it is none. */
bool tw_iso_parse(const char *text, int64_t *ret_ms);

#endif
