/* A short sorted stretch of a larger set. */
#include "detectors/statistics/middle.h"

#include "detectors/statistics/order.h"

#include <string.h>

static unsigned rank_of(const struct tw_middle *middle, float x)
{
    unsigned at = 0;
    for (unsigned i = 0; i < middle->n; i++)
        at += middle->near[i] < x;
    return at;
}

/* The end that is further from the middle makes room. */
static void make_room(struct tw_middle *middle)
{
    unsigned centre = middle->of / 2u, first = middle->below, last = first + middle->n - 1u;
    if (centre > first && centre - first > (last > centre ? last - centre : 0)) {
        memmove(middle->near, middle->near + 1, (middle->n - 1u) * sizeof *middle->near);
        middle->below++;
    }
    middle->n--;
}

void tw_middle_add(struct tw_middle *middle, float x)
{
    middle->of++;
    if (!middle->n || x > middle->near[middle->n - 1])
        return;
    if (x < middle->near[0]) {
        middle->below++;
        return;
    }
    if (middle->n == TW_MIDDLE_VALUES)
        make_room(middle);
    unsigned at = rank_of(middle, x);
    memmove(middle->near + at + 1, middle->near + at, (middle->n - at) * sizeof *middle->near);
    middle->near[at] = x;
    middle->n++;
}

void tw_middle_remove(struct tw_middle *middle, float x)
{
    middle->of--;
    if (!middle->n || x > middle->near[middle->n - 1])
        return;
    if (x < middle->near[0]) {
        middle->below--;
        return;
    }
    unsigned at = rank_of(middle, x);
    middle->n--;
    memmove(middle->near + at, middle->near + at + 1, (middle->n - at) * sizeof *middle->near);
}

bool tw_middle_is_known(const struct tw_middle *middle)
{
    unsigned low = (middle->of - 1u) / 2, high = middle->of / 2u;
    return middle->of && low >= middle->below && high < (unsigned)middle->below + middle->n;
}

bool tw_middle_is_equal(const struct tw_middle *a, const struct tw_middle *b)
{
    return a->of == b->of && a->below == b->below && a->n == b->n &&
           !memcmp(a->near, b->near, a->n * sizeof *a->near);
}

void tw_middle_find(struct tw_middle *middle, const float *values, unsigned n, float guess,
                    float width)
{
    unsigned first = n > TW_MIDDLE_VALUES ? (n - TW_MIDDLE_VALUES) / 2 : 0;
    middle->of = (uint16_t)n;
    middle->below = (uint16_t)first;
    middle->n = (uint8_t)(n - first < TW_MIDDLE_VALUES ? n - first : TW_MIDDLE_VALUES);
    tw_order_some(values, n, first, middle->n, guess, width, middle->near);
}

double tw_middle_median(const struct tw_middle *middle)
{
    unsigned low = (middle->of - 1u) / 2, high = middle->of / 2u;
    return .5 *
           ((double)middle->near[low - middle->below] + (double)middle->near[high - middle->below]);
}
