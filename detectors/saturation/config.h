/* The saturation detector's thresholds. */
#ifndef TW_SATURATION_CONFIG_H
#define TW_SATURATION_CONFIG_H

#include "telemetry/option.h"

#include <stdint.h>

struct tw_saturation_config {
    double info_share, start_share, sigmoid_start_share, units_share, activations_share;
    double critical_units, critical_activations;
    double gradient_ratio, first_gradient;
    double unlearned, drift_share, blocked_share;
    uint64_t records, apart, start_steps, drift_steps, blocked_steps;
};

enum { TW_SATURATION_OPTIONS = 17 };
extern const struct tw_option tw_saturation_options[TW_SATURATION_OPTIONS];

#endif
