/* Keeps a fast reader's queue from running dry. librdkafka 2.0 does not ask its brokers for more
 * while its queue is over `queued.max.messages.kbytes`, and looks again whether it still is only
 * once a second, or when there is something else to do for that broker. A reader that empties the
 * queue in a tenth of a second would wait for the rest of it. So while the queue empties we give
 * the brokers that lead our partitions something small to do: they are asked where these end. */
#ifndef TW_KAFKA_NUDGE_H
#define TW_KAFKA_NUDGE_H

#include <librdkafka/rdkafka.h>

struct tw_kafka_nudge;

/* Starts a thread, since the brokers' answer is waited for. NULL: none could be started, and
 * reading is slower. */
struct tw_kafka_nudge *tw_kafka_nudge_start(rd_kafka_t *client);
/* Before the client is destroyed. NULL is allowed. */
void tw_kafka_nudge_stop(struct tw_kafka_nudge *nudge);

/* Told how many messages wait in the queue, by the thread that reads it, some times in each
 * queueful; gives the nudge when it is time. NULL is allowed. */
void tw_kafka_nudge_look(struct tw_kafka_nudge *nudge, size_t waiting);

#endif
