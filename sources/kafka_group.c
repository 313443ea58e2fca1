/* The consumer's place in its group: what it commits, which partitions come and go, and how it
 * leaves.
 *
 * librdkafka tells of partitions that come and go in a callback. We only note it there: next()
 * hands each partition to the agent, which restores or saves what belongs to it, and the call after
 * that tells librdkafka that we are ready. Nothing else is polled in between, so no message of a
 * partition can come before its state or after it is given away. */
#include "sources/kafka_source.h"

#include "telemetry/clock.h"
#include "telemetry/kafka_destroy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How long giving a partition back, or closing, waits for the last offsets to be committed. What is
 * not committed is read again: nothing is lost by it. */
#define COMMIT_SECONDS 5.0
#define COMMIT_RETRY_SECONDS 1.0
#define CLOSE_SECONDS 5.0

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

/* An offset that was refused (all for `whole`, or each for its own error) is committed again,
 * unless a newer one waits already. */
static void commit_again(struct kafka *kafka, const rd_kafka_topic_partition_list_t *list,
                         rd_kafka_resp_err_t whole)
{
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

static void take_answer(struct kafka *kafka, rd_kafka_event_t *event)
{
    kafka->commit_under_way = false;
    commit_again(kafka, rd_kafka_event_topic_partition_list(event), rd_kafka_event_error(event));
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
    kafka->commit_under_way = !err;
    if (err)
        commit_again(kafka, list, err);
    rd_kafka_topic_partition_list_destroy(list);
}

void tw_kafka_serve_commits(struct kafka *kafka, double seconds)
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
    tw_kafka_serve_commits(kafka, 0);
    /* One refusal is final here: the partition is no longer ours to commit. */
    while (kafka->commit_under_way && (left = deadline - tw_now_seconds()) > 0)
        tw_kafka_serve_commits(kafka, left);
}

int tw_kafka_commit(void *opaque, const struct tw_position *position, struct tw_error *error)
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

void tw_kafka_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t err,
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
    kafka->news.listening = 0; /* they have to be read first */
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

bool tw_kafka_tell_rebalance(struct kafka *kafka, struct tw_source_item *ret, int *ret_next)
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

int tw_kafka_start(void *opaque, const struct tw_position *position, struct tw_error *error)
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

/* ---- the end ---- */

/* A rebalance of the closing consumer; messages that are still in the queue are dropped. */
static void take_closing_event(struct kafka *kafka, rd_kafka_event_t *event)
{
    if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
        tw_kafka_on_rebalance(kafka->client, rd_kafka_event_error(event),
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

/* Whether a consumer may be destroyed: librdkafka before 2.3 aborts the process when one that has
 * joined its group was never told its partitions (its issue 4312). That takes no longer than a
 * rebalance, so it is waited for; one that joined, lost its brokers and forgot both cannot be told
 * from one that never joined, and stays. */
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
    return kafka->was_assigned;
}

/* librdkafka does not close while it waits for our word on a rebalance. False: its threads are
 * still there, and with them what they know of us. */
bool tw_kafka_close_client(struct kafka *kafka)
{
    kafka->is_closing = true;
    tw_kafka_nudge_stop(kafka->nudge);
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
