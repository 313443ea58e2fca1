/* Partitions come: their runs are read back before any of their records is. */
#include "agent/feed_kafka.h"

#include "agent/heartbeat.h"
#include "agent/logging.h"
#include "agent/snapshot.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <stdlib.h>

/* The longest silence of the brokers, not the longest restore. */
#define SILENCE_SECONDS 60.0
/* Between two questions for the ends of partitions during a restore. */
#define ASK_SECONDS 1.0
/* A million runs take minutes. */
#define HEARTBEAT_SECONDS 600.0

struct restoring {
    struct tw_kafka_feed *feed;
    struct tw_kafka_range *ranges; /* by the order in which they are taken */
    bool *are_new;                 /* likewise: their state was never saved */
    size_t n;
    size_t snapshots, foreign;
    double bytes;
    double asked; /* when the ranges were */
};

/* ---- snapshots ---- */

static const struct tw_kafka_range *range_of(const struct restoring *restoring, int32_t partition)
{
    for (size_t i = 0; i < restoring->n; i++) {
        if (restoring->ranges[i].partition == partition)
            return &restoring->ranges[i];
    }
    return NULL;
}

/* An agent that had lost the partition may have written after the one that had it. */
static bool is_older(const struct tw_state_place *place, bool has_position,
                     const struct tw_position *position)
{
    if (!has_position || place->offset > position->offset)
        return false;
    return place->offset < position->offset || place->index < position->index;
}

static int adopt(struct tw_watch *watch, struct tw_run *run, const struct tw_state_place *place,
                 struct tw_error *error)
{
    run->first_message = place ? place->first_offset + 1 : 0;
    int result = tw_watch_adopt(watch, run, error);
    if (result)
        tw_run_free(run);
    return result;
}

/* In the place of a snapshot that does not fit: the run is judged anew from its first message. */
static int adopt_empty(struct tw_watch *watch, const char *id, const struct tw_settings *settings,
                       const struct tw_state_place *place, struct tw_error *error)
{
    struct tw_run *run = tw_run_new(id, settings);
    if (!run)
        return tw_error_set(error, -ENOMEM, "out of memory");
    run->is_rebuilt = true;
    return adopt(watch, run, place, error);
}

static int restore(struct tw_watch *watch, int32_t partition, const char *id,
                   const struct tw_settings *settings, const struct tw_state_place *place,
                   const void *data, size_t size, struct tw_error *error)
{
    struct tw_run *run;
    struct tw_error why = {0};
    tw_retired_drop(tw_watch_retired(watch), id);
    if (tw_kafka_feed_restore_retired(watch, partition, place, data, size)) {
        run = tw_watch_find(watch, id);
        if (run)
            tw_watch_forget(watch, run);
        return 0;
    }
    int result = tw_snapshot_load(&run, data, size, settings, &why);
    if (result == -ESTALE || result == -EBADMSG)
        return adopt_empty(watch, id, settings, place, error);
    if (result)
        return tw_error_set(error, result, "%s", why.text);
    run->is_dirty = false;
    run->core.position.partition = partition;
    return adopt(watch, run, place, error);
}

/* Where the topic ends is asked before the state is read, and whoever had the partition before may
 * have read on meanwhile: what seems to lie beyond the end is looked at again. */
static int is_foreign(struct restoring *restoring, int32_t partition,
                      const struct tw_state_place *place, bool *ret, struct tw_error *error)
{
    double now = tw_now_seconds();
    *ret = place && place->offset > range_of(restoring, partition)->high;
    if (!*ret || now - restoring->asked < ASK_SECONDS)
        return 0;
    restoring->asked = now;
    int result = tw_kafka_source_ranges(restoring->feed->handle, restoring->ranges, restoring->n,
                                        SILENCE_SECONDS, error);
    *ret = place->offset > range_of(restoring, partition)->high;
    return result;
}

