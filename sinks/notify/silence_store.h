/* Where silences are kept, for commands: beside the advisory log, in a file or in Kafka. What is
 * set takes effect in a running agent within a second. */
#ifndef TW_NOTIFY_SILENCE_STORE_H
#define TW_NOTIFY_SILENCE_STORE_H

#include "sinks/notify/silences.h"

#include "advisories/log.h"

struct tw_silence_place {
    const char *dir;                   /* the agent's state_dir */
    const struct tw_log_location *log; /* Kafka when its `dir` is NULL */
};

/* Sets one; durable when it returns. */
int tw_silence_set(const struct tw_silence_place *place, const char *id, struct json_t *silence,
                   struct tw_error *error);
/* All that are there now; release `ret` in any case. */
int tw_silence_list(const struct tw_silence_place *place, struct tw_silences *ret,
                    struct tw_error *error);

#endif
