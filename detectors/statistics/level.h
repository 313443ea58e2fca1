/* Where a series stands and where it stood best: medians over 5, 16 and 64 newest values, and the
 * lowest such medians so far. The best is lagged by a window, so that what is compared with it
 * never overlaps it. */
#ifndef TW_LEVEL_H
#define TW_LEVEL_H

#include "sorted_window.h"

enum tw_level_span { TW_LEVEL_5, TW_LEVEL_16, TW_LEVEL_64, TW_LEVEL_SPANS };

struct tw_level_best {
    uint8_t has_best, has_previous;
    double best, previous;             /* medians; `previous` becomes eligible next time */
    uint64_t best_step, previous_step; /* newest step of that window */
};

struct tw_level {
    TW_SORTED_WINDOW(16) window16;
    TW_SORTED_WINDOW(64) window64;
    uint64_t step16[16]; /* steps of window16's values */
    uint64_t count;
    struct tw_level_best best[TW_LEVEL_SPANS];
};

void tw_level_start(struct tw_level *level);
/* Adds a finite value. */
void tw_level_push(struct tw_level *level, double x, uint64_t step);

/* The newest median of 5 or 16 values, over fewer while there are fewer. */
double tw_level_now(const struct tw_level *level, enum tw_level_span span);
/* The longest span that has a best already (64, 16, 5), or TW_LEVEL_SPANS when none has. */
enum tw_level_span tw_level_best_span(const struct tw_level *level);
/* Median of the newer 8 of the newest 16 minus that of the older 8: below 0 when it falls. */
double tw_level_trend(const struct tw_level *level);
/* Typical size of the noise: 1.4826 times the median absolute difference of neighbours / sqrt 2,
 * over the newest 64 values without the very newest `skip`. Indifferent to trends. */
double tw_level_noise(const struct tw_level *level, unsigned skip);
/* The step of the oldest value of the newest `n` <= 16. */
uint64_t tw_level_first_step(const struct tw_level *level, unsigned n);

#endif
