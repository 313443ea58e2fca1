/* Logarithms and their way back. */
#include "detectors/divergence/scale.h"

#include "detectors/statistics/log_ratio.h"

#include <math.h>

/* Beyond it, differences of floats overflow. */
#define LINEAR_MAX 1e30
/* exp() of more is of no use to anybody and would overflow. */
#define LOG_RISE_MAX 50.

double tw_loss_scaled(const struct tw_loss_scale *scale, double value)
{
    if (scale->is_linear)
        return fmax(-LINEAR_MAX, fmin(LINEAR_MAX, value));
    return log(value);
}

double tw_loss_unscaled(const struct tw_loss_scale *scale, double scaled)
{
    return scale->is_linear ? scaled : exp(fmin(scaled, 709));
}

void tw_loss_scale_make_linear(struct tw_loss_scale *scale)
{
    scale->initial = fmin(LINEAR_MAX, tw_loss_unscaled(scale, scale->initial));
    scale->is_linear = 1;
}

/* Linear scale: the progress made so far is the unit, or the noise while there is none. */
static double linear_unit(const struct tw_loss_scale *scale, double best)
{
    return fmax(fmax(scale->initial - best, 5 * scale->spread), 1e-6 * fabs(best));
}

double tw_loss_rise(const struct tw_loss_scale *scale, double y, double best)
{
    if (scale->is_linear) /* nothing can be said while not even the noise is known */
        return scale->spread > 0 ? 1 + fmin((y - best) / linear_unit(scale, best), 1e12) : 1;
    return exp(fmin(y - best, LOG_RISE_MAX));
}

bool tw_loss_rises(const struct tw_loss_scale *scale, double y, double best, double ratio)
{
    return (scale->is_linear || tw_log_may_reach(y - best, ratio)) &&
           tw_loss_rise(scale, y, best) > ratio;
}
