/* The source "kafka": one consumer of a group, whose messages are
 * handed out by partition and given out record by record. */
#include "sources/kafka_source.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Messages that wait here rather than in librdkafka's queue: so many that each partition has some,
 * since those of one come thousands at a time. */
#define FULL_MESSAGES 65536u
#define FULL_BYTES (32u << 20)
/* Messages that are taken from librdkafka's queue at once. */
#define BATCH 256

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
    {"threads", TW_OPTION_COUNT, offsetof(struct tw_kafka_config, threads),
     .help = "most threads that judge partitions at once; 0: one for each processor"},
    {"properties", TW_OPTION_PROPERTIES, offsetof(struct tw_kafka_config, properties),
     .help = "any other librdkafka property, key: value"},
};

/* ---- messages ---- */

/* An error that librdkafka tells among the messages. Negative: the consumer has failed for good. */
static int take_error(struct kafka *kafka, rd_kafka_message_t *message, struct tw_error *error)
{
    char why[256];
    bool is_fatal = message->err == RD_KAFKA_RESP_ERR__FATAL;
    tw_kafka_news_keep(&kafka->news, message->err, rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    if (!is_fatal)
        return 0;
    rd_kafka_fatal_error(kafka->client, why, sizeof why);
    return tw_error_at(error, -EIO, kafka->config->topic, 0, 0, "the consumer failed: %s", why);
}

static int note_waiting(struct kafka *kafka, int32_t partition)
{
    if (kafka->n_waiting == kafka->room_waiting) {
        size_t room = kafka->room_waiting ? 2 * kafka->room_waiting : 16;
        int32_t *grown = realloc(kafka->waiting, room * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        kafka->waiting = grown;
        kafka->room_waiting = room;
    }
    kafka->waiting[kafka->n_waiting++] = partition;
    return 0;
}

/* The message goes to its partition's reader, or in vain. */
static int hand_out(struct kafka *kafka, rd_kafka_message_t *message)
{
    struct tw_kafka_partition *partition =
        tw_kafka_partition_at(&kafka->partitions, message->partition);
    if (partition && !partition->reader)
        partition->reader = tw_kafka_reader_new();
    if (!partition || !partition->reader)
        return -ENOMEM;
    tw_kafka_reader_skip(partition->reader, partition->skip_offset, partition->skip_records);
    bool is_first = !tw_kafka_reader_waiting(partition->reader);
    if (is_first && note_waiting(kafka, message->partition))
        return -ENOMEM;
    return tw_kafka_reader_add(partition->reader, message);
}

static int take_message(struct kafka *kafka, rd_kafka_message_t *message, struct tw_error *error)
{
    if (message->err)
        return take_error(kafka, message, error);
    int result = hand_out(kafka, message);
    if (!result)
        return 0;
    rd_kafka_message_destroy(message);
    return tw_error_set(error, result, "out of memory");
}

struct stock {
    size_t messages, bytes;
};

/* Partitions whose messages are dealt with wait for nothing. */
static struct stock take_stock(struct kafka *kafka)
{
    struct stock stock = {0};
    size_t kept = 0;
    for (size_t i = 0; i < kafka->n_waiting; i++) {
        const struct tw_kafka_reader *reader = kafka->partitions.at[kafka->waiting[i]].reader;
        if (!tw_kafka_reader_waiting(reader))
            continue;
        kafka->waiting[kept++] = kafka->waiting[i];
        stock.messages += tw_kafka_reader_waiting(reader);
        stock.bytes += tw_kafka_reader_bytes(reader);
    }
    kafka->n_waiting = kept;
    return stock;
}

static bool is_full(const struct stock *stock)
{
    return stock->messages >= FULL_MESSAGES || stock->bytes >= FULL_BYTES;
}

/* Whatever happens to one of them, the others are dealt with. */
static int take_batch(struct kafka *kafka, rd_kafka_message_t **batch, size_t n,
                      struct stock *stock, struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; i < n; i++) {
        stock->messages++;
        stock->bytes += batch[i]->len;
        int failed = take_message(kafka, batch[i], result ? NULL : error);
        result = result ? result : failed;
    }
    return result;
}

/* Takes messages from the brokers: what is there, or the first that comes within `seconds`. (A wait
 * for a batch would last until that is full.) */
static int take_messages(struct kafka *kafka, double seconds, struct tw_error *error)
{
    struct stock stock = take_stock(kafka);
    rd_kafka_message_t *batch[BATCH];
    ssize_t more = BATCH;
    if (is_full(&stock))
        return 0;
    batch[0] = rd_kafka_consumer_poll(kafka->client, seconds > 0 ? (int)(seconds * 1000) : 0);
    int result = batch[0] ? take_batch(kafka, batch, 1, &stock, error) : 0;
    while (batch[0] && !result && more == BATCH && !is_full(&stock)) {
        more = rd_kafka_consume_batch_queue(kafka->queue, 0, batch, BATCH);
        if (more > 0)
            result = take_batch(kafka, batch, (size_t)more, &stock, error);
    }
    tw_kafka_nudge_look(kafka->nudge, rd_kafka_queue_length(kafka->queue));
    return result;
}

/* While partitions are to come or go, what is here is dealt with first, and nothing else comes. */
int tw_kafka_source_fill(void *source, double timeout_seconds, struct tw_source_item *ret,
                         struct tw_error *error)
{
    struct kafka *kafka = source;
    double deadline = timeout_seconds > 0 ? tw_now_seconds() + timeout_seconds : 0;
    int next;
    take_stock(kafka);
    for (;;) {
        if (kafka->has_failed)
            return tw_error_set(error, -ENOMEM, "out of memory");
        tw_kafka_serve_commits(kafka, 0);
        if (kafka->rebalances && kafka->n_waiting)
            return TW_NEXT_RECORD;
        if (tw_kafka_tell_rebalance(kafka, ret, &next))
            return next;
        double left = timeout_seconds > 0 ? deadline - tw_now_seconds() : 0;
        int result = take_messages(kafka, kafka->n_waiting ? 0 : left, error);
        if (result)
            return result;
        if (kafka->n_waiting)
            return TW_NEXT_RECORD;
        if (left <= 0 && !kafka->rebalances)
            return TW_NEXT_WAIT;
    }
}

size_t tw_kafka_source_waiting(void *source, const int32_t **ret)
{
    struct kafka *kafka = source;
    *ret = kafka->waiting;
    return kafka->n_waiting;
}

size_t tw_kafka_source_waiting_in(const void *source, int32_t partition)
{
    const struct kafka *kafka = source;
    return tw_kafka_reader_waiting(kafka->partitions.at[partition].reader);
}

int tw_kafka_source_next_of(void *source, int32_t partition, struct tw_source_item *ret)
{
    struct kafka *kafka = source;
    return tw_kafka_reader_next(kafka->partitions.at[partition].reader, &kafka->look_ahead, ret);
}

static int kafka_next(void *opaque, double timeout_seconds, struct tw_source_item *ret,
                      struct tw_error *error)
{
    struct kafka *kafka = opaque;
    for (;;) {
        for (; kafka->n_waiting; kafka->n_waiting--) {
            int next = tw_kafka_source_next_of(kafka, kafka->waiting[kafka->n_waiting - 1], ret);
            if (next != TW_NEXT_WAIT)
                return next;
        }
        int next = tw_kafka_source_fill(kafka, timeout_seconds, ret, error);
        if (next != TW_NEXT_RECORD)
            return next;
    }
}

void tw_kafka_source_look_ahead(void *source, tw_kafka_ahead *ahead, tw_kafka_near *near,
                                void *closure)
{
    struct kafka *kafka = source;
    kafka->look_ahead = (struct tw_kafka_look_ahead){ahead, near, closure};
}

/* ---- open and close ---- */

/* They are librdkafka's, which is closed next. */
static void drop_messages(struct kafka *kafka)
{
    for (int32_t i = 0; i < kafka->partitions.n; i++) {
        tw_kafka_reader_free(kafka->partitions.at[i].reader);
        kafka->partitions.at[i].reader = NULL;
    }
    kafka->n_waiting = 0;
}

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
    drop_messages(kafka);
    bool is_gone = !kafka->client || tw_kafka_close_client(kafka);
    tw_kafka_partitions_release(&kafka->partitions);
    free(kafka->waiting);
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
    if (lag >= 0 && partition < kafka->partitions.n && kafka->partitions.at[partition].reader)
        lag += (int64_t)tw_kafka_reader_waiting(kafka->partitions.at[partition].reader);
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
