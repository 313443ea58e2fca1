/* Least squares with Student's t, as a normal deviate. */
#include "detectors/statistics/slope.h"

#include "detectors/statistics/order.h"

#include <math.h>
#include <string.h>

static double residual_correlation(const double *values, unsigned n, double first, double slope,
                                   double *ret_squares)
{
    double products = 0, squares = 0, before = 0;
    for (unsigned i = 0; i < n; i++) {
        double residual = values[i] - first - slope * i;
        products += i ? residual * before : 0;
        squares += residual * residual;
        before = residual;
    }
    *ret_squares = squares;
    double r = squares > 0 ? products / squares : 0;
    return r < 0 ? 0 : r < .9 ? r : .9;
}

static double probability_below_zero(const struct tw_slope *line, unsigned n)
{
    if (!(line->standard_error > 0))
        return line->slope < 0 ? 1 : line->slope > 0 ? 0 : .5;
    double t = line->slope / line->standard_error, freedom = n - 2;
    if (!(fabs(t) < 1e6)) /* t * t must stay finite */
        return t < 0 ? 1 : 0;
    /* Student's t as a normal deviate (Abramowitz and Stegun 26.7.8). */
    double z = t * (1 - .25 / freedom) / sqrt(1 + t * t / (2 * freedom));
    return .5 * erfc(z / sqrt(2));
}

struct tw_slope tw_slope_fit(const double *values, unsigned n)
{
    struct tw_slope line = {.newest = n ? values[n - 1] : 0, .falling = .5};
    double mean = 0, sxy = 0, sxx = 0, centre = (n - 1.) / 2;
    if (n < 3)
        return line;
    for (unsigned i = 0; i < n; i++)
        mean += values[i] / n;
    for (unsigned i = 0; i < n; i++) {
        sxy += (i - centre) * (values[i] - mean);
        sxx += (i - centre) * (i - centre);
    }
    line.slope = sxy / sxx;
    line.newest = mean + line.slope * centre;
    double squares;
    double r = residual_correlation(values, n, mean - line.slope * centre, line.slope, &squares);
    line.standard_error = sqrt(squares / (n - 2) / sxx * (1 + r) / (1 - r));
    line.falling = probability_below_zero(&line, n);
    return line;
}

/* The highest value that is not among the highest `discard`. */
static double highest_kept(const double *values, unsigned n, double discard)
{
    double sorted[TW_SLOPE_VALUES];
    memcpy(sorted, values, n * sizeof *sorted);
    tw_sort(sorted, n);
    return sorted[n - 1 - (unsigned)(discard * n)];
}

unsigned tw_slope_without_decrease(const double *values, unsigned n, double falling, double discard)
{
    double kept[TW_SLOPE_VALUES];
    unsigned n_kept = 0, longest = 0;
    if (n > TW_SLOPE_VALUES) {
        values += n - TW_SLOPE_VALUES;
        n = TW_SLOPE_VALUES;
    }
    if (n < 3)
        return 0;
    double limit = highest_kept(values, n, discard);
    for (unsigned back = 1; back <= n; back++) {
        double value = values[n - back];
        if (value > limit)
            continue;
        /* Filled from its end, so that what is kept stays in order of time. */
        kept[TW_SLOPE_VALUES - ++n_kept] = value;
        if (n_kept > 2 && tw_slope_fit(kept + TW_SLOPE_VALUES - n_kept, n_kept).falling < falling)
            longest = back;
    }
    return longest;
}
