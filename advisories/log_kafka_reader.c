/* The reading end of the Kafka log: a consumer group for each sink, whose committed offsets are the
 * sink's cursor. */
#include "advisories/log_kafka_reader.h"

#include "advisories/log_kafka_client.h"
#include "telemetry/kafka_destroy.h"
#include "telemetry/kafka_trouble.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sink's batch is smaller; the messages of one are kept until the next read. */
#define BATCH_MAX 1024
/* Pausing drops what was fetched, so that hardly a message comes while idle. */
#define EARLY_MAX 64
/* How long brokers have to take a cursor; the next read comes back to it. */
#define COMMIT_MS 5000

struct reader {
    struct tw_kafka_trouble trouble; /* first: the client's opaque */
    rd_kafka_t *client;
    char topic[256];
    rd_kafka_topic_partition_list_t *read_up_to; /* offsets behind what was read, by partition */
    rd_kafka_message_t *held[BATCH_MAX];         /* what the items point into */
    size_t n_held;
    rd_kafka_message_t *early[EARLY_MAX]; /* came while idle; the next reads begin with them */
    size_t n_early;
    bool is_paused;
    struct reader *next_staying;
};

static void release(rd_kafka_message_t **messages, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        rd_kafka_message_destroy(messages[i]);
    *n = 0;
}

/* Called from rd_kafka_consumer_poll(), so in the reader's thread. */
static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct reader *reader = opaque;
    /* What was read and not committed will be read again, by us or by the next owner; a later
     * commit of it could only set another reader's cursor back. */
    rd_kafka_topic_partition_list_destroy(reader->read_up_to);
    reader->read_up_to = rd_kafka_topic_partition_list_new(4);
    release(reader->early, &reader->n_early);
    reader->is_paused = false;
    rd_kafka_assign(client, code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? partitions : NULL);
}

static void prepare(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}

static int subscribe(struct reader *reader, struct tw_error *error)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, reader->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(reader->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code)
        return tw_error_at(error, -EIO, reader->topic, 0, 0, "cannot subscribe: %s",
                           rd_kafka_err2str(code));
    return 0;
}

int tw_kafka_reader_open(void **ret, const struct tw_log_location *location, const char *name,
                         struct tw_error *error)
{
    char group[384];
    /* A sink's own time-outs bound a delivery well below the interval between two polls. */
    static const struct tw_kafka_setting defaults[] = {{"max.poll.interval.ms", "1800000"},
                                                       {"queued.max.messages.kbytes", "4096"},
                                                       {"session.timeout.ms", "10000"},
                                                       {NULL, NULL}};
    tw_kafka_name(group, sizeof group, location, "sink", name);
    const struct tw_kafka_setting fixed[] = {{"group.id", group},
                                             {"enable.auto.commit", "false"},
                                             {"enable.auto.offset.store", "false"},
                                             {"auto.offset.reset", "earliest"},
                                             {"enable.partition.eof", "false"},
                                             {NULL, NULL}};
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return tw_error_set(error, -ENOMEM, "out of memory");
    tw_kafka_trouble_init(&reader->trouble);
    tw_kafka_name(reader->topic, sizeof reader->topic, location,
                  tw_log_stream_name(location->stream), NULL);
    reader->read_up_to = rd_kafka_topic_partition_list_new(4);
    int result = tw_kafka_client_open(&reader->client, RD_KAFKA_CONSUMER, location, defaults, fixed,
                                      prepare, &reader->trouble, error);
    if (!result) {
        rd_kafka_poll_set_consumer(reader->client);
        result = subscribe(reader, error);
    }
    if (result) {
        tw_kafka_reader_close(reader);
        return result;
    }
    *ret = reader;
    return 0;
}

static void set_paused(struct reader *reader, bool is_paused)
{
    rd_kafka_topic_partition_list_t *assignment;
    if (reader->is_paused == is_paused || rd_kafka_assignment(reader->client, &assignment))
        return;
    if (is_paused)
        rd_kafka_pause_partitions(reader->client, assignment);
    else
        rd_kafka_resume_partitions(reader->client, assignment);
    rd_kafka_topic_partition_list_destroy(assignment);
    reader->is_paused = is_paused;
}

/* Takes a message for good: its bytes are the item's until the next read. */
static void take(struct reader *reader, rd_kafka_message_t *message, struct tw_log_item *item)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    rd_kafka_topic_partition_t *position =
        rd_kafka_topic_partition_list_find(reader->read_up_to, topic, message->partition);
    if (!position)
        position = rd_kafka_topic_partition_list_add(reader->read_up_to, topic, message->partition);
    position->offset = message->offset + 1;
    reader->held[reader->n_held++] = message;
    item->document = message->len ? message->payload : (char *)(uintptr_t) "";
    item->size = message->len;
    snprintf(item->position, sizeof item->position, "partition %" PRId32 " offset %" PRId64,
             message->partition, message->offset);
}

