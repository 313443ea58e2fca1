/* The source "kafka": one consumer of a group.
 *
 * librdkafka tells of partitions that come and go in a callback. We only note it there: next()
 * hands each partition to the agent, which restores or saves what belongs to it, and the call after
 * that tells librdkafka that we are ready. Nothing else is polled in between, so no message of a
 * partition can come before its state or after it is given away. */
#include "sources/kafka.h"

#include "sources/kafka_client.h"
#include "sources/kafka_partitions.h"

#include "telemetry/clock.h"
#include "telemetry/kafka_destroy.h"
#include "telemetry/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long giving a partition back, or closing, waits for the last offsets to be committed. What is
 * not committed is read again: nothing is lost by it. */
#define COMMIT_SECONDS 5.0
#define COMMIT_RETRY_SECONDS 1.0
#define CLOSE_SECONDS 5.0

/* Messages that are taken from librdkafka's queue at once, and how many before its turn one is
 * looked at: far enough for a fetch from memory or two, near enough to be still in the caches. */
#define BATCH 256
#define FAR 16
#define NEAR 8

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
    struct tw_kafka_partitions partitions;

    rd_kafka_queue_t *commits; /* answers to commits */
    bool commit_under_way;
    double next_commit;

    rd_kafka_queue_t *queue; /* the consumer's own */
    rd_kafka_message_t *batch[BATCH];
    size_t n_batch, next_batch;
    uint64_t told[BATCH]; /* by look-ahead */
    tw_kafka_ahead *ahead;
    tw_kafka_near *near;
    void *ahead_closure;

    rd_kafka_message_t *message; /* the one whose records are being given out */
    size_t at;                   /* bytes of it that are dealt with */
    uint32_t index;              /* records of it that are dealt with */
    struct tw_record record;
};

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

static void note(struct kafka *kafka, const char *what, const char *why)
{
    char text[256];
    snprintf(text, sizeof text, "%s: %s", what, why);
    tw_kafka_news_set(&kafka->news, text);
}

