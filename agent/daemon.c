/* One loop over the feeds; a checkpoint each second that something happened in. Whatever fails on
 * the way ends the loop, and the next life goes on from what was durable: one path for crashes and
 * errors alike. */
#include "agent/daemon.h"

#include "agent/feed.h"
#include "agent/load_rules.h"
#include "agent/logging.h"
#include "agent/notify.h"

#include "advisories/log_file.h"
#include "sinks/delivery.h"
#include "telemetry/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHECKPOINT_RECORDS 20000
#define DRAIN_SECONDS 10.0
/* A life that has lasted so long did not begin in vain. */
#define CALM_SECONDS 5.0

struct daemon {
    const struct tw_config *config;
    struct tw_feed_services services;
    char dead_letter_dir[4200];
    struct tw_feed **feeds;
    size_t n_feeds;
    struct tw_delivery **deliveries;
    size_t n_deliveries;
};

static volatile sig_atomic_t stop_signal, reload_signal;

static void on_signal(int number)
{
    if (number == SIGHUP) {
        reload_signal = 1;
        return;
    }
    if (stop_signal)
        _exit(128 + number); /* asked twice: at once */
    stop_signal = 1;
}

void tw_daemon_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool tw_daemon_is_stopping(void)
{
    return stop_signal;
}

bool tw_daemon_take_reload(void)
{
    bool reload = reload_signal;
    reload_signal = 0;
    return reload;
}

void tw_daemon_pause(double seconds)
{
    for (double slept = 0; slept < seconds && !stop_signal && !reload_signal; slept += .05) {
        struct timespec pause = {0, 50000000};
        nanosleep(&pause, NULL);
    }
}

/* ---- start ---- */

static void sink_line(void *closure, char level, const char *text)
{
    const struct tw_configured_sink *sink = closure;
    tw_logging(level == 'w' ? TW_LOG_WARNING : TW_LOG_INFO, "sink %s: %s", sink->name, text);
}

static int start_delivery(struct daemon *daemon, struct tw_configured_sink *sink,
                          struct tw_error *error)
{
    struct tw_delivery_options options = {
        .name = sink->name,
        .sink = sink->sink,
        .config = sink->config,
        .log = tw_config_log(daemon->config),
        .dead_letter_dir = daemon->dead_letter_dir,
        .backoff_first = daemon->config->backoff_first,
        .backoff_max = daemon->config->backoff_max,
        .log_line = sink_line,
        .closure = sink,
    };
    int result = tw_delivery_start(&daemon->deliveries[daemon->n_deliveries], &options, error);
    if (!result)
        daemon->n_deliveries++;
    tw_error_add_place(error, sink->name);
    return result;
}

static int start_deliveries(struct daemon *daemon, struct tw_error *error)
{
    daemon->deliveries = calloc(daemon->config->n_sinks + 1, sizeof *daemon->deliveries);
    if (!daemon->deliveries)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = 0;
    for (size_t i = 0; i < daemon->config->n_sinks && !result; i++)
        result = start_delivery(daemon, &daemon->config->sinks[i], error);
    return result;
}

static int open_feeds(struct daemon *daemon, struct tw_error *error)
{
    const struct tw_config *config = daemon->config;
    int result = 0;
    if (config->n_kafka + config->n_directories == 0)
        return tw_error_at(error, -EINVAL, config->path, 0, 0,
                           "has no sources; add 'sources: [{directory: {path: runs}}]'");
    daemon->feeds = calloc(config->n_kafka + config->n_directories, sizeof *daemon->feeds);
    if (!daemon->feeds)
        return tw_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < config->n_kafka && !result; i++) {
        result = tw_feed_kafka_open(&daemon->feeds[daemon->n_feeds], &daemon->services,
                                    config->kafka[i], error);
        daemon->n_feeds += !result;
    }
    for (size_t i = 0; i < config->n_directories && !result; i++) {
        result = tw_feed_directory_open(&daemon->feeds[daemon->n_feeds], &daemon->services,
                                        &config->directories[i], error);
        daemon->n_feeds += !result;
    }
    return result;
}

static int make_state_dir(struct daemon *daemon, struct tw_error *error)
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

/* Each followed log takes a descriptor, and the soft limit is often 1,024. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int start(struct daemon *daemon, struct tw_error *error)
{
    struct tw_log_location location = tw_config_log(daemon->config);
    raise_descriptors();
    int result = make_state_dir(daemon, error);
    if (!result)
        result = tw_load_rules(&daemon->services.rules, daemon->config, error);
    if (!result)
        result = tw_log_open(&daemon->services.log, &location, error);
    if (!result)
        result = open_feeds(daemon, error);
    if (!result)
        result = start_deliveries(daemon, error);
    return result;
}

/* ---- work ---- */

static int checkpoint(struct daemon *daemon, struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; i < daemon->n_feeds && !result; i++)
        result = tw_feed_checkpoint(daemon->feeds[i], error);
    return result;
}

static int keep(struct daemon *daemon, struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; i < daemon->n_feeds && !result; i++)
        result = tw_feed_keep(daemon->feeds[i], error);
    return result;
}

/* Only the first waits: Kafka's feeds, which wake as soon as something comes, stand before the
 * directories. */
static long work(struct daemon *daemon, struct tw_error *error)
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

static int loop(struct daemon *daemon, struct tw_outage *outage, struct tw_error *error)
{
    double next_checkpoint = 0, calm = tw_now_seconds() + CALM_SECONDS;
    long since = 0;
    while (!stop_signal && !reload_signal) {
        long taken = work(daemon, error);
        if (taken < 0)
            return (int)taken;
        if (since == 0 && taken > 0)
            next_checkpoint = tw_now_seconds() + daemon->config->checkpoint.interval;
        since += taken;
        if (since > 0 && (since >= CHECKPOINT_RECORDS || tw_now_seconds() >= next_checkpoint)) {
            int result = keep(daemon, error);
            if (result)
                return result;
            since = 0;
        }
        if (tw_now_seconds() >= calm)
            tw_outage_end(outage);
        tw_notify("WATCHDOG=1");
    }
    return checkpoint(daemon, error);
}

static void stop(struct daemon *daemon, double drain_seconds)
{
    /* One bound for all sinks together: several that are away must not add up. */
    double deadline = tw_now_seconds() + drain_seconds;
    for (size_t i = 0; i < daemon->n_deliveries; i++) {
        double left = deadline - tw_now_seconds();
        tw_delivery_stop(daemon->deliveries[i], left > 0 ? left : 0);
    }
    free(daemon->deliveries);
    for (size_t i = 0; i < daemon->n_feeds; i++)
        tw_feed_close(daemon->feeds[i]);
    free(daemon->feeds);
    tw_log_close(daemon->services.log);
    tw_rules_free(daemon->services.rules);
}

int tw_daemon_run(const struct tw_config *config, struct tw_outage *outage, struct tw_error *error)
{
    struct daemon daemon = {.config = config, .services = {.config = config}};
    int result = start(&daemon, error);
    if (result) {
        stop(&daemon, 0);
        return result;
    }
    tw_logging(TW_LOG_INFO, "watching; %zu sources, %zu sinks", daemon.n_feeds,
               daemon.n_deliveries);
    tw_notify("READY=1\nSTATUS=watching");
    result = loop(&daemon, outage, error);
    tw_notify(reload_signal && !stop_signal ? "RELOADING=1" : "STOPPING=1");
    stop(&daemon, result ? 0 : DRAIN_SECONDS);
    if (result)
        return TW_DAEMON_AGAIN;
    return stop_signal ? TW_DAEMON_STOPPED : TW_DAEMON_RELOAD;
}
