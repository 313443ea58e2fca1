/* Where telemetry goes that is no telemetry: a file of JSON lines, with the reason and the place.
 */
#ifndef TW_DEAD_LETTERS_H
#define TW_DEAD_LETTERS_H

#include "telemetry/error.h"

#include <stddef.h>

/* Appends {time, place, reason, data (base64, at most 64 KiB of it), size} to DIR/telemetry.jsonl.
 * Durable once it is synced. */
int tw_dead_letter(const char *dir, const char *place, const char *reason, const void *data,
                   size_t size, struct tw_error *error);
/* Makes every letter in DIR durable. */
int tw_dead_letters_sync(const char *dir, struct tw_error *error);

#endif
