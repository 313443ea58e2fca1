/* Where the snapshots of run directories live between two lives of the agent: files in the state
 * directory. (Those of Kafka's runs: state_kafka.h.) One thread. */
#ifndef TW_STATE_FILES_H
#define TW_STATE_FILES_H

#include "telemetry/error.h"

#include <stddef.h>

struct tw_state_files;

/* Files: DIR/runs/<hash of key>.state, written by tmp + fsync + rename. The directories are made.
 */
int tw_state_files_open(struct tw_state_files **ret, const char *dir, struct tw_error *error);
void tw_state_files_close(struct tw_state_files *files); /* NULL is allowed */

/* Saves a snapshot under a key; it is durable when this returns. */
int tw_state_files_put(struct tw_state_files *files, const char *key, const void *data, size_t size,
                       struct tw_error *error);

/* Nobody needs what is saved under a key any more; 0 also when nothing is. */
int tw_state_files_remove(struct tw_state_files *files, const char *key, struct tw_error *error);

/* Told the newest snapshot of a key. */
typedef int tw_state_visit(void *closure, const char *key, const void *data, size_t size,
                           struct tw_error *error);
/* Visits what is saved under a key; 0 also when nothing is. What the visit returns is returned.
 * -EFBIG: the file is none of ours. */
int tw_state_files_visit(struct tw_state_files *files, const char *key, tw_state_visit *visit,
                         void *closure, struct tw_error *error);

#endif
