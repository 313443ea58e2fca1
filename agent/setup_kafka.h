/* `trainward setup kafka`. */
#ifndef TW_SETUP_KAFKA_H
#define TW_SETUP_KAFKA_H

#include "config.h"

/* Creates the topics that are missing and says on standard output what it did, what is there and in
 * which settings that differs. `replication` 0: 3, or as many as there are brokers. */
int tw_setup_kafka(const struct tw_config *config, int partitions, int replication,
                   struct tw_error *error);

#endif
