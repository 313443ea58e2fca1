/* The divergence detector from inside: its state, what it judges one loss with, and the parts that
 * it is made of. Nobody else includes this. */
#ifndef TW_DIVERGENCE_STATE_H
#define TW_DIVERGENCE_STATE_H

#include "detectors/detector.h"
#include "detectors/divergence/config.h"
#include "detectors/divergence/loss.h"

enum tw_divergence_stage { TW_DIVERGENCE_QUIET, TW_DIVERGENCE_SUSPECT, TW_DIVERGENCE_OPEN };
enum tw_divergence_cause {
    TW_DIVERGENCE_BY_CUSUM,
    TW_DIVERGENCE_BY_SHORT,
    TW_DIVERGENCE_BY_LASTING,
    TW_DIVERGENCE_BY_START,
    TW_DIVERGENCE_BY_COLLAPSE,
    TW_DIVERGENCE_BY_SWING,
    TW_DIVERGENCE_BY_CUT, /* a cut of the learning rate showed how far above it had been */
    TW_DIVERGENCE_BY_EVAL,
    TW_DIVERGENCE_BY_END /* of a log too short for anything else */
};

struct tw_above_run { /* losses above a line in a row, but for one in ten */
    uint32_t losses, misses;
    uint64_t first_step;
    int64_t first_time_ms;
};

struct tw_blow_up { /* losses far above the initial one, since the start */
    uint32_t losses;
    uint64_t newest_count, first_step;
    int64_t first_time_ms;
    double peak; /* over the initial loss */
};

struct tw_since_start { /* losses above the initial one */
    struct tw_above_run above, high;
    struct tw_blow_up blow_up;
};

struct tw_learning_rate_cut { /* the first one, of a run that had learned nothing until then */
    uint8_t is_open;          /* its losses are being waited for */
    uint64_t count;           /* of losses, at the cut */
    double level;             /* before it, on the scale */
};

struct tw_eval_rise {
    uint64_t evals, high; /* high: the newest in a row far above the best */
    uint64_t first_step;  /* of those */
    int64_t first_time_ms;
    double first, best, newest;
    double train_at_best; /* level of the training loss at the best evaluation, on the scale */
    uint8_t has_train_at_best;
};

struct tw_divergence {
    uint8_t stage, cause, severity;
    uint8_t is_early;          /* opened in warm-up */
    uint8_t has_best;          /* best_step and so on are known */
    uint8_t has_counted_first; /* the first losses are in start.since */
    uint8_t has_learned;       /* a level was once below learned_ratio of the initial loss */
    uint8_t has_nonfinite;     /* losses were passed over */
    uint8_t ever_opened;
    uint32_t high_run;    /* losses in a row above critical_ratio and not falling */
    uint32_t lasting_run; /* above critical_ratio and with enough progress lost for critical */
    uint32_t confirm_run; /* above confirm_ratio, once the wait is over */
    uint32_t short_run;
    uint64_t low_step; /* the newest loss at which the level was low */
    int64_t low_time_ms;
    uint64_t best_step, best_count; /* best_count: loss.count at the newest best */
    int64_t best_time_ms;
    double best_learning_rate;
    struct tw_divergence_loss loss;
    union { /* the first losses until the last of them has come, then what is counted from it on */
        struct tw_first_losses firsts;
        struct tw_since_start since;
    } start;
    struct tw_learning_rate_cut cut;
    /* of the present suspicion or finding */
    uint64_t suspect_count, open_count; /* loss.count when the stage began */
    uint64_t onset_step;
    int64_t onset_time_ms;
    double reference, reference_ratio_peak; /* while open: the best it is compared with */
    uint64_t reference_step;
    struct tw_eval_rise eval; /* from TW_EXTENT_EVALS on */
};

/* What one loss is judged with. */
struct tw_divergence_view {
    const struct tw_divergence_config *config;
    const struct tw_context *context;
    const struct tw_context_config *shared;
    struct tw_report *report;
    const struct tw_course *course;
    double loss;                  /* the newest, as it came */
    double z;                     /* its score, unclipped */
    double line;                  /* of the CUSUM */
    double level;                 /* present level, on the scale */
    double best;                  /* best level, on the scale */
    double level_loss, best_loss; /* both as losses come */
    uint64_t best_step;
    double rise; /* of level over best; 1 while there is no best */
    enum tw_level_span span;
    bool has_best, is_warmup, is_muted, has_baseline;
};

