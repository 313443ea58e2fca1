/* Rolling snapshots: runs are saved one by one while records are judged, and the offset follows.
 *
 * A run's snapshot is sent once its advisories are durable. The offset of a partition that may be
 * committed is that of the first record of its longest unsaved run; it is committed once all
 * snapshots that were sent before it was read are durable. */
#include "agent/feed_kafka.h"

#include "agent/feed_wait.h"
#include "agent/heartbeat.h"
#include "agent/logging.h"
#include "agent/snapshot.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <math.h>
#include <time.h>

/* Between two looks at what is due, and at what the log has acknowledged. */
#define LOOK_SECONDS .01
#define LOG_SECONDS .05
/* Of the rate, while there are other things to do. */
#define SPARE_SHARE .1
/* Snapshots sent between two looks at the clock that tells whether we slept. */
#define BURST 64
#define CONFIRM_SECONDS 10.0
/* Between two looks at a full queue. */
#define FULL_QUEUE_SECONDS 1.0
/* After so many intervals dead letters are waited for. */
#define LETTERS_INTERVALS 5

/* ---- are the partitions still ours? ---- */

/* Goes on while the process or the machine is stopped. */
static double awake_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void look_at_clock(struct tw_kafka_feed *feed)
{
    double now = awake_seconds();
    if (feed->awake && now - feed->awake > feed->session_seconds / 2)
        feed->is_doubtful = true;
    feed->awake = now;
}

/* Whoever was stopped for long may have lost its partitions without knowing. Others then have saved
 * newer snapshots, so before one of ours is sent the group is asked. 0: ours. */
int tw_kafka_feed_check_membership(struct tw_kafka_feed *feed, struct tw_error *error)
{
    look_at_clock(feed);
    if (!feed->is_doubtful)
        return 0;
    feed->figures->confirmations++;
    int result = tw_kafka_source_confirm(
        feed->handle, fmin(CONFIRM_SECONDS, tw_feed_patience(feed->services)), error);
    feed->is_doubtful = result != 0;
    return result;
}

/* ---- one run ---- */

void tw_kafka_feed_changed(struct tw_kafka_feed *feed, struct tw_shard *shard, struct tw_run *run,
                           int64_t offset)
{
    tw_unsaved_add(&shard->unsaved, run, offset, feed->now);
}

struct tw_state_place tw_kafka_feed_place_of(const struct tw_run *run)
{
    return (struct tw_state_place){.first_offset = run->first_message - 1,
                                   .offset = run->core.position.offset,
                                   .index = run->core.position.index};
}

int tw_kafka_feed_save_run(struct tw_kafka_feed *feed, struct tw_shard *shard, struct tw_run *run,
                           int32_t partition, struct tw_error *error)
{
    if (run->core.is_retired)
        return tw_kafka_feed_retire(feed, shard, run, partition, error);
    if (tw_refused_states_spare(feed->refused, run->core.id, tw_run_bytes(run), feed->now)) {
        tw_unsaved_remove(&shard->unsaved, run);
        return 0;
    }
    size_t size;
    struct tw_error why = {0};
    const struct tw_state_place place = tw_kafka_feed_place_of(run);
    unsigned char *data = tw_snapshot_save(run, &feed->services->config->settings, &size);
    if (!data)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = tw_state_topic_put(feed->store, run->core.id, partition, &place, data, size, &why);
    if (result == -EMSGSIZE)
        return tw_kafka_feed_refuse(feed, shard, run, partition, why.text, error);
    if (result)
        return result == -EAGAIN ? result : tw_error_set(error, result, "%s", why.text);
    feed->figures->snapshots++;
    feed->figures->snapshot_bytes += size;
    tw_refused_states_sent(feed->refused, run->core.id, tw_state_topic_sent(feed->store));
    tw_unsaved_remove(&shard->unsaved, run);
    return 0;
}

/* ---- what is due ---- */

static void count_budget(struct tw_kafka_feed *feed)
{
    double rate = feed->services->config->checkpoint.snapshots_per_second;
    double most = rate * .1 > 1 ? rate * .1 : 1;
    feed->budget += (feed->now - feed->budgeted) * rate;
    feed->budgeted = feed->now;
    if (feed->budget > most)
        feed->budget = most;
}

