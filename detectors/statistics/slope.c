/* Least squares with Student's t, as a normal deviate. */
#include "detectors/statistics/slope.h"

#include "detectors/statistics/order.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
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

/* Of the distances of n places from their middle. */
static double squares_of_places(unsigned n)
{
    return n * ((double)n * n - 1) / 12;
}

struct tw_slope tw_slope_fit(const double *values, unsigned n)
{
    struct tw_slope line = {.newest = n ? values[n - 1] : 0, .falling = .5};
    double mean = 0, sxy = 0, sxx = squares_of_places(n), centre = (n - 1.) / 2;
    if (n < 3)
        return line;
    for (unsigned i = 0; i < n; i++)
        mean += values[i];
    mean /= n;
    for (unsigned i = 0; i < n; i++)
        sxy += (i - centre) * (values[i] - mean);
    line.slope = sxy / sxx;
    line.newest = mean + line.slope * centre;
    double squares;
    double r = residual_correlation(values, n, mean - line.slope * centre, line.slope, &squares);
    line.standard_error = sqrt(squares / (n - 2) / sxx * (1 + r) / (1 - r));
    line.falling = probability_below_zero(&line, n);
    return line;
}

/* The highest value that is not among the highest `discard`; infinite where these are none. */
static double highest_kept(const double *values, unsigned n, double discard)
{
    double moved[TW_SLOPE_VALUES];
    if (discard * n < 1)
        return INFINITY;
    memcpy(moved, values, n * sizeof *moved);
    return tw_kth(moved, n, n - 1 - (unsigned)(discard * n));
}

/* ---- steps without decrease ---- */

/* Sums over the newest values: places count backward from the newest, values from the newest. */
struct sums {
    unsigned n;
    double newest, y, xy, yy;
};

static void add(struct sums *sums, double value)
{
    if (!sums->n)
        sums->newest = value;
    double y = value - sums->newest, x = sums->n++;
    sums->y += y;
    sums->xy += x * y;
    sums->yy += y * y;
}

enum answer { NO, YES, PERHAPS };

/* Whether a line through the values falls with less than this probability, as far as the sums alone
 * can tell: the standard error is not known without a look at neighbours, but its limit is, where
 * their correlation is .9. From t = .35 on, whatever n is, a line falls with a probability of .6.
 */
static enum answer does_not_fall(const struct sums *sums, double falling)
{
    double n = sums->n, xx = squares_of_places(sums->n);
    double xy = (n - 1) / 2 * sums->y - sums->xy, n_yy = n * sums->yy - sums->y * sums->y;
    double n_squared = xy * xy * n, size = xx * n_yy; /* r^2 is their ratio */
    if (!(n_squared > 1e-18 * size) || !(size < 1e300))
        return PERHAPS; /* less than what is rounded off */
    if (xy > 0)
        return falling > .501 ? YES : PERHAPS;
    bool is_sure = n_squared * (n - 2) * (1 - .9) > .35 * .35 * (1 + .9) * size;
    return falling < .6 && is_sure ? NO : PERHAPS;
}

/* The fit itself is asked only where the sums leave it open, the longest stretch first. */
static unsigned longest_of(const double *kept, const uint8_t *backs, const uint8_t *counts,
                           unsigned n, double falling)
{
    while (n--) {
        const double *from = kept + TW_SLOPE_VALUES - counts[n];
        if (tw_slope_fit(from, counts[n]).falling < falling)
            return backs[n];
    }
    return 0;
}

unsigned tw_slope_without_decrease(const double *values, unsigned n, double falling, double discard)
{
    double kept[TW_SLOPE_VALUES];
    uint8_t backs[TW_SLOPE_VALUES], counts[TW_SLOPE_VALUES];
    unsigned n_open = 0, longest = 0;
    struct sums sums = {0};
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
        add(&sums, value);
        /* Filled from its end, so that what is kept stays in order of time. */
        kept[TW_SLOPE_VALUES - sums.n] = value;
        enum answer answer = sums.n > 2 ? does_not_fall(&sums, falling) : NO;
        if (answer == YES) {
            longest = back;
            n_open = 0;
        } else if (answer == PERHAPS) {
            backs[n_open] = (uint8_t)back;
            counts[n_open++] = (uint8_t)sums.n;
        }
    }
    unsigned open = longest_of(kept, backs, counts, n_open, falling);
    return open ? open : longest;
}
