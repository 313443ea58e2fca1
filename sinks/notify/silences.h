/* Silences: who made notifications quiet about what, from when to when, and why. Pure: the time is
 * an argument; where they are kept: silence_store.h. */
#ifndef TW_NOTIFY_SILENCES_H
#define TW_NOTIFY_SILENCES_H

#include "telemetry/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t; /* jansson's */

/* A silence is {id, starts_at, ends_at (ISO), author, reason, matchers: {run, project, group, user,
 * detector, episode, ...: pattern}}; all matchers have to match. */
struct tw_silences {
    struct json_t *all; /* object by id; NULL: none */
};

/* Checks one that comes from outside; `reason` says what is wrong. */
bool tw_silence_is_good(const struct json_t *silence, char *reason, size_t size);
/* Makes one, with a random id. `matchers` (borrowed) has at least one. New reference, NULL: not
 * good, and `error` says why. */
struct json_t *tw_silence_new(const struct json_t *matchers, int64_t starts_ms, int64_t ends_ms,
                              const char *author, const char *text, struct tw_error *error);
bool tw_silence_is_active(const struct json_t *silence, int64_t now_ms);
bool tw_silence_is_over(const struct json_t *silence, int64_t now_ms);
/* One that is over stays in the list for so long: the next that is set drops it. */
#define TW_SILENCE_KEEP_MS (7 * INT64_C(86400000))

/* Sets or (NULL) removes one; takes a reference of its own. What is not good is passed over. */
void tw_silences_set(struct tw_silences *silences, const char *id, struct json_t *silence);
/* The active one that quiets the subject, or NULL. */
const struct json_t *tw_silences_find(const struct tw_silences *silences,
                                      const struct json_t *subject, int64_t now_ms);
void tw_silences_release(struct tw_silences *silences);

#endif
