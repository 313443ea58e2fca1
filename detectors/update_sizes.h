/* The newest sizes of a run's updates: log10 of update over weight norm, of steps at half the
 * highest learning rate or more, since a rate that is warmed up or has decayed tells nothing of the
 * one that was chosen. Kept once for all detectors that judge by them. Flat. */
#ifndef TW_UPDATE_SIZES_H
#define TW_UPDATE_SIZES_H

#include <math.h>
#include <stdint.h>

#define TW_UPDATE_SIZES 64
/* Of an update of nothing, and the least that is kept. */
#define TW_UPDATE_SIZE_MIN (-12)

/* Sizes are kept in so many parts of one: a part is .12 % of an update. */
#define TW_UPDATE_SIZE_UNIT 2000

struct tw_update_sizes {
    uint8_t is_new;                 /* the newest record brought one */
    int16_t replaced;               /* by it; 0 while there is room */
    uint64_t count;                 /* since the run's start */
    int16_t sizes[TW_UPDATE_SIZES]; /* a ring */
};

/* Adds the norms of a step, both finite, 0 <= update and 1e-30 < weights, below 1e30. */
void tw_update_sizes_push(struct tw_update_sizes *sizes, double update, double weights);
static inline unsigned tw_update_sizes_kept(const struct tw_update_sizes *sizes)
{
    return sizes->count < TW_UPDATE_SIZES ? (unsigned)sizes->count : TW_UPDATE_SIZES;
}
/* The newest one, and the one that it took the place of. */
static inline double tw_update_sizes_newest(const struct tw_update_sizes *sizes)
{
    return (double)sizes->sizes[(sizes->count - 1) % TW_UPDATE_SIZES] / TW_UPDATE_SIZE_UNIT;
}
static inline double tw_update_sizes_replaced(const struct tw_update_sizes *sizes)
{
    return (double)sizes->replaced / TW_UPDATE_SIZE_UNIT;
}
/* Their median; 0 of none. */
double tw_update_sizes_median(const struct tw_update_sizes *sizes);

#endif
