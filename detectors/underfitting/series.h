/* A loss from its first value to its newest: where it began, where it stands, and its whole course.
 * Flat; only finite values of magnitude below 1e30 come here. */
#ifndef TW_UNDERFITTING_SERIES_H
#define TW_UNDERFITTING_SERIES_H

#include "detectors/statistics/course.h"

#include <stdbool.h>

#define TW_UNDERFITTING_WINDOW 64
/* Medians of the first 5, 6, ... 64 values. */
#define TW_UNDERFITTING_STARTS 60
#define TW_UNDERFITTING_START_SCALE 60000
#define TW_UNDERFITTING_HIGHEST 4

/* What is kept of any loss. */
struct tw_underfitting_series {
    uint64_t count, first_step, newest_step;
    int64_t first_time_ms;
    uint8_t was_negative; /* or 0: no level can be told as a share of another */
    float first;
    float highest[TW_UNDERFITTING_HIGHEST]; /* of the first 64, the highest first */
    uint16_t
        starts[TW_UNDERFITTING_STARTS]; /* over the first value, TW_UNDERFITTING_START_SCALE: 1 */
};

/* An evaluation loss: of a training loss, the run's course has the rest. */
struct tw_underfitting_evals {
    struct tw_underfitting_series series;
    double newest_loss, newest_train;     /* a pair; 0 while unknown; they outlast other data */
    float newest[TW_UNDERFITTING_WINDOW]; /* a ring */
    struct tw_trace trace;
};

/* Takes a value, the newest of the course, or an evaluation. */
void tw_underfitting_take_loss(struct tw_underfitting_series *series,
                               const struct tw_course *course, double value, uint64_t step,
                               int64_t time_ms);
void tw_underfitting_evals_start(struct tw_underfitting_evals *evals);
void tw_underfitting_take_eval(struct tw_underfitting_evals *evals, double value, uint64_t step,
                               int64_t time_ms);

/* The level before anything was learned: the first value, or the median of the first 5 to 64 (a
 * sixteenth of all) where that is less, since a run may blow up after its first step. */
double tw_underfitting_initial(const struct tw_underfitting_series *series);
/* The present level: the median of the newest 5 to 64 (a fifth of all). */
double tw_underfitting_level(const struct tw_underfitting_series *series,
                             const struct tw_course *course);
double tw_underfitting_evals_level(const struct tw_underfitting_evals *evals);
/* The fourth highest of the first 64 values: more than bad luck with single batches. */
double tw_underfitting_early_peak(const struct tw_underfitting_series *series);

/* The lowest mean of a sixteenth of the course, the newest quarter aside: where the loss has stood
 * before. Infinite while the course is too short. */
double tw_underfitting_lowest(const struct tw_trace *trace);

/* How the newest `share` of the course runs. */
struct tw_underfitting_course {
    double falling;  /* probability that it falls */
    double fall;     /* share of its first level by which the line through it falls; < 0: rises */
    double per_step; /* change of log(loss) a step */
    double fall_per_block;
};
struct tw_underfitting_course tw_underfitting_course(const struct tw_trace *trace, double from,
                                                     double to);

#endif
