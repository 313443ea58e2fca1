/* What the overflow detector says, and its evidence. */
#include "detectors/overflow/state.h"

#include <math.h>
#include <stdio.h>

static const char *phase_name(enum tw_overflow_phase phase)
{
    static const char *const names[] = {"", "loss", "gradient", "update", "weight", "layer"};
    return names[phase];
}

struct tw_evidence *tw_overflow_write_evidence(struct tw_condition *condition,
                                               const char *statistic, const char *unit,
                                               double value, double threshold)
{
    struct tw_evidence *evidence = &condition->evidence;
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s", statistic);
    snprintf(evidence->unit, sizeof evidence->unit, "%s", unit);
    evidence->value = value;
    evidence->threshold = threshold;
    evidence->baseline = NAN;
    return evidence;
}

void tw_overflow_add_last_numbers(const struct tw_overflow *overflow, struct tw_evidence *evidence)
{
    if (overflow->has_loss)
        tw_evidence_add(evidence, "last_finite_loss", overflow->loss);
    if (overflow->has_learning_rate)
        tw_evidence_add(evidence, "learning_rate", overflow->learning_rate);
}

void tw_overflow_add_scaling(const struct tw_overflow *overflow, struct tw_evidence *evidence)
{
    const struct tw_scaling *scaling = &overflow->scaling;
    if (scaling->scale > 0)
        tw_evidence_add(evidence, "loss_scale", scaling->scale);
    if (scaling->calibrated_scale > 0)
        tw_evidence_add(evidence, "calibrated_loss_scale", scaling->calibrated_scale);
    tw_evidence_add(evidence, "skips", (double)scaling->skips);
    tw_evidence_add(evidence, "halvings", (double)scaling->halvings);
    tw_evidence_add(evidence, "skip_rate", tw_scaling_skip_rate(scaling));
}

/* Opens the run-wide finding or raises its severity; a cause that is no worse changes nothing. */
struct tw_condition *tw_overflow_open(struct tw_overflow *overflow,
                                      const struct tw_overflow_view *view,
                                      enum tw_overflow_cause cause, enum tw_severity severity,
                                      uint64_t onset_step, int64_t onset_time_ms)
{
    bool is_open = overflow->cause != TW_OVERFLOW_BY_NONE;
    if (is_open && severity <= (enum tw_severity)overflow->severity)
        return NULL;
    /* Skips that were worth a line, and later something serious, are two stories. */
    if (is_open && overflow->severity == TW_SEVERITY_INFO && onset_step > overflow->onset_step) {
        tw_overflow_close(overflow, view, TW_STATE_RECOVERED, "steps with a normal rate of skips");
        is_open = false;
    }
    if (!is_open || onset_step < overflow->onset_step) {
        overflow->onset_step = onset_step;
        overflow->onset_time_ms = onset_time_ms;
    }
    overflow->cause = (uint8_t)cause;
    overflow->severity = (uint8_t)severity;
    overflow->finite_since = 0;
    overflow->newest_bad_step = view->context->step;
    struct tw_condition *condition = tw_report_add(view->report, "run", TW_STATE_OPEN, severity);
    condition->onset_step = overflow->onset_step;
    condition->onset_time_ms = overflow->onset_time_ms;
    condition->evidence.window_first = overflow->onset_step;
    condition->evidence.window_last = view->context->step;
    return condition;
}

void tw_overflow_close(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                       enum tw_state state, const char *statistic)
{
    struct tw_condition *condition =
        tw_report_add(view->report, "run", state, (enum tw_severity)overflow->severity);
    condition->onset_step = overflow->onset_step;
    condition->onset_time_ms = overflow->onset_time_ms;
    condition->confidence = state == TW_STATE_RECOVERED ? .9 : 0;
    struct tw_evidence *evidence = tw_overflow_write_evidence(
        condition, statistic, "steps",
        (double)view->context->step - (double)overflow->newest_bad_step, 0);
    evidence->window_first = overflow->onset_step;
    evidence->window_last = view->context->step;
    tw_overflow_add_last_numbers(overflow, evidence);
    overflow->cause = TW_OVERFLOW_BY_NONE;
    overflow->severity = TW_SEVERITY_INFO;
    overflow->phase = TW_OVERFLOW_IN_NONE;
    if (tw_context_reaches(view->context, TW_EXTENT_LAYERS))
        overflow->layer[0] = '\0';
}

bool tw_overflow_is_about_numbers(const struct tw_overflow *overflow)
{
    return overflow->cause == TW_OVERFLOW_BY_NONFINITE ||
           overflow->cause == TW_OVERFLOW_BY_SCALED_LOSS || overflow->cause == TW_OVERFLOW_BY_CTC;
}

static const char *nonfinite_statistic(enum tw_overflow_phase phase)
{
    switch (phase) {
    case TW_OVERFLOW_IN_LOSS:
        return "non-finite losses in a row";
    case TW_OVERFLOW_IN_GRADIENT:
        return "records with a non-finite gradient norm";
    case TW_OVERFLOW_IN_UPDATE:
        return "records with a non-finite update norm";
    case TW_OVERFLOW_IN_WEIGHT:
        return "records with a non-finite weight norm";
    case TW_OVERFLOW_IN_LAYER:
    case TW_OVERFLOW_IN_NONE:
        break;
    }
    return "layers with non-finite values";
}

void tw_overflow_say_nonfinite(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                               enum tw_overflow_cause cause, enum tw_severity severity,
                               double value, double threshold)
{
    struct tw_condition *condition = tw_overflow_open(
        overflow, view, cause, severity, overflow->first_bad_step, overflow->first_bad_time_ms);
    if (!condition)
        return;
    /* A gradient alone may be a scaler's probe that the log does not tell of. */
    condition->confidence = overflow->is_doubtful ? .6 : .97;
    struct tw_evidence *evidence = tw_overflow_write_evidence(
        condition, nonfinite_statistic((enum tw_overflow_phase)overflow->phase), "records", value,
        threshold);
    tw_evidence_add(evidence, "first_nonfinite_step", (double)overflow->first_bad_step);
    tw_evidence_add_text(evidence, "phase", phase_name((enum tw_overflow_phase)overflow->phase));
    if (tw_context_reaches(view->context, TW_EXTENT_LAYERS) && overflow->layer[0])
        tw_evidence_add_text(evidence, "layer", overflow->layer);
    tw_overflow_add_last_numbers(overflow, evidence);
    if (view->has_scaler)
        tw_overflow_add_scaling(overflow, evidence);
}

void tw_overflow_note_bad(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                          enum tw_overflow_phase phase)
{
    if (overflow->finite_since || !overflow->has_bad) {
        overflow->first_bad_step = view->context->step;
        overflow->first_bad_time_ms = view->context->time_ms;
    }
    overflow->has_bad = 1;
    overflow->finite_since = 0;
    overflow->newest_bad_step = view->context->step;
    if (!tw_overflow_is_about_numbers(overflow))
        overflow->phase = (uint8_t)phase;
}
