/* The figures, their publication, and the one table of their names. */
#include "agent/metrics.h"

#include "advisories/json_text.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a status waits for the daemon, which may be in the middle of a checkpoint. */
#define EPISODES_SECONDS 1

#define PROCESS(field) TW_METRIC_PROCESS, TW_METRIC_U64, offsetof(struct tw_figures, field)
#define PROCESS_DOUBLE(field)                                                                      \
    TW_METRIC_PROCESS, TW_METRIC_DOUBLE, offsetof(struct tw_figures, field)
#define SOURCE(field) TW_METRIC_SOURCE, TW_METRIC_U64, offsetof(struct tw_source_figures, field)
#define SOURCE_DOUBLE(field)                                                                       \
    TW_METRIC_SOURCE, TW_METRIC_DOUBLE, offsetof(struct tw_source_figures, field)
#define SINK(field) TW_METRIC_SINK, TW_METRIC_U64, offsetof(struct tw_sink_figures, field)

const struct tw_metric_name tw_metric_table[] = {
    {"process_start_time_seconds", "", "When the process started, seconds since 1970",
     PROCESS_DOUBLE(start_time)},
    {"trainward_ready", "", "1 once every source is assigned and restored, else 0",
     PROCESS_DOUBLE(is_ready)},
    {"trainward_refused_records_total", "",
     "Records of new runs that were passed over: as many as limits.runs and limits.memory allow "
     "are "
     "watched",
     PROCESS(refused)},
    {"trainward_lives_failed_total", "",
     "Lives that an error ended; each time the next goes on from what is durable",
     PROCESS(lives_failed)},
    {"trainward_config_reloads_total", "", "Configurations that SIGHUP put in force",
     PROCESS(reloads)},
    {"trainward_config_reload_failures_total", "",
     "Configurations that were refused: the old one stayed in force", PROCESS(reloads_refused)},
    {"trainward_config_last_reload_successful", "",
     "1 when the newest reading of the file was good, else 0", PROCESS_DOUBLE(config_is_good)},
    {"trainward_config_last_reload_success_timestamp_seconds", "",
     "When the configuration in force was loaded, seconds since 1970",
     PROCESS_DOUBLE(config_loaded_time)},
    {"trainward_checkpoints_total", "", "Checkpoints that were made durable", PROCESS(checkpoints)},
    {"trainward_checkpoint_failures_total", "", "Checkpoints that failed and ended a life",
     PROCESS(checkpoints_failed)},
    {"trainward_checkpoint_seconds_total", "", "Time spent in checkpoints",
     PROCESS_DOUBLE(checkpoint_seconds)},
    {"trainward_last_checkpoint_timestamp_seconds", "",
     "When the newest checkpoint was durable, seconds since 1970; 0: none yet",
     PROCESS_DOUBLE(checkpoint_time)},
    {"trainward_feedback_false_alarms_total", "",
     "Episodes that somebody called a false alarm, as far as this agent came across it",
     PROCESS(feedback.false_alarms)},
    {"trainward_feedback_useful_total", "", "Episodes that somebody called useful, likewise",
     PROCESS(feedback.useful)},
    {"trainward_rule_failures_total", "", "Expressions of rules that failed",
     PROCESS(tally.rule_failures)},

    {"trainward_runs", "source", "Runs that are watched", SOURCE(runs)},
    {"trainward_unsaved_runs", "source", "Runs that changed since their snapshot", SOURCE(unsaved)},
    {"trainward_runs_without_state", "source",
     "Runs whose snapshot the brokers refuse as too large; a restart judges them anew",
     SOURCE(without_state)},
    {"trainward_waiting_logs", "source",
     "Logs of a directory that are not watched yet, as many others are open", SOURCE(waiting_logs)},
    {"trainward_records_total", "source", "Records taken, repeats among them", SOURCE(records)},
    {"trainward_repeated_records_total", "source",
     "Records that had come before and were passed over", SOURCE(repeats)},
    {"trainward_broken_records_total", "source", "Stretches of bytes that were no record",
     SOURCE(broken)},
    {"trainward_dead_letters_total", "source", "Broken records that the dead letters keep",
     SOURCE(dead_letters)},
    {"trainward_snapshots_total", "source", "Snapshots of runs that were saved", SOURCE(snapshots)},
    {"trainward_snapshot_bytes_total", "source", "Bytes of these snapshots",
     SOURCE(snapshot_bytes)},
    {"trainward_snapshot_failures_total", "source", "Snapshots that could not be saved",
     SOURCE(snapshot_failures)},
    {"trainward_restored_runs_total", "source", "Runs restored from snapshots",
     SOURCE(restored_runs)},
    {"trainward_stale_snapshots_total", "source",
     "Snapshots that did not fit (other thresholds or version); the runs are read again",
     SOURCE(stale_runs)},
    {"trainward_state_lost_runs_total", "source",
     "Runs whose saved state did not fit and whose first records the topic has no more",
     SOURCE(state_lost)},
    {"trainward_retired_runs_total", "source",
     "Runs whose memory was given back, as they had ended or were silent for long",
     SOURCE(retired)},
    {"trainward_lost_records_total", "source",
     "Messages that were deleted from the topic before they were read", SOURCE(records_lost)},
    {"trainward_membership_checks_total", "source",
     "Times that the group was asked, after a sleep, whether the partitions are still ours",
     SOURCE(confirmations)},
    {"trainward_restore_seconds_total", "source", "Time spent restoring runs",
     SOURCE_DOUBLE(restore_seconds)},

    {"trainward_consumer_lag_messages", "source, partition",
     "Messages that wait in a partition of this agent; left out while it is not known",
     TW_METRIC_PARTITION, TW_METRIC_I64, offsetof(struct tw_partition_figures, lag)},
    {"trainward_partition_runs", "source, partition", "Runs that are watched in the partition",
     TW_METRIC_PARTITION, TW_METRIC_U64, offsetof(struct tw_partition_figures, runs)},

    {"trainward_sink_delivered_total", "sink, kind", "Advisories delivered", SINK(delivered)},
    {"trainward_sink_failures_total", "sink, kind", "Deliveries that failed and are tried again",
     SINK(failures)},
    {"trainward_sink_retries_total", "sink, kind", "Advisories that a failed delivery left over",
     SINK(retries)},
    {"trainward_sink_dead_letters_total", "sink, kind",
     "Advisories that the far end refused for good", SINK(dead_letters)},
    {"trainward_sink_lag_bytes", "sink, kind",
     "Bytes of the advisory log, a file, that wait for the sink", TW_METRIC_SINK, TW_METRIC_I64,
     offsetof(struct tw_sink_figures, lag_bytes)},
    {"trainward_sink_lag_messages", "sink, kind",
     "Messages of the advisory log, a topic, that wait for the sink", TW_METRIC_SINK, TW_METRIC_I64,
     offsetof(struct tw_sink_figures, lag_messages)},
    {"trainward_sink_notifications_total", "sink, kind", "Notifications sent", TW_METRIC_SINK,
     TW_METRIC_I64, offsetof(struct tw_sink_figures, notified)},
    {"trainward_sink_unsent_notifications", "sink, kind",
     "Notifications that are due and were not taken yet", TW_METRIC_SINK, TW_METRIC_I64,
     offsetof(struct tw_sink_figures, unsent)},
    {"trainward_sink_failing", "sink, kind", "1 while the newest delivery failed, else 0",
     TW_METRIC_SINK, TW_METRIC_DOUBLE, offsetof(struct tw_sink_figures, is_failing)},
    {"trainward_sink_last_success_timestamp_seconds", "sink, kind",
     "When the sink last delivered, seconds since 1970; 0: not yet", TW_METRIC_SINK,
     TW_METRIC_DOUBLE, offsetof(struct tw_sink_figures, last_success)},
};
const size_t tw_n_metrics = sizeof tw_metric_table / sizeof *tw_metric_table;

