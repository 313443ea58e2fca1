/* The parts of the source "kafka": its messages (kafka.c, and by partition kafka_reader.h) and its
 * place in the group (kafka_group.c). */
#ifndef TW_KAFKA_SOURCE_H
#define TW_KAFKA_SOURCE_H

#include "sources/kafka.h"
#include "sources/kafka_client.h"
#include "sources/kafka_nudge.h"
#include "sources/kafka_partitions.h"
#include "sources/kafka_reader.h"

/* Partitions that come or go; `told` of them were returned by next(). */
struct rebalance {
    struct rebalance *next;
    bool is_assignment, is_lost;
    rd_kafka_topic_partition_list_t *partitions;
    int told;
};

struct kafka {
    struct tw_kafka_news news; /* first: the opaque of the callbacks */
    const struct tw_kafka_config *config;
    rd_kafka_t *client;
    struct rebalance *rebalances; /* oldest first */
    bool is_closing, has_failed, was_assigned;
    struct kafka *next_staying; /* of those that could not be destroyed */
    struct tw_kafka_partitions partitions;

    rd_kafka_queue_t *commits; /* answers to commits */
    bool commit_under_way;
    double next_commit;

    rd_kafka_queue_t *queue; /* the consumer's own */
    struct tw_kafka_nudge *nudge;
    int32_t *waiting; /* partitions whose readers may have messages */
    size_t n_waiting, room_waiting;
    struct tw_kafka_look_ahead look_ahead;
};

/* ---- kafka_group.c ---- */

/* Takes an answer to a commit that is there within `seconds`, and sends what waits. */
void tw_kafka_serve_commits(struct kafka *kafka, double seconds);
int tw_kafka_commit(void *source, const struct tw_position *position, struct tw_error *error);

/* librdkafka's callback: notes what comes or goes. */
void tw_kafka_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t err,
                           rd_kafka_topic_partition_list_t *partitions, void *opaque);
/* True with the next partition that comes or goes; answers librdkafka once all were told. */
bool tw_kafka_tell_rebalance(struct kafka *kafka, struct tw_source_item *ret, int *ret_next);
int tw_kafka_start(void *source, const struct tw_position *position, struct tw_error *error);

/* Commits, leaves the group and destroys the client. False: its threads are still there, and with
 * them what they know of us. */
bool tw_kafka_close_client(struct kafka *kafka);

#endif
