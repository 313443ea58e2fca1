/* What the clock makes of the runs of a Kafka topic: told in two steps (silence.h), and retired.
 *
 * The first step, the note of what is due, has to be durable before the second: such runs are saved
 * at once and waited for. They are few; all others are saved as ever. */
#include "agent/feed_kafka.h"

#include "agent/feed_wait.h"
#include "agent/heartbeat.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How long the records of a retired run are known when they come again: a topic that is read again
 * from its start is so within days or never. */
#define RETIRED_SECONDS (3 * 86400.)
/* Everything there is has been taken within this: then what comes next is new. */
#define DRAINED_SECONDS 1.0
/* Most that are forgotten at once. */
#define FORGOTTEN_MAX 1000

/* ---- retired runs ---- */

static int send_retired(struct tw_kafka_feed *feed, const struct tw_retired_run *run,
                        int32_t partition, bool is_kept, struct tw_error *error)
{
    const struct tw_state_place place = {.first_offset = run->first_message - 1,
                                         .offset = run->position.offset,
                                         .index = run->position.index};
    struct tw_retired_run *copy = is_kept ? malloc(sizeof *copy) : NULL;
    if (is_kept && !copy)
        return tw_error_set(error, -ENOMEM, "out of memory");
    if (copy)
        memcpy(copy, run, sizeof *copy);
    return tw_state_topic_put(feed->store, run->id, partition, &place, copy,
                              copy ? sizeof *copy : 0, error);
}

int tw_kafka_feed_send_retired(struct tw_kafka_feed *feed, struct tw_shard *shard, const char *id,
                               int32_t partition, struct tw_error *error)
{
    static const struct tw_state_place nowhere = {.first_offset = -1};
    const struct tw_retired_run *run = tw_retired_find(tw_watch_retired(shard->watch), id);
    return run ? send_retired(feed, run, partition, true, error)
               : tw_state_topic_put(feed->store, id, partition, &nowhere, NULL, 0, error);
}

int tw_kafka_feed_retire(struct tw_kafka_feed *feed, struct tw_shard *shard, struct tw_run *run,
                         int32_t partition, struct tw_error *error)
{
    struct tw_retired_run retired;
    tw_retired_from_run(&retired, run, tw_wall_ms());
    int result = send_retired(feed, &retired, partition, true, error);
    if (result)
        return result;
    tw_unsaved_remove(&shard->unsaved, run);
    feed->figures->retired++;
    tw_refused_states_drop(feed->refused, run->core.id);
    if (tw_watch_retire(shard->watch, run, &retired))
        return tw_error_set(error, -ENOMEM, "out of memory");
    return 0;
}

bool tw_kafka_feed_restore_retired(struct tw_watch *watch, int32_t partition,
                                   const struct tw_state_place *place, const void *data,
                                   size_t size)
{
    struct tw_retired_run retired;
    int result = tw_retired_load(&retired, data, size);
    if (result == -ENOMSG)
        return false;
    retired.position.partition = partition;
    retired.first_message = place ? place->first_offset + 1 : 0;
    /* One of another layout is forgotten: its run is then a new one. */
    if (!result)
        tw_retired_put(tw_watch_retired(watch), &retired);
    return true;
}

static int forget_outdated(struct tw_kafka_feed *feed, int32_t partition, struct tw_error *error)
{
    struct tw_retired *table = tw_watch_retired(feed->shards[partition].watch);
    const struct tw_retired_run *run;
    for (int i = 0; i < FORGOTTEN_MAX; i++) {
        run = tw_retired_outdated(table, feed->services->config->limits.retired, RETIRED_SECONDS,
                                  tw_wall_ms());
        int result = run ? send_retired(feed, run, partition, false, error) : -EAGAIN;
        if (result)
            return result == -EAGAIN ? 0 : result;
        tw_retired_drop(table, run->id);
    }
    return 0;
}

/* ---- what is due ---- */

