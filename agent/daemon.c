/* One loop over the feeds; a checkpoint each second that something happened in. Whatever fails on
 * the way ends the loop, and the next life goes on from what was durable: one path for crashes and
 * errors alike. */
#include "agent/daemon.h"

#include "agent/config_compare.h"
#include "agent/daemon_parts.h"
#include "agent/heartbeat.h"
#include "agent/load_rules.h"
#include "agent/logging.h"
#include "agent/notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define CHECKPOINT_SECONDS 1.0
#define CHECKPOINT_RECORDS 20000

/* ---- work ---- */

static int checkpoint(struct tw_daemon *daemon, struct tw_error *error)
{
    struct tw_figures *figures = tw_metrics_now(daemon->options->metrics);
    double begun = tw_daemon_now();
    int result = 0;
    for (size_t i = 0; i < daemon->n_feeds && !result; i++)
        result = tw_feed_checkpoint(daemon->feeds[i], error);
    figures->checkpoint_seconds += tw_daemon_now() - begun;
    figures->checkpoints += !result;
    figures->checkpoints_failed += result != 0;
    if (!result)
        figures->checkpoint_time = (double)time(NULL);
    return result;
}

static long work(struct tw_daemon *daemon, struct tw_error *error)
{
    long taken = 0;
    for (size_t i = 0; i < daemon->n_feeds; i++) {
        long more = tw_feed_work(daemon->feeds[i], daemon->n_feeds == 1 ? .2 : .02, error);
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
    tw_daemon_stop_deliveries(daemon, tw_daemon_now() + daemon->config->shutdown_timeout);
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
    double next_checkpoint = 0;
    long since = 0;
    while (!tw_daemon_is_stopping()) {
        tw_heartbeat(TW_HEARTBEAT_LOOP_SECONDS);
        long taken = work(daemon, error);
        if (taken < 0)
            return (int)taken;
        if (since == 0 && taken > 0)
            next_checkpoint = tw_daemon_now() + CHECKPOINT_SECONDS;
        since += taken;
        if (since > 0 && (since >= CHECKPOINT_RECORDS || tw_daemon_now() >= next_checkpoint)) {
            int result = checkpoint(daemon, error);
            if (result)
                return result;
            since = 0;
        }
        tw_daemon_tell(daemon);
        if (tw_daemon_wants_reload() && reload(daemon, ret_next))
            return 1;
    }
    return 0;
}

/* Everything together within the configured bound: the last checkpoint, then the sinks. */
static int finish(struct tw_daemon *daemon, struct tw_error *error)
{
    double deadline = tw_daemon_now() + daemon->config->shutdown_timeout;
    daemon->services.flush_seconds = daemon->config->shutdown_timeout / 2; /* log, then store */
    int result = checkpoint(daemon, error);
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
                     .flush_seconds = TW_FEED_FLUSH_SECONDS},
        .begun = tw_daemon_now(),
    };
    struct tw_error failure = {0};
    int result = tw_daemon_start(&daemon, error);
    if (result) {
        tw_daemon_stop(&daemon, 0);
        return result;
    }
    tw_logging(TW_LOG_INFO, "watching; %zu sources, %zu sinks", daemon.n_feeds,
               daemon.n_deliveries);
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
