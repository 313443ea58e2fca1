/* The e-process of a rate. */
#include "detectors/statistics/bernoulli.h"

#include <math.h>

void tw_bernoulli_add(struct tw_bernoulli *process, uint64_t events, uint64_t trials, double p0,
                      double p1)
{
    uint64_t quiet = trials > events ? trials - events : 0;
    double from = process->log_e > 0 ? process->log_e : 0;
    double gain = (double)events * log(p1 / p0) + (double)quiet * log((1 - p1) / (1 - p0));
    /* Limited both ways, so that it neither overflows nor takes for ever to come back. */
    process->log_e = fmax(-50, fmin(50, from + gain));
}
