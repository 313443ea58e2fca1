/* How long feeds wait for brokers and disks to make their work durable. While the agent works, a
 * minute for each thing; once it is to stop, three quarters of `shutdown_timeout` for all feeds and
 * all things together (the sinks have the rest), also for a wait that had begun before. So a stop
 * takes as long as is configured and is never cut short by systemd's TimeoutStopSec=. */
#ifndef TW_FEED_WAIT_H
#define TW_FEED_WAIT_H

#include "feed.h"

/* Seconds that may still be waited: TW_FEED_FLUSH_SECONDS or fewer. */
double tw_feed_patience(struct tw_feed_services *services);

/* The agent stops now, unless it does so already. Returns since when, by tw_now_seconds(). */
double tw_feed_stop(struct tw_feed_services *services);

/* Makes something durable, waiting `seconds`; -ETIMEDOUT: not yet. */
typedef int tw_feed_flush(void *what, double seconds, struct tw_error *error);

/* Waits for it until `deadline` (tw_now_seconds()), or as long as patience lasts. Is called at
 * least once, where no time is left with 0 seconds. */
int tw_feed_wait(struct tw_feed_services *services, double deadline, tw_feed_flush *flush,
                 void *what, struct tw_error *error);
/* The advisory log. */
int tw_feed_wait_for_log(struct tw_feed_services *services, double deadline,
                         struct tw_error *error);

#endif
