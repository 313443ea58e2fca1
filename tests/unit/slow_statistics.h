/* Medians and deviations the slow way, to test the fast ones against. */
#ifndef TW_SLOW_STATISTICS_H
#define TW_SLOW_STATISTICS_H

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double slow_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return .5 * (values[(n - 1) / 2] + values[n / 2]);
}

/* The k-th smallest distance with k = half of n, rounded up: the lower median of the distances. */
static double slow_deviation(const double *values, size_t n, double median)
{
    double distances[512];
    for (size_t i = 0; i < n; i++)
        distances[i] = fabs(values[i] - median);
    qsort(distances, n, sizeof *distances, compare);
    return 1.4826 * distances[(n + 1) / 2 - 1];
}

#endif