/* Takes `error`, which may be NULL. */
static void note_error(struct kafka *kafka, const char *what, rd_kafka_error_t *error)
{
    if (!error)
        return;
    note(kafka, what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

/* ---- commits ---- */

/* An offset that was refused is committed again, unless a newer one waits already. */
static void take_answer(struct kafka *kafka, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    rd_kafka_resp_err_t whole = rd_kafka_event_error(event);
    kafka->commit_under_way = false;
    for (int i = 0; list && i < list->cnt; i++) {
        rd_kafka_resp_err_t err = list->elems[i].err ? list->elems[i].err : whole;
        struct tw_kafka_partition *partition =
            tw_kafka_partition_at(&kafka->partitions, list->elems[i].partition);
        if (!err || !partition || partition->commit < 0)
            continue;
        partition->is_dirty = true;
        kafka->next_commit = tw_now_seconds() + COMMIT_RETRY_SECONDS;
        note(kafka, "cannot commit offsets", rd_kafka_err2str(err));
    }
}

static void send_commit(struct kafka *kafka)
{
    if (kafka->commit_under_way || tw_now_seconds() < kafka->next_commit)
        return;
    rd_kafka_topic_partition_list_t *list =
        tw_kafka_partitions_take_dirty(&kafka->partitions, kafka->config->topic);
    if (!list)
        return;
    rd_kafka_resp_err_t err =
        rd_kafka_commit_queue(kafka->client, list, kafka->commits, NULL, NULL);
    if (err)
        note(kafka, "cannot commit offsets", rd_kafka_err2str(err));
    kafka->commit_under_way = !err;
    rd_kafka_topic_partition_list_destroy(list);
}

/* Takes an answer that is there within `seconds`, and sends what waits. */
static void serve_commits(struct kafka *kafka, double seconds)
{
    if (kafka->commit_under_way) {
        rd_kafka_event_t *event =
            rd_kafka_queue_poll(kafka->commits, seconds > 0 ? (int)(seconds * 1000) : 0);
        if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT)
            take_answer(kafka, event);
        if (event)
            rd_kafka_event_destroy(event);
    }
    send_commit(kafka);
}

/* Waits until everything is committed, for a while. */
static void settle_commits(struct kafka *kafka)
{
    double deadline = tw_now_seconds() + COMMIT_SECONDS, left = COMMIT_SECONDS;
    kafka->next_commit = 0;
    serve_commits(kafka, 0);
    /* One refusal is final here: the partition is no longer ours to commit. */
    while (kafka->commit_under_way && (left = deadline - tw_now_seconds()) > 0)
        serve_commits(kafka, left);
}

static int kafka_commit(void *opaque, const struct tw_position *position, struct tw_error *error)
{
    struct kafka *kafka = opaque;
    struct tw_kafka_partition *partition =
        tw_kafka_partition_at(&kafka->partitions, position->partition);
    if (!partition)
        return tw_error_set(error, -EINVAL, "there is no partition %d", (int)position->partition);
    if (position->offset < 0 || partition->commit == position->offset)
        return 0;
    /* While records of a message are left, its own offset: it is then read again. */
    partition->commit = position->offset;
    partition->is_dirty = true;
    send_commit(kafka);
    return 0;
}

/* ---- partitions come and go ---- */

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t err,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct kafka *kafka = opaque;
    bool is_assignment = err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    if (!is_assignment && err != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        note(kafka, "rebalance", rd_kafka_err2str(err));
        rd_kafka_assign(client, NULL);
        return;
    }
    kafka->was_assigned |= is_assignment;
    struct rebalance *rebalance = kafka->is_closing ? NULL : calloc(1, sizeof *rebalance);
    if (!rebalance) { /* nobody is there to be told; librdkafka waits for an answer all the same */
        kafka->has_failed = true;
        note_error(kafka, "rebalance",
                   is_assignment ? rd_kafka_incremental_assign(client, partitions)
                                 : rd_kafka_incremental_unassign(client, partitions));
        return;
    }
    rebalance->is_assignment = is_assignment;
    rebalance->is_lost = !is_assignment && rd_kafka_assignment_lost(client);
    rebalance->partitions = rd_kafka_topic_partition_list_copy(partitions);
    struct rebalance **end = &kafka->rebalances;
    while (*end)
        end = &(*end)->next;
    *end = rebalance;
    rd_kafka_yield(client);
}

static void finish_assignment(struct kafka *kafka, struct rebalance *rebalance)
{
    for (int i = 0; i < rebalance->partitions->cnt; i++) {
        rd_kafka_topic_partition_t *at = &rebalance->partitions->elems[i];
        struct tw_kafka_partition *partition =
            tw_kafka_partition_at(&kafka->partitions, at->partition);
        at->offset = partition ? partition->start : RD_KAFKA_OFFSET_STORED;
    }
    note_error(kafka, "taking partitions",
               rd_kafka_incremental_assign(kafka->client, rebalance->partitions));
}

static void finish_revocation(struct kafka *kafka, struct rebalance *rebalance)
{
    if (!rebalance->is_lost)
        settle_commits(kafka);
    for (int i = 0; i < rebalance->partitions->cnt; i++) {
        struct tw_kafka_partition *partition =
            tw_kafka_partition_at(&kafka->partitions, rebalance->partitions->elems[i].partition);
        if (partition)
            tw_kafka_partition_reset(partition);
    }
    note_error(kafka, "giving partitions back",
               rd_kafka_incremental_unassign(kafka->client, rebalance->partitions));
}

static void finish_rebalance(struct kafka *kafka)
{
    struct rebalance *rebalance = kafka->rebalances;
    if (rebalance->is_assignment)
        finish_assignment(kafka, rebalance);
    else
        finish_revocation(kafka, rebalance);
    kafka->rebalances = rebalance->next;
    rd_kafka_topic_partition_list_destroy(rebalance->partitions);
    free(rebalance);
}

