/* The parts of the Kafka feed, and what they share; the feed's face is feed.h.
 *
 * Each partition that is ours is a shard: a watch with the partition's runs, and the queue of those
 * that are not saved. Runs are saved one by one, the longest unsaved first, while records are
 * judged (feed_kafka_save.c), and read back before their partition is (feed_kafka_restore.c). Why
 * that loses nothing, whatever happens when: docs/architecture.md, "What is durable". */
#ifndef TW_FEED_KAFKA_H
#define TW_FEED_KAFKA_H

#include "dead_letter_topic.h"
#include "feed.h"
#include "lanes.h"
#include "logging.h"
#include "outage.h"
#include "refused_states.h"
#include "silence.h"
#include "state_kafka.h"

#include "sources/kafka.h"

struct tw_shard {
    struct tw_watch *watch; /* NULL: the partition is not ours */
    struct tw_unsaved unsaved;
    int64_t next;      /* offset of the message that is not dealt with wholly; -1: not known */
    int64_t committed; /* what the source was last told to commit; -1: nothing */
    /* May be committed once so many snapshots are durable; -1: nothing waits. */
    int64_t waiting;
    uint64_t waiting_for;
    uint64_t told_repeats; /* of the watch's, in the figures already */
    struct tw_silence silence;
    uint64_t refused; /* records that there was no room for, as far as they were counted */
};

/* What one thread did in a round. */
struct tw_feed_lane {
    long taken;       /* records, and what was none */
    uint64_t records; /* of them */
    int result;
    struct tw_error error;
};
/* More processors are left to others. */
#define TW_FEED_LANES_MAX 64

struct tw_kafka_feed {
    struct tw_feed feed;
    struct tw_feed_services *services;
    const struct tw_source *source;
    void *handle;
    const struct tw_kafka_config *config;
    struct tw_state_topic *store;
    struct tw_dead_letter_topic *dead_letters;
    bool has_letters;        /* some may not be durable yet */
    struct tw_outage outage; /* of the brokers, or of the topic */
    struct tw_shard *shards; /* by partition */
    int32_t n_partitions;
    struct tw_lanes *lanes; /* judge partitions side by side */
    struct tw_feed_lane *lane;
    struct tw_source_figures *figures;
    int32_t *ours, *moving; /* partitions: ours; told by the present rebalance so far */
    size_t n_ours, n_moving;

    double now; /* CLOCK_MONOTONIC, of the present round */

    /* ---- saving ---- */
    double next_look, next_commit, next_log;
    double budget, budgeted; /* snapshots that may be sent now, and when that was counted */
    uint64_t durable_documents, durable_snapshots;
    struct tw_refused_states *refused;
    double next_tell_refused; /* when the next of them may be told */

    /* ---- silence ---- */
    double next_tick;
    double drained;  /* when everything there was had been taken the last time */
    bool is_partial; /* others have partitions of the topic */

    /* ---- membership ---- */
    double session_seconds;
    double awake; /* CLOCK_BOOTTIME of the last look at it */
    bool is_doubtful;
};

/* Whether the partition is ours, and its shard. */
struct tw_shard *tw_kafka_feed_shard(struct tw_kafka_feed *feed, int32_t partition);

/* For lines of the log that are about a partition. */
struct tw_logging_fields tw_kafka_feed_about(const struct tw_kafka_feed *feed, int32_t partition);

/* ---- feed_kafka_judge.c ---- */

/* Takes records that wait, some thousand at most, by several threads where there are enough of
 * them. Returns how many, or negative. */
long tw_kafka_feed_judge(struct tw_kafka_feed *feed, struct tw_error *error);

/* ---- feed_kafka_figures.c ---- */

/* struct tw_feed's `figures` and `visit_runs`. */
void tw_kafka_feed_figures(struct tw_feed *feed);
void tw_kafka_feed_visit_runs(struct tw_feed *feed, tw_feed_visit *visit, void *closure);
/* Before a shard's watch is closed: the repeats are its. */
void tw_kafka_feed_count_repeats(struct tw_kafka_feed *feed, struct tw_shard *shard);

