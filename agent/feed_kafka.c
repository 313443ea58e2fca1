/* The feed of a Kafka topic: records in, by partition. */
#include "agent/feed_kafka.h"

#include "agent/heartbeat.h"
#include "agent/logging.h"
#include "agent/outage.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <stdlib.h>

/* Records between two looks at what is due to be saved: some milliseconds' worth. */
#define ROUND 4096

struct tw_shard *tw_kafka_feed_shard(struct tw_kafka_feed *feed, int32_t partition)
{
    if (partition < 0 || partition >= feed->n_partitions || !feed->shards[partition].watch)
        return NULL;
    return &feed->shards[partition];
}

/* ---- partitions come and go ---- */

/* A failed save on the way out fails the feed; what is lost was already another's. */
static int give_partitions(struct tw_kafka_feed *feed, bool is_lost, struct tw_error *error)
{
    int result = 0;
    if (!is_lost)
        result = tw_kafka_feed_save_all(feed, feed->moving, feed->n_moving, error);
    for (size_t i = 0; i < feed->n_moving; i++)
        tw_kafka_feed_drop(feed, feed->moving[i]);
    tw_logging_about(TW_LOG_INFO, (struct tw_logging_fields){.source = feed->figures->name},
                     "%zu partitions %s, %zu are ours", feed->n_moving,
                     is_lost ? "lost" : "given back", feed->n_ours);
    return result;
}

/* Partitions are told one by one and dealt with together. */
static int take_rebalance(struct tw_kafka_feed *feed, int next, const struct tw_source_item *item,
                          struct tw_error *error)
{
    int32_t partition = item->position.partition;
    bool is_known = partition >= 0 && partition < feed->n_partitions;
    if (!is_known && next == TW_NEXT_ASSIGNED)
        return tw_error_set(error, -EINVAL,
                            "partition %d appeared though the topic had %d; restart the agent",
                            (int)partition, (int)feed->n_partitions);
    if (is_known)
        feed->moving[feed->n_moving++] = partition;
    if (!item->is_last)
        return 0;
    tw_heartbeat(3 * TW_FEED_FLUSH_SECONDS); /* what goes is saved first; see tw_feed_keep() */
    int result = next == TW_NEXT_ASSIGNED
                     ? tw_kafka_feed_take(feed, feed->moving, feed->n_moving, error)
                     : give_partitions(feed, item->is_lost, error);
    feed->n_moving = 0;
    return result;
}

/* ---- work ---- */

static void look_at_brokers(struct tw_kafka_feed *feed)
{
    struct tw_error why = {0};
    if (tw_kafka_source_look(feed->handle, &why))
        tw_outage_begin(&feed->outage, "waiting", &why);
    else
        tw_outage_end(&feed->outage);
}

/* What waits, or what partitions come or go. 0: nothing is there. */
static long take(struct tw_kafka_feed *feed, double timeout_seconds, struct tw_error *error)
{
    struct tw_source_item item = {0};
    int next = tw_kafka_source_fill(feed->handle, timeout_seconds, &item, error);
    if (next < 0)
        return next;
    feed->now = tw_now_seconds();
    if (next == TW_NEXT_RECORD)
        return tw_kafka_feed_judge(feed, error);
    if (next == TW_NEXT_WAIT)
        return 0;
    int result = take_rebalance(feed, next, &item, error);
    return result ? result : 1;
}

static long work(struct tw_feed *base, double timeout_seconds, struct tw_error *error)
{
    struct tw_kafka_feed *feed = (struct tw_kafka_feed *)base;
    long taken = 0, more = 1;
    look_at_brokers(feed);
    for (; more > 0 && taken<ROUND; taken += more> 0 ? more : 0)
        more = take(feed, taken ? 0 : timeout_seconds, error);
    if (more < 0)
        return more;
    int result = tw_kafka_feed_mind_silence(feed, more == 0, error);
    if (!result)
        result = tw_kafka_feed_save_due(feed, taken, more > 0, error);
    return result ? result : taken;
}

/* ---- what is ahead ---- */

static uint64_t expect(void *closure, int32_t partition, const void *key, size_t size)
{
    const struct tw_shard *shard = tw_kafka_feed_shard(closure, partition);
    return shard && key ? tw_watch_expect(shard->watch, key, size) : 0;
}

static void fetch(void *closure, int32_t partition, uint64_t expected)
{
    const struct tw_shard *shard = tw_kafka_feed_shard(closure, partition);
    if (shard && expected)
        tw_watch_prefetch(shard->watch, expected);
}

/* ---- the feed ---- */

static int keep(struct tw_feed *base, struct tw_error *error)
{
    (void)base, (void)error; /* is done in work() */
    return 0;
}

