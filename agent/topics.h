/* The topics that trainward uses, by a configuration. */
#ifndef TW_TOPICS_H
#define TW_TOPICS_H

#include "config.h"
#include "kafka_admin.h"

#define TW_TOPICS 5

/* The five topics: telemetry, advisories, charts, state, notifications. state has the partitions of
 * telemetry; state and notifications are compacted. Names live in `names`. */
void tw_topics(struct tw_kafka_topic ret[TW_TOPICS], char names[TW_TOPICS][256],
               const struct tw_config *config, int32_t partitions, int16_t replication);

/* Where they are: the first Kafka source's brokers, else the advisory log's; NULL: no Kafka is
 * configured. */
const char *tw_topics_brokers(const struct tw_config *config,
                              const struct tw_texts **ret_properties);

#endif
