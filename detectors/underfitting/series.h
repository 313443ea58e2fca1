/* A loss from its first value to its newest: where it began, where it stands, and its whole course
 * in a fixed room. Flat; only finite values of magnitude below 1e30 come here. */
#ifndef TW_UNDERFITTING_SERIES_H
#define TW_UNDERFITTING_SERIES_H

#include "detectors/statistics/trace.h"

#include <stdbool.h>

#define TW_UNDERFITTING_WINDOW 64

struct tw_underfitting_series {
    uint64_t count, first_step, newest_step;
    int64_t first_time_ms;
    uint8_t was_negative; /* or 0: no level can be told as a share of another */
    uint32_t n_first;
    float first[TW_UNDERFITTING_WINDOW];
    float newest[TW_UNDERFITTING_WINDOW]; /* a ring */
    struct tw_trace trace;
};

void tw_underfitting_series_start(struct tw_underfitting_series *series);
/* Takes a value; returns 1 when a block of the trace is complete. */
int tw_underfitting_series_push(struct tw_underfitting_series *series, double value, uint64_t step,
                                int64_t time_ms);

/* The level before anything was learned: the first value, or the median of the first 5 to 64 (a
 * sixteenth of all) where that is less, since a run may blow up after its first step. */
double tw_underfitting_series_initial(const struct tw_underfitting_series *series);
/* The present level: the median of the newest 5 to 64 (a fifth of all). */
double tw_underfitting_series_level(const struct tw_underfitting_series *series);
/* The lowest mean of a sixteenth of the course, the newest quarter aside: where the loss has stood
 * before. Infinite while the course is too short. */
double tw_underfitting_series_lowest(const struct tw_underfitting_series *series);
/* The fourth highest of the first 64 values: more than bad luck with single batches. */
double tw_underfitting_series_early_peak(const struct tw_underfitting_series *series);

/* How the newest `share` of the course runs. */
struct tw_underfitting_course {
    double falling;  /* probability that it falls */
    double fall;     /* share of its first level by which the line through it falls; < 0: rises */
    double per_step; /* change of log(loss) a step */
    double fall_per_block;
};
struct tw_underfitting_course
tw_underfitting_series_course(const struct tw_underfitting_series *series, double from, double to);

#endif
