/* Overfitting: the evaluation loss has risen from its best while the training loss goes on falling.
 *
 * A gap between the two is normal and says nothing. Asked for are a rise over the best evaluation
 * that lasts, that is more than the noise of evaluations, and a training loss that fell meanwhile;
 * each alone fires on healthy runs. The finding begins at the best evaluation: what was trained
 * since then was lost. A new best withdraws it. */
#include "detectors/detectors.h"
#include "detectors/overfitting/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void overfitting_start(void *state, const void *config)
{
    (void)state, (void)config;
}

/* ---- speaking ---- */

static void close_finding(struct tw_overfitting *overfitting,
                          const struct tw_overfitting_view *view, enum tw_state state)
{
    struct tw_overfitting_verdict verdict = {(enum tw_overfitting_kind)overfitting->kind,
                                             (enum tw_severity)overfitting->severity, view->rise,
                                             view->config->back_ratio};
    tw_overfitting_say(overfitting, view, &verdict, state);
    overfitting->withdrawn += state == TW_STATE_WITHDRAWN;
    overfitting->is_open = 0;
    overfitting->kind = TW_OVERFITTING_NONE;
    overfitting->severity = TW_SEVERITY_INFO;
}

static void open_finding(struct tw_overfitting *overfitting, const struct tw_overfitting_view *view,
                         const struct tw_overfitting_verdict *verdict)
{
    if (!overfitting->is_open) {
        overfitting->is_open = 1;
        overfitting->ever_opened = 1;
        overfitting->reference = overfitting->evals.best.loss;
        overfitting->onset_step = overfitting->evals.best.step;
        overfitting->onset_time_ms = overfitting->evals.best_time_ms;
    }
    overfitting->severity = (uint8_t)verdict->severity;
    overfitting->kind = (uint8_t)verdict->kind;
    tw_overfitting_say(overfitting, view, verdict, TW_STATE_OPEN);
}

/* ---- one evaluation ---- */

static struct tw_overfitting_view look(const struct tw_overfitting *overfitting,
                                       const struct tw_overfitting_config *config,
                                       const struct tw_context *context, struct tw_report *report)
{
    const struct tw_evals *evals = &overfitting->evals;
    struct tw_overfitting_view view = {.config = config, .context = context, .report = report};
    view.level = evals->n ? tw_evals_level(evals) : evals->best.loss;
    view.rise = tw_evals_rise(evals, view.level);
    view.noise = tw_evals_noise(evals, evals->n);
    view.is_short = evals->count <= config->short_evals;
    return view;
}

static bool is_new_best(const struct tw_overfitting *overfitting,
                        const struct tw_overfitting_view *view)
{
    double reference = overfitting->reference;
    return overfitting->evals.best.loss < reference - view->config->new_best * fabs(reference);
}

static void judge(struct tw_overfitting *overfitting, const struct tw_overfitting_view *view)
{
    struct tw_overfitting_verdict verdict = tw_overfitting_judge(overfitting, view);
    if (overfitting->is_open && is_new_best(overfitting, view))
        close_finding(overfitting, view, TW_STATE_WITHDRAWN);
    else if (overfitting->is_open && overfitting->evals.n >= 3 &&
             view->rise <= view->config->back_ratio)
        close_finding(overfitting, view, TW_STATE_RECOVERED);
    else if (verdict.kind != TW_OVERFITTING_NONE &&
             (!overfitting->is_open || verdict.severity > overfitting->severity))
        open_finding(overfitting, view, &verdict);
}

/* A schedule that runs out evenly halves the rate in its last steps too: a drop is one only when
 * the rate had not been falling as fast already. */
static bool is_smooth_fall(const struct tw_overfitting *overfitting,
                           const struct tw_context *context)
{
    return context->segment_cause == TW_SEGMENT_LR_DOWN && overfitting->has_rate &&
           overfitting->rate - context->learning_rate <= 1.5 * overfitting->rate_fall;
}

static void note_rate(struct tw_overfitting *overfitting, const struct tw_record *record)
{
    double rate = record->signal[TW_SIGNAL_LEARNING_RATE];
    if (!tw_record_has(record, TW_SIGNAL_LEARNING_RATE) || !(fabs(rate) < 1e30))
        return;
    overfitting->rate_fall = overfitting->has_rate ? overfitting->rate - rate : 0;
    overfitting->rate = rate;
    overfitting->has_rate = 1;
}

/* Learning rates and batches may move the level for some evaluations; after other data nothing
 * before is comparable. A run that goes back to before the rise has done what was asked. */