struct due {
    double age;   /* runs that have waited so long are saved */
    double least; /* budget that is left for more urgent ones */
};

static struct due what_is_due(const struct tw_kafka_feed *feed, long taken, bool is_busy)
{
    const struct tw_checkpoint_config *config = &feed->services->config->checkpoint;
    struct due due = {config->snapshot_age, 1};
    if (is_busy || config->interval >= config->snapshot_age)
        return due;
    due.age = config->interval;
    /* Those of an age to be saved under load too may use all. */
    due.least = taken ? config->snapshots_per_second * .1 * (1 - SPARE_SHARE) : 1;
    return due;
}

static bool is_due(const struct tw_kafka_feed *feed, const struct tw_run *run,
                   const struct due *due)
{
    double age = feed->now - run->unsaved.since;
    bool is_old = age >= feed->services->config->checkpoint.snapshot_age;
    if (run->unsaved.documents > feed->durable_documents)
        return false;
    return (is_old && feed->budget >= 1) || (age >= due->age && feed->budget >= due->least);
}

static int save_shard(struct tw_kafka_feed *feed, int32_t partition, const struct due *due,
                      struct tw_error *error)
{
    struct tw_shard *shard = &feed->shards[partition];
    int result = 0;
    for (long n = 0; shard->unsaved.first && is_due(feed, shard->unsaved.first, due); n++) {
        if (n % BURST == 0 && (result = tw_kafka_feed_check_membership(feed, error)))
            break;
        if ((result = tw_kafka_feed_save_run(feed, shard, shard->unsaved.first, partition, error)))
            break;
        feed->budget--;
    }
    return result == -EAGAIN ? 0 : result;
}

/* ---- offsets ---- */

/* Everything before it is in a snapshot that was sent, or needs none. */
static int64_t saved_up_to(const struct tw_shard *shard)
{
    return shard->unsaved.first ? shard->unsaved.first->unsaved.offset : shard->next;
}

static int flush_letters(void *what, double seconds, struct tw_error *error)
{
    return tw_dead_letter_topic_flush(what, seconds, error);
}

/* Offsets behind a dead letter wait for it: without a delay, unless letters come so thick that some
 * are always under way. -ETIMEDOUT: not yet. */
static int settle_letters(struct tw_kafka_feed *feed, double deadline, struct tw_error *error)
{
    if (!feed->has_letters)
        return 0;
    int result = tw_feed_wait(feed->services, deadline, flush_letters, feed->dead_letters, error);
    feed->has_letters = result != 0;
    return result;
}

static void note_offsets(struct tw_kafka_feed *feed)
{
    for (size_t i = 0; i < feed->n_ours; i++) {
        struct tw_shard *shard = &feed->shards[feed->ours[i]];
        int64_t offset = saved_up_to(shard);
        if (shard->waiting >= 0 || offset < 0 || offset == shard->committed)
            continue;
        shard->waiting = offset;
        shard->waiting_for = tw_state_topic_sent(feed->store);
    }
}

static void note_checkpoint(struct tw_kafka_feed *feed)
{
    struct tw_figures *figures = tw_metrics_now(feed->services->metrics);
    figures->checkpoints++;
    figures->checkpoint_time = (double)time(NULL);
}

static int commit_offsets(struct tw_kafka_feed *feed, struct tw_error *error)
{
    bool has_committed = false;
    int result = 0;
    for (size_t i = 0; i < feed->n_ours && !result; i++) {
        struct tw_shard *shard = &feed->shards[feed->ours[i]];
        if (shard->waiting < 0 || shard->waiting_for > feed->durable_snapshots)
            continue;
        struct tw_position position = {.partition = feed->ours[i], .offset = shard->waiting};
        result = feed->source->commit(feed->handle, &position, error);
        shard->committed = shard->waiting;
        shard->waiting = -1;
        has_committed = true;
    }
    if (has_committed && !result)
        note_checkpoint(feed);
    return result;
}

/* ---- all the time ---- */