/* True with the next partition that comes or goes. */
static bool tell_rebalance(struct kafka *kafka, struct tw_source_item *ret, int *ret_next)
{
    while (kafka->rebalances) {
        struct rebalance *rebalance = kafka->rebalances;
        if (rebalance->told == rebalance->partitions->cnt) {
            finish_rebalance(kafka);
            continue;
        }
        int32_t number = rebalance->partitions->elems[rebalance->told++].partition;
        struct tw_kafka_partition *partition = tw_kafka_partition_at(&kafka->partitions, number);
        if (rebalance->is_assignment && partition) {
            tw_kafka_partition_reset(partition);
            partition->is_ours = true;
        }
        ret->position = (struct tw_position){.partition = number, .offset = -1};
        ret->is_lost = rebalance->is_lost;
        ret->is_last = rebalance->told == rebalance->partitions->cnt;
        *ret_next = rebalance->is_assignment ? TW_NEXT_ASSIGNED : TW_NEXT_REVOKED;
        return true;
    }
    return false;
}

static int kafka_start(void *opaque, const struct tw_position *position, struct tw_error *error)
{
    struct kafka *kafka = opaque;
    struct rebalance *rebalance = kafka->rebalances;
    bool is_assigning = false;
    for (int i = 0; rebalance && rebalance->is_assignment && i < rebalance->told; i++)
        is_assigning |= rebalance->partitions->elems[i].partition == position->partition;
    struct tw_kafka_partition *partition =
        is_assigning ? tw_kafka_partition_at(&kafka->partitions, position->partition) : NULL;
    if (!partition)
        return tw_error_set(error, -EINVAL, "partition %d is not being assigned",
                            (int)position->partition);
    if (position->offset < 0)
        return 0;
    partition->start = position->offset;
    partition->skip_offset = position->index ? position->offset : -1;
    partition->skip_records = position->index;
    return 0;
}

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

static int give_broken(struct kafka *kafka, const struct tw_error *why, struct tw_source_item *ret)
{
    const rd_kafka_message_t *message = kafka->message;
    snprintf(ret->reason, sizeof ret->reason, "%.180s",
             why->text[0] ? why->text : "these bytes are no record");
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
        struct tw_error why = {0};
        int result =
            tw_message_next(message->payload, message->len, &kafka->at, &kafka->record, &why);
        if (result < 0)
            return give_broken(kafka, &why, ret);
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
    ssize_t more = rd_kafka_consume_batch_queue(kafka->queue, 0, kafka->batch + 1, BATCH - 1);
    kafka->n_batch = 1 + (more > 0 ? (size_t)more : 0);
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
        serve_commits(kafka, 0);
        if (tell_rebalance(kafka, ret, &next))
            return next;
        double left = timeout_seconds > 0 ? deadline - tw_now_seconds() : 0;
        take_batch(kafka, left);
        if ((next = next_of_batch(kafka, ret, error)) != TW_NEXT_WAIT)
            return next;
        if (left <= 0 && !kafka->rebalances)
            return TW_NEXT_WAIT;
    }
}

/* ---- what the agent asks ---- */

static rd_kafka_resp_err_t ask_offsets(struct kafka *kafka, rd_kafka_topic_partition_list_t *list,
                                       int64_t which, double seconds)
{
    int wait_ms = seconds > 0 ? (int)(seconds * 1000) : 0;
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = which; /* ListOffsets takes the two ends for times */
    rd_kafka_resp_err_t err = which == RD_KAFKA_OFFSET_STORED
                                  ? rd_kafka_committed(kafka->client, list, wait_ms)
                                  : rd_kafka_offsets_for_times(kafka->client, list, wait_ms);
    for (int i = 0; i < list->cnt && !err; i++)
        err = list->elems[i].err;
    return err;
}

/* Leaders that move are told by an error that goes by itself. */
static int query_offsets(struct kafka *kafka, rd_kafka_topic_partition_list_t *list, int64_t which,
                         double seconds, struct tw_error *error)
{
    double deadline = tw_now_seconds() + seconds;
    rd_kafka_resp_err_t err;
    while ((err = ask_offsets(kafka, list, which, deadline - tw_now_seconds())) &&
           tw_now_seconds() < deadline) {
        struct timespec pause = {0, 100000000};
        nanosleep(&pause, NULL);
    }
    if (err)
        return tw_error_at(error, -EIO, kafka->config->topic, 0, 0, "cannot ask for offsets: %s",
                           rd_kafka_err2str(err));
    return 0;
}

