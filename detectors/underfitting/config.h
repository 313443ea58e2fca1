/* The underfitting detector's thresholds. */
#ifndef TW_UNDERFITTING_CONFIG_H
#define TW_UNDERFITTING_CONFIG_H

#include "telemetry/option.h"

struct tw_underfitting_config {
    uint64_t min_points, due_steps;
    double due_share, judged_share, slow_share, end_share;
    double dead_level, trivial_room, flat_level, learned_level;
    double stuck_level, vocabulary_level, gap;
    uint64_t vocabulary_classes;
    uint64_t plateau_steps;
    double plateau_share, plateau_probability, plateau_discard;
    double falling_probability, falling_share;
    double constant_room, crawl_drop, crawl_pace, decayed_rate;
    double low_ratio, high_ratio, short_path, fast_fall;
    double grown_weights, thrown_weights, shrunk_weights, blown_loss;
};

enum { TW_UNDERFITTING_OPTIONS = 32 };
extern const struct tw_option tw_underfitting_options[TW_UNDERFITTING_OPTIONS];

#endif