/* An error event of the consumer. All are told; none ends the reader, which the client mends itself
 * as soon as the brokers or the topic are there. */
static int consumer_error(struct reader *reader, rd_kafka_message_t *message,
                          struct tw_error *error)
{
    rd_kafka_resp_err_t code = message->err;
    char why[256];
    snprintf(why, sizeof why, "%s", rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    const char *remedy = tw_kafka_remedy(code, why);
    return tw_error_at(error, -EAGAIN, reader->topic, 0, 0, "cannot read the advisory log: %s%s%s",
                       why, remedy ? "; " : "", remedy ? remedy : "");
}

static rd_kafka_message_t *next_message(struct reader *reader, int wait_ms)
{
    if (!reader->n_early)
        return rd_kafka_consumer_poll(reader->client, wait_ms);
    rd_kafka_message_t *message = reader->early[0];
    reader->n_early--;
    memmove(reader->early, reader->early + 1, reader->n_early * sizeof *reader->early);
    return message;
}

long tw_kafka_reader_read(void *opaque, struct tw_log_item *items, size_t max,
                          double timeout_seconds, struct tw_error *error)
{
    struct reader *reader = opaque;
    int wait_ms = (int)(timeout_seconds * 1000);
    release(reader->held, &reader->n_held);
    set_paused(reader, false);
    for (size_t n = 0; n < max && n < BATCH_MAX; n++) {
        rd_kafka_message_t *message = next_message(reader, n ? 0 : wait_ms);
        if (!message)
            break;
        if (!message->err) {
            take(reader, message, &items[n]);
            continue;
        }
        /* What was read before the error comes first; the error comes back if it stays. */
        int result = consumer_error(reader, message, n ? NULL : error);
        if (!n)
            return result;
        break;
    }
    return (long)reader->n_held;
}

void tw_kafka_reader_idle(void *opaque)
{
    struct reader *reader = opaque;
    if (reader->n_early == EARLY_MAX)
        return;
    set_paused(reader, true);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, 0);
    if (message && message->err)
        rd_kafka_message_destroy(message);
    else if (message)
        reader->early[reader->n_early++] = message;
}

/* rd_kafka_commit() waits for brokers that have become silent as long as they stay so. */
static rd_kafka_resp_err_t commit_in_time(struct reader *reader)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(reader->client);
    rd_kafka_resp_err_t code =
        rd_kafka_commit_queue(reader->client, reader->read_up_to, queue, NULL, NULL);
    rd_kafka_event_t *event = code ? NULL : rd_kafka_queue_poll(queue, COMMIT_MS);
    if (!code)
        code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    const rd_kafka_topic_partition_list_t *told =
        event ? rd_kafka_event_topic_partition_list(event) : NULL;
    for (int i = 0; told && i < told->cnt && !code; i++)
        code = told->elems[i].err;
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    return code;
}

int tw_kafka_reader_commit(void *opaque, struct tw_error *error)
{
    struct reader *reader = opaque;
    if (!reader->read_up_to->cnt)
        return 0;
    rd_kafka_resp_err_t code = commit_in_time(reader);
    if (code)
        return tw_error_at(error, -EAGAIN, reader->topic, 0, 0, "cannot save the cursor: %s",
                           rd_kafka_err2str(code));
    rd_kafka_topic_partition_list_destroy(reader->read_up_to);
    reader->read_up_to = rd_kafka_topic_partition_list_new(4);
    return 0;
}

int64_t tw_kafka_reader_lag(void *opaque)
{
    struct reader *reader = opaque;
    rd_kafka_topic_partition_list_t *assignment;
    int64_t lag = 0, low, high;
    if (rd_kafka_assignment(reader->client, &assignment))
        return -1;
    if (!assignment->cnt || rd_kafka_position(reader->client, assignment))
        lag = -1;
    for (int i = 0; i < assignment->cnt && lag >= 0; i++) {
        const rd_kafka_topic_partition_t *partition = &assignment->elems[i];
        /* The cached ends of the partition: no request to the brokers. */
        if (rd_kafka_get_watermark_offsets(reader->client, partition->topic, partition->partition,
                                           &low, &high) ||
            high < 0)
            lag = -1;
        else if (partition->offset >= 0)
            lag += high - partition->offset;
    }
    rd_kafka_topic_partition_list_destroy(assignment);
    return lag;
}

/* What a client that could not be destroyed in time still uses. Kept in sight: memory that nothing
 * points to is a leak to those who look for such. */
static _Atomic(struct reader *) staying;

void tw_kafka_reader_close(void *opaque)
{
    struct reader *reader = opaque;
    if (!reader)
        return;
    release(reader->held, &reader->n_held);
    release(reader->early, &reader->n_early);
    if (reader->client && !tw_kafka_destroy(reader->client, 0)) {
        reader->next_staying = atomic_exchange(&staying, reader);
        return;
    }
    rd_kafka_topic_partition_list_destroy(reader->read_up_to);
    tw_kafka_trouble_done(&reader->trouble);
    free(reader);
}
