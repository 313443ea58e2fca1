/* The source "kafka": what configuration, checks and the agent need to know besides source.h. */
#ifndef TW_SOURCE_KAFKA_H
#define TW_SOURCE_KAFKA_H

#include "sources/source.h"

/* By the option table of the source "kafka". */
struct tw_kafka_config {
    char *brokers, *topic, *group;
    char *instance; /* static membership id, NULL: none */
    struct tw_texts properties;
};

/* How many partitions the telemetry topic has, asked of the brokers for up to ten seconds. A
 * missing topic is -ENOENT with the remedy, brokers that do not answer -EIO. Never creates the
 * topic. */
int tw_kafka_partition_count(const struct tw_kafka_config *config, int32_t *ret,
                             struct tw_error *error);

/* The newest thing that went wrong with an open source (a broker that is down, a refused login),
 * empty when nothing did. Returns `buffer`. The thread that calls next(). */
const char *tw_kafka_source_last_error(void *source, char *buffer, size_t size);

/* True while an open source may take silence for silence: each leader of a partition that is ours
 * has answered a fetch within seconds, and what it has was fetched. Every record it fetched is
 * taken once next() has returned TW_NEXT_WAIT since. Thread: that calls next(). */
bool tw_kafka_source_is_listening(void *source);

/* Errors of `kafka` options that can be told without a connection: an unknown librdkafka property,
 * a bad value, or a property that trainward sets itself. */
int tw_kafka_config_check(const struct tw_kafka_config *config, struct tw_error *error);

#endif
