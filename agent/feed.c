/* What the kinds of feeds have in common. */
#include "agent/feed.h"

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
    return feed->checkpoint(feed, error);
}

void tw_feed_close(struct tw_feed *feed)
{
    if (feed)
        feed->close(feed);
}