static int take_snapshot(void *closure, int32_t partition, const char *id,
                         const struct tw_state_place *place, const void *data, size_t size,
                         struct tw_error *error)
{
    struct restoring *restoring = closure;
    struct tw_kafka_feed *feed = restoring->feed;
    struct tw_watch *watch = feed->shards[partition].watch;
    struct tw_run *known = tw_watch_find(watch, id);
    restoring->snapshots++;
    restoring->bytes += (double)size;
    const struct tw_retired_run *retired = tw_retired_find(tw_watch_retired(watch), id);
    if (known && place && is_older(place, known->core.has_position, &known->core.position))
        return 0;
    if (retired && place && is_older(place, retired->has_position, &retired->position))
        return 0;
    bool is_gone;
    int result = is_foreign(restoring, partition, place, &is_gone, error);
    if (result)
        return result;
    restoring->foreign += is_gone;
    if (is_gone || !data) {
        if (known)
            tw_watch_forget(watch, known);
        tw_retired_drop(tw_watch_retired(watch), id);
        return 0;
    }
    return restore(watch, partition, id, &feed->services->config->settings, place, data, size,
                   error);
}

/* ---- where reading starts ---- */

/* The first message of the runs that are judged anew; -1 when there are none. Those whose first
 * message is gone are told so. */
static int64_t start_of_rebuilt(struct tw_kafka_feed *feed, const struct tw_kafka_range *range)
{
    struct tw_watch *watch = feed->shards[range->partition].watch;
    struct tw_source_figures *figures = feed->figures;
    int64_t start = -1;
    size_t lost = 0;
    for (struct tw_run *run = tw_watch_next(watch, NULL); run; run = tw_watch_next(watch, run)) {
        if (!run->is_rebuilt)
            continue;
        int64_t first = run->first_message ? run->first_message - 1 : 0;
        run->core.state_lost = first < range->low;
        lost += run->core.state_lost;
        figures->stale_runs++;
        if (first < range->low)
            first = range->low;
        if (start < 0 || first < start)
            start = first;
    }
    figures->state_lost += lost;
    if (lost)
        tw_logging(TW_LOG_WARNING,
                   "partition %d: the saved state of %zu runs does not fit and their first records "
                   "are gone; they are judged from the oldest that are left",
                   (int)range->partition, lost);
    return start;
}

static void tell_lost_records(struct tw_kafka_feed *feed, const struct tw_kafka_range *range)
{
    if (range->committed < 0 || range->committed >= range->low)
        return;
    feed->figures->records_lost += (uint64_t)(range->low - range->committed);
    tw_logging(TW_LOG_WARNING,
               "partition %d: %lld messages were deleted from the topic before they were read; "
               "lengthen its retention",
               (int)range->partition, (long long)(range->low - range->committed));
}

/* A crash while runs are judged anew must find the place again: committed before any of them is
 * saved. */
static int set_back(struct tw_kafka_feed *feed, const struct tw_kafka_range *range,
                    const struct tw_position *from, const char *why, struct tw_error *error)
{
    tw_logging(TW_LOG_WARNING, "partition %d: %s and are judged anew, from offset %lld",
               (int)range->partition, why, (long long)from->offset);
    if (range->committed < 0 || from->offset >= range->committed)
        return 0;
    return tw_kafka_source_set_back(feed->handle, from, SILENCE_SECONDS, error);
}

/* The runs below the committed offset were saved in a topic that is no more: all that there is is
 * read again. The note comes behind that, and for good: a partition may never have a run. */
static int start_without_state(struct tw_kafka_feed *feed, const struct tw_kafka_range *range,
                               struct tw_position *from, struct tw_error *error)
{
    int result = 0;
    if (range->committed > range->low) {
        from->offset = range->low;
        result =
            set_back(feed, range, from, "the saved runs are gone (the state topic is new)", error);
    }
    return result ? result : tw_state_topic_begin(feed->store, range->partition, error);
}

static int start_rebuilt(struct tw_kafka_feed *feed, const struct tw_kafka_range *range,
                         struct tw_position *from, struct tw_error *error)
{
    from->offset = start_of_rebuilt(feed, range);
    if (from->offset < 0)
        return 0;
    /* Nothing committed: all that there is would be read, and is. */
    if (range->committed < from->offset)
        from->offset = range->committed < 0 ? range->low : range->committed;
    return set_back(feed, range, from,
                    "saved runs do not fit (other thresholds, another version, or too large to be "
                    "saved)",
                    error);
}

static int start(struct tw_kafka_feed *feed, const struct tw_kafka_range *range, bool is_new,
                 struct tw_error *error)
{
    struct tw_position from = {.partition = range->partition, .offset = -1};
    tell_lost_records(feed, range);
    int result = is_new ? start_without_state(feed, range, &from, error)
                        : start_rebuilt(feed, range, &from, error);
    return result ? result : feed->source->start(feed->handle, &from, error);
}

