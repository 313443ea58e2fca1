/* Sorting and medians. */
#include "detectors/statistics/order.h"

#include <stdlib.h>

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
