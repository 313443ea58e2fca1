/* The source "kafka": what configuration, checks and the agent need to know besides source.h. */
#ifndef TW_SOURCE_KAFKA_H
#define TW_SOURCE_KAFKA_H

#include "sources/source.h"

/* By the option table of the source "kafka". */
struct tw_kafka_config {
    char *brokers, *topic, *group;
    char *instance;   /* static membership id, NULL: none */
    uint64_t threads; /* that judge; 0: one for each processor */
    struct tw_texts properties;
};

/* How many partitions the telemetry topic has, asked of the brokers for up to ten seconds. A
 * missing topic is -ENOENT with the remedy, brokers that do not answer -EHOSTUNREACH. Never creates
 * the topic. */
int tw_kafka_partition_count(const struct tw_kafka_config *config, int32_t *ret,
                             struct tw_error *error);

/* The newest thing that went wrong with an open source (a broker that is down, a refused login),
 * empty when nothing did. Returns `buffer`. The thread that calls next(). */
const char *tw_kafka_source_last_error(void *source, char *buffer, size_t size);

/* How long nothing may be heard of a consumer before its partitions go to others. */
double tw_kafka_session_seconds(const struct tw_kafka_config *config);

/* ---- an open source, by the thread that calls next() ---- */

/* What the topic has of a partition, and where the group stands in it. */
struct tw_kafka_range {
    int32_t partition;
    int64_t low, high; /* offsets low <= x < high */
    int64_t committed; /* -1: nothing yet */
};

/* Asks for partitions that were ASSIGNED, before they are started; fills all but `partition`. */
int tw_kafka_source_ranges(void *source, struct tw_kafka_range *ranges, size_t n, double seconds,
                           struct tw_error *error);

/* Asks the group whether this consumer still owns its partitions, by committing anew what is
 * committed. 0: yes; -EAGAIN: partitions are being moved, ask again later; -ESTALE: no longer. */
int tw_kafka_source_confirm(void *source, double seconds, struct tw_error *error);

/* Commits an earlier offset than is committed, and waits until it is. For a partition that is being
 * ASSIGNED. */
int tw_kafka_source_set_back(void *source, const struct tw_position *position, double seconds,
                             struct tw_error *error);

/* ---- an open source, read by several threads ---- */

/* As next(), but TW_NEXT_RECORD says that messages wait in the partitions of
 * tw_kafka_source_waiting(), and fills nothing in. */
int tw_kafka_source_fill(void *source, double timeout_seconds, struct tw_source_item *ret,
                         struct tw_error *error);
/* Where messages wait. Valid until the next fill(), whose thread calls this. */
size_t tw_kafka_source_waiting(void *source, const int32_t **ret);
/* How many messages wait in a partition where some waited at the last fill(). */
size_t tw_kafka_source_waiting_in(const void *source, int32_t partition);
/* The next record of such a partition (TW_NEXT_RECORD or _BROKEN), or TW_NEXT_WAIT when it has no
 * more for now. Any thread, but one at a time for each partition, and none during fill(). Of `ret`
 * it writes what belongs to what it returns. */
int tw_kafka_source_next_of(void *source, int32_t partition, struct tw_source_item *ret);

/* Told the keys of messages before their records are given: each first when it is far and then
 * when it is near, so that what belongs to it can be fetched into the processor's caches. Returns
 * what it wants to be told again when it is near. By the thread that takes the partition's records.
 */
typedef uint64_t tw_kafka_ahead(void *closure, int32_t partition, const void *key, size_t size);
typedef void tw_kafka_near(void *closure, int32_t partition, uint64_t told);
void tw_kafka_source_look_ahead(void *source, tw_kafka_ahead *ahead, tw_kafka_near *near,
                                void *closure);
/* True once the group has told this consumer its partitions, be it none. Same thread. */
bool tw_kafka_source_is_assigned(const void *source);

/* Messages of a partition behind the one that is dealt with now, by what the brokers said last; -1
 * before anything came. Asks nobody. Same thread. */
int64_t tw_kafka_source_lag(void *source, int32_t partition);

/* Whether there is something to read from: 0, or -EHOSTUNREACH (no broker answers), -EACCES (they
 * do not want us) or -ENOENT (the topic was deleted) with the reason and what to do. Costs nothing
 * while all is well; while it is not, it asks once a second for a tenth of one. The thread that
 * calls next(). */
int tw_kafka_source_look(void *source, struct tw_error *error);

/* True while an open source may take silence for silence: each leader of a partition that is ours
 * has answered a fetch within seconds, and what it has was fetched. Every record it fetched is
 * taken once next() has returned TW_NEXT_WAIT since. Thread: that calls next(). */
bool tw_kafka_source_is_listening(void *source);

/* Errors of `kafka` options that can be told without a connection: an unknown librdkafka property,
 * a bad value, or a property that trainward sets itself. */
int tw_kafka_config_check(const struct tw_kafka_config *config, struct tw_error *error);

#endif
