/* The overfitting detector's thresholds. */
#ifndef TW_OVERFITTING_CONFIG_H
#define TW_OVERFITTING_CONFIG_H

#include "telemetry/option.h"

struct tw_overfitting_config {
    uint64_t min_evals, evals_since_best, short_evals, alone_evals, wait_evals, critical_evals;
    double rise, short_rise, critical_rise, short_critical_rise, steady_rise, alone_rise;
    double info_rise, level_rise;
    double train_fall, deep_fall, level_fall;
    double noise_sigma, precedent_droughts, trend_probability, rising_probability, sure_probability,
        lost_progress;
    uint64_t rises_in_row, gap_rises;
    double new_best, back_ratio;
};

enum { TW_OVERFITTING_OPTIONS = 27 };
extern const struct tw_option tw_overfitting_options[TW_OVERFITTING_OPTIONS];

#endif
