/* Overflow: numbers that are not numbers any more, told apart from what dynamic loss scaling does
 * on purpose.
 *
 * With a loss scaler (fp16) single skipped steps are normal; see overflow/scaling.h for what is
 * not. Without one, the first non-finite loss or gradient is critical at once. Losses that hide
 * their NaN are in overflow/disguise.h; layers about to leave the range of fp16 are warned of
 * before. */
#include "detectors/detectors.h"
#include "detectors/overflow/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void overflow_start(void *state, const void *config)
{
    struct tw_overflow *overflow = state;
    (void)config;
    tw_scaling_start(&overflow->scaling);
}

static void overflow_grow(void *state, const void *config, enum tw_extent extent)
{
    struct tw_overflow *overflow = state;
    (void)config;
    if (extent == TW_EXTENT_LAYERS)
        tw_overflow_growth_start(&overflow->growth);
}

/* ---- non-finite numbers where no scaler expects them ---- */

static bool is_bad(const struct tw_record *record, enum tw_signal signal)
{
    return tw_record_has(record, signal) && !isfinite(record->signal[signal]);
}

/* What broke first, as far as one record tells: weights break the loss, the loss its gradient. */
static enum tw_overflow_phase broken_phase(const struct tw_record *record)
{
    if (is_bad(record, TW_SIGNAL_WEIGHT_NORM))
        return TW_OVERFLOW_IN_WEIGHT;
    if (is_bad(record, TW_SIGNAL_LOSS))
        return TW_OVERFLOW_IN_LOSS;
    if (is_bad(record, TW_SIGNAL_GRAD_NORM) ||
        (tw_record_has(record, TW_SIGNAL_OVERFLOW) && record->signal[TW_SIGNAL_OVERFLOW] > 0))
        return TW_OVERFLOW_IN_GRADIENT;
    return is_bad(record, TW_SIGNAL_UPDATE_NORM) ? TW_OVERFLOW_IN_UPDATE : TW_OVERFLOW_IN_NONE;
}

/* An infinite loss of an impossible alignment harms nobody; many do, and so does a dead network. */
static void judge_ctc(struct tw_overflow *overflow, const struct tw_overflow_view *view)
{
    const struct tw_overflow_config *config = view->config;
    double share = (double)overflow->nonfinite_losses / (double)overflow->losses;
    if (overflow->loss_run >= config->ctc_run)
        tw_overflow_say_nonfinite(overflow, view, TW_OVERFLOW_BY_CTC, TW_SEVERITY_CRITICAL,
                                  (double)overflow->loss_run, (double)config->ctc_run);
    else if (overflow->nonfinite_losses >= 3 && share > config->ctc_share &&
             overflow->losses >= 100)
        tw_overflow_say_nonfinite(overflow, view, TW_OVERFLOW_BY_CTC, TW_SEVERITY_WARNING,
                                  (double)overflow->nonfinite_losses,
                                  config->ctc_share * (double)overflow->losses);
}

static void judge_nonfinite(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                            enum tw_overflow_phase phase)
{
    const struct tw_overflow_config *config = view->config;
    bool is_loss_alone = phase == TW_OVERFLOW_IN_LOSS && !is_bad(view->record, TW_SIGNAL_GRAD_NORM);
    tw_overflow_note_bad(overflow, view, phase);
    if (view->context->objective == TW_OBJECTIVE_CTC && is_loss_alone) {
        judge_ctc(overflow, view);
    } else if (!view->has_scaler) {
        /* A gradient alone may be a scaler's probe that the log does not tell of; the next losses
         * settle it. */
        if (phase != TW_OVERFLOW_IN_GRADIENT)
            overflow->is_doubtful = 0;
        else if (!tw_overflow_is_about_numbers(overflow))
            overflow->is_doubtful = !view->context->has_precision;
        tw_overflow_say_nonfinite(overflow, view, TW_OVERFLOW_BY_NONFINITE, TW_SEVERITY_CRITICAL, 1,
                                  1);
    } else if (overflow->loss_run >= config->scaled_losses || phase == TW_OVERFLOW_IN_WEIGHT) {
        overflow->is_doubtful = 0;
        tw_overflow_say_nonfinite(overflow, view, TW_OVERFLOW_BY_SCALED_LOSS, TW_SEVERITY_CRITICAL,
                                  (double)overflow->loss_run, (double)config->scaled_losses);
    }
}

