/* One loop over the feeds; a checkpoint each second that something happened in. Whatever fails on
 * the way ends the loop, and the next life goes on from what was durable: one path for crashes and
 * errors alike. */
#include "agent/daemon.h"

#include "agent/config_compare.h"
#include "agent/daemon_parts.h"
#include "agent/feed_wait.h"
#include "agent/heartbeat.h"
#include "agent/load_rules.h"
#include "agent/logging.h"
#include "agent/notify.h"

#include "telemetry/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define CHECKPOINT_RECORDS 20000
/* A life that has lasted so long did not begin in vain: until then it is not ready, if it goes on
 * from a failure. */
#define CALM_SECONDS 5.0

/* ---- work ---- */

typedef int save(struct tw_feed *feed, struct tw_error *error);

/* tw_feed_keep() or tw_feed_checkpoint() of all feeds. */
static int save_feeds(struct tw_daemon *daemon, save *save_feed, struct tw_error *error)
{
    struct tw_figures *figures = tw_metrics_now(daemon->options->metrics);
    double begun = tw_now_seconds();
    int result = 0;
    for (size_t i = 0; i < daemon->n_feeds && !result; i++)
        result = save_feed(daemon->feeds[i], error);
    figures->checkpoint_seconds += tw_now_seconds() - begun;
    figures->checkpoints_failed += result != 0;
    /* Kafka feeds count their own: they do not wait to be asked. */
    if (!result && daemon->config->n_directories > 0) {
        figures->checkpoints++;
        figures->checkpoint_time = (double)time(NULL);
    }
    return result;
}

static long work(struct tw_daemon *daemon, struct tw_error *error)
{
    long taken = 0;
    for (size_t i = 0; i < daemon->n_feeds; i++) {
        double seconds = daemon->n_feeds == 1 ? .2 : i == 0 ? .02 : 0;
        long more = tw_feed_work(daemon->feeds[i], seconds, error);
        if (more < 0)
            return more;
        taken += more;
    }
    return taken;
}

/* ---- reload ---- */

static void tell_reloading(void)
{
    char text[80];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    tw_notify(text);
}

/* Sinks and rules are exchanged while the sources go on: no partition moves, no run is restored. */
static int change_in_place(struct tw_daemon *daemon, struct tw_config *fresh,
                           struct tw_error *error)
{
    struct tw_rules *rules;
    struct tw_error ignored = {0};
    int result = tw_load_rules(&rules, fresh, error);
    if (result)
        return result;
    tw_daemon_stop_deliveries(daemon, tw_now_seconds() + daemon->config->shutdown_timeout);
    tw_config_exchange_outputs(daemon->config, fresh);
    result = tw_daemon_start_deliveries(daemon, error);
    if (result) {
        tw_daemon_stop_deliveries(daemon, 0);
        tw_config_exchange_outputs(daemon->config, fresh);
        tw_daemon_start_deliveries(daemon, &ignored); /* as it did before */
    } else {
        tw_rules_exchange(daemon->services.rules, rules);
    }
    tw_rules_free(rules);
    return result;
}

/* True: this life ends, and the next has `*ret_next`. */
static bool reload(struct tw_daemon *daemon, struct tw_config *ret_next)
{
    const struct tw_daemon_options *options = daemon->options;
    struct tw_figures *figures = tw_metrics_now(options->metrics);
    struct tw_error error = {0};
    tw_daemon_take_reload();
    tell_reloading();
    tw_heartbeat(60 + daemon->config->shutdown_timeout);
    daemon->has_told_systemd = false; /* READY=1 comes again, whatever becomes of it */
    figures->config_is_good = 0;
    if (options->load(options->closure, ret_next)) {
        figures->reloads_refused++;
        return false;
    }
    if (!tw_config_has_same_inputs(daemon->config, ret_next))
        return true;
    if (change_in_place(daemon, ret_next, &error)) {
        tw_logging_error(TW_LOG_ERROR, "not reloaded, the old configuration stays", &error);
        figures->reloads_refused++;
    } else {
        options->changed(options->closure);
    }
    tw_config_release(ret_next);
    return false;
}

/* ---- the loop ---- */

/* Returns 0 when it is time to stop, 1 for a reload that needs a new life, or negative. */
static int loop(struct tw_daemon *daemon, struct tw_config *ret_next, struct tw_error *error)
{
    double next_checkpoint = 0, calm = tw_now_seconds() + CALM_SECONDS;
    long since = 0;
    while (!tw_daemon_is_stopping()) {
        tw_heartbeat(TW_HEARTBEAT_LOOP_SECONDS);
        long taken = work(daemon, error);
        if (taken < 0)
            return (int)taken;
        if (since == 0 && taken > 0)
            next_checkpoint = tw_now_seconds() + daemon->config->checkpoint.interval;
        since += taken;
        if (since > 0 && (since >= CHECKPOINT_RECORDS || tw_now_seconds() >= next_checkpoint)) {
            int result = save_feeds(daemon, tw_feed_keep, error);
            if (result)
                return result;
            since = 0;
        }
        int result = tw_daemon_feedback(daemon, error);
        if (result)
            return result;
        if (tw_now_seconds() >= calm)
            tw_outage_end(daemon->options->outage);
        tw_daemon_tell(daemon);
        if (tw_daemon_wants_reload() && reload(daemon, ret_next))
            return 1;
    }
    return 0;
}

/* Everything together within the configured bound: the last checkpoint, then the sinks. A wait that
 * was under way when the signal came counts. */
static int finish(struct tw_daemon *daemon, struct tw_error *error)
{
    double deadline = tw_feed_stop(&daemon->services) + daemon->config->shutdown_timeout;
    int result = save_feeds(daemon, tw_feed_checkpoint, error);
    tw_daemon_stop(daemon, result ? 0 : deadline);
    return result;
}

int tw_daemon_run(const struct tw_daemon_options *options, struct tw_config *ret_next,
                  struct tw_error *error)
{
    struct tw_daemon daemon = {
        .options = options,
        .config = options->config,
        .services = {.config = options->config,
                     .metrics = options->metrics,
                     .is_stopping = tw_daemon_is_stopping,
                     .room = {.runs_max = options->config->limits.runs,
                              .bytes_max = (double)options->config->limits.memory}},
        .begun = tw_now_seconds(),
    };
    struct tw_error failure = {0};
    int result = tw_daemon_start(&daemon, error);
    if (result) {
        tw_daemon_stop(&daemon, 0);
        return result;
    }
    tw_logging(options->outage->is_on ? TW_LOG_DEBUG : TW_LOG_INFO,
               "watching; %zu sources, %zu sinks", daemon.n_feeds, daemon.config->n_sinks);
    options->begun(options->closure);
    tw_daemon_tell_now(&daemon);
    int end = loop(&daemon, ret_next, error);
    if (end < 0) {
        tw_daemon_stop(&daemon, 0);
        return TW_DAEMON_AGAIN;
    }
    if (tw_daemon_is_stopping())
        tw_notify("STOPPING=1\nSTATUS=saving and delivering");
    result = finish(&daemon, end ? &failure : error);
    if (end) {
        /* What was not saved is read again; the new configuration is in force all the same. */
        if (result)
            tw_logging_error(TW_LOG_WARNING, "the last checkpoint before the reload", &failure);
        return TW_DAEMON_RELOAD;
    }
    return result ? TW_DAEMON_AGAIN : TW_DAEMON_STOPPED;
}
