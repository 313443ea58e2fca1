/* trainward agent: the daemon. */
#include "agent/commands.h"

#include "agent/daemon.h"
#include "agent/logging.h"
#include "agent/notify.h"
#include "agent/usage.h"

#include <errno.h>
#include <popt.h>
#include <math.h>
#include <stdio.h>

/* Seconds between two lives. */
#define PAUSE_MIN .5
#define PAUSE_MAX 30.0

/* The configuration in force, and while a new one has not lived yet, the one before it. */
struct configurations {
    struct tw_config now, before;
    bool has_before;
};

static void release_before(struct configurations *configurations)
{
    if (configurations->has_before)
        tw_config_release(&configurations->before);
    configurations->has_before = false;
}

/* SIGHUP: a bad new file leaves the old one in force. */
static void reload(struct configurations *configurations)
{
    struct tw_config fresh, *now = &configurations->now;
    if (tw_common_load(&fresh, "agent", false)) {
        tw_logging(TW_LOG_ERROR, "not reloaded, the old configuration stays");
        return;
    }
    if (configurations->has_before) /* what never lived is nothing to go back to */
        tw_config_release(now);
    else
        configurations->before = *now;
    configurations->has_before = true;
    *now = fresh;
    tw_logging_start((enum tw_logging_level)now->log_level, now->log_json);
    tw_logging(TW_LOG_INFO, "configuration reloaded");
}

/* The new configuration did not even start: a mistake in a rule file, a topic that is missing. */
static void go_back(struct configurations *configurations, const struct tw_error *why)
{
    struct tw_config *now = &configurations->now;
    tw_logging_error(TW_LOG_ERROR, "the new configuration does not start", why);
    tw_config_release(now);
    *now = configurations->before;
    configurations->has_before = false;
    tw_logging_start((enum tw_logging_level)now->log_level, now->log_json);
    tw_logging(TW_LOG_WARNING, "the old configuration is in force again");
}

/* Brokers that do not answer may be starting themselves: they are waited for, and the service
 * manager is asked for patience. */
static void wait_for_brokers(struct tw_outage *outage, const struct tw_error *why, double seconds)
{
    tw_outage_begin(outage, "waiting for the brokers", why);
    tw_notify("STATUS=waiting for the brokers\nEXTEND_TIMEOUT_USEC=90000000");
    tw_daemon_pause(seconds);
}

/* Lives again and again until it is told to stop. What the first life does not start for is a
 * mistake to be told: a topic that is missing, a login that is refused. Later ones wait for what
 * was there before. */
static int live(struct configurations *configurations, struct tw_error *error)
{
    bool has_lived = false;
    struct tw_outage outage = {0};
    for (double pause = PAUSE_MIN;;) {
        struct tw_error failure = {0};
        int end = tw_daemon_run(&configurations->now, &outage, &failure);
        if (end == -EHOSTUNREACH && !has_lived && !configurations->has_before &&
            !tw_daemon_is_stopping()) {
            wait_for_brokers(&outage, &failure, pause);
            continue;
        }
        if (end < 0 && !has_lived) {
            *error = failure;
            return end;
        }
        if (end == TW_DAEMON_STOPPED || tw_daemon_is_stopping())
            return 0;
        if (end >= 0) {
            has_lived = true;
            release_before(configurations);
        }
        if (end < 0 && configurations->has_before) {
            go_back(configurations, &failure);
        } else if (end != TW_DAEMON_RELOAD) {
            pause = outage.is_on ? fmin(2 * pause, PAUSE_MAX) : PAUSE_MIN;
            tw_outage_begin(&outage, "starting again from what is durable", &failure);
            tw_daemon_pause(pause);
        }
        if (tw_daemon_take_reload())
            reload(configurations);
    }
}

static const struct poptOption options[] = {
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

static int run(int argc, const char **argv)
{
    struct configurations configurations = {0};
    struct tw_config *config = &configurations.now;
    struct tw_error error = {0};
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
    else if (!tw_common_load(config, "agent", false)) {
        tw_logging_start((enum tw_logging_level)config->log_level, config->log_json);
        tw_daemon_catch_signals();
        status = live(&configurations, &error) ? TW_EXIT_WRONG : 0;
        if (error.code)
            tw_usage_error("agent", &error);
        release_before(&configurations);
        tw_config_release(config);
    }
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_agent = {
    .name = "agent",
    .arguments = "--config FILE [OPTIONS]",
    .summary = "watch directories and Kafka, and deliver advisories to the sinks",
    .run = run,
};
