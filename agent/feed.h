/* A feed: one source of the agent with the watch behind it and the order in which things become
 * durable: advisories first, then the runs' snapshots, then the source's position. A crash between
 * two of these repeats work and loses none; repeats carry the same ids. The argument, crash by
 * crash: docs/architecture.md, "What is durable, and in which order". */
#ifndef TW_FEED_H
#define TW_FEED_H

#include "config.h"
#include "metrics.h"
#include "projects.h"
#include "watch.h"

/* What all feeds of an agent share. One thread, but for what their watches use. */
struct tw_feed_services {
    pthread_mutex_t lock; /* of the watches: struct tw_watch_options */
    const struct tw_config *config;
    struct tw_rules *rules;
    struct tw_log *log;
    bool draws; /* documents for charts are written to the log, too */
    const char *dead_letter_dir;
    struct tw_metrics *metrics;
    bool (*is_stopping)(void); /* somebody wants the agent to end; NULL: nobody ever does */
    double stopping_since;     /* when feed_wait.h learned of it; 0: it goes on */
    struct tw_room room;       /* of all feeds' runs together */
    struct tw_projects *projects;
    struct tw_dismissed *dismissed; /* of the whole advisory log */
    uint64_t refused, told_refused; /* records of new runs that there was no room for; as told */
    double next_refused;            /* when it may be said again */
};

struct tw_feed;

/* A Kafka feed; `source_config` is by the option table of the source "kafka". State is kept in the
 * topic PREFIX.state of the same brokers. */
int tw_feed_kafka_open(struct tw_feed **ret, struct tw_feed_services *services,
                       const void *source_config, struct tw_error *error);

/* The run directories below a path, those that appear later too. State is kept in state_dir. */
int tw_feed_directory_open(struct tw_feed **ret, struct tw_feed_services *services,
                           const struct tw_directory_config *directory, struct tw_error *error);

/* Takes what there is, up to some hundred records, waiting up to `timeout_seconds` for the first.
 * Returns how many, or negative: the feed has to be opened anew (its memory may be ahead of what is
 * durable). */
long tw_feed_work(struct tw_feed *feed, double timeout_seconds, struct tw_error *error);

/* Makes durable what is due, in the order told above. Call it about every second. (A Kafka feed
 * does it in tw_feed_work(), all the time.) */
int tw_feed_keep(struct tw_feed *feed, struct tw_error *error);

/* Makes everything taken so far durable, in the same order; waits until it is. */
int tw_feed_checkpoint(struct tw_feed *feed, struct tw_error *error);

/* Brings the feed's figures up to date (metrics.h): what is not counted as it happens. */
void tw_feed_figures(struct tw_feed *feed);

/* Every run that is watched. */
typedef void tw_feed_visit(void *closure, const struct tw_run *run);
void tw_feed_visit_runs(struct tw_feed *feed, tw_feed_visit *visit, void *closure);

/* Somebody called an episode a false alarm (tw_watch_dismiss()); passed over where it is not. */
void tw_feed_dismiss(struct tw_feed *feed, const char *run, const char *episode);

/* Without a checkpoint. NULL is allowed. */
void tw_feed_close(struct tw_feed *feed);

/* ---- for the implementations ---- */
struct tw_feed {
    long (*work)(struct tw_feed *feed, double timeout_seconds, struct tw_error *error);
    int (*keep)(struct tw_feed *feed, struct tw_error *error); /* NULL: as checkpoint() */
    int (*checkpoint)(struct tw_feed *feed, struct tw_error *error);
    void (*close)(struct tw_feed *feed);
    void (*figures)(struct tw_feed *feed);
    void (*visit_runs)(struct tw_feed *feed, tw_feed_visit *visit, void *closure);
    void (*dismiss)(struct tw_feed *feed, const char *run, const char *episode);
};

/* The watch options of a feed: documents go to the services' advisory log. */
struct tw_watch_options tw_feed_watch_options(struct tw_feed_services *services);

/* Counts the records that a watch passed over for want of room since it was `counted`, and says so
 * at most once in ten minutes. */
void tw_feed_tell_refused(struct tw_feed_services *services, const struct tw_watch *watch,
                          uint64_t *counted);

/* How long brokers and disks are waited for, each, unless the agent is about to end
 * (feed_wait.h). */
#define TW_FEED_FLUSH_SECONDS 60.0
/* Most records taken by one tw_feed_work(). */
#define TW_FEED_BATCH 500

#endif
