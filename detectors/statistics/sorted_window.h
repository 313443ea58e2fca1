/* The newest values of a series in order of arrival and of size at once, so that its median costs
 * nothing and a new value costs a few dozen nanoseconds: a ring of floats and one byte a value for
 * its rank. Flat: the owner embeds TW_SORTED_WINDOW(n) with n <= 256. Values must be finite. */
#ifndef TW_SORTED_WINDOW_H
#define TW_SORTED_WINDOW_H

#include <stdint.h>

struct tw_window_head {
    uint16_t capacity, count, next; /* `next` is where the next value goes */
};

#define TW_SORTED_WINDOW(n)                                                                        \
    struct {                                                                                       \
        struct tw_window_head head;                                                                \
        uint8_t order[n]; /* order[k]: place in the ring of the k-th smallest */                   \
        float values[n];                                                                           \
    }

/* The four below take the members of such a window. */
#define TW_WINDOW_START(window)                                                                    \
    (*(&(window)->head) = (struct tw_window_head){.capacity = sizeof(window)->order})
#define TW_WINDOW_PUSH(window, x)                                                                  \
    tw_window_push(&(window)->head, (window)->values, (window)->order, (x))
#define TW_WINDOW_MEDIAN(window)                                                                   \
    tw_window_median(&(window)->head, (window)->values, (window)->order)
#define TW_WINDOW_MAD(window)                                                                      \
    tw_window_deviation(&(window)->head, (window)->values, (window)->order)

/* Adds a value, dropping the oldest of a full window. */
void tw_window_push(struct tw_window_head *head, float *values, uint8_t *order, float x);
/* The median; 0 of an empty window. */
static inline double tw_window_median(const struct tw_window_head *head, const float *values,
                                      const uint8_t *order)
{
    unsigned n = head->count;
    if (!n)
        return 0;
    return .5 * ((double)values[order[(n - 1) / 2]] + (double)values[order[n / 2]]);
}
/* The median absolute deviation from the median, times 1.4826 so that it estimates sigma of a
 * normal distribution; 0 of an empty window. */
double tw_window_deviation(const struct tw_window_head *head, const float *values,
                           const uint8_t *order);
/* The value that came `age` values ago (0 = the newest); age < count. */
static inline float tw_window_at(const struct tw_window_head *head, const float *values,
                                 uint16_t age)
{
    unsigned at = head->next + head->capacity - 1u - age;
    return values[at < head->capacity ? at : at - head->capacity];
}

#endif