/* Their snapshots say what is due, and are durable when this returns. */
static int save_due(struct tw_kafka_feed *feed, struct tw_shard *shard, int32_t partition,
                    struct tw_error *error)
{
    double deadline = tw_now_seconds() + TW_FEED_FLUSH_SECONDS;
    tw_heartbeat(3 * TW_FEED_FLUSH_SECONDS); /* as tw_feed_keep() has */
    int result = tw_feed_wait_for_log(feed->services, deadline, error);
    for (struct tw_run *run = shard->silence.due; run && !result; run = run->next_due) {
        result = tw_kafka_feed_save_run(feed, shard, run, partition, error);
        if (result != -EAGAIN)
            continue;
        result = tw_kafka_feed_flush(feed, deadline, error);
        if (!result)
            result = tw_kafka_feed_save_run(feed, shard, run, partition, error);
    }
    return result ? result : tw_kafka_feed_flush(feed, deadline, error);
}

static void note_changed(struct tw_kafka_feed *feed, struct tw_shard *shard, struct tw_run *list)
{
    for (struct tw_run *run = list; run; run = run->next_due) {
        run->unsaved.documents = tw_log_appended(feed->services->log);
        tw_kafka_feed_changed(feed, shard, run, shard->next);
    }
}

static int do_due(struct tw_kafka_feed *feed, struct tw_shard *shard, int32_t partition,
                  struct tw_error *error)
{
    struct tw_run *due = shard->silence.due;
    int result = save_due(feed, shard, partition, error);
    if (!result)
        result = tw_silence_carry_out(&shard->silence, shard->watch, error);
    if (!result)
        note_changed(feed, shard, due);
    return result;
}

static int mind_shard(struct tw_kafka_feed *feed, int32_t partition,
                      const struct tw_silence_moment *moment, struct tw_error *error)
{
    struct tw_shard *shard = &feed->shards[partition];
    tw_silence_tick(&shard->silence, shard->watch, feed->services->config, &feed->services->room,
                    moment);
    tw_feed_tell_refused(feed->services, shard->watch, &shard->refused);
    note_changed(feed, shard, shard->silence.gone);
    int result = shard->silence.n_due ? do_due(feed, shard, partition, error) : 0;
    return result ? result : forget_outdated(feed, partition, error);
}

/* A tenth of the shards each tenth of a second, so that many runs make no long pause. */
int tw_kafka_feed_mind_silence(struct tw_kafka_feed *feed, bool has_drained, struct tw_error *error)
{
    if (has_drained)
        feed->drained = feed->now;
    if (feed->now < feed->next_tick)
        return 0;
    const struct tw_silence_moment moment = {
        .now = feed->now,
        .wall_ms = tw_wall_ms(),
        .is_listening = feed->now - feed->drained <= DRAINED_SECONDS &&
                        tw_kafka_source_is_listening(feed->handle),
    };
    feed->next_tick = feed->now + .1;
    tw_projects_set_partial(feed->services->projects, &feed->is_partial,
                            feed->n_ours != (size_t)feed->n_partitions);
    /* Who may have lost its partitions cannot know that their runs are silent. */
    int result = tw_kafka_feed_check_membership(feed, error);
    size_t most = feed->n_ours / 10 + 1;
    for (size_t i = 0; i < feed->n_ours && most && !result; i++) {
        if (!tw_silence_is_time(&feed->shards[feed->ours[i]].silence, feed->now))
            continue;
        result = mind_shard(feed, feed->ours[i], &moment, error);
        most--;
    }
    return result == -EAGAIN ? 0 : result;
}

int tw_kafka_feed_do_restored(struct tw_kafka_feed *feed, int32_t partition, struct tw_error *error)
{
    struct tw_shard *shard = &feed->shards[partition];
    int result = 0;
    tw_silence_fall_behind(&shard->silence, shard->watch, tw_wall_ms());
    feed->drained = 0;
    for (struct tw_run *run = tw_watch_next(shard->watch, NULL); run && !result;
         run = tw_watch_next(shard->watch, run)) {
        if (run->core.due == TW_DUE_NOTHING)
            continue;
        result = tw_watch_carry_out(shard->watch, run, error);
        run->next_due = NULL;
        note_changed(feed, shard, run);
    }
    return result;
}
