/* Medians of a few values, by selecting them. */
#include "detectors/statistics/recent.h"

#include "detectors/statistics/order.h"

#include <math.h>

enum { MOST = 64 };

double tw_recent_median(const float *values, unsigned n)
{
    float two[2];
    if (!n)
        return 0;
    if (n == 5)
        return (double)tw_median_of_five(values);
    tw_order_two(values, n, (n - 1) / 2, two);
    return n % 2 ? (double)two[0] : .5 * ((double)two[0] + (double)two[1]);
}

double tw_recent_deviation(const float *values, unsigned n)
{
    double median = tw_recent_median(values, n), distances[MOST];
    if (!n)
        return 0;
    for (unsigned i = 0; i < n; i++)
        distances[i] = fabs((double)values[i] - median);
    return 1.4826 * tw_kth(distances, n, (n + 1) / 2 - 1);
}
