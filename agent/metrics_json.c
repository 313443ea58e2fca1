/* The status as JSON: what `trainward status` prints and docs/operations.md describes. */
#include <config.h>

#include "agent/metrics.h"

#include "agent/heartbeat.h"

#include "advisories/json_text.h"

#include <jansson.h>
#include <time.h>
#include <unistd.h>

/* "2026-11-27T06:05:33Z", or null for 0: never. */
static json_t *time_json(double seconds)
{
    char text[40];
    struct tm utc;
    time_t at = (time_t)seconds;
    if (seconds <= 0 || !gmtime_r(&at, &utc))
        return json_null();
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(text);
}

static json_t *known_json(int64_t count)
{
    return count < 0 ? json_null() : json_integer((json_int_t)count);
}

static json_t *text_or_null(const char *text)
{
    return *text ? tw_json_string(text) : json_null();
}

static json_t *partitions_json(const struct tw_source_figures *source)
{
    json_t *list = json_array();
    for (size_t i = 0; i < source->n_partitions; i++) {
        const struct tw_partition_figures *partition = &source->partitions[i];
        json_array_append_new(
            list, json_pack("{s:i, s:o, s:I}", "partition", (int)partition->number, "lag",
                            known_json(partition->lag), "runs", (json_int_t)partition->runs));
    }
    return list;
}

static json_t *source_json(const struct tw_source_figures *source)
{
    return json_pack(
        "{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "name",
        tw_json_string(source->name), "waiting", text_or_null(source->waiting), "runs",
        (json_int_t)source->runs, "without_state", (json_int_t)source->without_state, "records",
        (json_int_t)source->records, "repeats", (json_int_t)source->repeats, "broken",
        (json_int_t)source->broken, "dead_letters", (json_int_t)source->dead_letters, "snapshots",
        (json_int_t)source->snapshots, "snapshot_bytes", (json_int_t)source->snapshot_bytes,
        "snapshot_failures", (json_int_t)source->snapshot_failures, "restored_runs",
        (json_int_t)source->restored_runs, "restore_seconds", source->restore_seconds, "partitions",
        partitions_json(source));
}

static json_t *sources_json(const struct tw_figures *figures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < figures->n_sources; i++) {
        if (figures->sources[i]->is_used)
            json_array_append_new(list, source_json(figures->sources[i]));
    }
    return list;
}

static json_t *sinks_json(const struct tw_figures *figures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < figures->n_sinks; i++) {
        const struct tw_sink_figures *sink = &figures->sinks[i];
        json_array_append_new(
            list,
            json_pack("{s:o, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "name",
                      tw_json_string(sink->name), "kind", sink->kind, "delivered",
                      (json_int_t)sink->delivered, "failures", (json_int_t)sink->failures,
                      "retries", (json_int_t)sink->retries, "dead_letters",
                      (json_int_t)sink->dead_letters, "lag_bytes", known_json(sink->lag_bytes),
                      "lag_messages", known_json(sink->lag_messages), "notified",
                      known_json(sink->notified), "unsent", known_json(sink->unsent), "failing",
                      sink->is_failing > 0, "last_success", time_json(sink->last_success),
                      "last_error", text_or_null(sink->last_error)));
    }
    return list;
}

static json_t *episodes_json(const struct tw_figures *figures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < figures->n_episodes; i++) {
        const struct tw_shown_episode *episode = &figures->episodes[i];
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:s, s:s, s:o, s:I, s:o}", "episode", episode->episode,
                            "run", tw_json_string(episode->run), "detector", episode->detector,
                            "severity", episode->severity, "scope", tw_json_string(episode->scope),
                            "since_step", (json_int_t)episode->since_step, "detected",
                            time_json((double)episode->detected_ms / 1000)));
    }
    return json_pack("{s:I, s:o, s:o}", "open", (json_int_t)figures->n_open, "as_of",
                     time_json(figures->episodes_time), "first", list);
}

static json_t *config_json(const struct tw_figures *figures)
{
    return json_pack("{s:o, s:o, s:b, s:I, s:I}", "path", text_or_null(figures->config), "loaded",
                     time_json(figures->config_loaded_time), "newest_is_good",
                     figures->config_is_good > 0, "reloads", (json_int_t)figures->reloads,
                     "reloads_refused", (json_int_t)figures->reloads_refused);
}

static uint64_t runs_of(const struct tw_figures *figures)
{
    uint64_t runs = 0;
    for (size_t i = 0; i < figures->n_sources; i++)
        runs += figures->sources[i]->is_used ? figures->sources[i]->runs : 0;
    return runs;
}

static json_t *status_json(const struct tw_figures *figures)
{
    return json_pack(
        "{s:s, s:i, s:o, s:b, s:o, s:f, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:{s:I, s:I}}",
        "version", PACKAGE_VERSION, "pid", (int)getpid(), "started", time_json(figures->start_time),
        "ready", figures->is_ready > 0, "waiting", text_or_null(figures->waiting),
        "last_progress_age_seconds", tw_heartbeat_age(), "lives_failed",
        (json_int_t)figures->lives_failed, "checkpoints", (json_int_t)figures->checkpoints, "runs",
        (json_int_t)runs_of(figures), "last_checkpoint", time_json(figures->checkpoint_time),
        "config", config_json(figures), "sources", sources_json(figures), "sinks",
        sinks_json(figures), "episodes", episodes_json(figures), "feedback", "false_alarms",
        (json_int_t)figures->feedback.false_alarms, "useful", (json_int_t)figures->feedback.useful);
}

char *tw_metrics_status(struct tw_metrics *metrics)
{
    json_t *status = status_json(tw_metrics_take_with_episodes(metrics));
    tw_metrics_give(metrics);
    char *text = status ? json_dumps(status, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(status);
    return text;
}
