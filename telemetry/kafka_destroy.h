/* rd_kafka_destroy() with a limit. */
#ifndef TW_KAFKA_DESTROY_H
#define TW_KAFKA_DESTROY_H

#include <librdkafka/rdkafka.h>

#include <stdbool.h>

/* Destroys a client, with librdkafka's own flags (RD_KAFKA_DESTROY_F_...); a consumer leaves its
 * group before, unless a flag says otherwise. librdkafka 2.0 may wait for ever for one of its
 * threads, as a consumer does whose topic was deleted and made again, or whose brokers went while a
 * commit was under way: then this returns after ten seconds all the same, and the client's threads
 * and memory stay behind. False then: its callbacks may still be called, from another thread. */
bool tw_kafka_destroy(rd_kafka_t *client, int flags);

#endif
