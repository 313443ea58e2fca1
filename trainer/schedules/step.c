/* The learning rate falls to a tenth after the first and after the second third of the run. */
#include "trainer/schedules/schedule.h"

static double step_factor(double progress)
{
    return progress < 1. / 3 ? 1 : progress < 2. / 3 ? .1 : .01;
}

const struct tw_schedule tw_schedule_step = {
    .name = "step",
    .description = "a tenth after the first and after the second third of the run",
    .factor = step_factor,
};
