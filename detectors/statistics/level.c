/* Present and best levels of a series. */
#include "detectors/statistics/level.h"

#include <math.h>
#include <string.h>

void tw_level_start(struct tw_level *level)
{
    memset(level, 0, sizeof *level);
    TW_WINDOW_START(&level->window16);
    TW_WINDOW_START(&level->window64);
}

/* Medians of a handful of values, sorted by insertion in place. */
static double median_of(float *values, unsigned n)
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

static void offer(struct tw_level_best *best, double median, uint64_t step)
{
    if (best->has_previous && (!best->has_best || best->previous < best->best)) {
        best->best = best->previous;
        best->best_step = best->previous_step;
        best->has_best = 1;
    }
    best->previous = median;
    best->previous_step = step;
    best->has_previous = 1;
}

void tw_level_push(struct tw_level *level, double x, uint64_t step)
{
    level->step16[level->window16.head.next] = step;
    TW_WINDOW_PUSH(&level->window16, (float)x);
    TW_WINDOW_PUSH(&level->window64, (float)x);
    level->count++;
    if (level->count % 5 == 0)
        offer(&level->best[TW_LEVEL_5], median_back(level, 0, 5), step);
    if (level->count % 16 == 0) {
        offer(&level->best[TW_LEVEL_16], TW_WINDOW_MEDIAN(&level->window16), step);
        if (level->count >= 64)
            offer(&level->best[TW_LEVEL_64], TW_WINDOW_MEDIAN(&level->window64), step);
    }
}

double tw_level_now(const struct tw_level *level, enum tw_level_span span)
{
    return span == TW_LEVEL_5 ? median_back(level, 0, 5) : TW_WINDOW_MEDIAN(&level->window16);
}

enum tw_level_span tw_level_best_span(const struct tw_level *level)
{
    for (int span = TW_LEVEL_64; span >= TW_LEVEL_5; span--) {
        if (level->best[span].has_best)
            return (enum tw_level_span)span;
    }
    return TW_LEVEL_SPANS;
}

double tw_level_trend(const struct tw_level *level)
{
    return median_back(level, 0, 8) - median_back(level, 8, 8);
}

double tw_level_noise(const struct tw_level *level, unsigned skip)
{
    const struct tw_window_head *head = &level->window64.head;
    float differences[64];
    unsigned n = 0;
    for (unsigned age = skip; age + 1 < head->count; age++) {
        float newer = tw_window_at(head, level->window64.values, (uint16_t)age);
        float older = tw_window_at(head, level->window64.values, (uint16_t)(age + 1));
        differences[n++] = fabsf(newer - older);
    }
    return 1.4826 / sqrt(2) * median_of(differences, n);
}

uint64_t tw_level_first_step(const struct tw_level *level, unsigned n)
{
    const struct tw_window_head *head = &level->window16.head;
    unsigned age = (n < head->count ? n : head->count) - 1u;
    return head->count ? level->step16[(head->next + 15u - age) % 16] : 0;
}
