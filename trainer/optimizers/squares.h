/* Sums of squares on the way through an optimizer's loop: in float, since that costs next to
 * nothing beside the division and the memory traffic, block by block; and once more in double where
 * a square of a block overflowed, vanished or was NaN. */
#ifndef TW_OPTIMIZER_SQUARES_H
#define TW_OPTIMIZER_SQUARES_H

#include "trainer/optimizers/optimizer.h"

#include <math.h>

/* Short enough for 64 float additions a lane of AVX-512, and 1,024 where the compiler makes no
 * vectors: a relative error below 2e-6 and 4e-5 in the worst case, that all round one way. What is
 * kept of a block stays in the first-level cache. */
#define TW_SQUARES_BLOCK 1024

/* Of one block. */
struct tw_squares_sums {
    float gradients, update, parameters;
};

/* Whether a block's sum will do as it is: squares below FLT_MIN (1.2e-38) were flushed, which at a
 * mean square of 1e-30 is no part in 1e8 of it, and below that no part in 1e10 of a `total` that is
 * far larger already: the weights of dead units have gradients of 0, block after block. */
static inline int tw_squares_are_safe(float sum, size_t n, double total)
{
    return isfinite(sum) && (sum >= 1e-30f * (float)n || total >= 1e-20 * (double)n);
}

static inline double tw_squares_of(const float *values, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i] * values[i];
    return sum;
}

static inline double tw_squares_between(const float *before, const float *after, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) {
        double change = (double)after[i] - before[i];
        sum += change * change;
    }
    return sum;
}

/* Adds a block's. `before` and `after`: the parameters. */
static inline void tw_squares_add(struct tw_optimizer_squares *squares,
                                  const struct tw_squares_sums *sums, size_t n,
                                  const float *gradients, const float *before, const float *after)
{
    squares->gradients += tw_squares_are_safe(sums->gradients, n, squares->gradients)
                              ? sums->gradients
                              : tw_squares_of(gradients, n);
    squares->update += tw_squares_are_safe(sums->update, n, squares->update)
                           ? sums->update
                           : tw_squares_between(before, after, n);
    squares->parameters += tw_squares_are_safe(sums->parameters, n, squares->parameters)
                               ? sums->parameters
                               : tw_squares_of(after, n);
}

#endif
