/* The figures of one tensor, in one pass. */
#ifndef TW_STATISTICS_H
#define TW_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/* `nonfinite` values are counted and left out of every other figure. Without a finite value mean,
 * std and abs_max are NaN. */
struct tw_statistics {
    uint64_t n, nonfinite, zeros;
    double mean, std; /* std: of the population (divided by the count) */
    double abs_max;
    double l2_norm;
};

struct tw_statistics tw_statistics_of(const float *values, size_t n);

/* The sum of squares in double by plain arithmetic: NaN and infinities stay what they are. */
double tw_sum_of_squares(const float *values, size_t n);

#endif
