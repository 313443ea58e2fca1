/* What an agent says of itself: counters and figures of the whole process, over all lives of the
 * daemon. One table (metrics.c) names them for Prometheus, for docs/operations.md and for tests.
 *
 * The daemon's thread writes `now` as it works, without locks; tw_metrics_publish() copies it to
 * where the HTTP server's thread reads. A publication that finds the server reading is left out
 * (the next follows soon): the daemon never waits. */
#ifndef TW_METRICS_H
#define TW_METRICS_H

#include "config.h"
#include "feedback_files.h"
#include "tally.h"

#include "advisories/advisory.h"

#define TW_METRICS_EPISODES_MAX 50 /* shown by the status, the gravest and newest first */

struct tw_partition_figures {
    int32_t number;
    int64_t lag; /* messages behind the end of the partition; negative: not known */
    uint64_t runs;
};

/* Filled in by a feed (feed.h). The counters only ever go up, from one life to the next. */
struct tw_source_figures {
    char name[800];        /* "kafka:TOPIC", "directory:PATH" */
    bool is_used;          /* by the present life */
    char waiting[160];     /* why it does not work yet, or for the moment; empty: it does */
    uint64_t records;      /* taken, repeats among them */
    uint64_t repeats;      /* had come before and were passed over */
    uint64_t broken;       /* stretches of bytes that were no record */
    uint64_t dead_letters; /* of these, kept in the dead letters */
    uint64_t snapshots, snapshot_bytes, snapshot_failures;
    uint64_t restored_runs, stale_runs; /* from saved state; saved state that did not fit */
    uint64_t state_lost;                /* of the latter, runs whose first records were gone */
    uint64_t retired;       /* runs whose memory was given back for their end or silence */
    uint64_t records_lost;  /* deleted from the topic before they were read */
    uint64_t confirmations; /* times that it was asked whether the partitions are still ours */
    double restore_seconds;
    uint64_t runs;          /* watched now */
    uint64_t unsaved;       /* of them, changed since their snapshot */
    uint64_t without_state; /* of them, too large for a snapshot (refused_states.h) */
    uint64_t waiting_logs;  /* of a directory: found and not open yet */
    size_t n_partitions;
    struct tw_partition_figures *partitions; /* owned; those of this agent, by number */
};

struct tw_sink_figures {
    char name[80], kind[32];
    uint64_t delivered, retries, failures, dead_letters;
    /* Behind the end of the advisory log, a file or a topic; negative: not known, or the other. */
    int64_t lag_bytes, lag_messages;
    /* Notifications of a sink that notifies; negative: none of it, or another agent's. */
    int64_t notified, unsent;
    double last_success;  /* seconds since 1970; 0: never */
    char last_error[256]; /* empty: fine */
    double is_failing;    /* 1 or 0 */
};

struct tw_shown_episode {
    char episode[TW_EVENT_ID_SIZE], run[TW_RUN_ID_MAX + 1], scope[TW_SCOPE_MAX + 1];
    const char *detector, *severity;
    int rank; /* of the severity */
    uint64_t since_step;
    int64_t detected_ms; /* since 1970 */
};

struct tw_figures {
    /* gauges */
    double start_time;         /* seconds since 1970 */
    double is_ready;           /* 1 or 0 */
    char waiting[256];         /* why it is not ready */
    char config[256];          /* path of the file in force */
    double config_is_good;     /* 1 or 0: the newest reading of the file */
    double config_loaded_time; /* seconds since 1970 */
    double checkpoint_time;    /* end of the newest good one, seconds since 1970 */
    /* counters */
    uint64_t refused;      /* records of new runs for which there was no room */
    uint64_t lives_failed; /* lives that ended by an error; the next went on from what is durable */
    uint64_t reloads, reloads_refused;
    uint64_t checkpoints, checkpoints_failed;
    double checkpoint_seconds;
    struct tw_feedback_counts feedback; /* what people said of episodes */
    struct tw_tally tally;
    /* by source and sink */
    size_t n_sources, n_sinks;
    struct tw_source_figures **sources; /* owned, each at its place for good */
    struct tw_sink_figures *sinks;      /* owned */
    /* on demand */
    uint64_t n_open; /* episodes in all, at `episodes_time` */
    double episodes_time;
    size_t n_episodes;
    struct tw_shown_episode episodes[TW_METRICS_EPISODES_MAX];
};

struct tw_metrics;

/* All figures 0 and published so. 0 or -ENOMEM. One for the process: it outlives lives. */
int tw_metrics_open(struct tw_metrics **ret, struct tw_error *error);
void tw_metrics_close(struct tw_metrics *metrics); /* NULL is allowed */

/* ---- the daemon's thread ---- */

/* What is to be told at the next publication. */
struct tw_figures *tw_metrics_now(struct tw_metrics *metrics);
/* The figures of a source, made when there are none yet, and in use from now on. NULL: out of
 * memory. */
struct tw_source_figures *tw_metrics_source(struct tw_metrics *metrics, const char *kind,
                                            const char *place);
/* Room for `n` partitions of a source or `n` sinks; false when out of memory. */
bool tw_metrics_partitions(struct tw_source_figures *source, size_t n);
bool tw_metrics_sinks(struct tw_figures *figures, size_t n);
/* A new life: no source is in use, nothing is open, and it is not ready because of `waiting`. */
void tw_metrics_begin_life(struct tw_metrics *metrics, const char *waiting);
/* Adds an open episode to those shown, if it is among the first. */
void tw_metrics_show_episode(struct tw_figures *figures, const struct tw_shown_episode *episode);
/* Copies the figures for the other threads; passed over while one of them is reading. */
void tw_metrics_publish(struct tw_metrics *metrics);
/* Somebody waits for the open episodes: fill them in and publish. */
bool tw_metrics_wants_episodes(const struct tw_metrics *metrics);

/* ---- any thread ---- */

/* Prometheus' text format 0.0.4, for free(). NULL: out of memory. */
char *tw_metrics_text(struct tw_metrics *metrics, size_t *ret_size);
/* The status as one JSON object, for free(); waits up to a second for the daemon to list the open
 * episodes. NULL: out of memory. */
char *tw_metrics_status(struct tw_metrics *metrics);
/* True when it is ready; else `reason` says why not. */
bool tw_metrics_is_ready(struct tw_metrics *metrics, char *reason, size_t size);

/* ---- the names ---- */

enum tw_metric_scope { TW_METRIC_PROCESS, TW_METRIC_SOURCE, TW_METRIC_PARTITION, TW_METRIC_SINK };
enum tw_metric_type { TW_METRIC_U64, TW_METRIC_I64, TW_METRIC_DOUBLE };

struct tw_metric_name {
    const char *name;   /* counters end in _total, units are base units */
    const char *labels; /* for people: "source, partition" */
    const char *help;
    enum tw_metric_scope scope;
    enum tw_metric_type type;
    size_t offset; /* in the struct of the scope */
};
extern const struct tw_metric_name tw_metric_table[];
extern const size_t tw_n_metrics;
/* Those that no offset gives: computed where they are printed. */
extern const struct tw_metric_name tw_metric_more[];
extern const size_t tw_n_metric_more;

/* ---- for metrics_text.c and metrics_json.c ---- */

/* The published figures, locked until tw_metrics_give(). */
const struct tw_figures *tw_metrics_take(struct tw_metrics *metrics);
/* The same, after the daemon has listed the open episodes or a second has passed. */
const struct tw_figures *tw_metrics_take_with_episodes(struct tw_metrics *metrics);
void tw_metrics_give(struct tw_metrics *metrics);

#endif
