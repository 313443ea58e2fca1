/* Sorting and medians. */
#include "detectors/statistics/order.h"

#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void tw_sort(double *values, unsigned n)
{
    qsort(values, n, sizeof *values, compare);
}

double tw_median(double *values, unsigned n)
{
    if (n == 0)
        return 0;
    tw_sort(values, n);
    return .5 * (values[(n - 1) / 2] + values[n / 2]);
}

/* ---- two in the middle, by a guess ---- */

/* Of as many as are near the guess at most, sorting them is cheaper than all. */
enum { MOST = 256, NEAR_MOST = 64 };

/* Shell's sort with Ciura's gaps: nothing beats it for some dozens. */
static void sort_floats(float *values, unsigned n)
{
    static const unsigned gaps[] = {57, 23, 10, 4, 1};
    for (unsigned g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        for (unsigned i = gaps[g]; i < n; i++) {
            float x = values[i];
            unsigned at = i;
            for (; at >= gaps[g] && values[at - gaps[g]] > x; at -= gaps[g])
                values[at] = values[at - gaps[g]];
            values[at] = x;
        }
    }
}

static void take_two(const float *sorted, unsigned n, unsigned k, float ret[2])
{
    ret[0] = sorted[k];
    ret[1] = sorted[k + 1 < n ? k + 1 : k];
}

/* Copies the values from `low` to `high`, in order, until there are NEAR_MOST; returns how many,
 * and how many are below. */
#ifdef __SSE2__
static unsigned take_near(const float *values, unsigned n, float low, float high, float *near,
                          unsigned *ret_below)
{
    __m128 lowest = _mm_set1_ps(low), highest = _mm_set1_ps(high);
    unsigned inside = 0, below = 0, at = 0;
    for (; at + 4 <= n && inside <= NEAR_MOST; at += 4) {
        __m128 four = _mm_loadu_ps(values + at);
        unsigned is_below = (unsigned)_mm_movemask_ps(_mm_cmplt_ps(four, lowest));
        unsigned is_above = (unsigned)_mm_movemask_ps(_mm_cmpgt_ps(four, highest));
        below += (unsigned)__builtin_popcount(is_below);
        for (unsigned is_near = ~(is_below | is_above) & 15; is_near; is_near &= is_near - 1)
            near[inside++] = values[at + (unsigned)__builtin_ctz(is_near)];
    }
    for (; at < n && inside <= NEAR_MOST; at++) {
        below += values[at] < low;
        if (values[at] >= low && values[at] <= high)
            near[inside++] = values[at];
    }
    *ret_below = below;
    return inside;
}
#else
static unsigned take_near(const float *values, unsigned n, float low, float high, float *near,
                          unsigned *ret_below)
{
    unsigned inside = 0, below = 0;
    for (unsigned at = 0; at < n && inside <= NEAR_MOST; at++) {
        below += values[at] < low;
        if (values[at] >= low && values[at] <= high)
            near[inside++] = values[at];
    }
    *ret_below = below;
    return inside;
}
#endif

void tw_order_two(const float *values, unsigned n, unsigned k, float guess, float width,
                  float ret[2])
{
    float near[MOST];
    unsigned below, inside = take_near(values, n, guess - width, guess + width, near, &below);
    if (inside <= NEAR_MOST && k >= below && k + 1 < below + inside) {
        sort_floats(near, inside);
        take_two(near, inside, k - below, ret);
        return;
    }
    memcpy(near, values, n * sizeof *near);
    sort_floats(near, n);
    take_two(near, n, k, ret);
}
