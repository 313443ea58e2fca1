/* Snapshots that the brokers refuse as too large.
 *
 * They refuse a whole batch for one of its messages, or for all of them together. So each run of a
 * refused batch is saved once more, alone: what is refused then is the run's own, and a note takes
 * the place of its snapshot, by which a later life judges it anew from its first message. The run
 * holds nobody up: offsets go on, and what a restart reads again the others pass over. */
#include "agent/feed_kafka.h"

#include "agent/feed_wait.h"
#include "agent/heartbeat.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between two lines of the log about it. */
#define TELL_SECONDS 60.0

/* ---- a run without a snapshot ---- */

/* Fits no snapshot and no note of a retired run: see restore() in feed_kafka_restore.c. */
static const char in_its_place[] = "too large to be saved: judge it anew from its first message";

static void tell(struct tw_kafka_feed *feed, const struct tw_run *run, int32_t partition,
                 const char *why)
{
    const struct tw_logging_fields about = {.source = feed->figures->name,
                                            .run = run->core.id,
                                            .has_partition = true,
                                            .partition = partition};
    if (feed->now < feed->next_tell_refused)
        return;
    feed->next_tell_refused = feed->now + TELL_SECONDS;
    tw_logging_about(
        TW_LOG_WARNING, about,
        "the state of run %s cannot be saved: %s; it is judged on, and a restart judges "
        "it anew from its first record; there are %zu such runs",
        run->core.id, why, tw_refused_states_count(feed->refused));
}

