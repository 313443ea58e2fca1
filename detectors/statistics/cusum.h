/* One-sided CUSUM, S = max(0, S + z - drift): finds a lasting small rise early and ignores single
 * spikes when z is clipped (Page 1954). */
#ifndef TW_CUSUM_H
#define TW_CUSUM_H

#include <stdint.h>

struct tw_cusum {
    double sum;
    uint64_t onset_step; /* where the present excursion left zero */
    int64_t onset_time_ms;
};

void tw_cusum_start(struct tw_cusum *cusum);
/* The alarm line of series whose scores have lag-1 autocorrelation r in 0..0.5. */
static inline double tw_cusum_line(double line, double r)
{
    return line * (1 + r) / (1 - r);
}
/* Adds a finite, clipped score. The sum is limited to 3 lines, so that it can come back. */
void tw_cusum_add(struct tw_cusum *cusum, double z, double drift, double line, uint64_t step,
                  int64_t time_ms);

#endif
