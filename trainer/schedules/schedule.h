/* A schedule is one file ending in one struct tw_schedule, listed in schedules.c: the learning rate
 * over a run, as a factor on the one that was asked for. Warm-up comes before every schedule. */
#ifndef TW_SCHEDULE_H
#define TW_SCHEDULE_H

#include <stdint.h>

struct tw_schedule {
    const char *name;        /* "cosine" */
    const char *description; /* one line */
    /* `progress`: how much of the run after the warm-up is over, 0 <= progress < 1. */
    double (*factor)(double progress);
};

extern const struct tw_schedule *const tw_schedules[]; /* NULL-terminated */
/* The one called `name`, or NULL. */
const struct tw_schedule *tw_schedule_find(const char *name);

/* The factor at a step (from 0) of `total_steps`: over the first `warmup_steps` it rises in a
 * straight line, 1/warmup_steps at the first; then the schedule's. */
double tw_schedule_factor(const struct tw_schedule *schedule, uint64_t step, uint64_t warmup_steps,
                          uint64_t total_steps);

#endif
