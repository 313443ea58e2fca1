/* An e-process against "events come at most at rate p0": it multiplies the likelihood ratio of a
 * rate p1 and restarts at 1, so that an alarm at E >= 1e4 comes on average not more often than once
 * in 1e4 trials while the rate is at most p0 (Shin, Ramdas and Rinaldo, arXiv 2203.03532). */
#ifndef TW_BERNOULLI_H
#define TW_BERNOULLI_H

#include <stdint.h>

struct tw_bernoulli {
    double log_e;
};

/* Adds `events` of `trials`; 0 < p0 < p1 < 1. */
void tw_bernoulli_add(struct tw_bernoulli *process, uint64_t events, uint64_t trials, double p0,
                      double p1);

#endif
