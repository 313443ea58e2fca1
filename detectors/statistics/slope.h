/* Whether a series falls: a straight line through equally spaced values by least squares, with the
 * probability that its slope is below zero, and for how long a series has not fallen (dlib's
 * running_gradient and count_steps_without_decrease). */
#ifndef TW_SLOPE_H
#define TW_SLOPE_H

/* Most values that tw_slope_without_decrease() takes. */
#define TW_SLOPE_VALUES 128

struct tw_slope {
    double slope;          /* change from one value to the next */
    double newest;         /* of the line at the newest value */
    double standard_error; /* of slope, times sqrt((1+r)/(1-r)) for the lag-1 autocorrelation r
                            * (0 to .9) of the residuals: neighbours that resemble each other tell
                            * less than they seem to */
    double falling;        /* probability that the slope is below 0, by Student's t */
};

/* The line through `n` finite values, oldest first. With fewer than 3 nothing is known: the slope
 * is 0 and falls with probability .5. */
struct tw_slope tw_slope_fit(const double *values, unsigned n);

/* How many of the newest values one can go back without a probability of `falling` that the series
 * falls over them; 0 when it falls wherever one looks, or for fewer than 3 values. The longest such
 * stretch counts, and at most TW_SLOPE_VALUES newest values are looked at. dlib takes .51. Values
 * among the highest `discard` (0 to .5; dlib: 0, robust variant .1) are passed over, so that a
 * spike does not make what follows it a decrease. */
unsigned tw_slope_without_decrease(const double *values, unsigned n, double falling,
                                   double discard);

#endif
