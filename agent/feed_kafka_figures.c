/* What the Kafka feed tells of itself, for metrics and status. */
#include "agent/feed_kafka.h"

#include <stdio.h>

struct tw_logging_fields tw_kafka_feed_about(const struct tw_kafka_feed *feed, int32_t partition)
{
    return (struct tw_logging_fields){
        .source = feed->figures->name, .has_partition = true, .partition = partition};
}

void tw_kafka_feed_count_repeats(struct tw_kafka_feed *feed, struct tw_shard *shard)
{
    struct tw_watch_counts counts;
    tw_watch_counts(shard->watch, &counts);
    uint64_t repeats = counts.repeats + counts.passed_over;
    feed->figures->repeats += repeats - shard->told_repeats;
    shard->told_repeats = repeats;
}

static void tell_waiting(struct tw_kafka_feed *feed)
{
    char news[120] = "", *waiting = feed->figures->waiting;
    snprintf(waiting, sizeof feed->figures->waiting, "%s",
             feed->outage.is_on ? "for the brokers" : "");
    if (feed->outage.is_on || tw_kafka_source_is_assigned(feed->handle))
        return;
    tw_kafka_source_last_error(feed->handle, news, sizeof news);
    snprintf(waiting, sizeof feed->figures->waiting, "for partitions to be assigned%s%s",
             news[0] ? ": " : "", news);
}

static void add_partition(struct tw_kafka_feed *feed, int32_t number, struct tw_shard *shard)
{
    struct tw_source_figures *figures = feed->figures;
    uint64_t runs = tw_watch_size(shard->watch);
    figures->runs += runs;
    figures->unsaved += shard->unsaved.n;
    tw_kafka_feed_count_repeats(feed, shard);
    if (!tw_metrics_partitions(figures, figures->n_partitions + 1))
        return;
    figures->partitions[figures->n_partitions - 1] = (struct tw_partition_figures){
        .number = number, .lag = tw_kafka_source_lag(feed->handle, number), .runs = runs};
}

void tw_kafka_feed_figures(struct tw_feed *base)
{
    struct tw_kafka_feed *feed = (struct tw_kafka_feed *)base;
    feed->figures->runs = feed->figures->unsaved = 0;
    feed->figures->n_partitions = 0;
    feed->figures->without_state = tw_refused_states_count(feed->refused);
    tell_waiting(feed);
    for (int32_t i = 0; i < feed->n_partitions; i++) {
        struct tw_shard *shard = tw_kafka_feed_shard(feed, i);
        if (shard)
            add_partition(feed, i, shard);
    }
}

void tw_kafka_feed_visit_runs(struct tw_feed *base, tw_feed_visit *visit, void *closure)
{
    struct tw_kafka_feed *feed = (struct tw_kafka_feed *)base;
    for (int32_t i = 0; i < feed->n_partitions; i++) {
        struct tw_shard *shard = tw_kafka_feed_shard(feed, i);
        const struct tw_run *run = NULL;
        while (shard && (run = tw_watch_next(shard->watch, run)))
            visit(closure, run);
    }
}
