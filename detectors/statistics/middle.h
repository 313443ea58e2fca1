/* The median of a set of floats that changes by one at a time, exact at every moment: the few
 * values around its middle are kept in order, and found anew from the whole set, which the owner
 * keeps, when the middle has wandered beyond them (about once in a hundred changes). Flat. */
#ifndef TW_MIDDLE_H
#define TW_MIDDLE_H

#include <stdbool.h>
#include <stdint.h>

#define TW_MIDDLE_VALUES 14

struct tw_middle {
    uint16_t of;    /* values of the whole set */
    uint16_t below; /* of them below those that are kept */
    uint8_t n;      /* that are kept */
    float near[TW_MIDDLE_VALUES];
};

/* The whole set has grown by `x`, or lost it. */
void tw_middle_add(struct tw_middle *middle, float x);
void tw_middle_remove(struct tw_middle *middle, float x);
/* False when the middle has wandered off: then tw_middle_find() is due. */
bool tw_middle_is_known(const struct tw_middle *middle);
/* Finds it among all the `n` <= 256 values, quickly where it is within `width` of `guess`. */
void tw_middle_find(struct tw_middle *middle, const float *values, unsigned n, float guess,
                    float width);
bool tw_middle_is_equal(const struct tw_middle *a, const struct tw_middle *b);
/* The median; the mean of two where they are even. The middle must be known. */
double tw_middle_median(const struct tw_middle *middle);

#endif