static void judge_finite(struct tw_overflow *overflow, const struct tw_overflow_view *view)
{
    const struct tw_overflow_config *config = view->config;
    uint64_t steps = view->context->step - overflow->newest_bad_step;
    overflow->finite_since++;
    if (!tw_overflow_is_about_numbers(overflow))
        return;
    if (overflow->is_doubtful && overflow->finite_since >= config->doubtful_norms) {
        /* Somebody skips such steps: from now on they are judged as a scaler's. */
        overflow->has_hidden_scaler = 1;
        tw_overflow_close(overflow, view, TW_STATE_WITHDRAWN, "steps with finite losses and norms");
    } else if (steps >= config->finite_steps && overflow->finite_since >= config->finite_losses) {
        tw_overflow_close(overflow, view, TW_STATE_RECOVERED, "steps with finite losses and norms");
    }
}

/* ---- the scaler ---- */

static void judge_scaling(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                          bool is_nonfinite)
{
    const struct tw_overflow_config *config = view->config;
    struct tw_scaling *scaling = &overflow->scaling;
    tw_scaling_observe(scaling, &config->scaling, view->context, view->record, is_nonfinite);
    struct tw_scaling_verdict verdict = tw_scaling_judge(scaling, &config->scaling, view->context);
    if (verdict.is_problem) {
        overflow->newest_bad_step = view->context->step;
        struct tw_condition *condition =
            tw_overflow_open(overflow, view, TW_OVERFLOW_BY_SCALING, verdict.severity,
                             verdict.onset_step, verdict.onset_time_ms);
        if (!condition)
            return;
        condition->confidence = verdict.severity == TW_SEVERITY_CRITICAL ? .9 : .7;
        tw_overflow_add_scaling(overflow, tw_overflow_write_evidence(condition, verdict.statistic,
                                                                     verdict.unit, verdict.value,
                                                                     verdict.threshold));
        tw_overflow_add_last_numbers(overflow, &condition->evidence);
    } else if (overflow->cause == TW_OVERFLOW_BY_SCALING &&
               view->context->step - overflow->newest_bad_step >= config->quiet_steps) {
        tw_overflow_close(overflow, view, TW_STATE_RECOVERED, "steps with a normal rate of skips");
    }
}

/* ---- disguises ---- */

static void judge_disguise(struct tw_overflow *overflow, const struct tw_overflow_view *view)
{
    const struct tw_disguise_config *config = &view->config->disguise;
    tw_disguise_observe(&overflow->disguise, config, view->context, view->record);
    struct tw_disguise_verdict verdict =
        tw_disguise_judge(&overflow->disguise, config, view->context);
    if (verdict.is_problem) {
        overflow->newest_bad_step = view->context->step;
        struct tw_condition *condition =
            tw_overflow_open(overflow, view, TW_OVERFLOW_BY_DISGUISE, verdict.severity,
                             verdict.onset_step, verdict.onset_time_ms);
        if (!condition)
            return;
        condition->confidence = verdict.severity == TW_SEVERITY_CRITICAL ? .9 : .6;
        struct tw_evidence *evidence = tw_overflow_write_evidence(
            condition, verdict.statistic, "losses", verdict.value, verdict.threshold);
        tw_evidence_add_text(evidence, "phase", "loss");
        tw_evidence_add_text(evidence, "disguise", verdict.name);
        tw_overflow_add_last_numbers(overflow, evidence);
    } else if (overflow->cause == TW_OVERFLOW_BY_DISGUISE &&
               view->context->step - overflow->newest_bad_step >= view->config->finite_steps) {
        tw_overflow_close(overflow, view, TW_STATE_RECOVERED, "steps with a living loss");
    }
}

/* ---- records ---- */

static void remember(struct tw_overflow *overflow, const struct tw_record *record)
{
    double rate = record->signal[TW_SIGNAL_LEARNING_RATE];
    double loss = record->signal[TW_SIGNAL_LOSS];
    if (tw_record_has(record, TW_SIGNAL_LEARNING_RATE) && isfinite(rate)) {
        overflow->learning_rate = rate;
        overflow->has_learning_rate = 1;
    }
    overflow->norms += tw_record_has(record, TW_SIGNAL_GRAD_NORM);
    if (!tw_record_has(record, TW_SIGNAL_LOSS))
        return;
    overflow->losses++;
    if (isfinite(loss)) {
        overflow->loss = loss;
        overflow->has_loss = 1;
        overflow->loss_run = 0;
    } else {
        overflow->loss_run++;
        overflow->nonfinite_losses++;
    }
}

static void observe_step(struct tw_overflow *overflow, const struct tw_overflow_view *view)
{
    const struct tw_record *record = view->record;
    enum tw_overflow_phase phase = broken_phase(record);
    bool has_numbers =
        tw_record_has(record, TW_SIGNAL_LOSS) || tw_record_has(record, TW_SIGNAL_GRAD_NORM);
    remember(overflow, record);
    if (phase != TW_OVERFLOW_IN_NONE)
        judge_nonfinite(overflow, view, phase);
    else if (has_numbers)
        judge_finite(overflow, view);
    if (view->has_scaler)
        judge_scaling(overflow, view, phase != TW_OVERFLOW_IN_NONE);
    if (tw_record_has(record, TW_SIGNAL_LOSS) && isfinite(record->signal[TW_SIGNAL_LOSS]))
        judge_disguise(overflow, view);
}

