/* Half a cosine from 1 to 0. I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with
 * Warm Restarts", ICLR 2017, equation 5, without restarts. */
#include "trainer/schedules/schedule.h"

#include <math.h>

static double cosine_factor(double progress)
{
    return .5 * (1 + cos(M_PI * progress));
}

const struct tw_schedule tw_schedule_cosine = {
    .name = "cosine",
    .description = "falls along half a cosine to 0",
    .factor = cosine_factor,
};