const struct tw_metric_name tw_metric_more[] = {
    {"trainward_build_info", "version", "Always 1; the label says what is running"},
    {"process_resident_memory_bytes", "", "Memory that is resident"},
    {"process_cpu_seconds_total", "", "Time on the processors, user and system"},
    {"process_open_fds", "", "Open descriptors"},
    {"trainward_last_progress_age_seconds", "", "Time since the loop last went round"},
    {"trainward_advisories_total", "detector, severity, action",
     "Advisories of episodes written to the log"},
    {"trainward_open_episodes", "detector, severity", "Episodes that are open"},
};
const size_t tw_n_metric_more = sizeof tw_metric_more / sizeof *tw_metric_more;

struct tw_metrics {
    struct tw_figures now; /* the daemon's own */
    atomic_bool wants_episodes;
    pthread_mutex_t lock;
    pthread_cond_t published;
    struct tw_figures shown; /* under the lock */
};

int tw_metrics_open(struct tw_metrics **ret, struct tw_error *error)
{
    pthread_condattr_t attributes;
    struct tw_metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return tw_error_set(error, -ENOMEM, "out of memory");
    metrics->now.start_time = (double)tw_wall_ms() / 1000;
    metrics->now.config_loaded_time = metrics->now.start_time;
    metrics->now.config_is_good = 1;
    pthread_mutex_init(&metrics->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&metrics->published, &attributes);
    pthread_condattr_destroy(&attributes);
    tw_metrics_begin_life(metrics, "starting");
    tw_metrics_publish(metrics);
    *ret = metrics;
    return 0;
}

