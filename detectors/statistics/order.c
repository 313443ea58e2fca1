/* Medians, and other values by their rank. */
#include "detectors/statistics/order.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* C. A. R. Hoare's FIND (Communications of the ACM 4, 1961), as N. Wirth writes it: what is in
 * front of the k-th then is no larger and what is behind it no smaller. */
#define DEFINE_FIND_KTH(name, number)                                                              \
    static void name(number *values, int n, int k)                                                 \
    {                                                                                              \
        int low = 0, high = n - 1;                                                                 \
        while (low < high) {                                                                       \
            number pivot = values[k];                                                              \
            int i = low, j = high;                                                                 \
            while (i <= j) {                                                                       \
                while (values[i] < pivot)                                                          \
                    i++;                                                                           \
                while (pivot < values[j])                                                          \
                    j--;                                                                           \
                if (i <= j) {                                                                      \
                    number swapped = values[i];                                                    \
                    values[i++] = values[j];                                                       \
                    values[j--] = swapped;                                                         \
                }                                                                                  \
            }                                                                                      \
            if (j < k)                                                                             \
                low = i;                                                                           \
            if (k < i)                                                                             \
                high = j;                                                                          \
        }                                                                                          \
    }

DEFINE_FIND_KTH(find_kth, float)
DEFINE_FIND_KTH(find_kth_double, double)

double tw_kth(double *values, unsigned n, unsigned k)
{
    find_kth_double(values, (int)n, (int)k);
    return values[k];
}

double tw_median(double *values, unsigned n)
{
    if (n == 0)
        return 0;
    double low = tw_kth(values, n, (n - 1) / 2), high = low;
    if (n % 2 == 0) {
        high = values[n / 2];
        for (unsigned i = n / 2 + 1; i < n; i++)
            high = values[i] < high ? values[i] : high;
    }
    return .5 * (low + high);
}

/* Of some dozens: whose rank is k is counted, four at a time and with no branch to guess wrong. */
static void rank_two(const float *values, unsigned n, unsigned k, float ret[2])
{
    float x = values[0], above = INFINITY;
    int less = 0, up_to = 0;
    for (unsigned i = 0; i < n; i++) {
        x = values[i];
        less = up_to = 0;
#pragma omp simd reduction(+ : less, up_to)
        for (unsigned j = 0; j < n; j++) {
            less += values[j] < x;
            up_to += values[j] <= x;
        }
        if (less <= (int)k && (int)k < up_to)
            break;
    }
    ret[0] = ret[1] = x;
    if ((int)k + 1 < up_to || k + 1 >= n)
        return;
    for (unsigned j = 0; j < n; j++)
        above = values[j] > x && values[j] < above ? values[j] : above;
    ret[1] = above;
}

void tw_order_two(float *values, unsigned n, unsigned k, float ret[2])
{
    enum { DOZENS = 40 };
    if (n <= DOZENS) {
        rank_two(values, n, k, ret);
        return;
    }
    find_kth(values, (int)n, (int)k);
    ret[0] = values[k];
    ret[1] = k + 1 < n ? values[k + 1] : values[k];
    for (unsigned i = k + 2; i < n; i++)
        ret[1] = values[i] < ret[1] ? values[i] : ret[1];
}

/* ---- by a guess ---- */

enum { MOST = 256 };

/* Copies the values from `low` to `high`, in order; returns how many, and how many are below. */
#ifdef __SSE2__
static unsigned take_near(const float *values, unsigned n, float low, float high, float *near,
                          unsigned *ret_below)
{
    static const uint8_t bits[] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
    __m128 lowest = _mm_set1_ps(low), highest = _mm_set1_ps(high);
    unsigned inside = 0, below = 0, at = 0;
    for (; at + 4 <= n; at += 4) {
        __m128 four = _mm_loadu_ps(values + at);
        unsigned is_below = (unsigned)_mm_movemask_ps(_mm_cmplt_ps(four, lowest));
        unsigned is_above = (unsigned)_mm_movemask_ps(_mm_cmpgt_ps(four, highest));
        below += bits[is_below];
        for (unsigned is_near = ~(is_below | is_above) & 15; is_near; is_near &= is_near - 1)
            near[inside++] = values[at + (unsigned)__builtin_ctz(is_near)];
    }
    for (; at < n; at++) {
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
    for (unsigned at = 0; at < n; at++) {
        below += values[at] < low;
        if (values[at] >= low && values[at] <= high)
            near[inside++] = values[at];
    }
    *ret_below = below;
    return inside;
}
#endif

void tw_order_two_near(const float *values, unsigned n, unsigned k, float guess, float width,
                       float ret[2])
{
    float near[MOST];
    unsigned below, inside = take_near(values, n, guess - width, guess + width, near, &below);
    if (k >= below && k + 1 < below + inside) {
        tw_order_two(near, inside, k - below, ret);
        return;
    }
    memcpy(near, values, n * sizeof *near);
    tw_order_two(near, n, k, ret);
}

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

void tw_order_some(const float *values, unsigned n, unsigned first, unsigned some, float guess,
                   float width, float *ret)
{
    float near[MOST];
    unsigned below, inside = take_near(values, n, guess - width, guess + width, near, &below);
    if (first < below || first + some > below + inside) {
        memcpy(near, values, n * sizeof *near);
        below = 0;
        inside = n;
    }
    sort_floats(near, inside);
    memcpy(ret, near + (first - below), some * sizeof *ret);
}