/* ---- report.c: speaking ---- */

/* Adds a condition with its evidence but for the threshold and confidence. */
struct tw_condition *tw_divergence_say(const struct tw_divergence *divergence,
                                       const struct tw_divergence_view *view, enum tw_state state,
                                       enum tw_severity severity);
/* Opens a finding for divergence->cause, or raises the severity of the open one. Returns what was
 * said. */
struct tw_condition *tw_divergence_open(struct tw_divergence *divergence,
                                        const struct tw_divergence_view *view,
                                        enum tw_severity severity, double threshold);
/* Back to quiet, without a word. */
void tw_divergence_forget(struct tw_divergence *divergence, const struct tw_divergence_view *view);

/* ---- rules.c: what needs no baseline ---- */

/* A short run's level against its best one. */
void tw_divergence_judge_short(struct tw_divergence *divergence,
                               const struct tw_divergence_view *view);
/* The log ends, so that no more losses can show it: half as many are enough for a blow-up. */
void tw_divergence_judge_short_end(struct tw_divergence *divergence,
                                   const struct tw_divergence_view *view);
/* A level that stays high, however it got there. */
void tw_divergence_judge_lasting(struct tw_divergence *divergence,
                                 const struct tw_divergence_view *view);
/* The newest losses against the first ones. */
void tw_divergence_judge_start(struct tw_divergence *divergence,
                               const struct tw_divergence_view *view);
/* A run that blew up before it had learned anything, and has learned nothing since. */
void tw_divergence_judge_collapse(struct tw_divergence *divergence,
                                  const struct tw_divergence_view *view);
/* A run worse than guessing, where the header tells how good that is. */
void tw_divergence_judge_trivial(struct tw_divergence *divergence,
                                 const struct tw_divergence_view *view);
/* Oscillation. */
void tw_divergence_judge_swing(struct tw_divergence *divergence,
                               const struct tw_divergence_view *view);
bool tw_divergence_is_swinging(const struct tw_divergence *divergence,
                               const struct tw_divergence_view *view, double share);

/* ---- outcomes.c: what only something else than the newest losses shows ---- */

/* A lower learning rate begins now; then, what it does to a loss that had never fallen. */
void tw_divergence_note_cut(struct tw_divergence *divergence,
                            const struct tw_divergence_view *view);
void tw_divergence_judge_cut(struct tw_divergence *divergence,
                             const struct tw_divergence_view *view);
/* A finite evaluation loss. */
void tw_divergence_take_eval(struct tw_divergence *divergence,
                             const struct tw_divergence_view *view, double value);
/* A log that ended before anything else could judge it. */
void tw_divergence_judge_end(struct tw_divergence *divergence,
                             const struct tw_divergence_view *view);

/* The loss falls by more than noise moves medians of eight. */
bool tw_divergence_is_falling(const struct tw_divergence *divergence);
/* The share of the progress since the start that must be lost for a finding of this severity, where
 * the best level is `share` of the loss before training (NaN: not known). */
double tw_divergence_needed_progress(const struct tw_divergence_config *config, double share,
                                     enum tw_severity severity);
/* The best level is so low that ratios mean less than the progress lost. */
bool tw_divergence_is_near_zero(const struct tw_divergence *divergence,
                                const struct tw_divergence_view *view);
/* The present level has lost so much. */
bool tw_divergence_matters(const struct tw_divergence *divergence,
                           const struct tw_divergence_view *view, enum tw_severity severity);
/* The present level has not lost half of what a warning needs: the loss is where it was best. */
bool tw_divergence_is_low(const struct tw_divergence *divergence,
                          const struct tw_divergence_view *view);
/* The present level is further above the best than its noise moves a median. */
bool tw_divergence_is_beyond_noise(const struct tw_divergence *divergence,
                                   const struct tw_divergence_view *view);
/* The present level is below this share of the loss of a guess, which is known. */
bool tw_divergence_is_below_guess(const struct tw_divergence *divergence,
                                  const struct tw_divergence_view *view, double share);
/* A learning rate well above that of the best level explains a somewhat higher loss. */
bool tw_divergence_rate_explains(const struct tw_divergence *divergence,
                                 const struct tw_divergence_view *view);

#endif
