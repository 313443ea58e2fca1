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
 * missing topic is -ENOENT with the remedy, brokers that do not answer -EHOSTUNREACH. Never creates
 * the topic. */
int tw_kafka_partition_count(const struct tw_kafka_config *config, int32_t *ret,
                             struct tw_error *error);

/* The newest thing that went wrong with an open source (a broker that is down, a refused login),
 * empty when nothing did. Returns `buffer`. The thread that calls next(). */
const char *tw_kafka_source_last_error(void *source, char *buffer, size_t size);

/* Whether there is something to read from: 0, or -EHOSTUNREACH (no broker answers), -EACCES (they
 * do not want us) or -ENOENT (the topic was deleted) with the reason and what to do. Costs nothing
 * while all is well; while it is not, it asks once a second for a tenth of one. The thread that
 * calls next(). */
int tw_kafka_source_look(void *source, struct tw_error *error);

/* Errors of `kafka` options that can be told without a connection: an unknown librdkafka property,
 * a bad value, or a property that trainward sets itself. */
int tw_kafka_config_check(const struct tw_kafka_config *config, struct tw_error *error);

#endif
