/* The list of schedules, and the warm-up before them. */
#include "trainer/schedules/schedule.h"

#include <stddef.h>
#include <string.h>

extern const struct tw_schedule tw_schedule_constant, tw_schedule_linear, tw_schedule_cosine,
    tw_schedule_step;

const struct tw_schedule *const tw_schedules[] = {&tw_schedule_constant, &tw_schedule_linear,
                                                  &tw_schedule_cosine, &tw_schedule_step, NULL};

const struct tw_schedule *tw_schedule_find(const char *name)
{
    for (size_t i = 0; tw_schedules[i]; i++) {
        if (!strcmp(tw_schedules[i]->name, name))
            return tw_schedules[i];
    }
    return NULL;
}

double tw_schedule_factor(const struct tw_schedule *schedule, uint64_t step, uint64_t warmup_steps,
                          uint64_t total_steps)
{
    if (step < warmup_steps)
        return (double)(step + 1) / (double)warmup_steps;
    if (step >= total_steps)
        step = total_steps - 1;
    return schedule->factor((double)(step - warmup_steps) / (double)(total_steps - warmup_steps));
}
