/* The records of the partitions that are ours, judged side by side: a partition is one thread's at
 * a time, and whatever several of them may touch is touched under the services' lock. In between
 * all threads but one wait: saving, committing and what comes of silence stay that one's. */
#include "agent/feed_kafka.h"

#include "agent/logging.h"

#include <stdatomic.h>
#include <string.h>

/* A thread takes so many records of one partition at once, and then some of the next, until it has
 * had some milliseconds' worth. */
#define TURN 1024
#define ROUND 4096
/* Fewer messages are quicker judged than shared. */
#define WORTH_SHARING 64

struct judging {
    struct tw_kafka_feed *feed;
    const int32_t *partitions; /* where messages wait */
    size_t n;
    atomic_size_t next; /* the first of them that nobody has taken */
};

static int bury(struct tw_kafka_feed *feed, const struct tw_source_item *item,
                struct tw_error *error)
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
    tw_logging_about(TW_LOG_WARNING, tw_kafka_feed_about(feed, letter.partition),
                     "%s partition %d offset %lld: %s", letter.topic, (int)letter.partition,
                     (long long)letter.offset, item->reason);
    pthread_mutex_lock(&feed->services->lock);
    feed->has_letters = true;
    int result = tw_dead_letter_topic_put(feed->dead_letters, &letter, error);
    feed->figures->broken++;
    feed->figures->dead_letters += !result;
    pthread_mutex_unlock(&feed->services->lock);
    return result;
}

/* Those of other runs that came meanwhile count as well: its snapshot waits for them, too. */
static uint64_t documents_now(const struct tw_kafka_feed *feed)
{
    pthread_mutex_lock(&feed->services->lock);
    uint64_t appended = tw_log_appended(feed->services->log);
    pthread_mutex_unlock(&feed->services->lock);
    return appended;
}

static int judge(struct tw_kafka_feed *feed, struct tw_shard *shard,
                 const struct tw_source_item *item, struct tw_error *error)
{
    /* Behind the last record of a message the position is the next message's. */
    int64_t offset = item->position.index ? item->position.offset : item->position.offset - 1;
    uint64_t before = tw_watch_documents(shard->watch);
    int result = tw_watch_record(shard->watch, item->record, &item->position, error);
    struct tw_run *run = tw_watch_newest(shard->watch);
    if (result || !run)
        return result;
    if (!run->first_message)
        run->first_message = offset + 1;
    if (tw_watch_documents(shard->watch) != before)
        run->unsaved.documents = documents_now(feed);
    if (run->is_dirty)
        tw_kafka_feed_changed(feed, shard, run, offset);
    return 0;
}

static int judge_partition(struct tw_kafka_feed *feed, int32_t partition, struct tw_feed_lane *lane)
{
    struct tw_shard *shard = tw_kafka_feed_shard(feed, partition);
    struct tw_source_item item;
    int result = 0;
    for (int i = 0; i < TURN && !result; i++) {
        int next = tw_kafka_source_next_of(feed->handle, partition, &item);
        if (next == TW_NEXT_WAIT)
            break;
        lane->taken++;
        if (!shard)
            continue;
        lane->records += next == TW_NEXT_RECORD;
        result = next == TW_NEXT_RECORD ? judge(feed, shard, &item, &lane->error)
                                        : bury(feed, &item, &lane->error);
        if (!result)
            shard->next = item.position.offset;
    }
    return result;
}

static void judge_some(void *closure, unsigned number)
{
    struct judging *judging = closure;
    struct tw_feed_lane *lane = &judging->feed->lane[number];
    size_t at;
    *lane = (struct tw_feed_lane){0};
    while (!lane->result && lane->taken < ROUND &&
           (at = atomic_fetch_add(&judging->next, 1)) < judging->n)
        lane->result = judge_partition(judging->feed, judging->partitions[at], lane);
}

static bool is_worth_sharing(const struct tw_kafka_feed *feed, const struct judging *judging)
{
    size_t waiting = 0;
    for (size_t i = 0; i < judging->n && waiting < WORTH_SHARING; i++)
        waiting += tw_kafka_source_waiting_in(feed->handle, judging->partitions[i]);
    return judging->n > 1 && waiting >= WORTH_SHARING;
}

long tw_kafka_feed_judge(struct tw_kafka_feed *feed, struct tw_error *error)
{
    struct judging judging = {.feed = feed};
    unsigned n = tw_lanes_count(feed->lanes);
    long taken = 0;
    judging.n = tw_kafka_source_waiting(feed->handle, &judging.partitions);
    if (n == 1 || !is_worth_sharing(feed, &judging)) {
        judge_some(&judging, 0);
        n = 1;
    } else {
        tw_lanes_run(feed->lanes, judge_some, &judging);
    }
    int result = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct tw_feed_lane *lane = &feed->lane[i];
        taken += lane->taken;
        feed->figures->records += lane->records;
        if (!lane->result || result)
            continue;
        result = lane->result;
        if (error && !error->code)
            *error = lane->error;
    }
    return result ? result : taken;
}
