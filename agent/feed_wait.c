/* Waits in slices, so that a stop is noticed. */
#include "agent/feed_wait.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <math.h>

#define SLICE_SECONDS .5
/* Of `shutdown_timeout`, for the last save. */
#define SHARE .75

double tw_feed_stop(struct tw_feed_services *services)
{
    if (!services->stopping_since)
        services->stopping_since = tw_now_seconds();
    return services->stopping_since;
}

double tw_feed_patience(struct tw_feed_services *services)
{
    if (services->is_stopping && services->is_stopping())
        tw_feed_stop(services);
    if (!services->stopping_since)
        return TW_FEED_FLUSH_SECONDS;
    double deadline = services->stopping_since + SHARE * services->config->shutdown_timeout;
    return fmax(0, fmin(TW_FEED_FLUSH_SECONDS, deadline - tw_now_seconds()));
}

int tw_feed_wait(struct tw_feed_services *services, double deadline, tw_feed_flush *flush,
                 void *what, struct tw_error *error)
{
    for (;;) {
        struct tw_error why = {0};
        double left = fmin(fmax(0, deadline - tw_now_seconds()), tw_feed_patience(services));
        int result = flush(what, fmin(left, SLICE_SECONDS), &why);
        if (result == -ETIMEDOUT && left > SLICE_SECONDS)
            continue;
        return result ? tw_error_at(error, result, why.place, why.line, why.column, "%s", why.text)
                      : 0;
    }
}

static int flush_log(void *what, double seconds, struct tw_error *error)
{
    return tw_log_flush(what, seconds, error);
}

int tw_feed_wait_for_log(struct tw_feed_services *services, double deadline, struct tw_error *error)
{
    return tw_feed_wait(services, deadline, flush_log, services->log, error);
}
