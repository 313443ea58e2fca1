/* Starting and stopping the parts of one life. */
#include "agent/daemon_parts.h"

#include "agent/feedback_reader.h"
#include "agent/heartbeat.h"
#include "agent/load_rules.h"
#include "agent/logging.h"

#include "telemetry/clock.h"

#include "advisories/log_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opening a feed asks brokers for their topics (some ten seconds each) or restores every log of a
 * tree. */
#define OPEN_SECONDS 120.0

/* ---- sinks ---- */

static void sink_line(void *closure, char level, const char *text)
{
    const struct tw_daemon_delivery *delivery = closure;
    tw_logging_about(level == 'w' ? TW_LOG_WARNING : TW_LOG_INFO,
                     (struct tw_logging_fields){.sink = delivery->name}, "sink %s", text);
}

/* The name of a delivery, and so of its cursor. No sink's name has a dot: it is nobody else's. */
static void name_delivery(char *name, size_t size, const struct tw_configured_sink *sink,
                          enum tw_log_stream stream)
{
    snprintf(name, size, "%s%s", sink->name, stream == TW_LOG_CHARTS ? ".charts" : "");
}

static int start_delivery(struct tw_daemon *daemon, const struct tw_configured_sink *sink,
                          enum tw_log_stream stream, struct tw_error *error)
{
    struct tw_daemon_delivery *delivery = &daemon->deliveries[daemon->n_deliveries];
    struct tw_delivery_options options = {
        .name = delivery->name,
        .sink = sink->sink,
        .config = sink->config,
        .log = tw_config_log(daemon->config),
        .state_dir = daemon->config->state_dir,
        .kibana = &daemon->config->kibana,
        .config_path = daemon->config->whole_path,
        .dead_letter_dir = daemon->dead_letter_dir,
        .backoff_first = daemon->config->backoff_first,
        .backoff_max = daemon->config->backoff_max,
        .log_line = sink_line,
        .closure = delivery,
    };
    delivery->sink = sink;
    options.log.stream = stream;
    name_delivery(delivery->name, sizeof delivery->name, sink, stream);
    int result = tw_delivery_start(&delivery->delivery, &options, error);
    if (!result)
        daemon->n_deliveries++;
    tw_error_add_place(error, sink->name);
    return result;
}

/* Whose cursors say which charts are still needed. */
static int name_chart_readers(struct tw_daemon *daemon, struct tw_error *error)
{
    const struct tw_config *config = daemon->config;
    int result = 0;
    tw_texts_release(&daemon->chart_readers);
    for (size_t i = 0; i < config->n_sinks && !result; i++) {
        char name[sizeof daemon->deliveries->name];
        if (!config->sinks[i].sink->takes_charts)
            continue;
        name_delivery(name, sizeof name, &config->sinks[i], TW_LOG_CHARTS);
        result = tw_texts_add(&daemon->chart_readers, name);
    }
    return result ? tw_error_set(error, -ENOMEM, "out of memory") : 0;
}

int tw_daemon_start_deliveries(struct tw_daemon *daemon, struct tw_error *error)
{
    const struct tw_config *config = daemon->config;
    daemon->deliveries = calloc(TW_LOG_STREAMS * config->n_sinks + 1, sizeof *daemon->deliveries);
    if (!daemon->deliveries)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = name_chart_readers(daemon, error);
    for (size_t i = 0; i < config->n_sinks && !result; i++) {
        result = start_delivery(daemon, &config->sinks[i], TW_LOG_ADVISORIES, error);
        if (!result && config->sinks[i].sink->takes_charts && tw_config_draws(config))
            result = start_delivery(daemon, &config->sinks[i], TW_LOG_CHARTS, error);
    }
    return result;
}

