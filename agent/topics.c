/* The topics that trainward uses. */
#include "agent/topics.h"

#include "sources/kafka.h"

#include <stdio.h>

void tw_topics(struct tw_kafka_topic ret[TW_TOPICS], char names[TW_TOPICS][256],
               const struct tw_config *config, int32_t partitions, int16_t replication)
{
    static const char *const endings[TW_TOPICS] = {"telemetry", "advisories", "charts", "state",
                                                   "notifications"};
    const char *prefix = config->log_prefix ? config->log_prefix : "trainward";
    for (int i = 0; i < TW_TOPICS; i++) {
        snprintf(names[i], 256, "%s.%s", prefix, endings[i]);
        ret[i] = (struct tw_kafka_topic){names[i], partitions, replication, i >= 3};
    }
    if (config->n_kafka) {
        const struct tw_kafka_config *source = config->kafka[0];
        snprintf(names[0], 256, "%s", source->topic);
    }
    ret[4].partitions = 1;
}

const char *tw_topics_brokers(const struct tw_config *config,
                              const struct tw_texts **ret_properties)
{
    if (config->n_kafka) {
        const struct tw_kafka_config *source = config->kafka[0];
        *ret_properties = &source->properties;
        return source->brokers;
    }
    *ret_properties = &config->log_properties;
    return config->log_in_kafka ? config->log_brokers : NULL;
}
