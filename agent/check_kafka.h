/* `trainward check`: what concerns Kafka. */
#ifndef TW_CHECK_KAFKA_H
#define TW_CHECK_KAFKA_H

#include "config.h"

/* Prints one line; returns 1 when `result` is a failure, else 0. */
typedef int tw_check_tell(const char *item, int result, const struct tw_error *error);

/* Connects to each Kafka of the configuration and looks at its topics and consumer group; one line
 * for each mistake, or one that all is well. Returns how many mistakes there are. */
int tw_check_kafka(const struct tw_config *config, tw_check_tell *tell);

#endif
