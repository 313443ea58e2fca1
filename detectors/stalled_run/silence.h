/* A run that sends nothing any more, though it has not ended: findings of the detector
 * "stalled-run" with the scope "run". How long a run may be silent is learned from its records; how
 * long it has been is the business of whoever listens to it (tw_detector.patience and .silent).
 * What is said is a function of the records alone, so that the same silence is told in the same
 * words however often it is judged. */
#ifndef TW_STALLED_RUN_SILENCE_H
#define TW_STALLED_RUN_SILENCE_H

#include "detectors/detector.h"

struct tw_run_silence_config {
    double after, after_unknown, after_max; /* seconds */
    double factor;
    uint64_t min_gaps;
    bool needs_header;
};

/* What is learned of the times between two records. */
struct tw_run_silence {
    uint8_t is_told; /* its finding is open */
    uint8_t has_time;
    int64_t time_ms; /* of the newest record */
    uint64_t n_gaps;
    double longest, sum; /* seconds */
};

void tw_run_silence_observe(struct tw_run_silence *silence, const struct tw_context *context,
                            const struct tw_record *record, struct tw_report *report);

/* Seconds; INFINITY where silence is no trouble: the run has done all its steps, or it sends so
 * little that it would not say that it has. */
double tw_run_silence_patience(const struct tw_run_silence *silence,
                               const struct tw_run_silence_config *config,
                               const struct tw_context *context);

/* It has been silent for so long: OPEN, once. */
void tw_run_silence_tell(struct tw_run_silence *silence, const struct tw_run_silence_config *config,
                         const struct tw_context *context, struct tw_report *report);

/* All `runs` runs of a project are silent, this one for `seconds`; `threshold` is what counts. The
 * scope is "project:NAME". */
void tw_run_silence_tell_project(const struct tw_context *context, const char *project,
                                 uint32_t runs, double seconds, double threshold,
                                 struct tw_report *report);

#endif
