/* Where the loss stands and where it stood best: medians over 5, 16 and 64 newest losses of the
 * course that have a place on its scale, and the lowest such medians so far. The best is lagged by
 * a window, so that what is compared with it never overlaps it. */
#ifndef TW_LEVEL_H
#define TW_LEVEL_H

#include "course.h"
#include "sorted_window.h"

enum tw_level_span { TW_LEVEL_5, TW_LEVEL_16, TW_LEVEL_64, TW_LEVEL_SPANS };

struct tw_level_best {
    float best, previous;              /* medians; `previous` becomes eligible next time */
    uint64_t best_step, previous_step; /* newest step of that window */
};

struct tw_level {
    TW_SORTED_WINDOW(16) window16;
    uint8_t has_best[TW_LEVEL_SPANS], has_previous[TW_LEVEL_SPANS];
    uint64_t count; /* losses since the start */
    struct tw_level_best best[TW_LEVEL_SPANS];
};

void tw_level_start(struct tw_level *level);
/* Adds the newest loss of the course, which has a place on the scale. */
void tw_level_push(struct tw_level *level, const struct tw_course *course);
/* The course went over to the linear scale: so does what is kept. */
void tw_level_make_linear(struct tw_level *level);

/* The newest median of 5 or 16 values, over fewer while there are fewer. */
double tw_level_now(const struct tw_level *level, enum tw_level_span span);
/* The longest span that has a best already (64, 16, 5), or TW_LEVEL_SPANS when none has. */
enum tw_level_span tw_level_best_span(const struct tw_level *level);
/* Median of the newer 8 of the newest 16 minus that of the older 8: below 0 when it falls. */
double tw_level_trend(const struct tw_level *level);
/* Typical size of the noise: 1.4826 times the median absolute difference of neighbours / sqrt 2,
 * over the newest 64 values without the very newest `skip`. Indifferent to trends. */
double tw_level_noise(const struct tw_level *level, const struct tw_course *course, unsigned skip);
/* The step of the oldest value of the newest `n` <= 16, where none had no place on the scale. */
uint64_t tw_level_first_step(const struct tw_level *level, const struct tw_course *course,
                             unsigned n);

#endif
