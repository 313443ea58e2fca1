/* The feed of a Kafka topic: runs are restored from PREFIX.state before their partition is read,
 * and saved there before its offset is committed. */
#include "agent/feed.h"

#include "agent/dead_letter_topic.h"
#include "agent/logging.h"
#include "agent/outage.h"
#include "agent/snapshot.h"

#include "sources/kafka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTORE_SECONDS 60.0

struct partition {
    bool is_ours, has_news;
    struct tw_position newest; /* behind the newest record that was dealt with */
};

struct kafka_feed {
    struct tw_feed feed;
    struct tw_feed_services *services;
    const struct tw_source *source;
    void *handle;
    const struct tw_kafka_config *config;
    struct tw_watch *watch;
    struct tw_state_store *store;
    struct tw_dead_letter_topic *dead_letters;
    struct partition *partitions;
    int32_t n_partitions;
    struct tw_outage outage; /* of the brokers, or of the topic */
};

/* ---- a partition comes ---- */

struct restoring {
    struct kafka_feed *feed;
    int32_t partition;
    size_t runs, stale;
};

static int restore_run(void *closure, const char *key, const void *data, size_t size,
                       struct tw_error *error)
{
    struct restoring *restoring = closure;
    struct tw_error why = {0};
    struct tw_run *run;
    (void)key;
    int result =
        tw_snapshot_load(&run, data, size, &restoring->feed->services->config->settings, &why);
    if (result == -ESTALE || result == -EBADMSG) {
        restoring->stale++;
        return 0;
    }
    if (result)
        return tw_error_set(error, result, "%s", why.text);
    run->is_dirty = false;
    run->core.position.partition = restoring->partition;
    restoring->runs++;
    result = tw_watch_adopt(restoring->feed->watch, run, error);
    if (result)
        tw_run_free(run);
    return result;
}

static void forget_partition(struct kafka_feed *feed, int32_t partition)
{
    struct tw_run *run = tw_watch_next(feed->watch, NULL);
    while (run) {
        struct tw_run *next = tw_watch_next(feed->watch, run);
        if (run->core.position.partition == partition)
            tw_watch_forget(feed->watch, run);
        run = next;
    }
    feed->partitions[partition] = (struct partition){0};
}

static int take_partition(struct kafka_feed *feed, int32_t partition, struct tw_error *error)
{
    struct restoring restoring = {feed, partition, 0, 0};
    struct tw_position from = {.partition = partition, .offset = -1};
    if (partition < 0 || partition >= feed->n_partitions)
        return tw_error_set(error, -EINVAL,
                            "partition %d appeared though the topic had %d; restart the agent",
                            (int)partition, (int)feed->n_partitions);
    int result = tw_state_store_visit(feed->store, NULL, partition, RESTORE_SECONDS, restore_run,
                                      &restoring, error);
    if (result)
        return result;
    if (restoring.stale) {
        /* Other thresholds or another version: judged anew from the oldest record that is there. */
        tw_logging(TW_LOG_WARNING, "partition %d: %zu saved runs do not fit, read from its start",
                   (int)partition, restoring.stale);
        from.offset = 0;
    }
    feed->partitions[partition].is_ours = true;
    tw_logging(TW_LOG_INFO, "partition %d: taken, %zu runs restored", (int)partition,
               restoring.runs);
    return feed->source->start(feed->handle, &from, error);
}

/* ---- records ---- */

static void note_position(struct kafka_feed *feed, const struct tw_position *position)
{
    if (position->partition < 0 || position->partition >= feed->n_partitions)
        return;
    feed->partitions[position->partition].newest = *position;
    feed->partitions[position->partition].has_news = true;
}

static int bury(struct kafka_feed *feed, const struct tw_source_item *item, struct tw_error *error)
{
    const struct tw_dead_letter letter = {
        .topic = feed->config->topic,
        .partition = item->position.partition,
        .offset = item->position.offset - 1, /* the position is behind the message */
        .time_ms = item->time_ms,
        .reason = item->reason,
        .key = item->key,
        .n_key = item->n_key,
        .data = item->bytes,
        .n_data = item->n_bytes,
    };
    tw_logging(TW_LOG_WARNING, "%s partition %d offset %lld: %s", letter.topic,
               (int)letter.partition, (long long)letter.offset, item->reason);
    return tw_dead_letter_topic_put(feed->dead_letters, &letter, error);
}

static int checkpoint(struct tw_feed *base, struct tw_error *error);

static int give_partition(struct kafka_feed *feed, const struct tw_source_item *item,
                          struct tw_error *error)
{
    int32_t partition = item->position.partition;
    if (partition < 0 || partition >= feed->n_partitions)
        return 0;
    int result = item->is_lost ? 0 : checkpoint(&feed->feed, error);
    tw_logging(TW_LOG_INFO, "partition %d: %s", (int)partition,
               item->is_lost ? "lost" : "given back");
    forget_partition(feed, partition);
    return result;
}

static int take_item(struct kafka_feed *feed, int next, const struct tw_source_item *item,
                     struct tw_error *error)
{
    int result = 0;
    if (next == TW_NEXT_ASSIGNED)
        return take_partition(feed, item->position.partition, error);
    if (next == TW_NEXT_REVOKED)
        return give_partition(feed, item, error);
    if (next == TW_NEXT_RECORD)
        result = tw_watch_record(feed->watch, item->record, &item->position, error);
    else if (next == TW_NEXT_BROKEN)
        result = bury(feed, item, error);
    if (!result)
        note_position(feed, &item->position);
    return result;
}