/* ---- partitions ---- */

static int open_shard(struct tw_kafka_feed *feed, int32_t partition, struct tw_error *error)
{
    struct tw_watch_options options = tw_feed_watch_options(feed->services);
    struct tw_shard *shard = &feed->shards[partition];
    if (shard->watch)
        tw_kafka_feed_drop(feed, partition);
    *shard = (struct tw_shard){.next = -1, .committed = -1, .waiting = -1};
    int result = tw_watch_open(&shard->watch, &options, error);
    if (result)
        return result;
    feed->ours[feed->n_ours++] = partition;
    shard->silence.projects = feed->services->projects;
    if (tw_projects_join(feed->services->projects, shard->watch))
        return tw_error_set(error, -ENOMEM, "out of memory");
    return 0;
}

static int restore_all(struct restoring *restoring, const int32_t *partitions,
                       struct tw_error *error)
{
    struct tw_kafka_feed *feed = restoring->feed;
    int result = 0;
    for (size_t i = 0; i < restoring->n && !result; i++) {
        restoring->ranges[i].partition = partitions[i];
        result = open_shard(feed, partitions[i], error);
    }
    if (!result)
        result = tw_kafka_source_ranges(feed->handle, restoring->ranges, restoring->n,
                                        SILENCE_SECONDS, error);
    if (!result)
        result = tw_state_topic_read(feed->store, partitions, restoring->n, restoring->are_new,
                                     SILENCE_SECONDS, take_snapshot, restoring, error);
    for (size_t i = 0; i < restoring->n && !result; i++)
        result = tw_kafka_feed_do_restored(feed, partitions[i], error);
    for (size_t i = 0; i < restoring->n && !result; i++)
        result = start(feed, &restoring->ranges[i], restoring->are_new[i], error);
    return result;
}

static void tell_restored(const struct restoring *restoring, const int32_t *partitions,
                          double seconds)
{
    struct tw_source_figures *figures = restoring->feed->figures;
    size_t runs = 0;
    for (size_t i = 0; i < restoring->n; i++)
        runs += tw_watch_size(restoring->feed->shards[partitions[i]].watch);
    figures->restored_runs += runs;
    figures->restore_seconds += seconds;
    tw_logging(TW_LOG_INFO,
               "%zu partitions taken, %zu are ours; %zu runs restored from %zu snapshots (%.1f MB) "
               "in %.2f s",
               restoring->n, restoring->feed->n_ours, runs, restoring->snapshots,
               restoring->bytes / 1e6, seconds);
    if (restoring->foreign)
        tw_logging(TW_LOG_WARNING,
                   "%zu snapshots are ahead of the topic, as if it had been made anew; their runs "
                   "begin anew",
                   restoring->foreign);
}

int tw_kafka_feed_take(struct tw_kafka_feed *feed, const int32_t *partitions, size_t n,
                       struct tw_error *error)
{
    double begun = tw_now_seconds();
    struct restoring restoring = {.feed = feed, .n = n};
    if (n == 0)
        return 0;
    tw_heartbeat(HEARTBEAT_SECONDS);
    restoring.ranges = calloc(n, sizeof *restoring.ranges);
    restoring.are_new = calloc(n, sizeof *restoring.are_new);
    int result = restoring.ranges && restoring.are_new
                     ? restore_all(&restoring, partitions, error)
                     : tw_error_set(error, -ENOMEM, "out of memory");
    if (!result)
        tell_restored(&restoring, partitions, tw_now_seconds() - begun);
    free(restoring.ranges);
    free(restoring.are_new);
    return result;
}

void tw_kafka_feed_drop(struct tw_kafka_feed *feed, int32_t partition)
{
    size_t at = 0;
    while (at < feed->n_ours && feed->ours[at] != partition)
        at++;
    if (at < feed->n_ours)
        feed->ours[at] = feed->ours[--feed->n_ours];
    tw_refused_states_drop_partition(feed->refused, partition);
    if (feed->shards[partition].watch)
        tw_kafka_feed_count_repeats(feed, &feed->shards[partition]);
    tw_projects_leave(feed->services->projects, feed->shards[partition].watch);
    tw_silence_stop(&feed->shards[partition].silence, &feed->services->room);
    tw_watch_close(feed->shards[partition].watch);
    feed->shards[partition] = (struct tw_shard){0};
}
