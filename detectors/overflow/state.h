/* The overflow detector from inside. Nobody else includes this. */
#ifndef TW_OVERFLOW_STATE_H
#define TW_OVERFLOW_STATE_H

#include "detectors/detector.h"
#include "detectors/overflow/config.h"
#include "detectors/statistics/baseline.h"
#include "detectors/statistics/cusum.h"

enum tw_overflow_cause {
    TW_OVERFLOW_BY_NONE,
    TW_OVERFLOW_BY_NONFINITE,
    TW_OVERFLOW_BY_SCALING,
    TW_OVERFLOW_BY_SCALED_LOSS,
    TW_OVERFLOW_BY_CTC,
    TW_OVERFLOW_BY_EVAL,
    TW_OVERFLOW_BY_DISGUISE
};

enum tw_overflow_phase {
    TW_OVERFLOW_IN_NONE,
    TW_OVERFLOW_IN_LOSS,
    TW_OVERFLOW_IN_GRADIENT,
    TW_OVERFLOW_IN_UPDATE,
    TW_OVERFLOW_IN_WEIGHT,
    TW_OVERFLOW_IN_LAYER
};

struct tw_near_layer { /* the layer nearest to the end of fp16's range */
    uint8_t is_open, severity;
    uint32_t index; /* of the open finding */
    uint64_t first_step;
    int64_t first_time_ms;
    char scope[TW_SCOPE_MAX + 1];
    /* records in a row: of one layer near the end; of none; of any at the end or beyond */
    uint32_t records, below, over;
    uint32_t near_index;
    uint64_t near_step; /* the first of `records` */
    int64_t near_time_ms;
};

/* The largest activation of the layers, in the logarithm: does it grow? */
struct tw_overflow_growth {
    uint64_t alarm_records; /* since the sum crossed its line */
    struct tw_baseline baseline;
    struct tw_cusum cusum;
};

struct tw_overflow {
    uint8_t cause, severity; /* of the open run-wide finding */
    uint8_t phase, is_doubtful;
    uint8_t has_bad;           /* a non-finite record was seen; first_bad_step is known */
    uint8_t has_hidden_scaler; /* steps are skipped though no loss scale is logged */
    uint8_t has_learning_rate, has_loss;
    uint64_t losses, norms, nonfinite_losses;
    uint64_t loss_run; /* non-finite losses in a row */
    uint64_t evals, nonfinite_evals;
    uint64_t onset_step, newest_bad_step;
    int64_t onset_time_ms;
    uint64_t first_bad_step; /* of the present run of non-finite losses or norms */
    int64_t first_bad_time_ms;
    uint64_t finite_since;      /* finite records in a row */
    double loss, learning_rate; /* newest finite ones */
    struct tw_disguise disguise;
    struct tw_scaling scaling;
    /* The rest is only there from TW_EXTENT_LAYERS on. */
    char layer[64]; /* with non-finite values, of the open finding */
    struct tw_near_layer near;
    struct tw_overflow_growth growth;
};

struct tw_overflow_view {
    const struct tw_overflow_config *config;
    const struct tw_context *context;
    const struct tw_record *record;
    struct tw_report *report;
    bool has_scaler;
};

/* ---- report.c: speaking ---- */

struct tw_evidence *tw_overflow_write_evidence(struct tw_condition *condition,
                                               const char *statistic, const char *unit,
                                               double value, double threshold);
void tw_overflow_add_last_numbers(const struct tw_overflow *overflow, struct tw_evidence *evidence);
void tw_overflow_add_scaling(const struct tw_overflow *overflow, struct tw_evidence *evidence);
/* Opens the run-wide finding or raises its severity; NULL when the cause is no worse. */
struct tw_condition *tw_overflow_open(struct tw_overflow *overflow,
                                      const struct tw_overflow_view *view,
                                      enum tw_overflow_cause cause, enum tw_severity severity,
                                      uint64_t onset_step, int64_t onset_time_ms);
void tw_overflow_close(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                       enum tw_state state, const char *statistic);
/* The open finding is about non-finite numbers, not about skips, disguises or evaluations. */
bool tw_overflow_is_about_numbers(const struct tw_overflow *overflow);
/* Notes a non-finite record, then speaks of it. */
void tw_overflow_note_bad(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                          enum tw_overflow_phase phase);
void tw_overflow_say_nonfinite(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                               enum tw_overflow_cause cause, enum tw_severity severity,
                               double value, double threshold);

/* ---- layers.c ---- */

/* Layers with non-finite values. */
void tw_overflow_judge_layers(struct tw_overflow *overflow, const struct tw_overflow_view *view);
void tw_overflow_growth_start(struct tw_overflow_growth *growth);
/* Layers about to leave the range of fp16. */
void tw_overflow_judge_near(struct tw_overflow *overflow, const struct tw_overflow_view *view);

#endif
