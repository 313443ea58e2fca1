/* What librdkafka's statistics say of a consumer. */
#ifndef TW_KAFKA_STATISTICS_H
#define TW_KAFKA_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

/* True when silence is silence: partitions are being fetched, the leader of each has answered
 * within `seconds`, and all that it has was fetched. `json`: librdkafka's STATISTICS.md. */
bool tw_kafka_statistics_are_listening(const char *json, size_t size, double seconds);

#endif