static void observe_eval(struct tw_overflow *overflow, const struct tw_overflow_view *view)
{
    if (!tw_record_has(view->record, TW_SIGNAL_EVAL_LOSS))
        return;
    overflow->evals++;
    if (!is_bad(view->record, TW_SIGNAL_EVAL_LOSS)) {
        if (overflow->cause == TW_OVERFLOW_BY_EVAL)
            tw_overflow_close(overflow, view, TW_STATE_RECOVERED,
                              "steps to a finite evaluation loss");
        return;
    }
    overflow->nonfinite_evals++;
    struct tw_condition *condition =
        tw_overflow_open(overflow, view, TW_OVERFLOW_BY_EVAL, TW_SEVERITY_WARNING,
                         view->context->step, view->context->time_ms);
    if (!condition)
        return;
    condition->confidence = .7;
    struct tw_evidence *evidence = tw_overflow_write_evidence(
        condition, "non-finite evaluation losses", "records", (double)overflow->nonfinite_evals, 1);
    tw_evidence_add(evidence, "first_nonfinite_step", (double)view->context->step);
    tw_evidence_add_text(evidence, "phase", "evaluation");
    tw_overflow_add_last_numbers(overflow, evidence);
}

/* ---- the detector ---- */

/* A scale of 1 is what bf16 runs log. */
static bool has_scaler(struct tw_overflow *overflow, const struct tw_context *context,
                       const struct tw_record *record)
{
    if (tw_record_has(record, TW_SIGNAL_SKIPPED_STEPS) &&
        record->signal[TW_SIGNAL_SKIPPED_STEPS] > 0)
        overflow->has_hidden_scaler = 1;
    return overflow->has_hidden_scaler || context->is_fp16 || context->initial_loss_scale > 1 ||
           context->loss_scale > 1;
}

/* A resumed run starts earlier than it ended, and seeks its scale anew. */
static void begin_attempt(struct tw_overflow *overflow, const struct tw_context *context)
{
    tw_scaling_start(&overflow->scaling);
    if (tw_context_reaches(context, TW_EXTENT_LAYERS))
        tw_overflow_growth_start(&overflow->growth);
    if (overflow->newest_bad_step > context->step)
        overflow->newest_bad_step = context->step;
}

static void overflow_observe(void *state, const void *config, const struct tw_context *context,
                             const struct tw_context_config *shared, const struct tw_record *record,
                             struct tw_report *report)
{
    struct tw_overflow *overflow = state;
    struct tw_overflow_view view = {
        .config = config, .context = context, .record = record, .report = report};
    (void)shared;
    view.has_scaler = has_scaler(overflow, context, record);
    if (context->segment_is_new && context->segment_cause == TW_SEGMENT_RESUME)
        begin_attempt(overflow, context);
    if (record->kind == TW_KIND_STEP)
        observe_step(overflow, &view);
    else if (record->kind == TW_KIND_EVAL)
        observe_eval(overflow, &view);
    if (record->layers) {
        tw_overflow_judge_layers(overflow, &view);
        if (context->is_fp16)
            tw_overflow_judge_near(overflow, &view);
    }
}

static void overflow_finish(void *state, const void *config, const struct tw_context *context,
                            const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

static bool overflow_has_judged(const void *state, const void *config,
                                const struct tw_context *context, char *reason, size_t size)
{
    const struct tw_overflow *overflow = state;
    const struct tw_overflow_config *own = config;
    uint64_t points = overflow->losses > overflow->norms ? overflow->losses : overflow->norms;
    (void)context;
    if (points >= own->min_points || overflow->nonfinite_losses)
        return true;
    if (points) {
        snprintf(reason, size, "only %" PRIu64 " losses or gradient norms", points);
        return false;
    }
    snprintf(reason, size, "no loss or gradient norm in the log");
    return false;
}

const struct tw_detector tw_detector_overflow = {
    .name = "overflow",
    .title = "Overflow",
    .description = "numbers that are not finite, beyond what a loss scaler skips on purpose",
    .state_version = 3,
    .options = tw_overflow_options,
    .n_options = TW_OVERFLOW_OPTIONS,
    .config_size = sizeof(struct tw_overflow_config),
    .state_size = TW_STATE_SIZES_FROM(struct tw_overflow, layer, layer),
    .start = overflow_start,
    .grow = overflow_grow,
    .observe = overflow_observe,
    .finish = overflow_finish,
    .has_judged = overflow_has_judged,
};
