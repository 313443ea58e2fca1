/* Sorting and medians. */
#include "detectors/statistics/order.h"

#include <stdlib.h>
#include <string.h>

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

enum { MOST = 256 };

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

void tw_order_two(const float *values, unsigned n, unsigned k, float guess, float width,
                  float ret[2])
{
    float near[MOST], low = guess - width, high = guess + width;
    unsigned below = 0, inside = 0;
    for (unsigned i = 0; i < n; i++) {
        near[inside] = values[i];
        inside += values[i] >= low && values[i] <= high;
        below += values[i] < low;
    }
    if (k >= below && k + 1 < below + inside && inside <= 64) {
        sort_floats(near, inside);
        take_two(near, inside, k - below, ret);
        return;
    }
    memcpy(near, values, n * sizeof *near);
    sort_floats(near, n);
    take_two(near, n, k, ret);
}
