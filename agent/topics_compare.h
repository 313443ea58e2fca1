/* Whether topics that exist are fit: what `setup kafka` and `check` say of them. */
#ifndef TW_TOPICS_COMPARE_H
#define TW_TOPICS_COMPARE_H

#include "kafka_admin.h"
#include "topics.h"

/* A difference that costs something, but nothing that was promised: "NAME: SETTING is X, ...". */
typedef void tw_topic_difference(void *closure, const char *text);

/* Compares a topic's settings with those that it would be created with. -EINVAL: its cleanup.policy
 * loses what has to stay; with the remedy. The login may be one that is not allowed to look: then
 * nothing is compared. `difference` may be NULL. */
int tw_topic_compare(struct tw_kafka_admin *admin, const struct tw_kafka_topic *topic,
                     const char *brokers, tw_topic_difference *difference, void *closure,
                     struct tw_error *error);

/* A run's state lies in the partition of its telemetry: the two numbers must agree (0: there is no
 * such topic, which agrees with any). -EINVAL with the remedy. */
int tw_topics_agree(const struct tw_topics *topics, int32_t telemetry, int32_t state,
                    struct tw_error *error);

#endif
