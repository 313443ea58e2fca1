/* Where poison goes: documents that a sink will never take, with the reason, as JSON lines. */
#ifndef TW_DEAD_LETTERS_H
#define TW_DEAD_LETTERS_H

#include "telemetry/error.h"

struct tw_dead_letters;

/* DIR/NAME.jsonl; the directory is made. */
int tw_dead_letters_open(struct tw_dead_letters **ret, const char *dir, const char *name,
                         struct tw_error *error);
/* Appends {time, sink, position, reason, document} and returns once it is durable. */
int tw_dead_letters_add(struct tw_dead_letters *letters, const char *position, const char *reason,
                        const char *document, size_t size, struct tw_error *error);
void tw_dead_letters_close(struct tw_dead_letters *letters); /* NULL is allowed */

#endif
