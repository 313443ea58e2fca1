/* Snapshots of runs in the compacted topic PREFIX.state: the key is the run's id, the partition the
 * telemetry's. Sending never waits; what the brokers have acknowledged is asked for. One thread. */
#ifndef TW_STATE_KAFKA_H
#define TW_STATE_KAFKA_H

#include "telemetry/error.h"
#include "telemetry/option.h"
#include "telemetry/record.h"

#include <stddef.h>
#include <stdint.h>

struct tw_state_topic;

struct tw_state_topic_options {
    const char *brokers, *prefix;      /* prefix NULL: "trainward" */
    const struct tw_texts *properties; /* further librdkafka properties, "key=value"; may be NULL */
    int32_t partitions; /* of the telemetry; another number is refused with the remedy */
    /* A snapshot that the brokers did not take for so long is never sent: by then another agent may
     * have saved a newer one. */
    double timeout_seconds;
};

/* A message that the brokers did not take since it, or the batch that it was sent in, is larger
 * than `max.message.bytes` of the topic. */
struct tw_refused_snapshot {
    char run[TW_RUN_ID_MAX + 1];
    int32_t partition;
    uint64_t number; /* by which it was sent */
    size_t size;
};

/* Asks the brokers for up to ten seconds: -EHOSTUNREACH when none answers, -ENOENT when there is no
 * such topic, -EINVAL when its partitions are not as many; each with what to do. */
int tw_state_topic_open(struct tw_state_topic **ret, const struct tw_state_topic_options *options,
                        struct tw_error *error);
void tw_state_topic_close(struct tw_state_topic *topic); /* NULL is allowed */
const char *tw_state_topic_name(const struct tw_state_topic *topic);

/* What is known of a snapshot without reading it, so also of another version's. */
struct tw_state_place {
    int64_t first_offset; /* of the run's first message: read from there, the run is the same */
    int64_t offset;       /* the position behind the newest record that it has seen ... */
    uint32_t index;       /* ... as in struct tw_position */
    uint32_t reserved;
};

/* Sends a snapshot, `data` of malloc(), which is taken over whatever is returned. NULL: the run is
 * forgotten. -EAGAIN, which leaves `error`: as many as allowed are under way; -EMSGSIZE: too large
 * to be saved, others can. Those sent are numbered from 1. */
int tw_state_topic_put(struct tw_state_topic *topic, const char *run, int32_t partition,
                       const struct tw_state_place *place, void *data, size_t size,
                       struct tw_error *error);
uint64_t tw_state_topic_sent(const struct tw_state_topic *topic);
/* Serves the client; all up to the number in `ret` are acknowledged. Negative once one has failed:
 * what was sent may not be counted on. (Those that were refused have not: they hold the number.) */
int tw_state_topic_durable(struct tw_state_topic *topic, uint64_t *ret, struct tw_error *error);
/* Waits until all are. -ETIMEDOUT after `timeout_seconds`. */
int tw_state_topic_flush(struct tw_state_topic *topic, double timeout_seconds,
                         struct tw_error *error);

/* The refused ones that are not settled, the oldest first; NULL: there are no more than `index`.
 * Any other call may end it. Whatever takes the place of a refused one has to be durable when it is
 * settled, and then counts for it. */
const struct tw_refused_snapshot *tw_state_topic_refused(const struct tw_state_topic *topic,
                                                         size_t index);
void tw_state_topic_settle(struct tw_state_topic *topic, uint64_t number);
/* Batches are made smaller from now on; nothing may be under way. */
int tw_state_topic_narrow(struct tw_state_topic *topic, struct tw_error *error);

/* Told each snapshot that is there, in the order in which they were written: a run may come several
 * times, and `data` is NULL where it was forgotten. `place` is NULL where none was written. */
typedef int tw_state_topic_visit(void *closure, int32_t partition, const char *run,
                                 const struct tw_state_place *place, const void *data, size_t size,
                                 struct tw_error *error);
/* Reads some partitions from their starts to their ends, all at once; `*ret_is_new` of each:
 * nothing was ever written to it. `timeout_seconds`: the longest silence. A failing visit ends it.
 */
int tw_state_topic_read(struct tw_state_topic *topic, const int32_t *partitions, size_t n,
                        bool *ret_is_new, double timeout_seconds, tw_state_topic_visit *visit,
                        void *closure, struct tw_error *error);
/* Sends a note under an empty key, which no visit is told, so that the partition is not new any
 * more. It is numbered and acknowledged as a snapshot. */
int tw_state_topic_begin(struct tw_state_topic *topic, int32_t partition, struct tw_error *error);

#endif
