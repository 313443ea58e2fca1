/* A producer that answers for every snapshot, and a consumer that is assigned what is restored. */
#include "agent/state_kafka.h"

#include "agent/topics.h"

#include "advisories/acknowledged.h"
#include "sources/kafka_nudge.h"
#include "telemetry/clock.h"
#include "telemetry/kafka_destroy.h"
#include "telemetry/kafka_new.h"
#include "telemetry/kafka_trouble.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long one question about a partition may take, of several. */
#define QUERY_SECONDS 2
#define PLACE_HEADER "place"
#define BATCH 64
/* A broker says within a poll or two that there is no such topic any more. */
#define POLL_MS 100
/* librdkafka's own, and the least that it comes down to where the topic takes less. */
#define BATCH_BYTES 1000000
#define BATCH_BYTES_MIN 4000

struct tw_state_topic {
    rd_kafka_t *producer, *consumer;
    rd_kafka_topic_t *known; /* by the producer: the first snapshot waits for no leader */
    char name[256];
    struct tw_state_topic_options options;
    int batch_bytes;
    struct tw_acknowledged snapshots;
    struct tw_refused_snapshot *refused; /* not settled yet, the oldest first */
    size_t n_refused, room_refused;
    int failures; /* snapshots that were not delivered */
    char failure[200];
};

/* ---- the clients ---- */

/* False: out of memory. */
static bool note_refused(struct tw_state_topic *topic, const rd_kafka_message_t *message)
{
    if (topic->n_refused == topic->room_refused) {
        size_t room = topic->room_refused ? 2 * topic->room_refused : 16;
        struct tw_refused_snapshot *grown = realloc(topic->refused, room * sizeof *grown);
        if (!grown)
            return false;
        topic->refused = grown;
        topic->room_refused = room;
    }
    struct tw_refused_snapshot *refused = &topic->refused[topic->n_refused++];
    *refused = (struct tw_refused_snapshot){.partition = message->partition,
                                            .number = (uint64_t)(uintptr_t)message->_private,
                                            .size = message->len};
    snprintf(refused->run, sizeof refused->run, "%.*s", (int)message->key_len,
             (const char *)message->key);
    return true;
}

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *closure)
{
    struct tw_state_topic *topic = closure;
    (void)producer;
    if (!message->err) {
        tw_acknowledged_note(&topic->snapshots, (uint64_t)(uintptr_t)message->_private);
        return;
    }
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && note_refused(topic, message))
        return;
    const char *remedy = tw_kafka_remedy(message->err, NULL);
    if (!topic->failures++)
        snprintf(topic->failure, sizeof topic->failure, "%s%s%s", rd_kafka_err2str(message->err),
                 remedy ? "; " : "", remedy ? remedy : "");
}

static int open_producer(struct tw_state_topic *topic, struct tw_error *error)
{
    const struct tw_state_topic_options *options = &topic->options;
    char timeout[24], batch[24];
    snprintf(timeout, sizeof timeout, "%.0f", options->timeout_seconds * 1000);
    snprintf(batch, sizeof batch, "%d", topic->batch_bytes);
    const struct tw_kafka_setting defaults[] = {{"linger.ms", "20"},
                                                {"compression.codec", "lz4"},
                                                {"message.max.bytes", "8000000"},
                                                {"batch.size", batch},
                                                {"queue.buffering.max.kbytes", "32768"},
                                                {NULL, NULL}};
    const struct tw_kafka_setting fixed[] = {
        TW_KAFKA_SAFE_PRODUCER, {"message.timeout.ms", timeout}, {NULL, NULL}};
    const struct tw_kafka_settings settings = {options->brokers, defaults, options->properties,
                                               fixed, true};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, topic);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    int result = tw_kafka_new(&topic->producer, RD_KAFKA_PRODUCER, conf, &settings, error);
    if (!result)
        topic->known = rd_kafka_topic_new(topic->producer, topic->name, NULL);
    return result;
}

static void close_producer(rd_kafka_t *producer, rd_kafka_topic_t *known)
{
    if (!producer)
        return;
    /* What was not acknowledged was never promised. */
    rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(producer, 0);
    if (known)
        rd_kafka_topic_destroy(known);
    tw_kafka_destroy(producer, 0);
}

