/* Medians by insertion into a sorted index: moving at most 256 bytes beats any cleverer structure.
 */
#include "detectors/statistics/sorted_window.h"

#include <string.h>

static void remove_oldest(struct tw_window_head *head, uint8_t *order)
{
    uint8_t *rank = memchr(order, head->next, head->count);
    memmove(rank, rank + 1, (size_t)(order + head->count - rank) - 1);
    head->count--;
}

/* Rank of the first value above x. */
static unsigned rank_above(const struct tw_window_head *head, const float *values,
                           const uint8_t *order, float x)
{
    unsigned low = 0, high = head->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (values[order[middle]] > x)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void tw_window_push(struct tw_window_head *head, float *values, uint8_t *order, float x)
{
    if (head->count == head->capacity)
        remove_oldest(head, order);
    unsigned rank = rank_above(head, values, order, x);
    memmove(order + rank + 1, order + rank, head->count - rank);
    order[rank] = (uint8_t)head->next;
    values[head->next] = x;
    head->count++;
    head->next = (uint16_t)((head->next + 1) % head->capacity);
}

/* The distances above the median grow upward and those below grow downward: the k-th smallest of
 * both together is where a split of k between the two sides leaves nothing smaller behind, found by
 * halving. */
double tw_window_deviation(const struct tw_window_head *head, const float *values,
                           const uint8_t *order)
{
    int n = head->count, middle = n / 2, k = (n + 1) / 2, low = k - middle > 0 ? k - middle : 0;
    int high = n - middle < k ? n - middle : k;
    double median = tw_window_median(head, values, order), distance = 0;
    if (!n)
        return 0;
    while (low <
           high) { /* `above` values are taken from the upper side, k - above from the lower */
        int above = (low + high) / 2;
        double next_up = (double)values[order[middle + above]] - median;
        double last_down = median - (double)values[order[middle - (k - above)]];
        if (next_up < last_down)
            low = above + 1;
        else
            high = above;
    }
    if (low > 0)
        distance = (double)values[order[middle + low - 1]] - median;
    if (low < k && median - (double)values[order[middle - (k - low)]] > distance)
        distance = median - (double)values[order[middle - (k - low)]];
    return 1.4826 * distance;
}
