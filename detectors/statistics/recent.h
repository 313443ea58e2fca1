/* The newest values of a series in order of arrival, for medians that are asked for now and then: a
 * value costs one store, a median a sort. Where each value brings a question, sorted_window.h is
 * better. Flat: the owner embeds TW_RECENT(n) with n <= 64, zeroed. Values must be finite. */
#ifndef TW_RECENT_H
#define TW_RECENT_H

#include <stdint.h>

#define TW_RECENT(n)                                                                               \
    struct {                                                                                       \
        uint16_t count, next;                                                                      \
        float values[n]; /* a ring; while it fills, in order */                                    \
    }

/* The four below take such a struct. */
#define TW_RECENT_CAPACITY(recent) (sizeof(recent)->values / sizeof *(recent)->values)
#define TW_RECENT_CLEAR(recent) ((recent)->count = (recent)->next = 0)
#define TW_RECENT_PUSH(recent, x)                                                                  \
    ((recent)->values[(recent)->next] = (x),                                                       \
     (recent)->next = (uint16_t)(((recent)->next + 1) % TW_RECENT_CAPACITY(recent)),               \
     (recent)->count += (recent)->count < TW_RECENT_CAPACITY(recent))
#define TW_RECENT_MEDIAN(recent) tw_recent_median((recent)->values, (recent)->count)
#define TW_RECENT_MAD(recent) tw_recent_deviation((recent)->values, (recent)->count)

/* The median; 0 of none. */
double tw_recent_median(const float *values, unsigned n);
/* The median absolute deviation from the median, times 1.4826 so that it estimates sigma of a
 * normal distribution; 0 of none. */
double tw_recent_deviation(const float *values, unsigned n);

#endif
