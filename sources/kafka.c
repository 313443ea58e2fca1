/* The source "kafka": one consumer of a group, whose messages are taken some hundred at a time and
 * given out record by record. */
#include "sources/kafka_source.h"

#include "telemetry/clock.h"
#include "telemetry/wire.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many messages before its turn one is looked at: far enough for a fetch from memory or two,
 * near enough to be still in the caches. */
#define FAR 16
#define NEAR 8

static const struct tw_option kafka_options[] = {
    {"brokers", TW_OPTION_TEXT, offsetof(struct tw_kafka_config, brokers), .required = true,
     .help = "host:port of some brokers, separated by commas"},
    {"topic", TW_OPTION_TEXT, offsetof(struct tw_kafka_config, topic),
     .initial_text = "trainward.telemetry", .help = "the topic that jobs emit to"},
    {"group", TW_OPTION_TEXT, offsetof(struct tw_kafka_config, group), .initial_text = "trainward",
     .help = "consumer group; agents of one group share the partitions"},
    {"instance", TW_OPTION_TEXT, offsetof(struct tw_kafka_config, instance),
     .help = "static membership id, unique in the group: a restarted agent gets its partitions "
             "back without a rebalance"},
    {"properties", TW_OPTION_PROPERTIES, offsetof(struct tw_kafka_config, properties),
     .help = "any other librdkafka property, key: value"},
};

/* ---- messages ---- */

static void drop_message(struct kafka *kafka)
{
    if (kafka->message)
        rd_kafka_message_destroy(kafka->message);
    kafka->message = NULL;
}

/* What belongs to this message of the batch is on its way to the caches when its turn comes. */
static void look_ahead(struct kafka *kafka, size_t turn)
{
    if (!kafka->ahead)
        return;
    if (turn + FAR < kafka->n_batch) {
        const rd_kafka_message_t *far = kafka->batch[turn + FAR];
        __builtin_prefetch(far->payload);
        kafka->told[turn + FAR] =
            kafka->ahead(kafka->ahead_closure, far->partition, far->key, far->key_len);
    }
    if (turn + NEAR < kafka->n_batch && turn + NEAR >= FAR)
        kafka->near(kafka->ahead_closure, kafka->batch[turn + NEAR]->partition,
                    kafka->told[turn + NEAR]);
}

static void take_message(struct kafka *kafka)
{
    look_ahead(kafka, kafka->next_batch);
    kafka->message = kafka->batch[kafka->next_batch++];
    kafka->at = 0;
    kafka->index = 0;
}

static bool is_blank_from(const struct kafka *kafka, size_t from)
{
    const char *payload = kafka->message->payload;
    while (from < kafka->message->len && payload[from] && strchr(" \t\r\n", payload[from]))
        from++;
    return from == kafka->message->len;
}

static bool is_skipped(struct kafka *kafka)
{
    const struct tw_kafka_partition *partition =
        tw_kafka_partition_at(&kafka->partitions, kafka->message->partition);
    return partition && partition->skip_offset == kafka->message->offset &&
           kafka->index <= partition->skip_records;
}

/* What is broken is read once more, for the reason alone: room for one need not be cleared for each
 * record that is whole. */
static int give_broken(struct kafka *kafka, struct tw_source_item *ret)
{
    const rd_kafka_message_t *message = kafka->message;
    struct tw_error why = {0};
    tw_message_next(message->payload, message->len, &kafka->at, &kafka->record, &why);
    snprintf(ret->reason, sizeof ret->reason, "%.180s",
             why.text[0] ? why.text : "these bytes are no record");
    ret->bytes = (const char *)message->payload + kafka->at;
    ret->n_bytes = message->len - kafka->at;
    ret->key = message->key;
    ret->n_key = message->key_len;
    ret->time_ms = rd_kafka_message_timestamp(message, NULL);
    ret->position = (struct tw_position){message->partition, message->offset + 1, 0};
    kafka->at = message->len;
    return TW_NEXT_BROKEN;
}

/* A record that tells no time has that of its message: the same at every delivery. */
static void take_time(struct tw_record *record, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t time_ms = rd_kafka_message_timestamp(message, &type);
    if ((record->has & TW_HAS_TIME) || type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || time_ms < 0)
        return;
    record->time_ms = time_ms;
    record->has |= TW_HAS_TIME;
}

/* The next record of the message, or WAIT when it has no more. Behind its last record the position
 * is the next message's. */
