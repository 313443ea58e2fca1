/* How losses are compared: as ratios on a log scale while all are positive (then "1.10" means 10 %
 * above the best), in parts of the progress made on their own scale once one was negative (then
 * "1.10" means that 10 % of the progress since the start is lost). Flat. */
#ifndef TW_DIVERGENCE_SCALE_H
#define TW_DIVERGENCE_SCALE_H

#include "detectors/statistics/course.h"

struct tw_loss_scale {
    uint8_t is_linear; /* of what its owner has stored; the course's own may be a record ahead */
    double initial;    /* the loss of doing nothing, on the scale */
    double spread;     /* the newest that was known: baselines start anew */
};

/* Goes over to the linear scale. */
void tw_loss_scale_make_linear(struct tw_loss_scale *scale);
/* A loss on the scale in force, limited to what a float can hold; and back. */
double tw_loss_scaled(const struct tw_loss_scale *scale, double value);
double tw_loss_unscaled(const struct tw_loss_scale *scale, double scaled);
/* How far level `y` is above `best`, both on the scale: a ratio, 1 = equal; see above. */
double tw_loss_rise(const struct tw_loss_scale *scale, double y, double best);
/* That it is more than `ratio`, 1 or more: quicker, since the answer is mostly plain. */
bool tw_loss_rises(const struct tw_loss_scale *scale, double y, double best, double ratio);

#endif
