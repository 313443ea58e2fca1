/* Logarithms of norms in two bytes: steps of 1/480, so that a norm comes back to a thousandth and
 * its order among others stays; one below 2.2e-30 or above 4.4e29 comes back as that. */
#ifndef TW_PACKED_LOG_H
#define TW_PACKED_LOG_H

#include <stdint.h>

#define TW_PACKED_STEPS 480

/* `y` is no NaN. */
static inline int16_t tw_pack_log(double y)
{
    double steps = y * TW_PACKED_STEPS;
    if (steps >= INT16_MAX)
        return INT16_MAX;
    if (steps <= -INT16_MAX)
        return -INT16_MAX;
    return (int16_t)(steps < 0 ? steps - .5 : steps + .5);
}

/* Writes `n` of them as logarithms. */
static inline void tw_unpack_logs(const int16_t *packed, unsigned n, float *ret)
{
#pragma omp simd
    for (unsigned i = 0; i < n; i++)
        ret[i] = (float)packed[i] * (1.F / TW_PACKED_STEPS);
}

#endif
