/* What the kinds of feeds have in common. */
#include "agent/feed.h"

#include "agent/heartbeat.h"
#include "agent/logging.h"

#include "telemetry/clock.h"

#include <inttypes.h>

/* A broker that is away is waited for: for the log, the store and the position. */
#define SAVE_SECONDS (3 * TW_FEED_FLUSH_SECONDS)

/* Between two lines about the same want of room. */
#define REFUSED_SECONDS 600

static int to_log(void *closure, const char *id, const char *run, const char *document,
                  struct tw_error *error)
{
    struct tw_feed_services *services = closure;
    return tw_log_append(services->log, id, run, document, error);
}

static int to_charts(void *closure, const char *id, const char *run, const char *document,
                     struct tw_error *error)
{
    struct tw_feed_services *services = closure;
    return tw_log_append_to(services->log, TW_LOG_CHARTS, id, run, document, error);
}

struct tw_watch_options tw_feed_watch_options(struct tw_feed_services *services)
{
    return (struct tw_watch_options){
        .settings = &services->config->settings,
        .rules = services->rules,
        .document = to_log,
        .chart = services->draws ? to_charts : NULL,
        .closure = services,
        .tally = &tw_metrics_now(services->metrics)->tally,
        .room = &services->room,
        .dismissed = services->dismissed,
        .lock = &services->lock,
    };
}

void tw_feed_tell_refused(struct tw_feed_services *services, const struct tw_watch *watch,
                          uint64_t *counted)
{
    struct tw_watch_counts counts;
    double now = tw_now_seconds();
    tw_watch_counts(watch, &counts);
    tw_metrics_now(services->metrics)->refused += counts.refused - *counted;
    services->refused += counts.refused - *counted;
    *counted = counts.refused;
    if (services->refused == services->told_refused || now < services->next_refused)
        return;
    tw_logging(
        TW_LOG_WARNING,
        "no room for further runs: %" PRIu64 " records of new ones were passed over; 'limits' "
        "allows %" PRIu64 " runs and %" PRIu64 " MiB, and there are %" PRIu64 " and %.0f",
        services->refused - services->told_refused, services->room.runs_max,
        services->config->limits.memory >> 20, services->room.runs, services->room.bytes / 0x1p20);
    services->told_refused = services->refused;
    services->next_refused = now + REFUSED_SECONDS;
}

long tw_feed_work(struct tw_feed *feed, double timeout_seconds, struct tw_error *error)
{
    return feed->work(feed, timeout_seconds, error);
}

int tw_feed_keep(struct tw_feed *feed, struct tw_error *error)
{
    tw_heartbeat(SAVE_SECONDS);
    return feed->keep ? feed->keep(feed, error) : feed->checkpoint(feed, error);
}

int tw_feed_checkpoint(struct tw_feed *feed, struct tw_error *error)
{
    tw_heartbeat(SAVE_SECONDS);
    return feed->checkpoint(feed, error);
}

void tw_feed_figures(struct tw_feed *feed)
{
    feed->figures(feed);
}

void tw_feed_visit_runs(struct tw_feed *feed, tw_feed_visit *visit, void *closure)
{
    feed->visit_runs(feed, visit, closure);
}

void tw_feed_dismiss(struct tw_feed *feed, const char *run, const char *episode)
{
    feed->dismiss(feed, run, episode);
}

void tw_feed_close(struct tw_feed *feed)
{
    if (feed)
        feed->close(feed);
}
