/* Snapshots in the compacted topic PREFIX.state: key = run, partition = the telemetry's. */
#include "agent/state_store.h"

#include "telemetry/clock.h"
#include "telemetry/kafka_destroy.h"
#include "telemetry/kafka_properties.h"
#include "telemetry/kafka_trouble.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct kafka {
    struct tw_state_store store;
    rd_kafka_t *producer, *consumer;
    char topic[256];
    int failures; /* snapshots that were not delivered since the last flush */
    char failure[200];
};

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *closure)
{
    struct kafka *kafka = closure;
    (void)producer;
    if (!message->err)
        return;
    kafka->failures++;
    const char *remedy = tw_kafka_remedy(message->err, NULL);
    snprintf(kafka->failure, sizeof kafka->failure, "%s%s%s", rd_kafka_err2str(message->err),
             remedy ? "; " : "", remedy ? remedy : "");
}

static int new_handle(rd_kafka_t **ret, struct kafka *kafka, rd_kafka_type_t type,
                      const char *brokers, const struct tw_texts *properties,
                      struct tw_error *error)
{
    static const struct tw_kafka_setting of_producer[] = {{"linger.ms", "5"},
                                                          {"compression.codec", "lz4"},
                                                          {"message.max.bytes", "8000000"},
                                                          {NULL, NULL}};
    /* An empty partition is told as soon as it is asked. */
    static const struct tw_kafka_setting of_consumer[] = {{"fetch.wait.max.ms", "50"},
                                                          {NULL, NULL}};
    static const struct tw_kafka_setting producer_fixed[] = {{"enable.idempotence", "true"},
                                                             {NULL, NULL}};
    static const struct tw_kafka_setting consumer_fixed[] = {{"group.id", "trainward-state"},
                                                             {"enable.auto.commit", "false"},
                                                             {"enable.partition.eof", "true"},
                                                             {NULL, NULL}};
    char reason[256];
    bool is_producer = type == RD_KAFKA_PRODUCER;
    const struct tw_kafka_settings settings = {brokers, is_producer ? of_producer : of_consumer,
                                               properties,
                                               is_producer ? producer_fixed : consumer_fixed};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int result = tw_kafka_configure(conf, &settings, error);
    rd_kafka_conf_set_log_cb(conf, tw_kafka_silent); /* failures come back as errors */
    rd_kafka_conf_set_opaque(conf, kafka);
    if (is_producer)
        rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    if (!result && !(*ret = rd_kafka_new(type, conf, reason, sizeof reason)))
        result = tw_error_set(error, -EINVAL, "kafka: %s", reason);
    if (result)
        rd_kafka_conf_destroy(conf);
    return result;
}