static void look_at_brokers(struct kafka_feed *feed)
{
    struct tw_error why = {0};
    if (tw_kafka_source_look(feed->handle, &why))
        tw_outage_begin(&feed->outage, "waiting", &why);
    else
        tw_outage_end(&feed->outage);
}

static long work(struct tw_feed *base, double timeout_seconds, struct tw_error *error)
{
    struct kafka_feed *feed = (struct kafka_feed *)base;
    long taken = 0;
    look_at_brokers(feed);
    while (taken < TW_FEED_BATCH) {
        struct tw_source_item item = {0};
        int next = feed->source->next(feed->handle, taken ? 0 : timeout_seconds, &item, error);
        if (next < 0)
            return next;
        if (next == TW_NEXT_WAIT || next == TW_NEXT_END)
            break;
        int result = take_item(feed, next, &item, error);
        if (result)
            return result;
        taken++;
    }
    return taken;
}

/* ---- durability ---- */

static int save_run(struct kafka_feed *feed, struct tw_run *run, struct tw_error *error)
{
    size_t size;
    struct tw_error why = {0};
    unsigned char *data = tw_snapshot_save(run, &feed->services->config->settings, &size);
    if (!data)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = tw_state_store_put(feed->store, run->core.id, run->core.position.partition, data,
                                    size, &why);
    free(data);
    run->is_dirty = false;
    if (result == -EMSGSIZE) {
        /* One run that is too large must not stop the others. */
        tw_logging_error(TW_LOG_WARNING, "a restart will forget a run", &why);
        return 0;
    }
    if (result && error)
        *error = why;
    return result;
}

static int save_runs(struct kafka_feed *feed, struct tw_error *error)
{
    struct tw_run *run = NULL;
    int result = 0;
    while (!result && (run = tw_watch_next(feed->watch, run))) {
        if (run->is_dirty)
            result = save_run(feed, run, error);
    }
    return result;
}

static int commit_positions(struct kafka_feed *feed, struct tw_error *error)
{
    int result = 0;
    for (int32_t i = 0; i < feed->n_partitions && !result; i++) {
        struct partition *partition = &feed->partitions[i];
        if (!partition->is_ours || !partition->has_news)
            continue;
        result = feed->source->commit(feed->handle, &partition->newest, error);
        partition->has_news = false;
    }
    return result;
}

static int checkpoint(struct tw_feed *base, struct tw_error *error)
{
    struct kafka_feed *feed = (struct kafka_feed *)base;
    int result = tw_log_flush(feed->services->log, TW_FEED_FLUSH_SECONDS, error);
    if (!result)
        result = save_runs(feed, error);
    if (!result)
        result = tw_state_store_flush(feed->store, TW_FEED_FLUSH_SECONDS, error);
    if (!result)
        result = tw_dead_letter_topic_flush(feed->dead_letters, TW_FEED_FLUSH_SECONDS, error);
    if (!result)
        result = commit_positions(feed, error);
    return result;
}

static void close_feed(struct tw_feed *base)
{
    struct kafka_feed *feed = (struct kafka_feed *)base;
    if (feed->handle)
        feed->source->close(feed->handle);
    tw_state_store_close(feed->store);
    tw_dead_letter_topic_close(feed->dead_letters);
    tw_watch_close(feed->watch);
    free(feed->partitions);
    free(feed);
}

static int open_parts(struct kafka_feed *feed, struct tw_error *error)
{
    struct tw_watch_options options = tw_feed_watch_options(feed->services);
    struct tw_source_request request = {.follow = true, .config = feed->config};
    const char *prefix = feed->services->config->log_prefix;
    int result = tw_kafka_partition_count(feed->config, &feed->n_partitions, error);
    if (!result)
        result = tw_watch_open(&feed->watch, &options, error);
    if (!result)
        result = tw_state_kafka_open(&feed->store, feed->config->brokers, prefix,
                                     &feed->config->properties, feed->n_partitions, error);
    if (!result)
        result = tw_dead_letter_topic_open(&feed->dead_letters, feed->config->brokers,
                                           &feed->config->properties, prefix,
                                           feed->services->dead_letter_dir, error);
    if (!result &&
        !(feed->partitions = calloc((size_t)feed->n_partitions + 1, sizeof *feed->partitions)))
        result = tw_error_set(error, -ENOMEM, "out of memory");
    if (!result)
        result = feed->source->open(&feed->handle, &request, error);
    return result;
}

int tw_feed_kafka_open(struct tw_feed **ret, struct tw_feed_services *services,
                       const void *source_config, struct tw_error *error)
{
    struct kafka_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return tw_error_set(error, -ENOMEM, "out of memory");
    feed->feed = (struct tw_feed){work, checkpoint, close_feed};
    feed->services = services;
    feed->config = source_config;
    feed->source = tw_source_find("kafka");
    int result = open_parts(feed, error);
    if (result) {
        close_feed(&feed->feed);
        return result;
    }
    *ret = &feed->feed;
    return 0;
}
