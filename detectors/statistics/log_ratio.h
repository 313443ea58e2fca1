/* Differences of logarithms against ratios: one is taken only where the answer is not plain,
 * since ln x is nowhere below 1 - 1/x (it is concave, so that ln (1/x) is not above 1/x - 1). */
#ifndef TW_LOG_RATIO_H
#define TW_LOG_RATIO_H

#include <math.h>
#include <stdbool.h>

/* False when `difference` is certainly below the logarithm of `ratio` > 0, or NaN. */
static inline bool tw_log_may_reach(double difference, double ratio)
{
    return difference * ratio >= ratio - 1;
}

/* `difference` is at least the logarithm of `ratio` > 0. */
static inline bool tw_log_reaches(double difference, double ratio)
{
    return tw_log_may_reach(difference, ratio) && difference >= log(ratio);
}

#endif