/* ---- feed_kafka_restore.c ---- */

/* Restores the runs of partitions that were ASSIGNED and starts these. */
int tw_kafka_feed_take(struct tw_kafka_feed *feed, const int32_t *partitions, size_t n,
                       struct tw_error *error);
/* Frees what belongs to a partition. */
void tw_kafka_feed_drop(struct tw_kafka_feed *feed, int32_t partition);

/* ---- feed_kafka_save.c ---- */

/* The run has changed by a record (or by the clock) at this offset. */
void tw_kafka_feed_changed(struct tw_kafka_feed *feed, struct tw_shard *shard, struct tw_run *run,
                           int64_t offset);
/* Sends the run's snapshot, or what is kept of a retired one, which is freed. -EAGAIN: it has to
 * wait for the snapshots that are under way. */
int tw_kafka_feed_save_run(struct tw_kafka_feed *feed, struct tw_shard *shard, struct tw_run *run,
                           int32_t partition, struct tw_error *error);
/* 0: the partitions are ours, as far as anybody knows. -EAGAIN: they are being moved. */
int tw_kafka_feed_check_membership(struct tw_kafka_feed *feed, struct tw_error *error);
/* Saves and commits what is due, and waits for nothing. `taken`: records of this round; `is_busy`:
 * more of them are there. */
int tw_kafka_feed_save_due(struct tw_kafka_feed *feed, long taken, bool is_busy,
                           struct tw_error *error);
/* Saves and commits all of some partitions, and waits for it. */
int tw_kafka_feed_save_all(struct tw_kafka_feed *feed, const int32_t *partitions, size_t n,
                           struct tw_error *error);

/* Where the run stands, for the state topic. */
struct tw_state_place tw_kafka_feed_place_of(const struct tw_run *run);

/* ---- feed_kafka_refused.c ---- */

/* The run cannot be saved, `why` says half a sentence of it: a note takes the place of its
 * snapshot, and offsets go on without it. As tw_kafka_feed_save_run(). */
int tw_kafka_feed_refuse(struct tw_kafka_feed *feed, struct tw_shard *shard, struct tw_run *run,
                         int32_t partition, const char *why, struct tw_error *error);
/* Deals with what the brokers have refused; waits for the log and for snapshots where there is
 * something. -EAGAIN: partitions are being moved, it has to wait. */
int tw_kafka_feed_mind_refused(struct tw_kafka_feed *feed, struct tw_error *error);
/* Waits until all snapshots that were sent are durable, or what takes their place: until `deadline`
 * (tw_now_seconds()), or as long as tw_feed_patience(). */
int tw_kafka_feed_flush(struct tw_kafka_feed *feed, double deadline, struct tw_error *error);
/* Brings `durable_snapshots` up to date without waiting, unless something was refused. */
int tw_kafka_feed_see_durable(struct tw_kafka_feed *feed, struct tw_error *error);

/* ---- feed_kafka_silence.c ---- */

/* Each second: what the clock makes of silent runs. `has_drained`: everything there was is taken.
 */
int tw_kafka_feed_mind_silence(struct tw_kafka_feed *feed, bool has_drained,
                               struct tw_error *error);
/* A partition is restored: does what its runs had due, before any of their records. */
int tw_kafka_feed_do_restored(struct tw_kafka_feed *feed, int32_t partition,
                              struct tw_error *error);
/* Sends once more what is kept of a retired run, or that there is none of this id. */
int tw_kafka_feed_send_retired(struct tw_kafka_feed *feed, struct tw_shard *shard, const char *id,
                               int32_t partition, struct tw_error *error);
/* What is kept of the run takes the place of its snapshot, and its memory goes. */
int tw_kafka_feed_retire(struct tw_kafka_feed *feed, struct tw_shard *shard, struct tw_run *run,
                         int32_t partition, struct tw_error *error);
/* True when these bytes are what is kept of a retired run; it is known again then. */
bool tw_kafka_feed_restore_retired(struct tw_watch *watch, int32_t partition,
                                   const struct tw_state_place *place, const void *data,
                                   size_t size);

#endif
