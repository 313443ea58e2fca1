/* The divergence detector's thresholds. */
#ifndef TW_DIVERGENCE_CONFIG_H
#define TW_DIVERGENCE_CONFIG_H

#include "telemetry/option.h"

struct tw_divergence_config {
    double cusum_drift, cusum_line, score_limit, spread_floor;
    uint64_t baseline_losses, confirm_steps, confirm_losses;
    double confirm_ratio, critical_ratio, blow_up_ratio, recovered_ratio;
    uint64_t critical_losses, lasting_losses;
    double rising_probability, lost_progress;
    double near_zero_share, near_zero_progress, near_zero_critical;
    double lasting_sigma, short_ratio, short_sigma;
    uint64_t short_losses;
    double start_ratio, start_high_ratio, start_sigma, start_sure_ratio, learned_ratio;
    uint64_t start_losses, start_long_losses;
    double spike_sigma, wobble_ratio, onset_ratio;
    double trivial_ratio, trivial_rise, cut_ratio, eval_ratio;
    uint64_t eval_checks;
    uint64_t rebaseline_after, withdraw_within, catapult_losses, min_losses;
    double swing_share, swing_sigma;
};

enum { TW_DIVERGENCE_OPTIONS = 43 };
extern const struct tw_option tw_divergence_options[TW_DIVERGENCE_OPTIONS];

#endif