static int next_of_message(struct kafka *kafka, struct tw_source_item *ret)
{
    const rd_kafka_message_t *message = kafka->message;
    while (message->payload && kafka->at < message->len) {
        int result =
            tw_message_next(message->payload, message->len, &kafka->at, &kafka->record, NULL);
        if (result < 0)
            return give_broken(kafka, ret);
        if (result == 0)
            break;
        kafka->index++;
        if (is_skipped(kafka))
            continue;
        take_time(&kafka->record, message);
        ret->record = &kafka->record;
        ret->position = (struct tw_position){message->partition, message->offset, kafka->index};
        if (is_blank_from(kafka, kafka->at))
            ret->position = (struct tw_position){message->partition, message->offset + 1, 0};
        return TW_NEXT_RECORD;
    }
    drop_message(kafka);
    return TW_NEXT_WAIT;
}

/* An error that librdkafka tells among the messages. Negative: the consumer has failed for good. */
static int take_error(struct kafka *kafka, struct tw_error *error)
{
    char why[256];
    bool is_fatal = kafka->message->err == RD_KAFKA_RESP_ERR__FATAL;
    tw_kafka_news_keep(&kafka->news, kafka->message->err, rd_kafka_message_errstr(kafka->message));
    drop_message(kafka);
    if (!is_fatal)
        return TW_NEXT_WAIT;
    rd_kafka_fatal_error(kafka->client, why, sizeof why);
    return tw_error_at(error, -EIO, kafka->config->topic, 0, 0, "the consumer failed: %s", why);
}

/* The next record of the batch, or WAIT when it has no more. */
static int next_of_batch(struct kafka *kafka, struct tw_source_item *ret, struct tw_error *error)
{
    int next = TW_NEXT_WAIT;
    while (next == TW_NEXT_WAIT && (kafka->message || kafka->next_batch < kafka->n_batch)) {
        if (!kafka->message)
            take_message(kafka);
        next = kafka->message->err ? take_error(kafka, error) : next_of_message(kafka, ret);
    }
    return next;
}

/* Takes messages from the brokers: what is there, or the first that comes within `seconds`. (A wait
 * for a batch would last until that is full.) */
static void take_batch(struct kafka *kafka, double seconds)
{
    kafka->next_batch = kafka->n_batch = 0;
    kafka->batch[0] =
        rd_kafka_consumer_poll(kafka->client, seconds > 0 ? (int)(seconds * 1000) : 0);
    if (!kafka->batch[0])
        return;
    ssize_t more =
        rd_kafka_consume_batch_queue(kafka->queue, 0, kafka->batch + 1, TW_KAFKA_BATCH - 1);
    kafka->n_batch = 1 + (more > 0 ? (size_t)more : 0);
    tw_kafka_nudge_look(kafka->nudge, rd_kafka_queue_length(kafka->queue));
}

static int kafka_next(void *opaque, double timeout_seconds, struct tw_source_item *ret,
                      struct tw_error *error)
{
    struct kafka *kafka = opaque;
    int next = next_of_batch(kafka, ret, error);
    if (next != TW_NEXT_WAIT)
        return next;
    double deadline = timeout_seconds > 0 ? tw_now_seconds() + timeout_seconds : 0;
    for (;;) {
        if (kafka->has_failed)
            return tw_error_set(error, -ENOMEM, "out of memory");
        tw_kafka_serve_commits(kafka, 0);
        if (tw_kafka_tell_rebalance(kafka, ret, &next))
            return next;
        double left = timeout_seconds > 0 ? deadline - tw_now_seconds() : 0;
        take_batch(kafka, left);
        if ((next = next_of_batch(kafka, ret, error)) != TW_NEXT_WAIT)
            return next;
        if (left <= 0 && !kafka->rebalances)
            return TW_NEXT_WAIT;
    }
}

void tw_kafka_source_look_ahead(void *source, tw_kafka_ahead *ahead, tw_kafka_near *near,
                                void *closure)
{
    struct kafka *kafka = source;
    kafka->ahead = ahead;
    kafka->near = near;
    kafka->ahead_closure = closure;
}

/* ---- open and close ---- */

/* What threads of librdkafka still use. It is kept in sight: memory that nothing points to is a
 * leak to those who look for such. */
static _Atomic(struct kafka *) staying;

static void let_stay(struct kafka *kafka)
{
    kafka->next_staying = atomic_exchange(&staying, kafka);
}

