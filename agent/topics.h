/* The topics that trainward uses, by a configuration. */
#ifndef TW_TOPICS_H
#define TW_TOPICS_H

#include "config.h"
#include "kafka_admin.h"

/* How much is missed when a topic is not there. */
enum tw_topic_need {
    TW_TOPIC_NEEDED,   /* the agent does not start */
    TW_TOPIC_WANTED,   /* something is done in a poorer way */
    TW_TOPIC_FOR_LATER /* nothing uses it yet */
};

struct tw_wanted_topic {
    struct tw_kafka_topic topic;
    enum tw_topic_need need;
};

/* What one `kafka` of the configuration needs of its brokers: a source its telemetry, the state of
 * its runs (as many partitions) and its dead letters, in this order; the advisory log the others.
 * Strings are the configuration's. */
#define TW_TOPICS_MAX 6
struct tw_topics {
    const char *item;  /* "kafka" or "advisory_log" */
    const char *group; /* consumer group of a source, NULL: the log */
    const char *brokers;
    const struct tw_texts *properties;
    struct tw_wanted_topic topics[TW_TOPICS_MAX];
    size_t n;
};
#define TW_TOPICS_TELEMETRY 0
#define TW_TOPICS_STATE 1

/* Those of a configuration, at most `max`; returns how many. Partitions and replication are for
 * topics that are created. */
size_t tw_topics_of(struct tw_topics *ret, size_t max, const struct tw_config *config);

/* The name of one of ours: "PREFIX.state". Returns `buffer`. */
const char *tw_topic_name(char *buffer, size_t size, const char *prefix, const char *ending);

#endif