int tw_kafka_source_ranges(void *source, struct tw_kafka_range *ranges, size_t n, double seconds,
                           struct tw_error *error)
{
    struct kafka *kafka = source;
    static const int64_t which[] = {RD_KAFKA_OFFSET_BEGINNING, RD_KAFKA_OFFSET_END,
                                    RD_KAFKA_OFFSET_STORED};
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    int result = 0;
    for (size_t i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, kafka->config->topic, ranges[i].partition);
    for (size_t k = 0; k < 3 && !result; k++) {
        result = query_offsets(kafka, list, which[k], seconds, error);
        for (size_t i = 0; i < n && !result; i++) {
            int64_t offset = list->elems[i].offset;
            *(k == 0   ? &ranges[i].low
              : k == 1 ? &ranges[i].high
                       : &ranges[i].committed) = offset < 0 ? -1 : offset;
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    for (size_t i = 0; i < n && !result; i++) {
        struct tw_kafka_partition *partition =
            tw_kafka_partition_at(&kafka->partitions, ranges[i].partition);
        if (partition)
            partition->commit = ranges[i].committed;
    }
    return result;
}

/* All that is committed, or the start where nothing is: committing it anew changes nothing. */
static rd_kafka_topic_partition_list_t *committed_offsets(struct kafka *kafka)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(kafka->partitions.n + 1);
    for (int32_t i = 0; i < kafka->partitions.n; i++) {
        const struct tw_kafka_partition *partition = &kafka->partitions.at[i];
        if (partition->is_ours && partition->commit >= 0)
            rd_kafka_topic_partition_list_add(list, kafka->config->topic, i)->offset =
                partition->commit;
    }
    return list;
}

static rd_kafka_resp_err_t commit_now(struct kafka *kafka,
                                      const rd_kafka_topic_partition_list_t *list, double seconds)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->client);
    rd_kafka_resp_err_t err = rd_kafka_commit_queue(kafka->client, list, queue, NULL, NULL);
    rd_kafka_event_t *event = err ? NULL : rd_kafka_queue_poll(queue, (int)(seconds * 1000));
    if (!err)
        err = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    const rd_kafka_topic_partition_list_t *told =
        event ? rd_kafka_event_topic_partition_list(event) : NULL;
    for (int i = 0; told && i < told->cnt && !err; i++)
        err = told->elems[i].err;
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    return err;
}

int tw_kafka_source_confirm(void *source, double seconds, struct tw_error *error)
{
    struct kafka *kafka = source;
    rd_kafka_topic_partition_list_t *list = committed_offsets(kafka);
    rd_kafka_resp_err_t err = list->cnt ? commit_now(kafka, list, seconds) : 0;
    rd_kafka_topic_partition_list_destroy(list);
    if (err == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
        return -EAGAIN;
    if (err || rd_kafka_assignment_lost(kafka->client))
        return tw_error_at(error, -ESTALE, kafka->config->topic, 0, 0,
                           "the group has taken our partitions away: %s",
                           err ? rd_kafka_err2str(err) : "the assignment is lost");
    return 0;
}

int tw_kafka_source_set_back(void *source, const struct tw_position *position, double seconds,
                             struct tw_error *error)
{
    struct kafka *kafka = source;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, kafka->config->topic, position->partition)->offset =
        position->offset;
    rd_kafka_resp_err_t err = commit_now(kafka, list, seconds);
    rd_kafka_topic_partition_list_destroy(list);
    if (err)
        return tw_error_at(error, -EIO, kafka->config->topic, 0, 0,
                           "cannot commit an earlier offset: %s", rd_kafka_err2str(err));
    struct tw_kafka_partition *partition =
        tw_kafka_partition_at(&kafka->partitions, position->partition);
    if (partition)
        partition->commit = position->offset;
    return 0;
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

/* A rebalance of the closing consumer; messages that are still in the queue are dropped. */
static void take_closing_event(struct kafka *kafka, rd_kafka_event_t *event)
{
    if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
        on_rebalance(kafka->client, rd_kafka_event_error(event),
                     rd_kafka_event_topic_partition_list(event), kafka);
    if (event)
        rd_kafka_event_destroy(event);
}

/* rd_kafka_consumer_close() with a limit: without a broker it waits for ever for a commit that is
 * under way. (rd_kafka_queue_poll_callback() aborts the process when it meets a message.) */
static void leave_group(struct kafka *kafka)
{
    double deadline = tw_now_seconds() + CLOSE_SECONDS;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->client);
    note_error(kafka, "leaving the group", rd_kafka_consumer_close_queue(kafka->client, queue));
    while (!rd_kafka_consumer_closed(kafka->client) && tw_now_seconds() < deadline)
        take_closing_event(kafka, rd_kafka_queue_poll(queue, 50));
    rd_kafka_queue_destroy(queue);
}