static void break_evals(struct tw_overfitting *overfitting, const struct tw_overfitting_view *view)
{
    const struct tw_context *context = view->context;
    if (context->segment_cause == TW_SEGMENT_DATA_CHANGE) {
        if (overfitting->is_open)
            close_finding(overfitting, view, TW_STATE_RECOVERED);
        tw_evals_start(&overfitting->evals);
    } else if (context->segment_cause == TW_SEGMENT_RESUME) {
        if (overfitting->is_open && context->step_went_back &&
            context->step <= overfitting->onset_step)
            close_finding(overfitting, view, TW_STATE_RECOVERED);
        tw_evals_break(&overfitting->evals);
    }
}

static void begin_segment(struct tw_overfitting *overfitting,
                          const struct tw_overfitting_config *config,
                          const struct tw_context *context, struct tw_report *report)
{
    if (is_smooth_fall(overfitting, context))
        return;
    overfitting->has_segment = 1;
    overfitting->segment_evals = 0;
    if (context->segment_cause == TW_SEGMENT_DATA_CHANGE ||
        context->segment_cause == TW_SEGMENT_RESUME)
        overfitting->losses_from = context->course.count - context->course.is_new;
    if (!tw_context_reaches(context, TW_EXTENT_EVALS))
        return;
    struct tw_overfitting_view view = look(overfitting, config, context, report);
    break_evals(overfitting, &view);
}

static bool is_repeat(const struct tw_evals *evals, uint64_t step, double loss)
{
    return evals->n && evals->at[evals->n - 1].step == step &&
           !(evals->at[evals->n - 1].loss < loss) && !(evals->at[evals->n - 1].loss > loss);
}

static void overfitting_observe(void *state, const void *config, const struct tw_context *context,
                                const struct tw_context_config *shared,
                                const struct tw_record *record, struct tw_report *report)
{
    struct tw_overfitting *overfitting = state;
    struct tw_evals *evals = &overfitting->evals;
    (void)shared;
    if (!tw_context_loss_should_fall(context))
        return;
    if (context->segment_is_new)
        begin_segment(overfitting, config, context, report);
    note_rate(overfitting, record);
    if (!tw_record_has(record, TW_SIGNAL_EVAL_LOSS))
        return;
    double loss = record->signal[TW_SIGNAL_EVAL_LOSS];
    if (!(fabs(loss) < 1e30)) {
        overfitting->has_nonfinite = 1; /* the overflow detector's business */
    } else if (!is_repeat(evals, context->step, loss)) {
        tw_evals_take(evals, record, context, context->course.count - overfitting->losses_from);
        overfitting->losses_from = context->course.count;
        overfitting->segment_evals++;
        struct tw_overfitting_view view = look(overfitting, config, context, report);
        judge(overfitting, &view);
    }
}

static void overfitting_finish(void *state, const void *config, const struct tw_context *context,
                               const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

static bool overfitting_has_judged(const void *state, const void *config,
                                   const struct tw_context *context, char *reason, size_t size)
{
    const struct tw_overfitting *overfitting = state;
    const struct tw_overfitting_config *own = config;
    bool has_evals = tw_context_reaches(context, TW_EXTENT_EVALS);
    uint64_t count = has_evals ? overfitting->evals.count : 0;
    if (!tw_context_loss_should_fall(context))
        snprintf(reason, size, "an evaluation loss means little in %s training",
                 tw_objective_name(context->objective));
    else if (count >= own->min_evals || overfitting->ever_opened)
        return true;
    else if (count)
        snprintf(reason, size, "only %" PRIu64 " evaluation%s of the loss", count,
                 count == 1 ? "" : "s");
    else if (overfitting->has_nonfinite)
        snprintf(reason, size, "no finite evaluation loss in the log");
    else
        snprintf(reason, size, "no evaluation loss in the log");
    return false;
}

const struct tw_detector tw_detector_overfitting = {
    .name = "overfitting",
    .title = "Overfitting",
    .description = "the evaluation loss rises from its best while the training loss falls",
    .state_version = 4,
    .options = tw_overfitting_options,
    .n_options = TW_OVERFITTING_OPTIONS,
    .config_size = sizeof(struct tw_overfitting_config),
    .state_size = TW_STATE_SIZES_FROM_EVALS(struct tw_overfitting, evals),
    .start = overfitting_start,
    .observe = overfitting_observe,
    .finish = overfitting_finish,
    .has_judged = overfitting_has_judged,
};
