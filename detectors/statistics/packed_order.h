/* The middle of a few hundred packed logarithms (packed_log.h), counted as the whole numbers that
 * they are: eight at a time, exact, and with nothing unpacked. Values stay as they are. */
#ifndef TW_PACKED_ORDER_H
#define TW_PACKED_ORDER_H

#include <stdint.h>

/* Twice the median of `n` values (1 <= n <= 1000), which is a whole number: the mean of the two in
 * the middle counts where `n` is even. The nearer `guess` is to the median, the quicker. */
int tw_packed_twice_median(const int16_t *values, unsigned n, int guess);

/* Twice the smallest distance from `twice_centre` / 2 within which there are at least `rank` of the
 * values, 1 <= rank <= n. The nearer `guess` is to that distance, the quicker. */
int tw_packed_twice_distance(const int16_t *values, unsigned n, int twice_centre, unsigned rank,
                             int guess);

#endif
