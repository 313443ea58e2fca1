/* First, newest and whole of a loss. */
#include "detectors/underfitting/series.h"

#include "detectors/statistics/order.h"
#include "detectors/statistics/slope.h"

#include <math.h>

/* Fewer values than this are no level. */
enum { LEVEL_VALUES = 5 };

static double median(const float *values, unsigned n)
{
    double sorted[TW_UNDERFITTING_WINDOW];
    for (unsigned i = 0; i < n; i++)
        sorted[i] = (double)values[i];
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

/* ---- where it began ---- */

/* The place of the median of the first `n` values. */
static unsigned start_of(unsigned n)
{
    return n < LEVEL_VALUES ? 0 : n - LEVEL_VALUES;
}

/* Where the first value is positive, no more than it is asked for; elsewhere it alone counts. */
static void note_start(struct tw_underfitting_series *series, double median)
{
    double share = series->first > 0 ? median / (double)series->first : 1;
    series->starts[start_of((unsigned)series->count)] =
        (uint16_t)(TW_UNDERFITTING_START_SCALE * fmax(0, fmin(1, share)) + .5);
}

static void note_highest(struct tw_underfitting_series *series, float value)
{
    unsigned kept =
        series->count < TW_UNDERFITTING_HIGHEST ? (unsigned)series->count : TW_UNDERFITTING_HIGHEST;
    unsigned at = kept;
    for (; at && series->highest[at - 1] < value; at--) {
        if (at < TW_UNDERFITTING_HIGHEST)
            series->highest[at] = series->highest[at - 1];
    }
    if (at < TW_UNDERFITTING_HIGHEST)
        series->highest[at] = value;
}

static void take(struct tw_underfitting_series *series, double value, uint64_t step,
                 int64_t time_ms)
{
    if (!series->count) {
        series->first_step = step;
        series->first_time_ms = time_ms;
        series->first = (float)value;
    }
    if (value <= 0)
        series->was_negative = 1;
    if (series->count < TW_UNDERFITTING_WINDOW)
        note_highest(series, (float)value);
    series->count++;
    series->newest_step = step;
}

void tw_underfitting_take_loss(struct tw_underfitting_series *series,
                               const struct tw_course *course, double value, uint64_t step,
                               int64_t time_ms)
{
    take(series, value, step, time_ms);
    if (series->count <= TW_UNDERFITTING_WINDOW)
        note_start(series, tw_course_median(course, 0, (unsigned)series->count));
}

void tw_underfitting_evals_start(struct tw_underfitting_evals *evals)
{
    evals->series = (struct tw_underfitting_series){0};
    tw_trace_start(&evals->trace);
}

void tw_underfitting_take_eval(struct tw_underfitting_evals *evals, double value, uint64_t step,
                               int64_t time_ms)
{
    struct tw_underfitting_series *series = &evals->series;
    evals->newest[series->count % TW_UNDERFITTING_WINDOW] = (float)value;
    take(series, value, step, time_ms);
    if (series->count <= TW_UNDERFITTING_WINDOW)
        note_start(series, median(evals->newest, (unsigned)series->count));
    (void)tw_trace_push(&evals->trace, value, step);
}

double tw_underfitting_initial(const struct tw_underfitting_series *series)
{
    if (!series->count)
        return NAN;
    return (double)series->first * series->starts[start_of(values_of(series, 16))] /
           TW_UNDERFITTING_START_SCALE;
}

double tw_underfitting_early_peak(const struct tw_underfitting_series *series)
{
    if (series->count < TW_UNDERFITTING_HIGHEST)
        return NAN;
    return (double)series->highest[TW_UNDERFITTING_HIGHEST - 1];
}

/* ---- where it stands ---- */

double tw_underfitting_level(const struct tw_underfitting_series *series,
                             const struct tw_course *course)
{
    unsigned n = values_of(series, 5);
    return n ? tw_course_median(course, 0, n) : NAN;
}

double tw_underfitting_evals_level(const struct tw_underfitting_evals *evals)
{
    float values[TW_UNDERFITTING_WINDOW];
    unsigned n = values_of(&evals->series, 5);
    for (unsigned i = 0; i < n; i++)
        values[i] = evals->newest[(evals->series.count - 1 - i) % TW_UNDERFITTING_WINDOW];
    return n ? median(values, n) : NAN;
}

/* ---- its course ---- */

double tw_underfitting_lowest(const struct tw_trace *trace)
{
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

struct tw_underfitting_course tw_underfitting_course(const struct tw_trace *trace, double from,
                                                     double to)
{
    double means[TW_TRACE_BLOCKS];
    unsigned first = (unsigned)(from * trace->n), n = (unsigned)(to * trace->n) - first;
    struct tw_underfitting_course course = {.falling = .5};
    if (n < 3 || first + n > trace->n)
        return course;
    for (unsigned i = 0; i < n; i++)
        means[i] = trace->means[first + i];
    struct tw_slope line = tw_slope_fit(means, n);
    double start = line.newest - line.slope * (n - 1);
    double steps = (double)tw_trace_step(trace, trace->n - (first + n - 1)) -
                   (double)tw_trace_step(trace, trace->n - first);
    course.falling = line.falling;
    course.fall_per_block = -line.slope;
    if (start > 0)
        course.fall = -line.slope * (n - 1) / start;
    if (start > 0 && line.newest > 0 && steps > 0)
        course.per_step = log(line.newest / start) / steps;
    return course;
}
