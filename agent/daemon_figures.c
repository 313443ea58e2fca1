/* What the daemon tells of itself: figures for the HTTP server, states for systemd. */
#include "agent/daemon_parts.h"

#include "agent/heartbeat.h"
#include "agent/logging.h"
#include "agent/notify.h"

#include "telemetry/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define FIGURES_SECONDS 1.0
#define STATUS_SECONDS 10.0

/* ---- figures ---- */

static void fill_sink(struct tw_sink_figures *ret, const struct tw_daemon_delivery *delivery,
                      bool log_in_kafka)
{
    struct tw_delivery_counts counts;
    tw_delivery_counts(delivery->delivery, &counts);
    snprintf(ret->name, sizeof ret->name, "%s", delivery->name);
    snprintf(ret->kind, sizeof ret->kind, "%s", delivery->sink->sink->name);
    ret->delivered = counts.delivered;
    ret->retries = counts.retried;
    ret->failures = counts.failures;
    ret->dead_letters = counts.poisoned;
    ret->lag_bytes = log_in_kafka ? -1 : counts.lag;
    ret->lag_messages = log_in_kafka ? counts.lag : -1;
    ret->notified = delivery->sink->sink->notify ? (int64_t)counts.notified : -1;
    ret->unsent = counts.unsent;
    ret->last_success = counts.last_success;
    ret->is_failing = counts.last_error[0] != '\0';
    snprintf(ret->last_error, sizeof ret->last_error, "%s", counts.last_error);
}

/* With the log in Kafka those that notify come across feedback, each across all of it. */
static void fill_feedback(struct tw_daemon *daemon, struct tw_figures *figures)
{
    struct tw_feedback_counts most = {0};
    for (size_t i = 0; i < daemon->n_deliveries; i++) {
        struct tw_delivery_counts counts;
        tw_delivery_counts(daemon->deliveries[i].delivery, &counts);
        if (counts.false_alarms + counts.useful > most.false_alarms + most.useful)
            most = (struct tw_feedback_counts){counts.false_alarms, counts.useful};
    }
    figures->feedback = most;
}

static void fill_sinks(struct tw_daemon *daemon, struct tw_figures *figures)
{
    if (!tw_metrics_sinks(figures, daemon->n_deliveries))
        return;
    for (size_t i = 0; i < daemon->n_deliveries; i++)
        fill_sink(&figures->sinks[i], &daemon->deliveries[i], daemon->config->log_in_kafka);
}

static void show_run(void *closure, const struct tw_run *run)
{
    struct tw_figures *figures = closure;
    for (size_t i = 0; i < run->episodes.n; i++) {
        const struct tw_episode *episode = &run->episodes.at[i];
        if (!tw_episode_is_open(episode) || episode->is_dismissed)
            continue;
        struct tw_shown_episode shown = {
            .detector = tw_detectors[episode->detector]->name,
            .severity = tw_severity_name(episode->finding.severity),
            .rank = (int)episode->finding.severity,
            .since_step = episode->finding.onset_step,
            .detected_ms = episode->finding.detected_time_ms,
        };
        snprintf(shown.episode, sizeof shown.episode, "%s", episode->id);
        snprintf(shown.run, sizeof shown.run, "%s", run->core.id);
        snprintf(shown.scope, sizeof shown.scope, "%s", episode->finding.scope);
        tw_metrics_show_episode(figures, &shown);
    }
}

static void fill_episodes(struct tw_daemon *daemon, struct tw_figures *figures)
{
    figures->n_open = 0;
    figures->n_episodes = 0;
    for (size_t i = 0; i < daemon->n_feeds; i++)
        tw_feed_visit_runs(daemon->feeds[i], show_run, figures);
    figures->episodes_time = (double)tw_wall_ms() / 1000;
}

/* A life that goes on from a failure has to last before it counts: the disk may still be full. */
static void fill_outage(const struct tw_outage *outage, struct tw_figures *figures)
{
    if (!outage->is_on || figures->is_ready < 1)
        return;
    figures->is_ready = 0;
    snprintf(figures->waiting, sizeof figures->waiting, "%s", outage->reason);
}