static int open_consumer(struct tw_state_topic *topic, const struct tw_state_topic_options *options,
                         struct tw_error *error)
{
    /* An empty partition is told as soon as it is asked. */
    static const struct tw_kafka_setting defaults[] = {
        {"fetch.wait.max.ms", "10"}, {"queued.max.messages.kbytes", "16384"}, {NULL, NULL}};
    static const struct tw_kafka_setting fixed[] = {
        {"group.id", "trainward-state"},       {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"}, {"enable.partition.eof", "true"},
        {"auto.offset.reset", "earliest"},     {NULL, NULL}};
    const struct tw_kafka_settings settings = {options->brokers, defaults, options->properties,
                                               fixed, true};
    int result =
        tw_kafka_new(&topic->consumer, RD_KAFKA_CONSUMER, rd_kafka_conf_new(), &settings, error);
    if (!result)
        rd_kafka_poll_set_consumer(topic->consumer);
    return result;
}

static int check_partitions(struct tw_state_topic *topic, int32_t partitions,
                            struct tw_error *error)
{
    /* The consumer asks, so that it knows the leaders when it is assigned partitions: else it waits
     * a second. */
    int32_t found = 0;
    rd_kafka_resp_err_t err = tw_kafka_ask_partitions(topic->consumer, topic->name, 10000, &found);
    if (err)
        return tw_error_at(error, -EHOSTUNREACH, topic->name, 0, 0, "cannot be read: %s",
                           rd_kafka_err2str(err));
    if (found == 0)
        return tw_error_at(error, -ENOENT, topic->name, 0, 0,
                           "the topic is missing; 'trainward setup kafka' creates it");
    if (found != partitions)
        return tw_error_at(error, -EINVAL, topic->name, 0, 0,
                           "has %d partitions but the telemetry has %d; both need the same number",
                           (int)found, (int)partitions);
    return 0;
}

int tw_state_topic_open(struct tw_state_topic **ret, const struct tw_state_topic_options *options,
                        struct tw_error *error)
{
    struct tw_state_topic *topic = calloc(1, sizeof *topic);
    if (!topic)
        return tw_error_set(error, -ENOMEM, "out of memory");
    tw_topic_name(topic->name, sizeof topic->name, options->prefix, "state");
    topic->options = *options;
    topic->batch_bytes = BATCH_BYTES;
    int result = open_producer(topic, error);
    if (!result)
        result = open_consumer(topic, options, error);
    if (!result)
        result = check_partitions(topic, options->partitions, error);
    if (result) {
        tw_state_topic_close(topic);
        return result;
    }
    *ret = topic;
    return 0;
}

void tw_state_topic_close(struct tw_state_topic *topic)
{
    if (!topic)
        return;
    close_producer(topic->producer, topic->known);
    if (topic->consumer)
        tw_kafka_destroy(topic->consumer, 0);
    tw_acknowledged_release(&topic->snapshots);
    free(topic->refused);
    free(topic);
}

const char *tw_state_topic_name(const struct tw_state_topic *topic)
{
    return topic->name;
}

int tw_state_topic_narrow(struct tw_state_topic *topic, struct tw_error *error)
{
    rd_kafka_t *producer = topic->producer;
    rd_kafka_topic_t *known = topic->known;
    if (topic->batch_bytes <= BATCH_BYTES_MIN)
        return 0;
    topic->batch_bytes /= 4;
    int result = open_producer(topic, error);
    if (result) {
        topic->producer = producer;
        topic->known = known;
        return result;
    }
    close_producer(producer, known);
    return 0;
}

/* ---- writing ---- */

static rd_kafka_resp_err_t send_one(struct tw_state_topic *topic, const char *run,
                                    int32_t partition, const struct tw_state_place *place,
                                    void *data, size_t size)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    rd_kafka_header_add(headers, PLACE_HEADER, -1, place, sizeof *place);
    rd_kafka_resp_err_t err = rd_kafka_producev(
        topic->producer, RD_KAFKA_V_TOPIC(topic->name), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY(run, strlen(run)), RD_KAFKA_V_VALUE(data, size), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_OPAQUE((void *)(uintptr_t)(topic->snapshots.sent + 1)),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_FREE), RD_KAFKA_V_END);
    if (err)
        rd_kafka_headers_destroy(headers);
    return err;
}

