/* First, newest and whole of a loss. */
#include "detectors/underfitting/series.h"

#include "detectors/statistics/order.h"
#include "detectors/statistics/slope.h"

#include <math.h>
#include <string.h>

/* Fewer values than this are no level. */
enum { LEVEL_VALUES = 5 };

void tw_underfitting_series_start(struct tw_underfitting_series *series)
{
    memset(series, 0, sizeof *series);
    tw_trace_start(&series->trace);
}

int tw_underfitting_series_push(struct tw_underfitting_series *series, double value, uint64_t step,
                                int64_t time_ms)
{
    if (!series->count) {
        series->first_step = step;
        series->first_time_ms = time_ms;
    }
    if (value <= 0)
        series->was_negative = 1;
    if (series->n_first < TW_UNDERFITTING_WINDOW)
        series->first[series->n_first++] = (float)value;
    series->newest[series->count++ % TW_UNDERFITTING_WINDOW] = (float)value;
    series->newest_step = step;
    return tw_trace_push(&series->trace, value, step);
}

/* Copies values into doubles to be sorted. */
static void widen(double *to, const float *values, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        to[i] = values[i];
}

static double median(const float *values, unsigned n)
{
    double sorted[TW_UNDERFITTING_WINDOW];
    widen(sorted, values, n);
    return tw_median(sorted, n);
}

/* A part of all values, 5 to 64, as far as there are so many. */
static unsigned values_of(const struct tw_underfitting_series *series, unsigned part)
{
    uint64_t n = series->count / part;
    if (n < LEVEL_VALUES)
        n = LEVEL_VALUES;
    if (n > TW_UNDERFITTING_WINDOW)
        n = TW_UNDERFITTING_WINDOW;
    return (unsigned)(n < series->count ? n : series->count);
}

double tw_underfitting_series_initial(const struct tw_underfitting_series *series)
{
    if (!series->count)
        return NAN;
    return fmin(series->first[0], median(series->first, values_of(series, 16)));
}

double tw_underfitting_series_level(const struct tw_underfitting_series *series)
{
    float values[TW_UNDERFITTING_WINDOW];
    unsigned n = values_of(series, 5);
    if (!n)
        return NAN;
    for (unsigned i = 0; i < n; i++)
        values[i] = series->newest[(series->count - 1 - i) % TW_UNDERFITTING_WINDOW];
    return median(values, n);
}

double tw_underfitting_series_lowest(const struct tw_underfitting_series *series)
{
    const struct tw_trace *trace = &series->trace;
    unsigned n = trace->n / 16 > 3 ? trace->n / 16 : 3;
    double lowest = INFINITY;
    for (unsigned end = n; end <= trace->n * 3 / 4; end++) {
        double sum = 0;
        for (unsigned i = end - n; i < end; i++)
            sum += (double)trace->means[i];
        lowest = fmin(lowest, sum / n);
    }
    return lowest;
}

double tw_underfitting_series_early_peak(const struct tw_underfitting_series *series)
{
    enum { HIGHEST = 4 };
    double sorted[TW_UNDERFITTING_WINDOW];
    if (series->n_first < HIGHEST)
        return NAN;
    widen(sorted, series->first, series->n_first);
    tw_sort(sorted, series->n_first);
    return sorted[series->n_first - HIGHEST];
}

struct tw_underfitting_course
tw_underfitting_series_course(const struct tw_underfitting_series *series, double from, double to)
{
    const struct tw_trace *trace = &series->trace;
    double means[TW_TRACE_BLOCKS];
    unsigned first = (unsigned)(from * trace->n), n = (unsigned)(to * trace->n) - first;
    struct tw_underfitting_course course = {.falling = .5};
    if (n < 3 || first + n > trace->n)
        return course;
    for (unsigned i = 0; i < n; i++)
        means[i] = trace->means[first + i];
    struct tw_slope line = tw_slope_fit(means, n);
    double start = line.newest - line.slope * (n - 1);
    double steps = (double)trace->steps[first + n - 1] - (double)trace->steps[first];
    course.falling = line.falling;
    course.fall_per_block = -line.slope;
    if (start > 0)
        course.fall = -line.slope * (n - 1) / start;
    if (start > 0 && line.newest > 0 && steps > 0)
        course.per_step = log(line.newest / start) / steps;
    return course;
}
