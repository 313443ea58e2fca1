/* The learning rate falls in a straight line to 0. */
#include "trainer/schedules/schedule.h"

static double linear_factor(double progress)
{
    return 1 - progress;
}

const struct tw_schedule tw_schedule_linear = {
    .name = "linear",
    .description = "falls in a straight line to 0",
    .factor = linear_factor,
};