static int look_at_log(struct tw_kafka_feed *feed, struct tw_error *error)
{
    struct tw_log *log = feed->services->log;
    if (tw_log_appended(log) == feed->durable_documents || feed->now < feed->next_log)
        return 0;
    feed->next_log = feed->now + LOG_SECONDS;
    return tw_log_durable(log, &feed->durable_documents, error);
}

static int note_progress(struct tw_kafka_feed *feed, struct tw_error *error)
{
    double interval = feed->services->config->checkpoint.interval;
    bool is_late = feed->now >= feed->next_commit + LETTERS_INTERVALS * interval;
    double seconds = is_late ? TW_FEED_FLUSH_SECONDS : 0;
    struct tw_error why = {0};
    tw_heartbeat(seconds + TW_HEARTBEAT_LOOP_SECONDS);
    int result = settle_letters(feed, feed->now + seconds, &why);
    if (result == -ETIMEDOUT && !is_late)
        return 0;
    if (result)
        return tw_error_at(error, result, why.place, 0, 0, "%s", why.text);
    feed->next_commit = feed->now + interval;
    note_offsets(feed);
    return 0;
}

int tw_kafka_feed_save_due(struct tw_kafka_feed *feed, long taken, bool is_busy,
                           struct tw_error *error)
{
    if (feed->now < feed->next_look)
        return 0;
    feed->next_look = feed->now + LOOK_SECONDS;
    look_at_clock(feed);
    count_budget(feed);
    const struct due due = what_is_due(feed, taken, is_busy);
    int result = look_at_log(feed, error);
    if (!result)
        result = tw_kafka_feed_see_durable(feed, error);
    if (result == -EAGAIN)
        return 0; /* partitions are being moved */
    for (size_t i = 0; i < feed->n_ours && !result; i++)
        result = save_shard(feed, feed->ours[i], &due, error);
    if (!result && feed->now >= feed->next_commit)
        result = note_progress(feed, error);
    return result ? result : commit_offsets(feed, error);
}

/* ---- all at once ---- */

/* A full queue empties while it is served. */
static int save_waiting(struct tw_kafka_feed *feed, int32_t partition, double deadline,
                        struct tw_error *error)
{
    struct tw_shard *shard = &feed->shards[partition];
    int result = 0;
    for (long n = 0; shard->unsaved.first && !result; n++) {
        if (n % BURST == 0 && (result = tw_kafka_feed_check_membership(feed, error)))
            break;
        result = tw_kafka_feed_save_run(feed, shard, shard->unsaved.first, partition, error);
        if (result != -EAGAIN)
            continue;
        struct tw_error why = {0};
        result =
            tw_kafka_feed_flush(feed, fmin(deadline, tw_now_seconds() + FULL_QUEUE_SECONDS), &why);
        if (result == -ETIMEDOUT && tw_now_seconds() < deadline &&
            tw_feed_patience(feed->services) > 0)
            result = 0;
        else if (result && result != -EAGAIN)
            tw_error_at(error, result, why.place, 0, 0, "%s", why.text);
    }
    return result;
}

/* However many partitions and services are waited for: no longer than this in all. */
int tw_kafka_feed_save_all(struct tw_kafka_feed *feed, const int32_t *partitions, size_t n,
                           struct tw_error *error)
{
    double deadline = tw_now_seconds() + TW_FEED_FLUSH_SECONDS;
    int result = tw_feed_wait_for_log(feed->services, deadline, error);
    if (!result)
        feed->durable_documents = tw_log_appended(feed->services->log);
    for (size_t i = 0; i < n && !result; i++) {
        if (tw_kafka_feed_shard(feed, partitions[i]))
            result = save_waiting(feed, partitions[i], deadline, error);
    }
    if (!result)
        result = tw_kafka_feed_flush(feed, deadline, error);
    if (!result)
        result = tw_kafka_feed_see_durable(feed, error);
    /* While partitions are being moved nothing is saved: the next owner reads it again. */
    if (result == -EAGAIN)
        return 0;
    if (!result)
        result = settle_letters(feed, deadline, error);
    for (size_t i = 0; i < feed->n_ours && !result; i++)
        feed->shards[feed->ours[i]].waiting = -1; /* a newer one can be committed now */
    if (!result)
        note_offsets(feed);
    return result ? result : commit_offsets(feed, error);
}
