/* What the kinds of feeds have in common. */
#include "agent/feed.h"

#include "agent/heartbeat.h"

static int to_log(void *closure, const char *id, const char *run, const char *document,
                  struct tw_error *error)
{
    struct tw_feed_services *services = closure;
    int result = tw_log_append(services->log, id, run, document, error);
    if (!result)
        services->advisories++;
    return result;
}

struct tw_watch_options tw_feed_watch_options(struct tw_feed_services *services)
{
    return (struct tw_watch_options){
        .settings = &services->config->settings,
        .rules = services->rules,
        .document = to_log,
        .closure = services,
        .tally = &tw_metrics_now(services->metrics)->tally,
    };
}

long tw_feed_work(struct tw_feed *feed, double timeout_seconds, struct tw_error *error)
{
    return feed->work(feed, timeout_seconds, error);
}

int tw_feed_keep(struct tw_feed *feed, struct tw_error *error)
{
    return feed->keep ? feed->keep(feed, error) : feed->checkpoint(feed, error);
}

int tw_feed_checkpoint(struct tw_feed *feed, struct tw_error *error)
{
    /* A broker that is away is waited for: for the log, the store and the position. */
    tw_heartbeat(3 * TW_FEED_FLUSH_SECONDS);
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

void tw_feed_close(struct tw_feed *feed)
{
    if (feed)
        feed->close(feed);
}
