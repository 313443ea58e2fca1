/* The overflow detector's thresholds. */
#ifndef TW_OVERFLOW_CONFIG_H
#define TW_OVERFLOW_CONFIG_H

#include "detectors/overflow/disguise.h"
#include "detectors/overflow/scaling.h"

struct tw_overflow_config {
    struct tw_scaling_config scaling;
    struct tw_disguise_config disguise;
    uint64_t scaled_losses, fp16_records, quiet_steps, finite_steps, finite_losses;
    uint64_t doubtful_norms, ctc_run, min_points;
    uint64_t growth_records;
    double ctc_share, near_overflow, growth_line, growth_from;
};

enum { TW_OVERFLOW_OPTIONS = 32 };
extern const struct tw_option tw_overflow_options[TW_OVERFLOW_OPTIONS];

#endif
