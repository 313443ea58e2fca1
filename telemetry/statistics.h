/* The figures of a tensor in one pass over it: counts, sums, extremes and the mean's spread, of
 * float, bfloat16 and half values. Written for AVX-512 and for AVX2 and chosen when first called;
 * elsewhere plain C gives the same figures.
 *
 * A NaN and an infinity are counted and left out of every other figure. What a figure is does not
 * depend on the calling thread's floating-point mode (denormal flush, traps), nor is that mode
 * changed. Nothing allocates, blocks or fails; all functions may run in any thread. */
#ifndef TW_STATISTICS_H
#define TW_STATISTICS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tw_float_type {
    TW_FLOAT32,  /* IEEE 754 binary32: float */
    TW_BFLOAT16, /* the upper half of a binary32 */
    TW_FLOAT16   /* IEEE 754 binary16 */
};

/* All counts are of values. "Finite" leaves out NaN and the infinities. */
struct tw_statistics {
    uint64_t n; /* all, the ones that are not finite among them */
    uint64_t nan, positive_infinite, negative_infinite;
    uint64_t zeros;     /* of either sign */
    uint64_t denormals; /* in their own type: a half below 2^-14 is one, and no denormal float */
    uint64_t beyond;    /* finite, and below options.low or above options.high */
    double sum, sum_of_squares;
    double mean;               /* 0 without finite values */
    double squares_about_mean; /* the sum of (x - mean)^2; never negative */
    double min, max;           /* of the finite; +INFINITY and -INFINITY without one */
};

/* Bins of the histogram: by the exponent of the value as a float. Bin b holds |x| from 2^(b - 127)
 * to 2^(b - 126); bin 0 the zeros and all below 2^-126; 255 stays empty. */
#define TW_STATISTICS_BINS 256

/* Zeroed: nothing but the figures that cost nothing. */
struct tw_statistics_options {
    /* The mean that is expected, such as the last step's. It only saves time: where the mean is
     * large against the spread, the first values need no second look. */
    float shift;
    /* Values below `low` or above `high` are `beyond`: a saturated activation, say. Both 0: none.
     */
    float low, high;
    /* TW_STATISTICS_BINS counts that are added to, or NULL: it costs more than all the others. */
    uint64_t *histogram;
};

/* The figures of values[n] of `type`. `options` may be NULL. */
struct tw_statistics tw_statistics_of(enum tw_float_type type, const void *values, size_t n,
                                      const struct tw_statistics_options *options);

/* Adds values[n] to the figures of those before; a zeroed struct is NOT empty, see below. For
 * whoever has the values piece by piece, while they are in the cache: pieces of a few thousand. */
void tw_statistics_add(struct tw_statistics *statistics, enum tw_float_type type,
                       const void *values, size_t n, const struct tw_statistics_options *options);

/* Adds the figures of `other`: as if its values had been added one by one. */
void tw_statistics_merge(struct tw_statistics *statistics, const struct tw_statistics *other);

/* The figures of no values. */
static inline struct tw_statistics tw_statistics_none(void)
{
    struct tw_statistics none = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (double)INFINITY, -(double)INFINITY};
    return none;
}

static inline uint64_t tw_statistics_nonfinite(const struct tw_statistics *statistics)
{
    return statistics->nan + statistics->positive_infinite + statistics->negative_infinite;
}

/* What follows is of the finite values; NaN where there is none, except for l2, which is 0. */
static inline double tw_statistics_mean(const struct tw_statistics *statistics)
{
    return statistics->n > tw_statistics_nonfinite(statistics) ? statistics->mean : (double)NAN;
}

/* Of the population: divided by the count, not by the count less one. */
static inline double tw_statistics_variance(const struct tw_statistics *statistics)
{
    uint64_t finite = statistics->n - tw_statistics_nonfinite(statistics);
    return finite ? statistics->squares_about_mean / (double)finite : (double)NAN;
}

static inline double tw_statistics_std(const struct tw_statistics *statistics)
{
    return sqrt(tw_statistics_variance(statistics));
}

static inline double tw_statistics_l2(const struct tw_statistics *statistics)
{
    return sqrt(statistics->sum_of_squares);
}

static inline double tw_statistics_abs_max(const struct tw_statistics *statistics)
{
    if (statistics->n == tw_statistics_nonfinite(statistics))
        return (double)NAN;
    return fmax(-statistics->min, statistics->max);
}

#ifdef __cplusplus
}
#endif
#endif
