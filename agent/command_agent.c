/* trainward agent: the daemon, one life after the other. */
#include "agent/commands.h"

#include "agent/configurations.h"
#include "agent/daemon.h"
#include "agent/heartbeat.h"
#include "agent/logging.h"
#include "agent/notify.h"
#include "agent/usage.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <popt.h>
#include <math.h>
#include <stdio.h>

/* Seconds between two lives. */
#define PAUSE_MIN .5
#define PAUSE_MAX 30.0

static int load(void *closure, struct tw_config *ret)
{
    return tw_configurations_load(closure, ret);
}

static void begun(void *closure)
{
    tw_configurations_begun(closure);
}

static void changed(void *closure)
{
    tw_configurations_changed(closure);
}

/* A SIGHUP that came while no life was there to take it. */
static void reload_between_lives(struct tw_configurations *configurations)
{
    struct tw_config fresh;
    if (!tw_daemon_take_reload())
        return;
    if (!tw_configurations_load(configurations, &fresh)) {
        tw_configurations_replace(configurations, &fresh);
        return;
    }
    struct tw_figures *figures = tw_metrics_now(configurations->metrics);
    figures->reloads_refused++;
    figures->config_is_good = 0;
}

/* Says why, and waits. */
static void start_again(struct tw_configurations *configurations, struct tw_outage *outage,
                        const struct tw_error *why, double pause)
{
    char reason[256], message[200];
    tw_error_message(why, message, sizeof message);
    snprintf(reason, sizeof reason, "starting again: %s", message);
    tw_outage_begin(outage, "starting again from what is durable", why);
    tw_notify("STATUS=starting again from what is durable");
    tw_metrics_now(configurations->metrics)->lives_failed++;
    tw_metrics_begin_life(configurations->metrics, reason);
    tw_metrics_publish(configurations->metrics);
    tw_daemon_pause(pause);
}

/* Brokers that do not answer may be starting themselves: they are waited for. The service manager
 * is asked for patience, and after a while is told that this is as ready as it gets: what waits has
 * not failed, and others may wait for us. */
static void wait_for_brokers(struct tw_configurations *configurations, struct tw_outage *outage,
                             const struct tw_error *why, double waited, double seconds)
{
    tw_outage_begin(outage, "waiting for the brokers", why);
    tw_configurations_begun(configurations);
    tw_notify(waited > TW_DAEMON_READY_SECONDS
                  ? "READY=1\nSTATUS=waiting for the brokers"
                  : "STATUS=waiting for the brokers\nEXTEND_TIMEOUT_USEC=90000000");
    tw_metrics_begin_life(configurations->metrics, "waiting for the brokers");
    tw_metrics_publish(configurations->metrics);
    tw_daemon_pause(seconds);
    reload_between_lives(configurations);
    tw_configurations_keep(configurations); /* nothing has lived: there is nothing to go back to */
}

/* Lives again and again until it is told to stop. What the first life does not start for is a
 * mistake to be told: a topic that is missing, a login that is refused. Later ones wait for what
 * was there before. */
static int live(struct tw_configurations *configurations, struct tw_error *error)
{
    bool has_lived = false;
    double begun_at = tw_now_seconds();
    struct tw_outage outage = {0};
    for (double pause = PAUSE_MIN;;) {
        struct tw_error failure = {0};
        struct tw_config next;
        struct tw_daemon_options options = {
            .config = &configurations->now,
            .metrics = configurations->metrics,
            .outage = &outage,
            .load = load,
            .begun = begun,
            .changed = changed,
            .closure = configurations,
        };
        int end = tw_daemon_run(&options, &next, &failure);
        if (end == -EHOSTUNREACH && !has_lived) {
            if (tw_daemon_is_stopping())
                return 0;
            wait_for_brokers(configurations, &outage, &failure, tw_now_seconds() - begun_at, pause);
            continue;
        }
        if (end < 0 && !has_lived && !tw_daemon_is_stopping()) {
            *error = failure;
            return end;
        }
        if (end == TW_DAEMON_RELOAD)
            tw_metrics_begin_life(configurations->metrics, "reloading");
        if (end >= 0) {
            has_lived = true;
            tw_configurations_keep(configurations);
        }
        if (end == TW_DAEMON_RELOAD)
            tw_configurations_replace(configurations, &next);
        if (tw_daemon_is_stopping()) {
            if (end == TW_DAEMON_AGAIN || end < 0)
                tw_logging_error(TW_LOG_WARNING, "stopped; what is not saved is read again",
                                 &failure);
            return 0;
        }
        if (end < 0 && configurations->has_before) {
            tw_configurations_go_back(configurations, &failure);
        } else if (end != TW_DAEMON_RELOAD) {
            pause = outage.is_on ? fmin(2 * pause, PAUSE_MAX) : PAUSE_MIN;
            start_again(configurations, &outage, &failure, pause);
        }
        reload_between_lives(configurations);
    }
}

static const struct poptOption options[] = {
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

static int run_agent(void)
{
    struct tw_configurations configurations = {0};
    struct tw_error error = {0};
    int status = TW_EXIT_WRONG;
    tw_daemon_catch_signals();
    if (!tw_configurations_start(&configurations)) {
        tw_heartbeat_start();
        status = live(&configurations, &error) ? TW_EXIT_WRONG : 0;
        tw_heartbeat_stop();
    }
    if (error.code)
        tw_usage_error("agent", &error);
    tw_configurations_release(&configurations);
    return status;
}

static int run(int argc, const char **argv)
{
    poptContext context;
    enum tw_usage usage = tw_usage_parse(&context, &tw_command_agent, argc, argv, options);
    if (usage != TW_USAGE_GO_ON)
        return usage == TW_USAGE_HELPED ? 0 : TW_EXIT_WRONG;
    const char *surplus = poptGetArg(context);
    int status = TW_EXIT_WRONG;
    if (surplus)
        fprintf(stderr, "trainward agent: %s: takes no arguments; sources belong into --config\n",
                surplus);
    else if (!tw_common_options.config)
        fputs("trainward agent: name the configuration with --config FILE\n", stderr);
    else
        status = run_agent();
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_agent = {
    .name = "agent",
    .arguments = "--config FILE [OPTIONS]",
    .summary = "watch directories and Kafka, and deliver advisories to the sinks",
    .run = run,
};