static int put(struct tw_state_store *store, const char *key, int32_t partition, const void *data,
               size_t size, struct tw_error *error)
{
    struct kafka *kafka = (struct kafka *)store;
    for (int tries = 0;; tries++) {
        rd_kafka_resp_err_t err = rd_kafka_producev(
            kafka->producer, RD_KAFKA_V_TOPIC(kafka->topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE((void *)(size_t)data, size),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (!err)
            return 0;
        if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
            return tw_error_at(error, -EMSGSIZE, key, 0, 0,
                               "its state of %zu bytes is too large to be saved", size);
        /* A full queue empties while we serve it; give it half a minute. */
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL || tries == 300)
            return tw_error_at(error, -EIO, kafka->topic, 0, 0, "cannot save state: %s",
                               rd_kafka_err2str(err));
        rd_kafka_poll(kafka->producer, 100);
    }
}

static int flush(struct tw_state_store *store, double timeout_seconds, struct tw_error *error)
{
    struct kafka *kafka = (struct kafka *)store;
    rd_kafka_resp_err_t err = rd_kafka_flush(kafka->producer, (int)(timeout_seconds * 1000));
    if (err)
        return tw_error_at(error, -ETIMEDOUT, kafka->topic, 0, 0, "state is not saved yet: %s",
                           rd_kafka_err2str(err));
    if (!kafka->failures)
        return 0;
    kafka->failures = 0;
    return tw_error_at(error, -EIO, kafka->topic, 0, 0, "cannot save state: %s", kafka->failure);
}

/* The newest value of each key, while a partition is read from its start. */
struct newest {
    char *key;
    void *data;
    size_t size;
    UT_hash_handle hh;
};

static void free_newest(struct newest *table)
{
    struct newest *entry, *next;
    HASH_ITER(hh, table, entry, next)
    {
        HASH_DEL(table, entry);
        free(entry->key);
        free(entry->data);
        free(entry);
    }
}

static int keep(struct newest **table, const rd_kafka_message_t *message)
{
    struct newest *entry;
    if (!message->key || message->key_len == 0)
        return 0;
    HASH_FIND(hh, *table, message->key, message->key_len, entry);
    if (!entry) {
        entry = calloc(1, sizeof *entry);
        if (entry)
            entry->key = strndup(message->key, message->key_len);
        if (!entry || !entry->key) {
            free(entry);
            return -ENOMEM;
        }
        HASH_ADD_KEYPTR(hh, *table, entry->key, message->key_len, entry);
    }
    void *copy = message->payload ? malloc(message->len) : NULL;
    if (message->payload && !copy)
        return -ENOMEM;
    if (copy)
        memcpy(copy, message->payload, message->len);
    free(entry->data);
    entry->data = copy; /* NULL: a tombstone */
    entry->size = message->len;
    return 0;
}

static int read_partition(struct kafka *kafka, struct newest **table, double timeout_seconds,
                          struct tw_error *error)
{
    /* However much there is to read: only silence is waited for so long. */
    double deadline = tw_now_seconds() + timeout_seconds;
    char reason[200] = "no answer";
    while (tw_now_seconds() < deadline) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka->consumer, 100);
        if (!message)
            continue;
        rd_kafka_resp_err_t err = message->err;
        if (!err)
            deadline = tw_now_seconds() + timeout_seconds;
        int kept = err ? 0 : keep(table, message);
        if (err)
            snprintf(reason, sizeof reason, "%s", rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
        if (kept)
            return tw_error_set(error, kept, "out of memory");
        if (err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            return 0;
        if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
            err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
            break;
    }
    return tw_error_at(error, -EIO, kafka->topic, 0, 0, "cannot restore state: %s", reason);
}

static int visit_partition(struct tw_state_store *store, const char *key, int32_t partition,
                           double timeout_seconds, tw_state_visit *visit, void *closure,
                           struct tw_error *error)
{
    struct kafka *kafka = (struct kafka *)store;
    struct newest *table = NULL, *entry, *next;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    (void)key;
    rd_kafka_topic_partition_list_add(list, kafka->topic, partition)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(kafka->consumer, list);
    int result = read_partition(kafka, &table, timeout_seconds, error);
    rd_kafka_assign(kafka->consumer, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    HASH_ITER(hh, table, entry, next)
    {
        if (!result && entry->data)
            result = visit(closure, entry->key, entry->data, entry->size, error);
    }
    free_newest(table);
    return result;
}

static void close_kafka(struct tw_state_store *store)
{
    struct kafka *kafka = (struct kafka *)store;
    if (kafka->producer) {
        rd_kafka_purge(kafka->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        tw_kafka_destroy(kafka->producer, 0);
    }
    if (kafka->consumer)
        tw_kafka_destroy(kafka->consumer, 0);
    free(kafka);
}

static int check_partitions(struct kafka *kafka, int32_t partitions, struct tw_error *error)
{
    /* All topics: asking for one by name may create it, and not as a compacted one. */
    const struct rd_kafka_metadata *metadata;
    int found = 0;
    rd_kafka_resp_err_t err = rd_kafka_metadata(kafka->producer, 1, NULL, &metadata, 10000);
    if (err)
        return tw_error_at(error, -EIO, kafka->topic, 0, 0, "cannot be read: %s",
                           rd_kafka_err2str(err));
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (!strcmp(metadata->topics[i].topic, kafka->topic))
            found = metadata->topics[i].partition_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    if (found == 0)
        return tw_error_at(error, -ENOENT, kafka->topic, 0, 0,
                           "the topic is missing; 'trainward setup kafka' creates it");
    if (found != partitions)
        return tw_error_at(error, -EINVAL, kafka->topic, 0, 0,
                           "has %d partitions but the telemetry has %d; both need the same number",
                           found, (int)partitions);
    return 0;
}

int tw_state_kafka_open(struct tw_state_store **ret, const char *brokers, const char *prefix,
                        const struct tw_texts *properties, int32_t partitions,
                        struct tw_error *error)
{
    struct kafka *kafka = calloc(1, sizeof *kafka);
    if (!kafka)
        return tw_error_set(error, -ENOMEM, "out of memory");
    kafka->store = (struct tw_state_store){put, flush, visit_partition, close_kafka};
    snprintf(kafka->topic, sizeof kafka->topic, "%s.state", prefix ? prefix : "trainward");
    int result = new_handle(&kafka->producer, kafka, RD_KAFKA_PRODUCER, brokers, properties, error);
    if (!result)
        result = new_handle(&kafka->consumer, kafka, RD_KAFKA_CONSUMER, brokers, properties, error);
    if (!result)
        result = check_partitions(kafka, partitions, error);
    if (result) {
        close_kafka(&kafka->store);
        return result;
    }
    *ret = &kafka->store;
    return 0;
}
