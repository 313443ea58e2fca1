/* How long to wait before the next attempt: doubling from first to max, spread by a fifth either
 * way, so that sinks that failed together do not come back together. */
#ifndef TW_BACKOFF_H
#define TW_BACKOFF_H

#include <stdint.h>

struct tw_backoff {
    double first, max; /* seconds */
    double next;       /* before jitter; 0 = first */
    uint64_t random;   /* xorshift's state, not 0 */
};

/* The wait in seconds; the one after it is twice as long. */
double tw_backoff_next(struct tw_backoff *backoff);
/* Something went well: start over. */
void tw_backoff_reset(struct tw_backoff *backoff);

#endif
