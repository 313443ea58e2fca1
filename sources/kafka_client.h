/* librdkafka handles for the source "kafka": its configuration, and what its log says. */
#ifndef TW_SOURCE_KAFKA_CLIENT_H
#define TW_SOURCE_KAFKA_CLIENT_H

#include "sources/kafka.h"

#include "telemetry/kafka_trouble.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#define TW_KAFKA_TOPIC_SECONDS 10.0
/* How old an answer of a broker, and statistics, may be: they come each other second. */
#define TW_KAFKA_LISTENING_SECONDS 6.0

/* The newest trouble that librdkafka tells of. The lock is for text(), which any thread may call.
 */
struct tw_kafka_news {
    pthread_mutex_t lock;
    char text[400];
    enum tw_kafka_verdict verdict;
    bool has_worked;
    bool is_down;               /* no broker could be used when last heard of */
    bool is_missing;            /* neither could the topic */
    bool is_told;               /* and look() has confirmed it */
    rd_kafka_resp_err_t answer; /* to the newest look */
    double next_look;
    double listening; /* when statistics last said that silence is silence; 0: never. Of the thread
                       * that polls */
};

/* set() and text(): any thread; the others: the thread that polls. text() returns `buffer`, empty
 * while nothing is wrong. */
void tw_kafka_news_init(struct tw_kafka_news *news);
void tw_kafka_news_done(struct tw_kafka_news *news);
void tw_kafka_news_set(struct tw_kafka_news *news, const char *text);
const char *tw_kafka_news_text(struct tw_kafka_news *news, char *buffer, size_t size);

/* An error that the consumer came back with. */
void tw_kafka_news_keep(struct tw_kafka_news *news, rd_kafka_resp_err_t code, const char *reason);

/* See tw_kafka_source_look(). */
int tw_kafka_news_look(struct tw_kafka_news *news, rd_kafka_t *client,
                       const struct tw_kafka_config *config, struct tw_error *error);

/* A consumer that is not subscribed. The opaque of its callbacks is `news`, which outlives it.
 * `rebalance` may be NULL. */
int tw_kafka_consumer_new(rd_kafka_t **ret, const struct tw_kafka_config *config,
                          void (*rebalance)(rd_kafka_t *, rd_kafka_resp_err_t,
                                            rd_kafka_topic_partition_list_t *, void *),
                          struct tw_kafka_news *news, struct tw_error *error);

/* Partitions of the configured topic. -ENOENT: still missing after `seconds`; -EHOSTUNREACH: no
 * broker answered; -EACCES: they do not want us. */
int tw_kafka_count_partitions(rd_kafka_t *client, const struct tw_kafka_config *config,
                              double seconds, struct tw_kafka_news *news, int32_t *ret,
                              struct tw_error *error);

#endif
