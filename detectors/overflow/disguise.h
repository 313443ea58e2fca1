/* Losses that hide that they are not numbers: exact zeros (a logger that leaves NaN out of its
 * mean), Caffe's 87.3365 = -ln(FLT_MIN), and a loss that froze from one step to the next. */
#ifndef TW_OVERFLOW_DISGUISE_H
#define TW_OVERFLOW_DISGUISE_H

#include "detectors/context.h"
#include "detectors/finding.h"

struct tw_disguise_config {
    uint64_t zero_losses, zero_losses_alone, caffe_losses, frozen_losses;
    double zero_from, frozen_change, frozen_jump;
};

struct tw_disguise {
    uint8_t has_loss, has_norm;
    double loss, norm;                         /* newest finite ones */
    double before_zero;                        /* newest loss that was not zero */
    double jump;                               /* relative change that led to the frozen value */
    uint64_t zeros, bad_norms, caffes, frozen; /* in a row; bad_norms: during the zeros */
    uint64_t zero_step, caffe_step, frozen_step;
    int64_t zero_time_ms, caffe_time_ms, frozen_time_ms;
};

struct tw_disguise_verdict {
    uint8_t is_problem;
    enum tw_severity severity;
    const char *statistic, *name;
    double value, threshold;
    uint64_t onset_step;
    int64_t onset_time_ms;
};

/* Takes a step record with a finite loss. */
void tw_disguise_observe(struct tw_disguise *disguise, const struct tw_disguise_config *config,
                         const struct tw_context *context, const struct tw_record *record);
struct tw_disguise_verdict tw_disguise_judge(const struct tw_disguise *disguise,
                                             const struct tw_disguise_config *config,
                                             const struct tw_context *context);

#endif
