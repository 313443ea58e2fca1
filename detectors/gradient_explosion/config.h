/* The gradient-explosion detector's thresholds. */
#ifndef TW_GRADIENT_EXPLOSION_CONFIG_H
#define TW_GRADIENT_EXPLOSION_CONFIG_H

#include "telemetry/option.h"

struct tw_gradient_explosion_config {
    uint64_t first_steps, baseline_norms, few_norms, min_norms;
    double spread_floor;
    double spike_sigma, spike_ratio;
    uint64_t spikes_told;
    double warning_ratio, critical_ratio, sustained_sigma;
    double growth_ratio, start_ratio;
    uint64_t growth_norms;
    double loss_ratio, update_ratio;
    uint64_t cluster_spikes, cluster_norms;
    double recovered_ratio;
    uint64_t recovered_norms, rebaseline_after;
    uint64_t constant_norms;
    double constant_range, accumulation_range;
    uint64_t layer_records;
    double layer_share, layer_quotient, first_last_ratio;
};

enum { TW_GRADIENT_EXPLOSION_OPTIONS = 28 };
extern const struct tw_option tw_gradient_explosion_options[TW_GRADIENT_EXPLOSION_OPTIONS];

#endif
