/* Clients of librdkafka, made in one way, and what they are all asked. */
#ifndef TW_KAFKA_NEW_H
#define TW_KAFKA_NEW_H

#include "kafka_properties.h"

/* Makes a client of `conf`, which has the caller's callbacks and is taken over whatever is
 * returned, with the settings applied; it prints nothing. -EINVAL: as tw_kafka_configure(), or
 * librdkafka does not want the whole. */
int tw_kafka_new(rd_kafka_t **ret, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                 const struct tw_kafka_settings *settings, struct tw_error *error);

/* How many partitions a topic has by this answer, 0 where there is no such topic. */
int32_t tw_kafka_partitions_in(const struct rd_kafka_metadata *metadata, const char *topic);

/* The same, asked of the brokers for up to `timeout_ms`. All topics are listed: asking for one by
 * name may create it. */
rd_kafka_resp_err_t tw_kafka_ask_partitions(rd_kafka_t *client, const char *topic, int timeout_ms,
                                            int32_t *ret);

#endif
