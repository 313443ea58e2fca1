/* What the divergence detector says, and its evidence. */
#include "detectors/divergence/state.h"

#include <math.h>
#include <stdio.h>

static const char *statistic_name(const struct tw_divergence *divergence,
                                  const struct tw_divergence_view *view)
{
    if (divergence->cause == TW_DIVERGENCE_BY_START)
        return "newest losses / initial loss";
    if (divergence->cause == TW_DIVERGENCE_BY_COLLAPSE)
        return "best level after a blow-up / initial loss";
    if (divergence->cause == TW_DIVERGENCE_BY_CUT)
        return "level after a cut of the rate / before";
    if (divergence->cause == TW_DIVERGENCE_BY_EVAL)
        return "evaluation loss / best evaluation loss";
    if (divergence->cause == TW_DIVERGENCE_BY_END)
        return "newest loss / lowest of a short log";
    if (divergence->cause == TW_DIVERGENCE_BY_SWING)
        return "edges among 40 means of 25 losses";
    if (view->span == TW_LEVEL_5)
        return "median of 5 losses / best median of 5";
    if (view->span == TW_LEVEL_16)
        return "median of 16 losses / best median of 16";
    return "median of 16 losses / best median of 64";
}

static void add_numbers(const struct tw_divergence *divergence,
                        const struct tw_divergence_view *view, struct tw_evidence *evidence)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double best = divergence->stage == TW_DIVERGENCE_OPEN ? divergence->reference : view->best;
    uint64_t best_step =
        divergence->stage == TW_DIVERGENCE_OPEN ? divergence->reference_step : view->best_step;
    tw_evidence_add(evidence, "best_loss", tw_loss_unscaled(&loss->scale, best));
    tw_evidence_add(evidence, "best_step", (double)best_step);
    tw_evidence_add(evidence, "loss", tw_loss_unscaled(&loss->scale, view->level));
    tw_evidence_add(evidence, "initial_loss", tw_loss_unscaled(&loss->scale, loss->scale.initial));
    tw_evidence_add(evidence, "steps_since_onset",
                    (double)view->course->newest_step - (double)divergence->onset_step);
    if (!isnan(view->context->learning_rate))
        tw_evidence_add(evidence, "learning_rate", view->context->learning_rate);
    if (divergence->cause == TW_DIVERGENCE_BY_START ||
        divergence->cause == TW_DIVERGENCE_BY_COLLAPSE ||
        divergence->cause == TW_DIVERGENCE_BY_CUT) {
        tw_evidence_add(evidence, "from_start", 1);
        return;
    }
    tw_evidence_add(evidence, "cusum", loss->cusum.sum);
    tw_evidence_add(evidence, "autocorrelation", tw_loss_baseline_autocorrelation(&loss->baseline));
}

struct tw_condition *tw_divergence_say(const struct tw_divergence *divergence,
                                       const struct tw_divergence_view *view, enum tw_state state,
                                       enum tw_severity severity)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    struct tw_condition *condition = tw_report_add(view->report, "run", state, severity);
    struct tw_evidence *evidence = &condition->evidence;
    double best = divergence->stage == TW_DIVERGENCE_OPEN ? divergence->reference : view->best;
    unsigned window = view->span == TW_LEVEL_5 ? 5 : 16;
    condition->onset_step = divergence->onset_step;
    condition->onset_time_ms = divergence->onset_time_ms;
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s",
             statistic_name(divergence, view));
    snprintf(evidence->unit, sizeof evidence->unit, "ratio");
    evidence->value = view->rise;
    evidence->baseline = tw_loss_unscaled(&loss->scale, best);
    evidence->window_first = tw_level_first_step(&loss->level, view->course, window);
    evidence->window_last = view->course->newest_step;
    add_numbers(divergence, view, evidence);
    return condition;
}

/* Our probabilities that the finding still stands at the end of the run: judgement, not measured;
 * lower where no baseline backs it. */
static double confidence_of(const struct tw_divergence *divergence, enum tw_severity severity)
{
    switch ((enum tw_divergence_cause)divergence->cause) {
    case TW_DIVERGENCE_BY_CUSUM:
    case TW_DIVERGENCE_BY_LASTING:
        return severity == TW_SEVERITY_CRITICAL ? .9 : .8;
    case TW_DIVERGENCE_BY_SHORT:
        return severity == TW_SEVERITY_CRITICAL ? .75 : .6;
    case TW_DIVERGENCE_BY_START:
        return .85;
    case TW_DIVERGENCE_BY_COLLAPSE:
        return .85;
    case TW_DIVERGENCE_BY_SWING:
    case TW_DIVERGENCE_BY_EVAL:
        return .6;
    case TW_DIVERGENCE_BY_END:
        return .5;
    case TW_DIVERGENCE_BY_CUT:
        return .7;
    }
    return .5;
}

struct tw_condition *tw_divergence_open(struct tw_divergence *divergence,
                                        const struct tw_divergence_view *view,
                                        enum tw_severity severity, double threshold)
{
    bool is_new = divergence->stage != TW_DIVERGENCE_OPEN;
    if (is_new) {
        divergence->stage = TW_DIVERGENCE_OPEN;
        divergence->open_count = divergence->loss.count;
        divergence->reference = view->best;
        divergence->reference_step = view->best_step;
        divergence->reference_ratio_peak = 1;
        divergence->is_early = view->is_warmup;
        divergence->ever_opened = 1;
    }
    divergence->severity = (uint8_t)severity;
    struct tw_condition *condition = tw_divergence_say(divergence, view, TW_STATE_OPEN, severity);
    condition->evidence.threshold = threshold;
    condition->confidence = confidence_of(divergence, severity);
    return condition;
}

void tw_divergence_forget(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    divergence->stage = TW_DIVERGENCE_QUIET;
    divergence->severity = TW_SEVERITY_INFO;
    divergence->high_run = 0;
    divergence->lasting_run = 0;
    divergence->short_run = 0;
    if (tw_context_reaches(view->context, TW_EXTENT_EVALS))
        divergence->eval.high = 0;
    tw_cusum_start(&divergence->loss.cusum);
}
