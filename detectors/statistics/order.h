/* Values in order: those in the middle of a few hundred at most. */
#ifndef TW_ORDER_H
#define TW_ORDER_H

/* The k-th smallest of `n` values; k counts from 0. They change places. None may be NaN. */
double tw_kth(double *values, unsigned n, unsigned k);

/* The median of `n` values; the mean of the two in the middle when `n` is even. 0 of none. The
 * values change places. None may be NaN. */
double tw_median(double *values, unsigned n);

/* Writes the k-th smallest of `n` <= 310 values (k counts from 0) and the one after it, or the k-th
 * twice where it is the largest. None may be NaN. */
void tw_order_two(const float *values, unsigned n, unsigned k, float ret[2]);
/* The same, quicker where the k-th is within `width` of `guess`, right wherever it is. */
void tw_order_two_near(const float *values, unsigned n, unsigned k, float guess, float width,
                       float ret[2]);
/* Writes `some` of `n` values in order, from the one on that `first` are below (first + some <= n
 * <= 310). Quick where these are all within `width` of `guess`, right wherever they are. None may
 * be NaN. */
void tw_order_some(const float *values, unsigned n, unsigned first, unsigned some, float guess,
                   float width, float *ret);

/* The middle one of five; none may be NaN. */
float tw_median_of_five(const float values[5]);

#endif
