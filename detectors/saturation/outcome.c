/* The level of the loss, as a share of what a model reaches that has learned nothing. */
#include "detectors/saturation/outcome.h"

#include <math.h>

enum { FIRST_LOSSES = 8 };

void tw_outcome_start(struct tw_outcome *outcome)
{
    TW_WINDOW_START(&outcome->window);
}

static void keep_first(struct tw_outcome *outcome, double loss)
{
    if (outcome->n_first == FIRST_LOSSES)
        return;
    if (!outcome->n_first++) {
        outcome->smallest = outcome->initial = loss;
    } else if (loss < outcome->smallest) {
        outcome->initial = outcome->smallest;
        outcome->smallest = loss;
    } else if (outcome->n_first == 2 || loss < outcome->initial) {
        outcome->initial = loss;
    }
}

void tw_outcome_observe(struct tw_outcome *outcome, const struct tw_record *record)
{
    double loss = record->signal[TW_SIGNAL_LOSS];
    if (record->kind != TW_KIND_STEP || !tw_record_has(record, TW_SIGNAL_LOSS) ||
        !isfinite((float)loss))
        return;
    outcome->is_signed |= loss < 0;
    keep_first(outcome, loss);
    TW_WINDOW_PUSH(&outcome->window, (float)loss);
}

static bool tells_learning(enum tw_objective objective)
{
    return objective != TW_OBJECTIVE_ADVERSARIAL && objective != TW_OBJECTIVE_REINFORCEMENT &&
           objective != TW_OBJECTIVE_CONTRASTIVE;
}

double tw_outcome_level(const struct tw_outcome *outcome, const struct tw_context *context)
{
    double reference = context->trivial_loss > 0 ? context->trivial_loss : outcome->initial;
    if (!outcome->window.head.count || outcome->is_signed || !(reference > 0) ||
        !tells_learning(context->objective))
        return NAN;
    return TW_WINDOW_MEDIAN(&outcome->window) / reference;
}