static void kafka_close(void *opaque)
{
    struct kafka *kafka = opaque;
    if (!kafka)
        return;
    drop_message(kafka);
    while (kafka->next_batch < kafka->n_batch)
        rd_kafka_message_destroy(kafka->batch[kafka->next_batch++]);
    bool is_gone = !kafka->client || tw_kafka_close_client(kafka);
    tw_record_clear(&kafka->record);
    tw_kafka_partitions_release(&kafka->partitions);
    if (!is_gone) {
        let_stay(kafka);
        return;
    }
    tw_kafka_news_done(&kafka->news);
    free(kafka);
}

static int subscribe(struct kafka *kafka, struct tw_error *error)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, kafka->config->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(kafka->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (err)
        return tw_error_at(error, -EIO, kafka->config->topic, 0, 0, "cannot subscribe: %s",
                           rd_kafka_err2str(err));
    return 0;
}

/* A missing topic is a mistake to be told; brokers that are away are waited for. */
static int check_topic(struct kafka *kafka, struct tw_error *error)
{
    int32_t partitions;
    struct tw_error why = {0};
    int result = tw_kafka_count_partitions(kafka->client, kafka->config, TW_KAFKA_TOPIC_SECONDS,
                                           &kafka->news, &partitions, &why);
    if (result != -ENOENT)
        return 0;
    return tw_error_at(error, result, why.place, 0, 0, "%s", why.text);
}

static int kafka_open(void **ret, const struct tw_source_request *request, struct tw_error *error)
{
    struct kafka *kafka = calloc(1, sizeof *kafka);
    if (!kafka)
        return tw_error_set(error, -ENOMEM, "out of memory");
    kafka->config = request->config;
    tw_kafka_news_init(&kafka->news);
    tw_record_init(&kafka->record);
    if (!kafka->config || !kafka->config->brokers) {
        kafka_close(kafka);
        return tw_error_set(error, -EINVAL, "kafka: needs 'brokers'");
    }
    int result = tw_kafka_consumer_new(&kafka->client, kafka->config, tw_kafka_on_rebalance,
                                       &kafka->news, error);
    if (!result) {
        rd_kafka_poll_set_consumer(kafka->client);
        kafka->commits = rd_kafka_queue_new(kafka->client);
        kafka->queue = rd_kafka_queue_get_consumer(kafka->client);
        kafka->nudge = tw_kafka_nudge_start(kafka->client);
        result = check_topic(kafka, error);
    }
    if (!result)
        result = subscribe(kafka, error);
    if (result) {
        kafka_close(kafka);
        return result;
    }
    *ret = kafka;
    return 0;
}

const char *tw_kafka_source_last_error(void *source, char *buffer, size_t size)
{
    return tw_kafka_news_text(&((struct kafka *)source)->news, buffer, size);
}

bool tw_kafka_source_is_assigned(const void *source)
{
    return ((const struct kafka *)source)->was_assigned;
}

int64_t tw_kafka_source_lag(void *source, int32_t partition)
{
    struct kafka *kafka = source;
    const char *topic = kafka->config->topic;
    int64_t low, high, lag = -1;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    if (!rd_kafka_position(kafka->client, list) && list->elems[0].offset >= 0 &&
        !rd_kafka_get_watermark_offsets(kafka->client, topic, partition, &low, &high) && high >= 0)
        lag = high > list->elems[0].offset ? high - list->elems[0].offset : 0;
    rd_kafka_topic_partition_list_destroy(list);
    return lag;
}

int tw_kafka_source_look(void *source, struct tw_error *error)
{
    struct kafka *kafka = source;
    return tw_kafka_news_look(&kafka->news, kafka->client, kafka->config, error);
}

bool tw_kafka_source_is_listening(void *source)
{
    const struct kafka *kafka = source;
    return tw_now_seconds() < kafka->news.listening + TW_KAFKA_LISTENING_SECONDS;
}

const struct tw_source tw_source_kafka = {
    .name = "kafka",
    .description = "a Kafka topic, as one consumer of a group",
    .options = kafka_options,
    .n_options = sizeof kafka_options / sizeof *kafka_options,
    .config_size = sizeof(struct tw_kafka_config),
    .open = kafka_open,
    .start = tw_kafka_start,
    .next = kafka_next,
    .commit = tw_kafka_commit,
    .close = kafka_close,
};