static int checkpoint(struct tw_feed *base, struct tw_error *error)
{
    struct tw_kafka_feed *feed = (struct tw_kafka_feed *)base;
    return tw_kafka_feed_save_all(feed, feed->ours, feed->n_ours, error);
}

static void close_feed(struct tw_feed *base)
{
    struct tw_kafka_feed *feed = (struct tw_kafka_feed *)base;
    if (feed->handle)
        feed->source->close(feed->handle);
    tw_state_topic_close(feed->store);
    tw_dead_letter_topic_close(feed->dead_letters);
    while (feed->n_ours)
        tw_kafka_feed_drop(feed, feed->ours[0]);
    tw_refused_states_free(feed->refused);
    free(feed->shards);
    free(feed->ours);
    free(feed->moving);
    free(feed->lane);
    tw_lanes_close(feed->lanes);
    free(feed);
}

static int make_shards(struct tw_kafka_feed *feed, struct tw_error *error)
{
    size_t n = (size_t)feed->n_partitions + 1;
    feed->shards = calloc(n, sizeof *feed->shards);
    feed->ours = calloc(n, sizeof *feed->ours);
    feed->moving = calloc(n, sizeof *feed->moving);
    if (!feed->shards || !feed->ours || !feed->moving)
        return tw_error_set(error, -ENOMEM, "out of memory");
    return 0;
}

/* More threads than partitions would never be used. */
static int make_lanes(struct tw_kafka_feed *feed, struct tw_error *error)
{
    uint64_t n = feed->config->threads ? feed->config->threads : tw_lanes_processors();
    uint64_t most =
        feed->n_partitions < TW_FEED_LANES_MAX ? (uint64_t)feed->n_partitions : TW_FEED_LANES_MAX;
    feed->lanes = tw_lanes_open((unsigned)(n < most ? n : most));
    feed->lane = feed->lanes ? calloc(tw_lanes_count(feed->lanes), sizeof *feed->lane) : NULL;
    return feed->lane ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
}

static int open_parts(struct tw_kafka_feed *feed, struct tw_error *error)
{
    struct tw_source_request request = {.follow = true, .config = feed->config};
    int result = tw_kafka_partition_count(feed->config, &feed->n_partitions, error);
    if (result)
        return result;
    const struct tw_state_topic_options options = {
        .brokers = feed->config->brokers,
        .prefix = feed->services->config->log_prefix,
        .properties = &feed->config->properties,
        .partitions = feed->n_partitions,
        .timeout_seconds = feed->session_seconds * .75,
    };
    result = make_shards(feed, error);
    if (!result)
        result = make_lanes(feed, error);
    if (!result)
        result = tw_state_topic_open(&feed->store, &options, error);
    if (!result)
        result = tw_dead_letter_topic_open(&feed->dead_letters, feed->config->brokers,
                                           &feed->config->properties, options.prefix,
                                           feed->services->dead_letter_dir, error);
    if (!result)
        result = feed->source->open(&feed->handle, &request, error);
    if (!result)
        tw_kafka_source_look_ahead(feed->handle, expect, fetch, feed);
    return result;
}

/* In the run's next snapshot; until then it is known from the log. */
static void dismiss(struct tw_feed *base, const char *run, const char *episode)
{
    struct tw_kafka_feed *feed = (struct tw_kafka_feed *)base;
    for (int32_t i = 0; i < feed->n_partitions; i++) {
        struct tw_shard *shard = tw_kafka_feed_shard(feed, i);
        if (shard)
            tw_watch_dismiss(shard->watch, run, episode);
    }
}

int tw_feed_kafka_open(struct tw_feed **ret, struct tw_feed_services *services,
                       const void *source_config, struct tw_error *error)
{
    struct tw_kafka_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return tw_error_set(error, -ENOMEM, "out of memory");
    feed->feed = (struct tw_feed){.work = work,
                                  .keep = keep,
                                  .checkpoint = checkpoint,
                                  .close = close_feed,
                                  .figures = tw_kafka_feed_figures,
                                  .visit_runs = tw_kafka_feed_visit_runs,
                                  .dismiss = dismiss};
    feed->services = services;
    feed->config = source_config;
    feed->source = tw_source_find("kafka");
    feed->figures = tw_metrics_source(services->metrics, "kafka", feed->config->topic);
    if (!feed->figures) {
        free(feed);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    feed->refused = tw_refused_states_new();
    feed->next_commit = tw_now_seconds();
    feed->session_seconds = tw_kafka_session_seconds(feed->config);
    int result =
        feed->refused ? open_parts(feed, error) : tw_error_set(error, -ENOMEM, "out of memory");
    if (result) {
        close_feed(&feed->feed);
        return result;
    }
    *ret = &feed->feed;
    return 0;
}
