/* Values in order: sorting and medians of a few hundred at most. */
#ifndef TW_ORDER_H
#define TW_ORDER_H

/* Sorts `n` values in place, the smallest first. None may be NaN. */
void tw_sort(double *values, unsigned n);

/* The median of `n` values, which are sorted on the way; the mean of the two in the middle when `n`
 * is even. 0 of none. None may be NaN. */
double tw_median(double *values, unsigned n);

/* Writes `some` of `n` values in order, from the one on that `first` are below (first + some <= n
 * <= 256). Quick where these are all within `width` of `guess`, right wherever they are. None may
 * be NaN. */
void tw_order_some(const float *values, unsigned n, unsigned first, unsigned some, float guess,
                   float width, float *ret);

#endif
