/* A series of any length in bounded memory, for drawing: at most TW_CHART_BUCKETS buckets of steps,
 * each with the smallest, mean and largest value in it. A bucket is one step wide until there are
 * too many; then every two become one, and so on. One pass; steps may come in any order. */
#ifndef TW_CHART_BUCKETS_H
#define TW_CHART_BUCKETS_H

#include <stddef.h>
#include <stdint.h>

#define TW_CHART_BUCKETS 512

struct tw_chart_bucket {
    uint64_t first_step, last_step; /* of its readings */
    uint64_t n;                     /* finite readings */
    uint64_t nonfinite;             /* NaN and infinite ones, which are in none of the next three */
    double min, mean, max;          /* NaN while n is 0 */
};

struct tw_chart_buckets {
    uint64_t width; /* steps, a power of two; 0 before the first reading */
    size_t n, room;
    struct tw_chart_bucket *at; /* owned; by steps, none of them empty */
};

/* Takes a reading into zeroed or used buckets. 0 or -ENOMEM, which changes nothing. */
int tw_chart_buckets_add(struct tw_chart_buckets *buckets, uint64_t step, double value);
void tw_chart_buckets_release(struct tw_chart_buckets *buckets);

#endif
