/* Names, places and settings of the topics. */
#include "agent/topics.h"

#include "sources/kafka.h"

#include <stdio.h>

/* A record may have 1 MiB and share its message, and a run's state 8 MB. */
#define MESSAGE_BYTES "8388608"

static const struct tw_kafka_setting of_telemetry[] = {{"max.message.bytes", MESSAGE_BYTES},
                                                       {NULL, NULL}};

/* A sink may be away for a month. */
static const struct tw_kafka_setting of_log[] = {
    {"cleanup.policy", "delete"}, {"retention.ms", "2592000000"}, {NULL, NULL}};

/* A restart reads what is not compacted yet. Only closed segments are: so they are closed after ten
 * minutes or 32 MiB, and cleaned once a tenth of them is stale. A reader of a partition meets a
 * tombstone for an hour. */
static const struct tw_kafka_setting compacted[] = {{"cleanup.policy", "compact"},
                                                    {"segment.bytes", "33554432"},
                                                    {"segment.ms", "600000"},
                                                    {"min.cleanable.dirty.ratio", "0.1"},
                                                    {"min.compaction.lag.ms", "0"},
                                                    {"max.compaction.lag.ms", "3600000"},
                                                    {"delete.retention.ms", "3600000"},
                                                    {"max.message.bytes", MESSAGE_BYTES},
                                                    {NULL, NULL}};

/* Two weeks to look at them, and a bound for who sends nothing but rubbish. */
static const struct tw_kafka_setting of_dead_letters[] = {
    {"cleanup.policy", "delete"},         {"retention.ms", "1209600000"},
    {"retention.bytes", "268435456"},     {"segment.bytes", "33554432"},
    {"max.message.bytes", MESSAGE_BYTES}, {NULL, NULL}};

const char *tw_topic_name(char *buffer, size_t size, const char *prefix, const char *ending)
{
    snprintf(buffer, size, "%s.%s", prefix ? prefix : "trainward", ending);
    return buffer;
}

static struct tw_kafka_topic *add(struct tw_topics *topics, enum tw_topic_need need,
                                  const struct tw_kafka_setting *settings)
{
    struct tw_wanted_topic *wanted = &topics->topics[topics->n++];
    wanted->need = need;
    wanted->topic.settings = settings;
    return &wanted->topic;
}

static void add_named(struct tw_topics *topics, enum tw_topic_need need, const char *prefix,
                      const char *ending, const struct tw_kafka_setting *settings)
{
    struct tw_kafka_topic *topic = add(topics, need, settings);
    tw_topic_name(topic->name, sizeof topic->name, prefix, ending);
}

static void add_of_source(struct tw_topics *topics, const struct tw_config *config,
                          const struct tw_kafka_config *source)
{
    topics->item = "kafka";
    topics->group = source->group;
    topics->brokers = source->brokers;
    topics->properties = &source->properties;
    struct tw_kafka_topic *telemetry = add(topics, TW_TOPIC_NEEDED, of_telemetry);
    snprintf(telemetry->name, sizeof telemetry->name, "%s", source->topic);
    add_named(topics, TW_TOPIC_NEEDED, config->log_prefix, "state", compacted);
    add_named(topics, TW_TOPIC_WANTED, config->log_prefix, "dead-letters", of_dead_letters);
}

/* Mail and webhooks keep their notification logs there. */
static bool notifies(const struct tw_config *config)
{
    for (size_t i = 0; i < config->n_sinks; i++) {
        if (config->sinks[i].sink->notify)
            return true;
    }
    return false;
}

static void add_of_log(struct tw_topics *topics, const struct tw_config *config)
{
    enum tw_topic_need need = config->log_in_kafka ? TW_TOPIC_NEEDED : TW_TOPIC_FOR_LATER;
    add_named(topics, need, config->log_prefix, "advisories", of_log);
    add_named(topics, tw_config_draws(config) ? need : TW_TOPIC_FOR_LATER, config->log_prefix,
              "charts", of_log);
    add_named(topics,
              config->log_in_kafka && notifies(config) ? TW_TOPIC_NEEDED : TW_TOPIC_FOR_LATER,
              config->log_prefix, "notifications", compacted);
}

size_t tw_topics_of(struct tw_topics *ret, size_t max, const struct tw_config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->n_kafka && n < max; i++) {
        ret[n] = (struct tw_topics){0};
        add_of_source(&ret[n++], config, config->kafka[i]);
    }
    if (config->log_in_kafka && n < max) {
        ret[n] = (struct tw_topics){.item = "advisory_log",
                                    .brokers = config->log_brokers,
                                    .properties = &config->log_properties};
        add_of_log(&ret[n++], config);
    } else if (n) {
        /* An advisory log that is moved to Kafka one day finds its topics. */
        add_of_log(&ret[0], config);
    }
    return n;
}
