/* The notification log in Kafka: the compacted topic PREFIX.notifications. Who is assigned its
 * partition 0, by a consumer group for each sink, is the one that notifies: it reads the partition
 * from its start to its end, which is the state, and goes on reading, which brings silences.
 *
 * What it writes is a transaction, so that a batch is there as a whole or not at all; and a former
 * owner that does not know yet that it is none is fenced off before the state is read. */
#include "config.h"

#include "sinks/notify/store_kind.h"

#include "sinks/notify/notifications_topic.h"

#include "advisories/json_text.h"
#include "telemetry/clock.h"
#include "telemetry/kafka_destroy.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long brokers may take to answer for a transaction. */
#define ANSWER_MS 30000
#define POLL_MAX 1000

struct topic {
    struct tw_kafka_trouble trouble; /* first: the consumer's opaque */
    struct tw_kafka_trouble producer_trouble;
    struct tw_notify_store_options options;
    char name[256], id[256], prefix[128];
    rd_kafka_t *consumer, *producer;
    bool is_owner, is_read; /* partition 0 is ours; it was read to its end */
    bool is_given;          /* the state was handed out in this ownership */
    bool was_taken;         /* ... and the ownership has changed since */
    json_t *records;        /* while it is read */
    struct tw_error failure;
};

static const struct tw_kafka_setting no_settings[] = {{NULL, NULL}};

/* ---- the producer ---- */

static int transaction_failed(struct topic *topic, rd_kafka_error_t *why, const char *what,
                              struct tw_error *error)
{
    bool is_fenced = rd_kafka_error_code(why) == RD_KAFKA_RESP_ERR__FENCED ||
                     rd_kafka_error_code(why) == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
                     rd_kafka_error_code(why) == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    int result = is_fenced
                     ? tw_error_at(error, -ESTALE, topic->name, 0, 0, "another agent notifies now")
                     : tw_error_at(error, -EIO, topic->name, 0, 0, "cannot %s: %s", what,
                                   rd_kafka_error_string(why));
    rd_kafka_error_destroy(why);
    return result;
}

