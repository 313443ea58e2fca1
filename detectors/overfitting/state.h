/* The overfitting detector from inside: its state, what one evaluation is judged with, and its
 * parts. Nobody else includes this. */
#ifndef TW_OVERFITTING_STATE_H
#define TW_OVERFITTING_STATE_H

#include "detectors/detector.h"
#include "detectors/overfitting/config.h"
#include "detectors/overfitting/evals.h"

enum tw_overfitting_kind {
    TW_OVERFITTING_NONE,
    TW_OVERFITTING_RISE,   /* beyond noise while the training loss falls */
    TW_OVERFITTING_ALONE,  /* the same without a training loss */
    TW_OVERFITTING_GAP,    /* a small rise and a growing gap */
    TW_OVERFITTING_LEVEL,  /* high since the best, but noisy */
    TW_OVERFITTING_DRIFT,  /* the loss rises and the score improves */
    TW_OVERFITTING_HANDLED /* declared early stopping has not run out yet */
};

struct tw_overfitting {
    uint8_t is_open, severity, kind;
    uint8_t has_rate;
    uint8_t has_segment;   /* a later segment than the first began */
    uint8_t has_nonfinite; /* evaluation losses were passed over */
    uint8_t ever_opened;
    uint32_t withdrawn;
    uint64_t losses_from;   /* losses of the course before those since the last evaluation */
    double rate, rate_fall; /* newest learning rate and its change before */
    uint64_t segment_evals; /* since the present segment began */
    /* From TW_EXTENT_EVALS on. */
    struct tw_evals evals;
    double reference; /* while open: the best loss then */
    uint64_t onset_step;
    int64_t onset_time_ms;
};

/* What one evaluation is judged with. */
struct tw_overfitting_view {
    const struct tw_overfitting_config *config;
    const struct tw_context *context;
    struct tw_report *report;
    double level; /* median of the newest 3 evaluation losses */
    double rise;  /* of it over the best; 1 is none */
    double noise; /* of neighbouring evaluations */
    bool is_short;
};

struct tw_overfitting_verdict {
    enum tw_overfitting_kind kind;
    enum tw_severity severity;
    double value, threshold;
};

/* rules.c: what the evaluations so far look like; TW_OVERFITTING_NONE when there is nothing to
 * say. */
struct tw_overfitting_verdict tw_overfitting_judge(const struct tw_overfitting *overfitting,
                                                   const struct tw_overfitting_view *view);
/* report.c: adds a condition with its evidence. */
void tw_overfitting_say(const struct tw_overfitting *overfitting,
                        const struct tw_overfitting_view *view,
                        const struct tw_overfitting_verdict *verdict, enum tw_state state);

#endif
