/* The learning rate stays what it is. */
#include "trainer/schedules/schedule.h"

static double constant_factor(double progress)
{
    (void)progress;
    return 1;
}

const struct tw_schedule tw_schedule_constant = {
    .name = "constant",
    .description = "stays what it is",
    .factor = constant_factor,
};
