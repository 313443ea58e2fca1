/* The course of a run's training loss, kept once for all detectors that judge by it: the newest 310
 * losses, the whole from its start in blocks, and the steps of both. Losses stand on a scale: their
 * logarithm while all are positive (differences are ratios then), themselves once one was negative.
 * A loss of 0 has no place on the first scale and is marked. Flat; no NaN comes in. */
#ifndef TW_COURSE_H
#define TW_COURSE_H

#include "trace.h"

#include <stdbool.h>

/* A baseline of 256, and room for 54 among them that are not healthy. */
#define TW_COURSE_LOSSES 310
/* The newest steps are known exactly; of older ones every so many and those around the newest two
 * places where the step went back, and those between by a line. */
#define TW_COURSE_STEPS 16
#define TW_COURSE_MARK_EVERY 31
#define TW_COURSE_MARKS (TW_COURSE_LOSSES / TW_COURSE_MARK_EVERY + 1)
/* A loss of 0 on the logarithmic scale. */
#define TW_COURSE_ZERO (-1e30F)

#define TW_COURSE_BREAKS 2

struct tw_course_break {
    uint64_t number;        /* of the loss that came first behind it, from 0; 0: none */
    uint64_t before, after; /* steps of the loss before it and of that one */
};

struct tw_course {
    uint8_t is_new;       /* the newest record brought a loss */
    uint8_t block_is_new; /* and completed a block of the trace */
    uint8_t is_linear;    /* a loss was negative */
    uint16_t place;       /* of the newest loss in the ring */
    float replaced;       /* what the newest loss took the place of, on the scale */
    uint64_t count;       /* losses since the run's start */
    double newest;        /* on the scale, in full */
    uint64_t newest_step;
    uint32_t steps[TW_COURSE_STEPS];                 /* low halves, a ring */
    uint64_t marks[TW_COURSE_MARKS];                 /* a ring */
    struct tw_course_break breaks[TW_COURSE_BREAKS]; /* the newest first */
    float losses[TW_COURSE_LOSSES]; /* on the scale, a ring: loss n is at n % 310 */
    struct tw_trace trace;          /* of losses of magnitude below 1e30, as they came */
};

void tw_course_start(struct tw_course *course);
/* The data changed: the trace begins anew. */
void tw_course_begin_data(struct tw_course *course);
/* Adds a finite loss. */
void tw_course_push(struct tw_course *course, double loss, uint64_t step);
/* Counts what this thread has pushed into any course: between two pushes no course changes. */
extern _Thread_local uint64_t tw_course_pushes;

/* From the scale back to a loss, limited to 1e308. */
double tw_course_loss(const struct tw_course *course, double scaled);
/* How many losses are kept: ages below it may be asked for. */
static inline unsigned tw_course_kept(const struct tw_course *course)
{
    return course->count < TW_COURSE_LOSSES ? (unsigned)course->count : TW_COURSE_LOSSES;
}
/* The loss that came `age` losses ago (0: the newest), on the scale. */
static inline float tw_course_at(const struct tw_course *course, unsigned age)
{
    unsigned at = course->place + TW_COURSE_LOSSES - age;
    return course->losses[at < TW_COURSE_LOSSES ? at : at - TW_COURSE_LOSSES];
}
/* And its step; exact for ages below TW_COURSE_STEPS and where steps are evenly spaced. */
uint64_t tw_course_step(const struct tw_course *course, unsigned age);

/* Writes the newest up to `n` losses that have a place on the scale, the newest first, and returns
 * how many these are. */
unsigned tw_course_scaled(const struct tw_course *course, unsigned n, float *ret);
/* The median of the newest `n` losses of magnitude up to 1e30, the newest `skip` such ones passed
 * over, as they came; of fewer where there are fewer, 0 of none. */
double tw_course_median(const struct tw_course *course, unsigned skip, unsigned n);

#endif
