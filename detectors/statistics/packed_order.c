/* Ranks of whole numbers: the smallest bound that enough of them keep is found by halving. */
#include "detectors/statistics/packed_order.h"

#include <stdbool.h>

/* What is asked of a bound: that `rank` of the values are no larger than it or, with a centre, no
 * further from that. */
struct question {
    const int16_t *values;
    unsigned n, rank;
    bool has_centre;
    int twice_centre;
};

static int16_t limited(int x)
{
    return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

/* In 16 bits, so that eight are counted at once. */
static unsigned count_between(const int16_t *values, unsigned n, int low, int high)
{
    int16_t lowest = limited(low), highest = limited(high), inside = 0;
#pragma omp simd reduction(+ : inside)
    for (unsigned i = 0; i < n; i++)
        inside = (int16_t)(inside + ((values[i] >= lowest) & (values[i] <= highest)));
    return (unsigned)inside;
}

/* Twice a distance is as even or odd as twice the centre: bound b stands for 2 b or 2 b + 1. */
static int twice_distance(const struct question *question, int bound)
{
    return 2 * bound + (question->twice_centre & 1);
}

static bool is_enough(const struct question *question, int bound)
{
    int low = INT16_MIN, high = bound;
    if (question->has_centre) {
        int twice = twice_distance(question, bound);
        low = (question->twice_centre - twice) / 2;
        high = (question->twice_centre + twice) / 2;
    }
    return count_between(question->values, question->n, low, high) >= question->rank;
}

/* The smallest bound that is enough, from `least` to `most`, which is: tried near the guess first,
 * in steps that double, and then by halving. */
static int smallest(const struct question *question, int least, int most, int guess)
{
    int below = least - 1, at = guess < least ? least : guess < most ? guess : most - 1;
    for (int step = 1; below + 1 < most; step += step < UINT16_MAX ? step : 0) {
        bool is_high = is_enough(question, at);
        int next = is_high ? at - step : at + step;
        if (is_high)
            most = at;
        else
            below = at;
        at = next > below && next < most ? next : below + (most - below) / 2;
    }
    return most;
}

static int smallest_above(const int16_t *values, unsigned n, int x)
{
    int16_t bound = (int16_t)x, above = INT16_MAX;
#pragma omp simd reduction(min : above)
    for (unsigned i = 0; i < n; i++) {
        int16_t y = values[i] > bound ? values[i] : INT16_MAX;
        above = y < above ? y : above;
    }
    return above;
}

int tw_packed_twice_median(const int16_t *values, unsigned n, int guess)
{
    const struct question question = {.values = values, .n = n, .rank = (n + 1) / 2};
    int low = smallest(&question, INT16_MIN, INT16_MAX, guess);
    if (n % 2 || count_between(values, n, INT16_MIN, low) > n / 2)
        return 2 * low;
    return low + smallest_above(values, n, low);
}

int tw_packed_twice_distance(const int16_t *values, unsigned n, int twice_centre, unsigned rank,
                             int guess)
{
    const struct question question = {
        .values = values, .n = n, .rank = rank, .has_centre = true, .twice_centre = twice_centre};
    int bound = smallest(&question, 0, 2 * UINT16_MAX, guess / 2);
    return twice_distance(&question, bound);
}
