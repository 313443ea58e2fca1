/* What rules compute amounts from: the run's own healthy numbers, kept in small flat rings. */
#ifndef TW_RUN_SERIES_H
#define TW_RUN_SERIES_H

#include "detectors/context.h"
#include "detectors/finding.h"
#include "detectors/statistics/course_marks.h"
#include "rules/facts.h"

/* The newest healthy losses that their median is of. */
#define TW_SERIES_LOSSES 64
/* 250 norms, one in 4 records: the newest 1,000 steps. */
#define TW_SERIES_NORMS 250
#define TW_SERIES_NORM_STRIDE 4
#define TW_SERIES_CHECKPOINTS 16

struct tw_run_series {
    uint64_t losses, norms; /* healthy ones so far */
    double initial_loss, newest_loss, best_loss;
    uint64_t best_loss_step;
    double seconds; /* sum of step_seconds */
    uint64_t timed_steps;
    double skipped;                 /* optimizer steps */
    double rollbacks;               /* times the step index went back while a finding was open */
    struct tw_course_marks healthy; /* losses of the context's course */
    int16_t norm[TW_SERIES_NORMS];  /* logarithms, a ring; statistics/packed_log.h */

    /* The rest is only there from TW_EXTENT_EVALS on. */
    double eval_loss, best_eval_loss;
    uint64_t best_eval_step;
    uint64_t evals, first_eval_step, newest_eval_step;
    uint32_t n_checkpoints;
    struct {
        uint64_t step;
        double loss;
    } checkpoints[TW_SERIES_CHECKPOINTS]; /* newest last */
};

/* Bytes of a series that is there as far as `extent`. */
size_t tw_run_series_size(enum tw_extent extent);
/* Starts one of TW_EXTENT_STEPS. */
void tw_run_series_start(struct tw_run_series *series);
/* It reaches from `before` to `extent` now, what is new of it zeroed. */
void tw_run_series_grow(struct tw_run_series *series, enum tw_extent before, enum tw_extent extent);

/* Takes a record, after the context has; as far as tw_extent_of() the series must reach. While
 * `is_flagged` (a detector is suspicious or has an open finding) its norm and loss do not become
 * part of what counts as healthy. */
void tw_run_series_observe(struct tw_run_series *series, const struct tw_record *record,
                           const struct tw_context *context, bool is_flagged);

/* Steps from the first to the newest, both counted; at least 1. */
uint64_t tw_run_series_steps(const struct tw_context *context);

/* Facts for the rules about one finding. */
void tw_run_series_facts(const struct tw_run_series *series, const struct tw_context *context,
                         const struct tw_header *header, const struct tw_finding *finding,
                         struct tw_facts *ret);

#endif