static void fill_readiness(struct tw_figures *figures)
{
    figures->is_ready = 1;
    figures->waiting[0] = '\0';
    for (size_t i = 0; i < figures->n_sources; i++) {
        const struct tw_source_figures *source = figures->sources[i];
        if (!source->is_used || !source->waiting[0] || figures->is_ready < 1)
            continue;
        figures->is_ready = 0;
        snprintf(figures->waiting, sizeof figures->waiting, "%.80s waits: %s", source->name,
                 source->waiting);
    }
}

/* ---- systemd ---- */

static uint64_t runs_of(const struct tw_figures *figures)
{
    uint64_t runs = 0;
    for (size_t i = 0; i < figures->n_sources; i++)
        runs += figures->sources[i]->is_used ? figures->sources[i]->runs : 0;
    return runs;
}

static int64_t open_episodes(const struct tw_tally *tally)
{
    int64_t open = 0;
    for (size_t i = 0; i < TW_DETECTORS_MAX; i++) {
        for (int severity = 0; severity < TW_TALLY_SEVERITIES; severity++)
            open += tally->open[i][severity];
    }
    return open;
}

static const struct tw_sink_figures *failing_sink(const struct tw_figures *figures)
{
    for (size_t i = 0; i < figures->n_sinks; i++) {
        if (figures->sinks[i].is_failing > 0)
            return &figures->sinks[i];
    }
    return NULL;
}

static void tell_systemd(struct tw_daemon *daemon, const struct tw_figures *figures, double now)
{
    char text[700];
    bool becomes_ready = !daemon->has_told_systemd &&
                         (figures->is_ready > 0 || now - daemon->begun > TW_DAEMON_READY_SECONDS);
    if (!becomes_ready && now < daemon->next_status)
        return;
    const struct tw_sink_figures *failing = failing_sink(figures);
    int used = snprintf(text, sizeof text, "%sSTATUS=%" PRIu64 " runs, %" PRId64 " open episodes",
                        becomes_ready ? "READY=1\n" : "", runs_of(figures),
                        open_episodes(&figures->tally));
    if (figures->is_ready < 1)
        snprintf(text + used, sizeof text - (size_t)used, "; %s", figures->waiting);
    else if (failing)
        snprintf(text + used, sizeof text - (size_t)used, "; sink %s fails: %s", failing->name,
                 failing->last_error);
    tw_notify(text);
    daemon->has_told_systemd |= becomes_ready;
    daemon->next_status = now + STATUS_SECONDS;
}

/* ---- both ---- */

void tw_daemon_tell_now(struct tw_daemon *daemon)
{
    double now = tw_now_seconds();
    struct tw_figures *figures = tw_metrics_now(daemon->options->metrics);
    for (size_t i = 0; i < daemon->n_feeds; i++)
        tw_feed_figures(daemon->feeds[i]);
    fill_sinks(daemon, figures);
    if (daemon->config->log_in_kafka)
        fill_feedback(daemon, figures);
    fill_readiness(figures);
    fill_outage(daemon->options->outage, figures);
    if (tw_metrics_wants_episodes(daemon->options->metrics))
        fill_episodes(daemon, figures);
    tw_metrics_publish(daemon->options->metrics);
    tell_systemd(daemon, figures, now);
    if (figures->is_ready > 0 && !daemon->is_ready)
        tw_logging(TW_LOG_INFO, "ready; %" PRIu64 " runs", runs_of(figures));
    daemon->is_ready = figures->is_ready > 0;
    daemon->next_figures = now + FIGURES_SECONDS;
}

void tw_daemon_tell(struct tw_daemon *daemon)
{
    /* An answer waits for a second round at most every tenth of a second. */
    double now = tw_now_seconds();
    bool is_waited_for = tw_metrics_wants_episodes(daemon->options->metrics) &&
                         now > daemon->next_figures - FIGURES_SECONDS + .1;
    if (is_waited_for || now >= daemon->next_figures)
        tw_daemon_tell_now(daemon);
}