int tw_kafka_feed_refuse(struct tw_kafka_feed *feed, struct tw_shard *shard, struct tw_run *run,
                         int32_t partition, const char *why, struct tw_error *error)
{
    bool is_new;
    const struct tw_state_place place = tw_kafka_feed_place_of(run);
    char *note = malloc(sizeof in_its_place);
    if (!note || tw_refused_states_put(feed->refused, run->core.id, partition, tw_run_bytes(run),
                                       feed->now, &is_new)) {
        free(note);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    memcpy(note, in_its_place, sizeof in_its_place);
    feed->figures->snapshot_failures++;
    if (is_new)
        tell(feed, run, partition, why);
    int result = tw_state_topic_put(feed->store, run->core.id, partition, &place, note,
                                    sizeof in_its_place, error);
    if (!result)
        tw_unsaved_remove(&shard->unsaved, run);
    return result;
}

/* ---- a batch that was refused ---- */

static int flush_store(void *what, double seconds, struct tw_error *error)
{
    return tw_state_topic_flush(what, seconds, error);
}

static int flush(struct tw_kafka_feed *feed, struct tw_error *error)
{
    return tw_feed_wait(feed->services, tw_now_seconds() + TW_FEED_FLUSH_SECONDS, flush_store,
                        feed->store, error);
}

/* What is known now of whatever the message told: a snapshot, a retired run, or nothing. */
static int send_anew(struct tw_kafka_feed *feed, struct tw_shard *shard, const char *id,
                     int32_t partition, struct tw_error *error)
{
    struct tw_run *run = tw_watch_find(shard->watch, id);
    if (run)
        return tw_kafka_feed_save_run(feed, shard, run, partition, error);
    return tw_kafka_feed_send_retired(feed, shard, id, partition, error);
}

static bool is_refused(const struct tw_kafka_feed *feed, uint64_t number)
{
    for (size_t i = 0;; i++) {
        const struct tw_refused_snapshot *refused = tw_state_topic_refused(feed->store, i);
        if (!refused || refused->number == number)
            return refused != NULL;
    }
}

/* Sends it when nothing else is under way; -EMSGSIZE: it is too large by itself. */
static int save_alone(struct tw_kafka_feed *feed, struct tw_shard *shard,
                      const struct tw_refused_snapshot *refused, struct tw_error *error)
{
    int result = flush(feed, error);
    tw_refused_states_retry(feed->refused, refused->run); /* whatever was refused: it is sent */
    if (!result)
        result = send_anew(feed, shard, refused->run, refused->partition, error);
    uint64_t number = tw_state_topic_sent(feed->store);
    if (!result)
        result = flush(feed, error);
    return !result && is_refused(feed, number) ? -EMSGSIZE : result;
}

static int put_note(struct tw_kafka_feed *feed, struct tw_shard *shard,
                    const struct tw_refused_snapshot *refused, struct tw_error *error)
{
    char why[400];
    uint64_t number = tw_state_topic_sent(feed->store);
    struct tw_run *run = tw_watch_find(shard->watch, refused->run);
    snprintf(why, sizeof why, "%s takes no message of %zu bytes (raise its max.message.bytes)",
             tw_state_topic_name(feed->store), refused->size);
    if (!run)
        return tw_error_set(error, -EIO, "a retired run cannot be saved: %s", why);
    int result = tw_kafka_feed_refuse(feed, shard, run, refused->partition, why, error);
    if (!result)
        result = flush(feed, error);
    if (!result && is_refused(feed, tw_state_topic_sent(feed->store)))
        result = tw_error_set(error, -EIO, "%s", why);
    if (!result)
        tw_state_topic_settle(feed->store, number);
    return result;
}

/* A snapshot is never ahead of the documents that it says were told. */
static int settle(struct tw_kafka_feed *feed, const struct tw_refused_snapshot *refused,
                  size_t *ret_too_large, struct tw_error *error)
{
    struct tw_shard *shard = tw_kafka_feed_shard(feed, refused->partition);
    if (!shard)
        return 0; /* its next owner reads on from what is committed */
    tw_heartbeat(5 * TW_FEED_FLUSH_SECONDS + TW_HEARTBEAT_LOOP_SECONDS);
    int result = tw_kafka_feed_check_membership(feed, error);
    if (!result)
        result =
            tw_feed_wait_for_log(feed->services, tw_now_seconds() + TW_FEED_FLUSH_SECONDS, error);
    if (!result)
        result = save_alone(feed, shard, refused, error);
    if (result != -EMSGSIZE)
        return result;
    ++*ret_too_large;
    return put_note(feed, shard, refused, error);
}

int tw_kafka_feed_mind_refused(struct tw_kafka_feed *feed, struct tw_error *error)
{
    const struct tw_refused_snapshot *first;
    size_t n = 0, n_too_large = 0;
    int result = 0;
    for (; !result && (first = tw_state_topic_refused(feed->store, 0)); n++) {
        const struct tw_refused_snapshot refused = *first; /* the list grows meanwhile */
        result = settle(feed, &refused, &n_too_large, error);
        if (!result)
            tw_state_topic_settle(feed->store, refused.number);
    }
    if (!n || n_too_large || result)
        return result;
    /* Each of them fits, and all together did not. */
    result = flush(feed, error);
    return result ? result : tw_state_topic_narrow(feed->store, error);
}

int tw_kafka_feed_flush(struct tw_kafka_feed *feed, double deadline, struct tw_error *error)
{
    int result = tw_feed_wait(feed->services, deadline, flush_store, feed->store, error);
    return result ? result : tw_kafka_feed_mind_refused(feed, error);
}

int tw_kafka_feed_see_durable(struct tw_kafka_feed *feed, struct tw_error *error)
{
    int result = tw_state_topic_durable(feed->store, &feed->durable_snapshots, error);
    if (!result)
        result = tw_kafka_feed_mind_refused(feed, error);
    if (!result)
        result = tw_state_topic_durable(feed->store, &feed->durable_snapshots, error);
    size_t n = result ? 0 : tw_refused_states_saved(feed->refused, feed->durable_snapshots);
    if (n)
        tw_logging_about(TW_LOG_INFO, (struct tw_logging_fields){.source = feed->figures->name},
                         "the state of %zu runs is saved again", n);
    return result;
}
