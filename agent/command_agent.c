/* trainward agent: the daemon. */
#include "agent/commands.h"

#include "agent/daemon.h"
#include "agent/logging.h"
#include "agent/usage.h"

#include <popt.h>
#include <stdio.h>

/* SIGHUP: a bad new file leaves the old one in force. */
static void reload(struct tw_config *config)
{
    struct tw_config fresh;
    if (tw_common_load(&fresh, "agent", false)) {
        tw_logging(TW_LOG_ERROR, "not reloaded, the old configuration stays");
        return;
    }
    tw_config_release(config);
    *config = fresh;
    tw_logging_start((enum tw_logging_level)config->log_level, config->log_json);
    tw_logging(TW_LOG_INFO, "configuration reloaded");
}

/* Lives again and again until it is told to stop. The first life must start: a wrong broker is a
 * mistake to be told; later ones wait for what was there before. */
static int live(struct tw_config *config, struct tw_error *error)
{
    bool has_lived = false;
    for (double pause = 1;; pause = pause < 30 ? pause * 2 : 30) {
        struct tw_error failure = {0};
        int end = tw_daemon_run(config, &failure);
        if (end < 0 && !has_lived) {
            *error = failure;
            return end;
        }
        if (end == TW_DAEMON_STOPPED || tw_daemon_is_stopping())
            return 0;
        if (end >= 0) {
            has_lived = true;
            pause = .5;
        }
        if (end == TW_DAEMON_RELOAD) {
            reload(config);
        } else {
            tw_logging_error(TW_LOG_WARNING, "starting again from what is durable", &failure);
            tw_daemon_pause(pause);
        }
    }
}

static const struct poptOption options[] = {
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

static int run(int argc, const char **argv)
{
    struct tw_config config;
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
    else if (!tw_common_load(&config, "agent", false)) {
        tw_logging_start((enum tw_logging_level)config.log_level, config.log_json);
        tw_daemon_catch_signals();
        status = live(&config, &error) ? TW_EXIT_WRONG : 0;
        if (error.code)
            tw_usage_error("agent", &error);
        tw_config_release(&config);
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
