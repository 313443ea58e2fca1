/* The saturation detector's thresholds. */
#ifndef TW_SATURATION_CONFIG_H
#define TW_SATURATION_CONFIG_H

#include "telemetry/option.h"

#include <stdint.h>

struct tw_saturation_config {
    double info_share, start_share, units_share, activations_share;
    double critical_units, critical_activations;
    double gradient_ratio, first_gradient;
    double unlearned;
    uint64_t records, apart, start_steps, blocked_steps;
};

enum { TW_SATURATION_OPTIONS = 13 };
extern const struct tw_option tw_saturation_options[TW_SATURATION_OPTIONS];

#endif
