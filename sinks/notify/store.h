/* The notification log of one sink: what is durable of its groups, as records of a key and a JSON
 * value. On one machine a file, STATE_DIR/notifications/NAME.jsonl; with the advisory log in Kafka
 * the compacted topic PREFIX.notifications, where one agent at a time owns its partition 0 and
 * notifies. Silences are kept beside it and come the same way. One thread. */
#ifndef TW_NOTIFY_STORE_H
#define TW_NOTIFY_STORE_H

#include "sinks/notify/silences.h"

#include "advisories/log.h"

#include <stdbool.h>

struct json_t; /* jansson's */

struct tw_notify_store;

struct tw_notify_store_options {
    const char *name;                  /* the sink's */
    const char *dir;                   /* the agent's state_dir */
    const struct tw_log_location *log; /* Kafka when its `dir` is NULL */
};

int tw_notify_store_open(struct tw_notify_store **ret,
                         const struct tw_notify_store_options *options, struct tw_error *error);
void tw_notify_store_close(struct tw_notify_store *store); /* NULL is allowed */

/* Serves it, waiting up to `seconds`, and returns whether this process is the one that notifies.
 * It may stop being so at any call. Negative: nothing it holds can be counted on; close it. `error`
 * is also set, once, when silences cannot be read: those before stay in force. */
int tw_notify_store_serve(struct tw_notify_store *store, double seconds, struct tw_error *error);
/* The records, once it is ours; each is borrowed during the call. */
typedef void tw_notify_store_visit(void *closure, const char *key, const struct json_t *value);
int tw_notify_store_load(struct tw_notify_store *store, tw_notify_store_visit *visit, void *closure,
                         struct tw_error *error);
/* Sets a record, or (NULL) removes it, with the next flush. */
void tw_notify_store_put(struct tw_notify_store *store, const char *key,
                         const struct json_t *value);
/* Makes all that was put durable, all or nothing. Negative: none of it may be counted on; close the
 * store, and go on from what is durable. */
int tw_notify_store_flush(struct tw_notify_store *store, struct tw_error *error);
/* As they are now, kept up to date by serving. */
const struct tw_silences *tw_notify_store_silences(struct tw_notify_store *store);

#endif
