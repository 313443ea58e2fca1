/* What all documents have in common: the fields that have a name in the Elastic Common Schema, and
 * whose run it is. */
#ifndef TW_ENVELOPE_H
#define TW_ENVELOPE_H

#include "advisories/advisory.h"

#include <stdbool.h>

struct tw_envelope {
    const struct tw_run_identity *run;
    const struct tw_rule_name *rule;          /* NULL or empty: left out */
    const char *kind, *action, *id, *message; /* action and message may be NULL: left out */
    int64_t time_ms;
    int severity; /* 0: left out */
};

/* A new reference, NULL when out of memory. */
struct json_t *tw_envelope_document(const struct tw_envelope *envelope);
/* Adds `trainward` with what all our documents have, and returns it borrowed; NULL when out of
 * memory, or for a NULL document. */
struct json_t *tw_envelope_add_trainward(struct json_t *document, const char *kind,
                                         const struct tw_run_identity *run);
/* The document as a line for free(), NULL unless it `is_complete`. The reference is taken. */
char *tw_envelope_finish(struct json_t *document, bool is_complete);

/* Sets a member; the reference is taken. 0, or -1 when out of memory, as for a NULL value. */
int tw_json_set(struct json_t *object, const char *name, struct json_t *value);
/* An empty or missing text is left out. */
int tw_json_set_text(struct json_t *object, const char *name, const char *text);
/* An object of at most two texts; `second_name` may be NULL. NULL when out of memory. */
struct json_t *tw_json_texts(const char *first_name, const char *first, const char *second_name,
                             const char *second);

#endif