void tw_daemon_stop_deliveries(struct tw_daemon *daemon, double deadline)
{
    /* One bound for all sinks together: several that are away must not add up. */
    for (size_t i = 0; i < daemon->n_deliveries; i++) {
        double left = deadline - tw_now_seconds();
        tw_heartbeat((left > 0 ? left : 0) + TW_HEARTBEAT_LOOP_SECONDS);
        tw_delivery_stop(daemon->deliveries[i].delivery, left > 0 ? left : 0);
    }
    free(daemon->deliveries);
    daemon->deliveries = NULL;
    daemon->n_deliveries = 0;
}

/* ---- feeds ---- */

static int open_feeds(struct tw_daemon *daemon, struct tw_error *error)
{
    const struct tw_config *config = daemon->config;
    int result = 0;
    daemon->feeds = calloc(config->n_kafka + config->n_directories + 1, sizeof *daemon->feeds);
    if (!daemon->feeds)
        return tw_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < config->n_kafka && !result; i++) {
        tw_heartbeat(OPEN_SECONDS);
        result = tw_feed_kafka_open(&daemon->feeds[daemon->n_feeds], &daemon->services,
                                    config->kafka[i], error);
        daemon->n_feeds += !result;
    }
    for (size_t i = 0; i < config->n_directories && !result; i++) {
        tw_heartbeat(OPEN_SECONDS);
        result = tw_feed_directory_open(&daemon->feeds[daemon->n_feeds], &daemon->services,
                                        &config->directories[i], error);
        daemon->n_feeds += !result;
    }
    return result;
}

/* ---- all ---- */

static int make_state_dir(struct tw_daemon *daemon, struct tw_error *error)
{
    const char *dir = daemon->config->state_dir;
    /* With its parents: ~/.local/state is often not there yet. */
    int result = tw_make_directory(dir, error);
    if (result)
        return result;
    if (access(dir, W_OK | X_OK))
        return tw_error_at(error, -errno, dir, 0, 0, "cannot write the state directory: %s",
                           strerror(errno));
    snprintf(daemon->dead_letter_dir, sizeof daemon->dead_letter_dir, "%s/dead-letters", dir);
    daemon->services.dead_letter_dir = daemon->dead_letter_dir;
    return 0;
}

void tw_daemon_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int tw_daemon_start(struct tw_daemon *daemon, struct tw_error *error)
{
    struct tw_log_location location = tw_config_log(daemon->config);
    tw_daemon_raise_descriptors();
    daemon->services.draws = tw_config_draws(daemon->config);
    pthread_mutex_init(&daemon->services.lock, NULL); /* nothing that needs to be destroyed */
    if (daemon->config->n_kafka + daemon->config->n_directories == 0)
        return tw_error_at(error, -EINVAL, daemon->config->path, 0, 0,
                           "has no sources; add 'sources: [{directory: {path: runs}}]'");
    int result = make_state_dir(daemon, error);
    if (!result && !(daemon->services.projects = tw_projects_new()))
        result = tw_error_set(error, -ENOMEM, "out of memory");
    if (!result && !(daemon->services.dismissed = tw_dismissed_new()))
        result = tw_error_set(error, -ENOMEM, "out of memory");
    if (!result)
        result = tw_load_rules(&daemon->services.rules, daemon->config, error);
    location.charts_readers = &daemon->chart_readers;
    if (!result)
        result = tw_log_open(&daemon->services.log, &location, error);
    if (!result)
        result = open_feeds(daemon, error);
    if (!result)
        result = tw_daemon_start_deliveries(daemon, error);
    return result;
}

void tw_daemon_stop(struct tw_daemon *daemon, double deadline)
{
    tw_daemon_stop_deliveries(daemon, deadline);
    for (size_t i = 0; i < daemon->n_feeds; i++) {
        tw_heartbeat(OPEN_SECONDS);
        tw_feed_close(daemon->feeds[i]);
    }
    free(daemon->feeds);
    tw_feedback_reader_close(daemon->feedback);
    tw_dismissed_free(daemon->services.dismissed);
    tw_projects_free(daemon->services.projects);
    tw_log_close(daemon->services.log);
    tw_texts_release(&daemon->chart_readers);
    tw_rules_free(daemon->services.rules);
}
