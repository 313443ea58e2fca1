/* Where the snapshots of run directories live between two lives of the agent: files in the state
 * directory. (Those of Kafka's runs: state_kafka.h.) */
#ifndef TW_STATE_STORE_H
#define TW_STATE_STORE_H

#include "telemetry/error.h"
#include "telemetry/option.h"

#include <stddef.h>
#include <stdint.h>

struct tw_state_store;

/* Files: DIR/runs/<hash of key>.state, written by tmp + fsync + rename. */
int tw_state_files_open(struct tw_state_store **ret, const char *dir, struct tw_error *error);

/* Saves a snapshot under a key (files ignore the partition). Durable after the next flush.
 * data NULL: removes it. -EMSGSIZE: this one cannot be saved; others can. */
int tw_state_store_put(struct tw_state_store *store, const char *key, int32_t partition,
                       const void *data, size_t size, struct tw_error *error);
int tw_state_store_flush(struct tw_state_store *store, double timeout_seconds,
                         struct tw_error *error);

/* Told the newest snapshot of each key. */
typedef int tw_state_visit(void *closure, const char *key, const void *data, size_t size,
                           struct tw_error *error);
/* Visits what is saved: of one key (files; -ENOENT is no error: nothing is visited), or of a whole
 * partition when `key` is NULL (Kafka). A failing visit ends it. */
int tw_state_store_visit(struct tw_state_store *store, const char *key, int32_t partition,
                         double timeout_seconds, tw_state_visit *visit, void *closure,
                         struct tw_error *error);

void tw_state_store_close(struct tw_state_store *store); /* NULL is allowed */

/* ---- for the two implementations ---- */
struct tw_state_store {
    int (*put)(struct tw_state_store *store, const char *key, int32_t partition, const void *data,
               size_t size, struct tw_error *error);
    int (*flush)(struct tw_state_store *store, double timeout_seconds, struct tw_error *error);
    int (*visit)(struct tw_state_store *store, const char *key, int32_t partition,
                 double timeout_seconds, tw_state_visit *visit, void *closure,
                 struct tw_error *error);
    void (*close)(struct tw_state_store *store);
};

#endif
