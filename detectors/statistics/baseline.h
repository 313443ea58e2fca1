/* What is normal for a signal: median and spread of its newest 256 unflagged values. The owner
 * judges a value first and lets the baseline learn it afterwards, so that nothing is measured
 * against itself (a value inside its own window of 128 can never score above 11.3 sigma). */
#ifndef TW_BASELINE_H
#define TW_BASELINE_H

#include "sorted_window.h"

#define TW_BASELINE_VALUES 256

struct tw_baseline {
    TW_SORTED_WINDOW(TW_BASELINE_VALUES) window;
    uint16_t until_refresh;
    double spread; /* refreshed every few values */
    double last_z, autocovariance, variance;
};

void tw_baseline_start(struct tw_baseline *baseline);
static inline unsigned tw_baseline_count(const struct tw_baseline *baseline)
{
    return baseline->window.head.count;
}
double tw_baseline_median(const struct tw_baseline *baseline);
/* How many spreads `x` lies above the median; the spread counts as at least `floor` > 0. */
double tw_baseline_score(const struct tw_baseline *baseline, double x, double floor);
/* Learns a finite value that was judged before, with its clipped score. */
void tw_baseline_learn(struct tw_baseline *baseline, double x, double z);
/* Lag-1 autocorrelation of the scores learned, limited to 0..0.5. */
double tw_baseline_autocorrelation(const struct tw_baseline *baseline);

#endif