/* Whether a consumer may be destroyed: librdkafka 2.0 aborts the process when one that has joined
 * its group was never told its partitions. That takes no longer than a rebalance, so it is waited
 * for. */
static bool wait_for_assignment(struct kafka *kafka)
{
    double deadline = tw_now_seconds() + CLOSE_SECONDS;
    char *member = rd_kafka_memberid(kafka->client);
    bool has_joined = member && *member;
    if (member)
        rd_kafka_mem_free(kafka->client, member);
    while (has_joined && !kafka->was_assigned && tw_now_seconds() < deadline) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka->client, 50);
        if (message)
            rd_kafka_message_destroy(message);
    }
    return !has_joined || kafka->was_assigned;
}

/* librdkafka does not close while it waits for our word on a rebalance. False: its threads are
 * still there, and with them what they know of us. */
static bool close_client(struct kafka *kafka)
{
    kafka->is_closing = true;
    settle_commits(kafka);
    while (kafka->rebalances)
        finish_rebalance(kafka);
    bool may_be_destroyed = wait_for_assignment(kafka);
    leave_group(kafka);
    rd_kafka_queue_destroy(kafka->commits);
    rd_kafka_queue_destroy(kafka->queue);
    /* What leave_group() did not reach, the brokers find out by session.timeout.ms. */
    if (may_be_destroyed)
        tw_kafka_destroy(kafka->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return may_be_destroyed;
}

static void kafka_close(void *opaque)
{
    struct kafka *kafka = opaque;
    if (!kafka)
        return;
    drop_message(kafka);
    while (kafka->next_batch < kafka->n_batch)
        rd_kafka_message_destroy(kafka->batch[kafka->next_batch++]);
    bool is_gone = !kafka->client || close_client(kafka);
    tw_record_clear(&kafka->record);
    tw_kafka_partitions_release(&kafka->partitions);
    if (!is_gone)
        return;
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
    int result =
        tw_kafka_consumer_new(&kafka->client, kafka->config, on_rebalance, &kafka->news, error);
    if (!result) {
        rd_kafka_poll_set_consumer(kafka->client);
        kafka->commits = rd_kafka_queue_new(kafka->client);
        kafka->queue = rd_kafka_queue_get_consumer(kafka->client);
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

int tw_kafka_source_look(void *source, struct tw_error *error)
{
    struct kafka *kafka = source;
    return tw_kafka_news_look(&kafka->news, kafka->client, kafka->config, error);
}

const struct tw_source tw_source_kafka = {
    .name = "kafka",
    .description = "a Kafka topic, as one consumer of a group",
    .options = kafka_options,
    .n_options = sizeof kafka_options / sizeof *kafka_options,
    .config_size = sizeof(struct tw_kafka_config),
    .open = kafka_open,
    .start = kafka_start,
    .next = kafka_next,
    .commit = kafka_commit,
    .close = kafka_close,
};