int tw_state_topic_put(struct tw_state_topic *topic, const char *run, int32_t partition,
                       const struct tw_state_place *place, void *data, size_t size,
                       struct tw_error *error)
{
    if (tw_acknowledged_reserve(&topic->snapshots)) {
        free(data);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    rd_kafka_resp_err_t err = send_one(topic, run, partition, place, data, size);
    if (!err) {
        topic->snapshots.sent++;
        return 0;
    }
    free(data);
    if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return tw_error_at(error, -EMSGSIZE, run, 0, 0,
                           "its state of %zu bytes is too large to be saved", size);
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return -EAGAIN;
    return tw_error_at(error, -EIO, topic->name, 0, 0, "cannot save state: %s",
                       rd_kafka_err2str(err));
}

int tw_state_topic_begin(struct tw_state_topic *topic, int32_t partition, struct tw_error *error)
{
    static const struct tw_state_place nowhere = {.first_offset = -1};
    return tw_state_topic_put(topic, "", partition, &nowhere, NULL, 0, error);
}

uint64_t tw_state_topic_sent(const struct tw_state_topic *topic)
{
    return topic->snapshots.sent;
}

int tw_state_topic_durable(struct tw_state_topic *topic, uint64_t *ret, struct tw_error *error)
{
    rd_kafka_poll(topic->producer, 0);
    *ret = topic->snapshots.safe;
    if (!topic->failures)
        return 0;
    return tw_error_at(error, -EIO, topic->name, 0, 0, "cannot save state: %s", topic->failure);
}

int tw_state_topic_flush(struct tw_state_topic *topic, double timeout_seconds,
                         struct tw_error *error)
{
    uint64_t durable;
    rd_kafka_resp_err_t err = rd_kafka_flush(topic->producer, (int)(timeout_seconds * 1000));
    int result = tw_state_topic_durable(topic, &durable, error);
    if (!result && err)
        result = tw_error_at(error, -ETIMEDOUT, topic->name, 0, 0, "state is not saved yet: %s",
                             rd_kafka_err2str(err));
    return result;
}

const struct tw_refused_snapshot *tw_state_topic_refused(const struct tw_state_topic *topic,
                                                         size_t index)
{
    return index < topic->n_refused ? &topic->refused[index] : NULL;
}

void tw_state_topic_settle(struct tw_state_topic *topic, uint64_t number)
{
    for (size_t i = 0; i < topic->n_refused; i++) {
        if (topic->refused[i].number != number)
            continue;
        topic->n_refused--;
        memmove(&topic->refused[i], &topic->refused[i + 1],
                (topic->n_refused - i) * sizeof *topic->refused);
        tw_acknowledged_note(&topic->snapshots, number);
        return;
    }
}

/* ---- reading ---- */

struct reading {
    struct tw_state_topic *topic;
    tw_state_topic_visit *visit;
    void *closure;
    rd_kafka_topic_partition_list_t *unfinished; /* partitions whose end has not been seen */
    char reason[200];                            /* why it may have become silent */
    bool is_missing;
};

static bool find_place(const rd_kafka_message_t *message, struct tw_state_place *ret)
{
    rd_kafka_headers_t *headers;
    const void *bytes;
    size_t size;
    if (rd_kafka_message_headers(message, &headers) ||
        rd_kafka_header_get_last(headers, PLACE_HEADER, &bytes, &size) || size != sizeof *ret)
        return false;
    memcpy(ret, bytes, size);
    return true;
}

static int give(struct reading *reading, const rd_kafka_message_t *message, struct tw_error *error)
{
    struct tw_state_place place;
    char run[256];
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        /* It comes again when more is written: an agent may write that has lost the partition. */
        rd_kafka_topic_partition_list_del(reading->unfinished, reading->topic->name,
                                          message->partition);
        return 0;
    }
    if (message->err) {
        snprintf(reading->reason, sizeof reading->reason, "%s", rd_kafka_message_errstr(message));
        reading->is_missing |= message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                               message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
        return 0;
    }
    if (!message->key || message->key_len == 0 || message->key_len >= sizeof run)
        return 0;
    memcpy(run, message->key, message->key_len);
    run[message->key_len] = '\0';
    return reading->visit(reading->closure, message->partition, run,
                          find_place(message, &place) ? &place : NULL, message->payload,
                          message->len, error);
}

static int give_all(struct reading *reading, rd_kafka_message_t **messages, ssize_t n,
                    struct tw_error *error)
{
    int result = 0;
    for (ssize_t i = 0; i < n; i++) {
        if (!result)
            result = give(reading, messages[i], error);
        rd_kafka_message_destroy(messages[i]);
    }
    return result;
}

static int read_to_ends(struct reading *reading, double timeout_seconds, struct tw_error *error)
{
    /* However much there is to read: only silence is waited for so long. */
    double deadline = tw_now_seconds() + timeout_seconds;
    rd_kafka_message_t *messages[BATCH];
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(reading->topic->consumer);
    struct tw_kafka_nudge *nudge = tw_kafka_nudge_start(reading->topic->consumer);
    int result = 0;
    while (!result && reading->unfinished->cnt && !reading->is_missing &&
           tw_now_seconds() < deadline) {
        messages[0] = rd_kafka_consumer_poll(reading->topic->consumer, POLL_MS);
        ssize_t n = messages[0] ? 1 : 0;
        ssize_t more = n ? rd_kafka_consume_batch_queue(queue, 0, messages + 1, BATCH - 1) : 0;
        n += more > 0 ? more : 0;
        if (n)
            deadline = tw_now_seconds() + timeout_seconds;
        tw_kafka_nudge_look(nudge, rd_kafka_queue_length(queue));
        result = give_all(reading, messages, n, error);
    }
    tw_kafka_nudge_stop(nudge);
    rd_kafka_queue_destroy(queue);
    return result;
}

