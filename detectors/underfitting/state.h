/* The underfitting detector from inside. Nobody else includes this. */
#ifndef TW_UNDERFITTING_STATE_H
#define TW_UNDERFITTING_STATE_H

#include "detectors/detector.h"
#include "detectors/underfitting/config.h"
#include "detectors/underfitting/series.h"

enum tw_underfitting_kind { /* what was seen, in order of gravity */
                            TW_UNDERFITTING_NONE,
                            TW_UNDERFITTING_SLOW,     /* will end high */
                            TW_UNDERFITTING_CRAWL,    /* falls at an even, slow pace to the end */
                            TW_UNDERFITTING_END,      /* ended high */
                            TW_UNDERFITTING_STUCK,    /* has stood high for long */
                            TW_UNDERFITTING_CONSTANT, /* stands where a constant answer stands */
                            TW_UNDERFITTING_FLAT,     /* never left its first level */
                            TW_UNDERFITTING_DEAD      /* stands at the trivial level */
};

enum tw_underfitting_cause {
    TW_UNDERFITTING_BY_LOW_RATE,
    TW_UNDERFITTING_BY_HIGH_RATE,
    TW_UNDERFITTING_BY_REGULARISATION,
    TW_UNDERFITTING_BY_CAPACITY,
    TW_UNDERFITTING_BY_BUDGET,
    TW_UNDERFITTING_NOT_LEARNING
};

struct tw_underfitting {
    uint8_t kind, severity, cause; /* of the open finding */
    uint8_t ever_opened;
    uint8_t has_declared, is_adaptive; /* an optimizer of Adam's kind */
    uint8_t is_linear;                 /* one layer, so that none is hidden */
    uint32_t open_segment;             /* where the finding opened */
    uint64_t onset_step;
    int64_t onset_time_ms;
    uint8_t has_nonfinite;
    double weight_decay, dropout;  /* as declared; 0 while unknown */
    double hidden_units, inputs;   /* of the narrowest hidden layer, of the first; 0: unknown */
    double first_weights, weights; /* norms; 0 while unknown */
    double path;                   /* sum of update over weight norm, over all steps */
    uint64_t norms_step;           /* of the newest norms */
    struct tw_underfitting_series loss;
    struct tw_underfitting_evals eval; /* from TW_EXTENT_EVALS on */
};

/* What one look is made with. */
struct tw_underfitting_view {
    const struct tw_underfitting_config *config;
    const struct tw_context *context;
    const struct tw_context_config *shared;
    struct tw_report *report;
    const struct tw_underfitting_series *series;
    const struct tw_trace *trace; /* of the same */
    double initial, level;
    double reference; /* the trivial level, or the initial one where no trivial one is declared */
    double progress;  /* NaN: unknown */
    bool has_trivial, is_end;
};

/* ---- cause.c: why ---- */

enum tw_underfitting_cause tw_underfitting_find_cause(const struct tw_underfitting *underfitting,
                                                      const struct tw_underfitting_view *view,
                                                      enum tw_underfitting_kind kind);
const char *tw_underfitting_cause_name(enum tw_underfitting_cause cause);
/* The median log10 of update over weight norm, or NaN when there are too few. */
double tw_underfitting_ratio(const struct tw_context *context);
/* Newest over first weight norm; NaN when unknown. */
double tw_underfitting_growth(const struct tw_underfitting *underfitting);
/* The weights have moved by less than their usual way: `path` is known and short. */
bool tw_underfitting_has_moved_little(const struct tw_underfitting *underfitting,
                                      const struct tw_underfitting_view *view);
/* How the newest half of the course runs; nothing is known of a short one. */
struct tw_underfitting_course tw_underfitting_recent(const struct tw_underfitting_view *view);
/* The newest half of the course falls, by more than nothing. */
bool tw_underfitting_is_falling(const struct tw_underfitting_view *view);

/* ---- report.c: speaking ---- */

struct tw_underfitting_verdict {
    enum tw_underfitting_kind kind;
    enum tw_severity severity;
    double value, threshold;
    uint64_t onset_step;
    int64_t onset_time_ms;
};

void tw_underfitting_open(struct tw_underfitting *underfitting,
                          const struct tw_underfitting_view *view,
                          const struct tw_underfitting_verdict *verdict);
void tw_underfitting_close(struct tw_underfitting *underfitting,
                           const struct tw_underfitting_view *view, enum tw_state state);

#endif
