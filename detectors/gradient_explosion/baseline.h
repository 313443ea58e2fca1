/* What is normal for the norm: median and spread of its newest 256 logarithms that were learned.
 * Both are found anew every few norms, the more often the fewer are known, so that a norm is next
 * to nothing to learn: a store. The owner judges a norm first and lets the baseline learn it
 * afterwards. Flat. */
#ifndef TW_GRADIENT_EXPLOSION_BASELINE_H
#define TW_GRADIENT_EXPLOSION_BASELINE_H

#include <stdint.h>

#define TW_NORM_BASELINE_VALUES 256

struct tw_norm_baseline {
    uint16_t count, next;  /* `next` is where the next norm goes */
    uint8_t until_refresh; /* norms until both are found anew */
    uint8_t is_stale;      /* a norm was learned since the median was found */
    float usual;           /* norm: the exponential of the median */
    float last_z, autocovariance, variance;
    double median, spread;
    int16_t values[TW_NORM_BASELINE_VALUES]; /* a ring; statistics/packed_log.h */
};

/* Forgets all. */
void tw_norm_baseline_start(struct tw_norm_baseline *baseline);
/* Learns a logarithm that was judged before, with its clipped score. */
void tw_norm_baseline_learn(struct tw_norm_baseline *baseline, double y, double z);
/* Finds the median of now, for when it is to be told or judged by closely. The spread stays, that
 * norms which begin to climb do not widen it at once. */
void tw_norm_baseline_settle(struct tw_norm_baseline *baseline);
/* Lag-1 autocorrelation of the scores learned, limited to 0..0.5. */
double tw_norm_baseline_autocorrelation(const struct tw_norm_baseline *baseline);

#endif