/* Makes the client look who leads now. */
static void refresh_leaders(struct tw_state_topic *topic)
{
    const struct rd_kafka_metadata *metadata;
    if (!rd_kafka_metadata(topic->consumer, 1, NULL, &metadata, 1000 * QUERY_SECONDS))
        rd_kafka_metadata_destroy(metadata);
}

/* Leaders that move, or are new, are told by an error that goes by itself; one that has died just
 * now is asked for as long as librdkafka may. */
static rd_kafka_resp_err_t query(struct tw_state_topic *topic,
                                 rd_kafka_topic_partition_list_t *list, int64_t which,
                                 double deadline)
{
    for (;;) {
        for (int i = 0; i < list->cnt; i++)
            list->elems[i].offset = which; /* ListOffsets takes the ends for times */
        double left = deadline - tw_now_seconds();
        double now = left < QUERY_SECONDS ? left : QUERY_SECONDS;
        rd_kafka_resp_err_t err =
            rd_kafka_offsets_for_times(topic->consumer, list, now > 0 ? (int)(now * 1000) : 0);
        for (int i = 0; i < list->cnt && !err; i++)
            err = list->elems[i].err;
        if (!err || left <= 0)
            return err;
        refresh_leaders(topic);
        struct timespec pause = {0, (long)POLL_MS * 1000000};
        nanosleep(&pause, NULL);
    }
}

/* Where the partitions begin; without those that are empty. An offset that librdkafka has to ask
 * for itself costs half a second. NULL: `error` is set. */
static rd_kafka_topic_partition_list_t *starts_of(struct tw_state_topic *topic,
                                                  const int32_t *partitions, size_t n,
                                                  bool *ret_is_new, double timeout_seconds,
                                                  struct tw_error *error)
{
    double deadline = tw_now_seconds() + timeout_seconds;
    rd_kafka_topic_partition_list_t *lists[2];
    rd_kafka_resp_err_t err = 0;
    for (int k = 0; k < 2; k++) {
        lists[k] = rd_kafka_topic_partition_list_new((int)n);
        for (size_t i = 0; i < n; i++)
            rd_kafka_topic_partition_list_add(lists[k], topic->name, partitions[i]);
        if (!err)
            err = query(topic, lists[k], k ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING,
                        deadline);
    }
    rd_kafka_topic_partition_list_t *starts = rd_kafka_topic_partition_list_new((int)n);
    for (int i = 0; i < lists[0]->cnt && !err; i++) {
        const rd_kafka_topic_partition_t *from = &lists[0]->elems[i], *to = &lists[1]->elems[i];
        ret_is_new[i] = to->offset == 0; /* compaction leaves the end where it is */
        if (from->offset < to->offset)
            rd_kafka_topic_partition_list_add(starts, topic->name, from->partition)->offset =
                from->offset;
    }
    rd_kafka_topic_partition_list_destroy(lists[0]);
    rd_kafka_topic_partition_list_destroy(lists[1]);
    if (!err)
        return starts;
    rd_kafka_topic_partition_list_destroy(starts);
    tw_error_at(error, -EIO, topic->name, 0, 0, "cannot restore state: %s", rd_kafka_err2str(err));
    return NULL;
}

int tw_state_topic_read(struct tw_state_topic *topic, const int32_t *partitions, size_t n,
                        bool *ret_is_new, double timeout_seconds, tw_state_topic_visit *visit,
                        void *closure, struct tw_error *error)
{
    rd_kafka_topic_partition_list_t *starts =
        starts_of(topic, partitions, n, ret_is_new, timeout_seconds, error);
    if (!starts)
        return -EIO;
    struct reading reading = {.topic = topic,
                              .visit = visit,
                              .closure = closure,
                              .unfinished = starts,
                              .reason = "no answer"};
    if (starts->cnt)
        rd_kafka_assign(topic->consumer, starts); /* takes a copy */
    int result = read_to_ends(&reading, timeout_seconds, error);
    rd_kafka_assign(topic->consumer, NULL);
    if (!result && starts->cnt)
        result =
            tw_error_at(error, -EIO, topic->name, 0, 0, "cannot restore state: %s", reading.reason);
    rd_kafka_topic_partition_list_destroy(starts);
    return result;
}
