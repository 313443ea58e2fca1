/* One rank of several that has fallen silent while the others train on: findings of the detector
 * "stalled-run" with the scope "rank:N". What is silent sends no record that observe() could see,
 * so whoever combines the ranks (agent/ranks.h) asks here at each step that is judged, and applies
 * the report as that detector's. */
#ifndef TW_STALLED_RUN_RANKS_H
#define TW_STALLED_RUN_RANKS_H

#include "detectors/detector.h"

/* The first member of the detector's configuration; its options stand in the detector's table. */
struct tw_rank_lag_config {
    uint64_t rank_steps, rank_back_steps;
    double rank_seconds, rank_intervals;
};

/* One rank against the step that is judged. */
struct tw_rank_lag {
    uint32_t rank, ranks;    /* its number, and how many ranks have reported */
    uint64_t step;           /* its newest */
    int64_t time_ms;         /* of its newest record */
    uint32_t interval_steps; /* between its newest step records, the larger of two */
    uint64_t judged_step;    /* the others' */
    int64_t judged_time_ms;
    double step_seconds; /* how long a step of the run takes; 0 while that is not known */
    bool is_told;        /* its finding is open */
};

/* How many steps and how many seconds behind the others make a rank silent. */
uint64_t tw_rank_lag_steps(const struct tw_rank_lag_config *config, const struct tw_rank_lag *lag);
double tw_rank_lag_seconds(const struct tw_rank_lag_config *config, double step_seconds);

/* Judges a rank that has reported before. Silent for so many steps *and* for so long: OPEN; close
 * to the others again: RECOVERED; else nothing. Returns the state that was reported, or SUSPECT. */
enum tw_state tw_rank_lag_judge(const struct tw_rank_lag_config *config,
                                const struct tw_rank_lag *lag, struct tw_report *report);

/* The run failed and the rank, whose finding is open, had not come back: that is critical. */
void tw_rank_lag_failed(const struct tw_rank_lag_config *config, const struct tw_rank_lag *lag,
                        struct tw_report *report);

#endif