static void release(struct tw_figures *figures)
{
    for (size_t i = 0; i < figures->n_sources; i++) {
        free(figures->sources[i]->partitions);
        free(figures->sources[i]);
    }
    free(figures->sources);
    free(figures->sinks);
}

void tw_metrics_close(struct tw_metrics *metrics)
{
    if (!metrics)
        return;
    release(&metrics->now);
    release(&metrics->shown);
    pthread_mutex_destroy(&metrics->lock);
    pthread_cond_destroy(&metrics->published);
    free(metrics);
}

struct tw_figures *tw_metrics_now(struct tw_metrics *metrics)
{
    return &metrics->now;
}

void tw_metrics_begin_life(struct tw_metrics *metrics, const char *waiting)
{
    struct tw_figures *now = &metrics->now;
    for (size_t i = 0; i < now->n_sources; i++)
        now->sources[i]->is_used = false;
    memset(now->tally.open, 0, sizeof now->tally.open);
    now->is_ready = 0;
    snprintf(now->waiting, sizeof now->waiting, "%s", waiting);
}

static struct tw_source_figures *find_source(const struct tw_figures *figures, const char *name)
{
    for (size_t i = 0; i < figures->n_sources; i++) {
        if (!strcmp(figures->sources[i]->name, name))
            return figures->sources[i];
    }
    return NULL;
}

