/* The gradient-explosion detector from inside. Nobody else includes this. */
#ifndef TW_GRADIENT_EXPLOSION_STATE_H
#define TW_GRADIENT_EXPLOSION_STATE_H

#include "detectors/detector.h"
#include "detectors/gradient_explosion/config.h"
#include "detectors/gradient_explosion/layers.h"
#include "detectors/gradient_explosion/norm.h"
#include "detectors/gradient_explosion/signs.h"

enum tw_explosion_cause {
    TW_EXPLOSION_BY_NONE,
    TW_EXPLOSION_BY_LEVEL,       /* median of 5 far over the baseline */
    TW_EXPLOSION_BY_GROWTH,      /* each norm a multiple of the one before */
    TW_EXPLOSION_BY_START,       /* far over the first norms, before there is a baseline */
    TW_EXPLOSION_BY_NONFINITE,   /* grew until it was no number any more */
    TW_EXPLOSION_BY_ACCUMULATION /* a sum over micro-batches where a mean was meant */
};

struct tw_explosion_rise { /* norms above recovered_ratio times the baseline */
    uint8_t is_on, has_spike;
    uint64_t first_count, first_step; /* of the norm that began it */
    int64_t first_time_ms;
    double peak, peak_z; /* highest log norm over the baseline, and its score */
    double level;        /* highest level, log norm */
};

struct tw_explosion {
    uint8_t cause, severity; /* of the open run-wide finding */
    uint8_t is_few;          /* opened with few norms as a baseline */
    uint8_t has_before, has_survived;
    uint8_t uses_layers; /* the run sends no global norm: it is computed from layers */
    uint64_t ever_opened, post_clip, nonfinite, zeros, spikes_told;
    uint64_t onset_step, open_count, calm;
    int64_t onset_time_ms;
    uint64_t in_range; /* newest norms in a row near micro_batches times the baseline */
    double reference;  /* while open: the log baseline that it is compared with */
    double survived;   /* highest level, log norm, of rises that came to nothing */
    double before;     /* baseline before the learning rate jumped or the batch changed */
    double micro_batches, micro_batches_before;
    struct tw_explosion_rise rise;
    struct tw_norm_series norm;
    struct tw_explosion_signs signs;
    struct tw_layer_norms layers; /* from TW_EXTENT_LAYERS on */
};

/* What one norm is judged with. */
struct tw_explosion_view {
    const struct tw_gradient_explosion_config *config;
    const struct tw_context *context;
    struct tw_report *report;
    double baseline, spread;    /* of the log norm */
    double level, ratio, sigma; /* median of 5: logarithm, over the baseline, in spreads */
    bool has_baseline, has_few; /* baseline_norms, few_norms are learned */
    bool is_warmup, is_muted, is_early, is_strict; /* is_strict: only critical numbers warn */
};

/* ---- report.c: speaking ---- */

/* Opens the run-wide finding or raises its severity; NULL when it is no graver. */
struct tw_condition *tw_explosion_open(struct tw_explosion *explosion,
                                       const struct tw_explosion_view *view,
                                       enum tw_explosion_cause cause, enum tw_severity severity,
                                       double threshold);
void tw_explosion_close(struct tw_explosion *explosion, const struct tw_explosion_view *view,
                        enum tw_state state);
/* A spike that is over. */
void tw_explosion_say_spike(struct tw_explosion *explosion, const struct tw_explosion_view *view);
/* A layer's own finding; see layers.h. */
void tw_explosion_say_layer(const struct tw_explosion *explosion,
                            const struct tw_explosion_view *view, enum tw_state state,
                            enum tw_severity severity, double threshold);

/* ---- one_layer.c ---- */

/* A layer that explodes while the global norm does not yet. */
void tw_explosion_judge_layers(struct tw_explosion *explosion,
                               const struct tw_explosion_view *view);

#endif
