/* Dynamic loss scaling as a process of its own: an overflow now and then is how it finds the
 * largest scale (PyTorch's GradScaler: "once every few hundred or thousand iterations"), so only
 * the rate of skipped steps, their runs and the fall of the scale tell a problem. Flat state. */
#ifndef TW_OVERFLOW_SCALING_H
#define TW_OVERFLOW_SCALING_H

#include "detectors/context.h"
#include "detectors/finding.h"
#include "detectors/statistics/bernoulli.h"

struct tw_scaling_config {
    uint64_t calibration_skips, calibration_clean_steps;
    uint64_t growth_interval;
    double info_rate, warning_rate, e_value;
    uint64_t warning_run, critical_run;
    double warning_scale, critical_scale, fallen_by;
    uint64_t halvings_within;
};

#define TW_HALVINGS 6
#define TW_SKIP_BUCKETS 10
#define TW_SKIP_BUCKET_STEPS 100

struct tw_scaling {
    uint8_t has_step, is_calibrated, has_probe; /* has_probe: one skip is forgiven */
    uint64_t step;                              /* of the newest record */
    uint64_t calibration_skips, clean_steps;
    uint64_t growth_step;
    double scale, calibrated_scale; /* 0 while not known */
    uint64_t run, run_first_step;   /* skipped steps in a row, after calibration */
    int64_t run_first_time_ms;
    uint64_t skips, probes, halvings; /* after calibration, of the whole run */
    uint64_t halving_steps[TW_HALVINGS];
    int64_t halving_times_ms[TW_HALVINGS];
    uint64_t bucket; /* step / 100 of the newest bucket */
    uint16_t buckets[TW_SKIP_BUCKETS];
    uint64_t first_skip_step; /* of the present series of skips */
    int64_t first_skip_time_ms;
    struct tw_bernoulli excess;
};

/* What scaling says at one record: severity only counts when `is_problem`. */
struct tw_scaling_verdict {
    uint8_t is_problem;
    enum tw_severity severity;
    const char *statistic, *unit;
    double value, threshold;
    uint64_t onset_step;
    int64_t onset_time_ms;
};

/* At the start of a run, and after a resume: the scale is sought anew. */
void tw_scaling_start(struct tw_scaling *scaling);
/* Takes a step record; `is_nonfinite`: its gradient norm or loss was. */
void tw_scaling_observe(struct tw_scaling *scaling, const struct tw_scaling_config *config,
                        const struct tw_context *context, const struct tw_record *record,
                        bool is_nonfinite);
struct tw_scaling_verdict tw_scaling_judge(const struct tw_scaling *scaling,
                                           const struct tw_scaling_config *config,
                                           const struct tw_context *context);
/* Share of skipped steps in the newest 1,000. */
double tw_scaling_skip_rate(const struct tw_scaling *scaling);

#endif