static void close_producer(struct topic *topic)
{
    if (!topic->producer)
        return;
    rd_kafka_purge(topic->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(topic->producer, 0);
    tw_kafka_destroy(topic->producer, 0);
    topic->producer = NULL;
}

/* From here on no other agent writes for this sink. */
static int fence(struct topic *topic, struct tw_error *error)
{
    const struct tw_kafka_setting fixed[] = {
        {"transactional.id", topic->id},
        {"message.max.bytes", "8000000"}, /* the topic takes 8 MiB */
        TW_KAFKA_SAFE_PRODUCER,
        {NULL, NULL}};
    close_producer(topic);
    int result = tw_kafka_client_open(&topic->producer, RD_KAFKA_PRODUCER, topic->options.log,
                                      no_settings, fixed, NULL, &topic->producer_trouble, error);
    if (result)
        return result;
    rd_kafka_error_t *why = rd_kafka_init_transactions(topic->producer, ANSWER_MS);
    return why ? transaction_failed(topic, why, "take over the notification log", error) : 0;
}

static int produce(struct topic *topic, const char *key, const json_t *value,
                   struct tw_error *error)
{
    char *text = json_is_null(value) ? NULL : tw_json_text(value);
    if (!text && !json_is_null(value))
        return tw_error_set(error, -ENOMEM, "out of memory");
    size_t size = text ? strlen(text) : 0;
    rd_kafka_resp_err_t code = rd_kafka_producev(
        topic->producer, RD_KAFKA_V_TOPIC(topic->name),
        RD_KAFKA_V_PARTITION(TW_NOTIFICATIONS_PARTITION), RD_KAFKA_V_KEY(key, strlen(key)),
        RD_KAFKA_V_VALUE(text, size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    free(text);
    return code ? tw_error_at(error, -EIO, topic->name, 0, 0, "cannot keep %s: %s", key,
                              rd_kafka_err2str(code))
                : 0;
}

static int topic_write(void *opaque, const json_t *records, struct tw_error *error)
{
    struct topic *topic = opaque;
    const char *key;
    json_t *value;
    rd_kafka_error_t *why = rd_kafka_begin_transaction(topic->producer);
    if (why)
        return transaction_failed(topic, why, "write to the notification log", error);
    json_object_foreach((json_t *)(uintptr_t)records, key, value)
    {
        char whole[256];
        snprintf(whole, sizeof whole, "%s/%s", topic->options.name, key);
        int result = produce(topic, whole, value, error);
        if (result)
            return result;
    }
    why = rd_kafka_commit_transaction(topic->producer, ANSWER_MS);
    return why ? transaction_failed(topic, why, "write to the notification log", error) : 0;
}

/* ---- the consumer ---- */

static void forget(struct topic *topic)
{
    json_decref(topic->records);
    topic->records = NULL;
    topic->was_taken |= topic->is_given;
    topic->is_owner = topic->is_read = topic->is_given = false;
}

static void take_over(struct topic *topic, rd_kafka_topic_partition_list_t *partitions)
{
    rd_kafka_topic_partition_t *first =
        rd_kafka_topic_partition_list_find(partitions, topic->name, TW_NOTIFICATIONS_PARTITION);
    rd_kafka_topic_partition_list_t *ours = rd_kafka_topic_partition_list_new(1);
    if (first && !fence(topic, &topic->failure)) {
        rd_kafka_topic_partition_list_add(ours, topic->name, TW_NOTIFICATIONS_PARTITION)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
        topic->is_owner = true;
        topic->records = json_object();
    }
    rd_kafka_assign(topic->consumer, ours);
    rd_kafka_topic_partition_list_destroy(ours);
}

/* Called from rd_kafka_consumer_poll(), so in the notifier's thread. */
static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct topic *topic = opaque;
    forget(topic);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        take_over(topic, partitions);
    else
        rd_kafka_assign(client, NULL);
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}

static int open_consumer(struct topic *topic, struct tw_error *error)
{
    static const struct tw_kafka_setting defaults[] = {
        {"session.timeout.ms", "10000"}, {"fetch.wait.max.ms", "100"}, {NULL, NULL}};
    const struct tw_kafka_setting fixed[] = {{"group.id", topic->id},
                                             {"enable.auto.commit", "false"},
                                             {"enable.auto.offset.store", "false"},
                                             {"auto.offset.reset", "earliest"},
                                             {"enable.partition.eof", "true"},
                                             {"isolation.level", "read_committed"},
                                             {NULL, NULL}};
    int result = tw_kafka_client_open(&topic->consumer, RD_KAFKA_CONSUMER, topic->options.log,
                                      defaults, fixed, prepare, &topic->trouble, error);
    if (result)
        return result;
    rd_kafka_poll_set_consumer(topic->consumer);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic->name, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(topic->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code ? tw_error_at(error, -EIO, topic->name, 0, 0, "cannot subscribe: %s",
                              rd_kafka_err2str(code))
                : 0;
}

/* A message of the topic: a silence, a record of ours, or one of another sink. */
static void take(struct topic *topic, const rd_kafka_message_t *message,
                 struct tw_silences *silences)
{
    char key[256];
    size_t mine = strlen(topic->prefix);
    if (!message->key || message->key_len >= sizeof key)
        return;
    memcpy(key, message->key, message->key_len);
    key[message->key_len] = '\0';
    json_t *value = message->len ? json_loadb(message->payload, message->len, 0, NULL) : NULL;
    if (!strncmp(key, TW_SILENCE_KEY, strlen(TW_SILENCE_KEY))) {
        tw_silences_set(silences, key + strlen(TW_SILENCE_KEY), value);
    } else if (topic->records && !strncmp(key, topic->prefix, mine)) {
        if (value)
            json_object_set(topic->records, key + mine, value);
        else
            json_object_del(topic->records, key + mine);
    }
    json_decref(value);
}

static int take_event(struct topic *topic, rd_kafka_message_t *message,
                      struct tw_silences *silences, struct tw_error *error)
{
    rd_kafka_resp_err_t code = message->err;
    char why[300];
    snprintf(why, sizeof why, "%s", code ? rd_kafka_message_errstr(message) : "");
    if (!code)
        take(topic, message, silences);
    rd_kafka_message_destroy(message);
    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        topic->is_read = topic->is_owner;
    else if (code)
        return tw_error_at(error, -EAGAIN, topic->name, 0, 0,
                           "cannot read the notification log: %s%s", why,
                           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                               ? "; 'trainward setup kafka' creates the topic"
                               : "");
    return 0;
}

static int topic_serve(void *opaque, double seconds, struct tw_silences *silences,
                       struct tw_error *error)
{
    struct topic *topic = opaque;
    int wait_ms = (int)(seconds * 1000), result = 0;
    for (int i = 0; i < POLL_MAX && !result; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(topic->consumer, i ? 0 : wait_ms);
        if (!message)
            break;
        result = take_event(topic, message, silences, error);
    }
    if (topic->failure.code) {
        *error = topic->failure;
        return topic->failure.code;
    }
    /* Who has told others of the former state has to begin anew, even if it is ours again. */
    if (topic->was_taken) {
        topic->was_taken = false;
        return 0;
    }
    return result ? result : topic->is_owner && topic->is_read;
}

static int topic_load(void *opaque, tw_notify_store_visit *visit, void *closure,
                      struct tw_error *error)
{
    struct topic *topic = opaque;
    const char *key;
    json_t *value;
    if (!topic->records)
        return tw_error_at(error, -EAGAIN, topic->name, 0, 0, "the state was handed out before");
    json_object_foreach(topic->records, key, value) visit(closure, key, value);
    json_decref(topic->records);
    topic->records = NULL;
    topic->is_given = true;
    return 0;
}

/* ---- open and close ---- */

static void topic_close(void *opaque)
{
    struct topic *topic = opaque;
    if (!topic)
        return;
    close_producer(topic);
    if (topic->consumer) {
        rd_kafka_consumer_close(topic->consumer);
        tw_kafka_destroy(topic->consumer, 0);
    }
    json_decref(topic->records);
    tw_kafka_trouble_done(&topic->trouble);
    tw_kafka_trouble_done(&topic->producer_trouble);
    free(topic);
}

static int topic_open(void **ret, const struct tw_notify_store_options *options,
                      struct tw_error *error)
{
    struct topic *topic = calloc(1, sizeof *topic);
    if (!topic)
        return tw_error_set(error, -ENOMEM, "out of memory");
    tw_kafka_trouble_init(&topic->trouble);
    tw_kafka_trouble_init(&topic->producer_trouble);
    topic->options = *options;
    tw_kafka_name(topic->name, sizeof topic->name, options->log, TW_NOTIFICATIONS, NULL);
    tw_kafka_name(topic->id, sizeof topic->id, options->log, "notify", options->name);
    snprintf(topic->prefix, sizeof topic->prefix, "%s/", options->name);
    int result = open_consumer(topic, error);
    if (result) {
        topic_close(topic);
        return result;
    }
    *ret = topic;
    return 0;
}

const struct tw_store_kind tw_store_kafka_kind = {
    .open = topic_open,
    .close = topic_close,
    .serve = topic_serve,
    .load = topic_load,
    .write = topic_write,
};