static struct tw_source_figures *add_source(struct tw_figures *figures, const char *name)
{
    struct tw_source_figures *added = calloc(1, sizeof *added);
    struct tw_source_figures **grown =
        added ? realloc(figures->sources, (figures->n_sources + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(added);
        return NULL;
    }
    figures->sources = grown;
    grown[figures->n_sources++] = added;
    snprintf(added->name, sizeof added->name, "%s", name);
    return added;
}

/* A label is UTF-8 and of bounded length. */
static void name_source(char *ret, size_t size, const char *kind, const char *place)
{
    size_t length = strlen(place), most = size / 4; /* U+FFFD is three bytes for one */
    bool is_long = length > most;
    /* The end of a long path tells more than its beginning. */
    json_t *clean = tw_json_string(is_long ? place + length - most : place);
    snprintf(ret, size, "%s:%s%s", kind, is_long ? "..." : "",
             clean ? json_string_value(clean) : "?");
    json_decref(clean);
}

struct tw_source_figures *tw_metrics_source(struct tw_metrics *metrics, const char *kind,
                                            const char *place)
{
    char name[sizeof(((struct tw_source_figures *)0)->name)];
    name_source(name, sizeof name, kind, place);
    struct tw_source_figures *source = find_source(&metrics->now, name);
    if (!source && !(source = add_source(&metrics->now, name)))
        return NULL;
    source->is_used = true;
    source->runs = source->waiting_logs = source->n_partitions = 0;
    source->waiting[0] = '\0';
    return source;
}

bool tw_metrics_partitions(struct tw_source_figures *source, size_t n)
{
    struct tw_partition_figures *grown = n <= source->n_partitions
                                             ? source->partitions
                                             : realloc(source->partitions, n * sizeof *grown);
    if (n && !grown)
        return false;
    source->partitions = grown;
    source->n_partitions = n;
    return true;
}

bool tw_metrics_sinks(struct tw_figures *figures, size_t n)
{
    struct tw_sink_figures *grown = n ? realloc(figures->sinks, n * sizeof *grown) : figures->sinks;
    if (n && !grown)
        return false;
    if (n > figures->n_sinks)
        memset(grown + figures->n_sinks, 0, (n - figures->n_sinks) * sizeof *grown);
    figures->sinks = grown;
    figures->n_sinks = n;
    return true;
}

static bool goes_before(const struct tw_shown_episode *a, const struct tw_shown_episode *b)
{
    if (a->rank != b->rank)
        return a->rank > b->rank;
    if (a->detected_ms != b->detected_ms)
        return a->detected_ms > b->detected_ms;
    int order = strcmp(a->run, b->run);
    return order ? order < 0 : strcmp(a->scope, b->scope) < 0;
}

void tw_metrics_show_episode(struct tw_figures *figures, const struct tw_shown_episode *episode)
{
    size_t at = figures->n_episodes;
    figures->n_open++;
    while (at > 0 && goes_before(episode, &figures->episodes[at - 1]))
        at--;
    if (at == TW_METRICS_EPISODES_MAX)
        return;
    size_t last = figures->n_episodes < TW_METRICS_EPISODES_MAX ? figures->n_episodes
                                                                : TW_METRICS_EPISODES_MAX - 1;
    memmove(&figures->episodes[at + 1], &figures->episodes[at],
            (last - at) * sizeof *figures->episodes);
    figures->episodes[at] = *episode;
    figures->n_episodes = last + 1;
}

/* ---- publication ---- */

static bool copy_source(struct tw_source_figures *to, const struct tw_source_figures *from)
{
    size_t n = from->n_partitions;
    struct tw_partition_figures *partitions =
        n ? realloc(to->partitions, n * sizeof *partitions) : to->partitions;
    if (n && !partitions)
        return false;
    *to = *from;
    to->partitions = partitions;
    if (n)
        memcpy(partitions, from->partitions, n * sizeof *partitions);
    return true;
}

static bool copy_sources(struct tw_figures *to, const struct tw_figures *from)
{
    for (size_t i = 0; i < from->n_sources; i++) {
        if (i == to->n_sources && !add_source(to, from->sources[i]->name))
            return false;
        if (!copy_source(to->sources[i], from->sources[i]))
            return false;
    }
    return true;
}

static void copy_figures(struct tw_figures *to, const struct tw_figures *from)
{
    struct tw_figures copy = *from;
    if (!copy_sources(to, from) || !tw_metrics_sinks(to, from->n_sinks))
        return; /* out of memory: the figures before these stay */
    if (from->n_sinks)
        memcpy(to->sinks, from->sinks, from->n_sinks * sizeof *from->sinks);
    copy.n_sources = to->n_sources;
    copy.sources = to->sources;
    copy.sinks = to->sinks;
    *to = copy;
}

void tw_metrics_publish(struct tw_metrics *metrics)
{
    if (pthread_mutex_trylock(&metrics->lock))
        return;
    copy_figures(&metrics->shown, &metrics->now);
    pthread_cond_broadcast(&metrics->published);
    pthread_mutex_unlock(&metrics->lock);
}

bool tw_metrics_wants_episodes(const struct tw_metrics *metrics)
{
    return atomic_load_explicit(&metrics->wants_episodes, memory_order_relaxed);
}

const struct tw_figures *tw_metrics_take(struct tw_metrics *metrics)
{
    pthread_mutex_lock(&metrics->lock);
    return &metrics->shown;
}

const struct tw_figures *tw_metrics_take_with_episodes(struct tw_metrics *metrics)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += EPISODES_SECONDS;
    pthread_mutex_lock(&metrics->lock);
    double before = metrics->shown.episodes_time;
    atomic_store(&metrics->wants_episodes, true);
    while (metrics->shown.episodes_time == before &&
           !pthread_cond_timedwait(&metrics->published, &metrics->lock, &end))
        ;
    atomic_store(&metrics->wants_episodes, false);
    return &metrics->shown;
}

void tw_metrics_give(struct tw_metrics *metrics)
{
    pthread_mutex_unlock(&metrics->lock);
}

bool tw_metrics_is_ready(struct tw_metrics *metrics, char *reason, size_t size)
{
    const struct tw_figures *figures = tw_metrics_take(metrics);
    bool is_ready = figures->is_ready > 0;
    snprintf(reason, size, "%s", figures->waiting);
    tw_metrics_give(metrics);
    return is_ready;
}
