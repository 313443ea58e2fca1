/* Present and best levels of a series. */
#include "detectors/statistics/level.h"

#include "detectors/statistics/order.h"

#include <math.h>
#include <string.h>

void tw_level_start(struct tw_level *level)
{
    memset(level, 0, sizeof *level);
    TW_WINDOW_START(&level->window16);
}

/* A handful is sorted by insertion. */
static double median_of_few(float *values, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        float x = values[i];
        unsigned k = i;
        for (; k && values[k - 1] > x; k--)
            values[k] = values[k - 1];
        values[k] = x;
    }
    return n ? .5 * ((double)values[(n - 1) / 2] + (double)values[n / 2]) : 0;
}

static double median_of(float *values, unsigned n)
{
    float two[2];
    if (n == 5)
        return (double)tw_median_of_five(values);
    if (n <= 8)
        return median_of_few(values, n);
    tw_order_two(values, n, (n - 1) / 2, two);
    return .5 * ((double)two[0] + (double)(n % 2 ? two[0] : two[1]));
}

/* Median of `n` <= 8 values of window16, the newest of them `age` values old. */
static double median_back(const struct tw_level *level, unsigned age, unsigned n)
{
    float values[8];
    unsigned count = level->window16.head.count, taken = 0;
    for (; taken < n && age + taken < count; taken++)
        values[taken] =
            tw_window_at(&level->window16.head, level->window16.values, (uint16_t)(age + taken));
    return median_of(values, taken);
}

static void offer(struct tw_level *level, enum tw_level_span span, double median, uint64_t step)
{
    struct tw_level_best *best = &level->best[span];
    if (level->has_previous[span] && (!level->has_best[span] || best->previous < best->best)) {
        best->best = best->previous;
        best->best_step = best->previous_step;
        level->has_best[span] = 1;
    }
    best->previous = (float)median;
    best->previous_step = step;
    level->has_previous[span] = 1;
}

static double median_of_64(const struct tw_course *course)
{
    float values[64];
    unsigned n = tw_course_scaled(course, 64, values);
    return median_of(values, n);
}

void tw_level_push(struct tw_level *level, const struct tw_course *course)
{
    uint64_t step = course->newest_step;
    TW_WINDOW_PUSH(&level->window16, (float)course->newest);
    level->count++;
    if (level->count % 5 == 0)
        offer(level, TW_LEVEL_5, median_back(level, 0, 5), step);
    if (level->count % 16 == 0) {
        offer(level, TW_LEVEL_16, TW_WINDOW_MEDIAN(&level->window16), step);
        if (level->count >= 64)
            offer(level, TW_LEVEL_64, median_of_64(course), step);
    }
}

static float to_linear(float y)
{
    return (float)fmin(1e30, exp(fmin((double)y, 709)));
}

/* The exponential keeps the order, so that the sorted window stays sorted. */
void tw_level_make_linear(struct tw_level *level)
{
    for (unsigned i = 0; i < level->window16.head.count; i++)
        level->window16.values[i] = to_linear(level->window16.values[i]);
    for (int span = 0; span < TW_LEVEL_SPANS; span++) {
        struct tw_level_best *best = &level->best[span];
        best->best = level->has_best[span] ? to_linear(best->best) : 0;
        best->previous = level->has_previous[span] ? to_linear(best->previous) : 0;
    }
}

double tw_level_now(const struct tw_level *level, enum tw_level_span span)
{
    return span == TW_LEVEL_5 ? median_back(level, 0, 5) : TW_WINDOW_MEDIAN(&level->window16);
}

enum tw_level_span tw_level_best_span(const struct tw_level *level)
{
    for (int span = TW_LEVEL_64; span >= TW_LEVEL_5; span--) {
        if (level->has_best[span])
            return (enum tw_level_span)span;
    }
    return TW_LEVEL_SPANS;
}

double tw_level_trend(const struct tw_level *level)
{
    return median_back(level, 0, 8) - median_back(level, 8, 8);
}

double tw_level_noise(const struct tw_level *level, const struct tw_course *course, unsigned skip)
{
    float values[64], differences[64];
    unsigned n = tw_course_scaled(course, level->count < 64 ? (unsigned)level->count : 64, values);
    unsigned found = 0;
    for (unsigned age = skip; age + 1 < n; age++)
        differences[found++] = fabsf(values[age] - values[age + 1]);
    return 1.4826 / sqrt(2) * median_of(differences, found);
}

uint64_t tw_level_first_step(const struct tw_level *level, const struct tw_course *course,
                             unsigned n)
{
    unsigned count = level->window16.head.count;
    return count ? tw_course_step(course, (n < count ? n : count) - 1) : 0;
}
