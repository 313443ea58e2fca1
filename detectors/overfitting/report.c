/* What the overfitting detector says, and its evidence. */
#include "detectors/overfitting/state.h"

#include <stdio.h>

static const char *statistic_of(enum tw_overfitting_kind kind)
{
    return kind == TW_OVERFITTING_LEVEL ? "median evaluation loss since the best / best"
                                        : "median of 3 evaluation losses / best";
}

/* Our probabilities that the finding still stands at the end of the run. That of a warning in a
 * long run is measured (3.8 % withdrawn, AlgoPerf); the others are judgement. */
static double confidence_of(const struct tw_overfitting_view *view,
                            const struct tw_overfitting_verdict *verdict)
{
    switch (verdict->kind) {
    case TW_OVERFITTING_RISE:
        if (view->is_short)
            return verdict->severity == TW_SEVERITY_CRITICAL ? .8 : .65;
        return .95;
    case TW_OVERFITTING_ALONE:
        return .7;
    case TW_OVERFITTING_DRIFT:
        return .7;
    case TW_OVERFITTING_HANDLED:
        return .6;
    default:
        return .5;
    }
}

static const char *name_of(enum tw_overfitting_kind kind)
{
    switch (kind) {
    case TW_OVERFITTING_ALONE:
        return "no training loss";
    case TW_OVERFITTING_GAP:
        return "growing gap";
    case TW_OVERFITTING_LEVEL:
        return "noisy evaluation";
    case TW_OVERFITTING_DRIFT:
        return "calibration drift";
    case TW_OVERFITTING_HANDLED:
        return "early stopping waits";
    default:
        return "overfitting";
    }
}

static void add_numbers(const struct tw_overfitting *overfitting,
                        const struct tw_overfitting_view *view,
                        const struct tw_overfitting_verdict *verdict, struct tw_evidence *evidence)
{
    const struct tw_evals *evals = &overfitting->evals;
    tw_evidence_add_text(evidence, "kind", name_of(verdict->kind));
    tw_evidence_add(evidence, "best_step", (double)evals->best.step);
    tw_evidence_add(evidence, "eval_loss", view->level);
    if (evals->best.has_train && tw_evals_has_train(evals)) {
        tw_evidence_add(evidence, "train_loss_at_best", evals->best.train);
        tw_evidence_add(evidence, "train_loss", tw_evals_train(evals));
    }
    tw_evidence_add(evidence, "evals_since_best", (double)evals->since_best);
    tw_evidence_add(evidence, "noise", view->noise);
    if (evals->has_metric)
        tw_evidence_add_text(evidence, "score", evals->metric);
}

void tw_overfitting_say(const struct tw_overfitting *overfitting,
                        const struct tw_overfitting_view *view,
                        const struct tw_overfitting_verdict *verdict, enum tw_state state)
{
    const struct tw_evals *evals = &overfitting->evals;
    struct tw_condition *condition = tw_report_add(view->report, "run", state, verdict->severity);
    struct tw_evidence *evidence = &condition->evidence;
    unsigned newest = evals->n < 3 ? evals->n : 3;
    condition->onset_step = overfitting->onset_step;
    condition->onset_time_ms = overfitting->onset_time_ms;
    condition->confidence = state == TW_STATE_WITHDRAWN   ? 0
                            : state == TW_STATE_RECOVERED ? .9
                                                          : confidence_of(view, verdict);
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s", statistic_of(verdict->kind));
    snprintf(evidence->unit, sizeof evidence->unit, "ratio");
    evidence->value = verdict->value;
    evidence->threshold = verdict->threshold;
    evidence->baseline = evals->best.loss;
    evidence->window_first = newest ? evals->at[evals->n - newest].step : evals->best.step;
    evidence->window_last = newest ? evals->at[evals->n - 1].step : evals->best.step;
    add_numbers(overfitting, view, verdict, evidence);
}
