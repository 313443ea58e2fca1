/* The level of the loss, as a share of what a model reaches that has learned nothing. */
#include "detectors/saturation/outcome.h"

#include <math.h>

enum { FIRST_LOSSES = 8 };

/* What is more than noise of a median of 16 losses: underfitting's `learned_level`. */
#define IMPROVED .9

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
    TW_RECENT_PUSH(&outcome->window, (float)loss);
}

static bool tells_learning(enum tw_objective objective)
{
    return objective != TW_OBJECTIVE_ADVERSARIAL && objective != TW_OBJECTIVE_REINFORCEMENT &&
           objective != TW_OBJECTIVE_CONTRASTIVE;
}

double tw_outcome_level(const struct tw_outcome *outcome, const struct tw_context *context)
{
    double reference = context->trivial_loss > 0 ? context->trivial_loss : outcome->initial;
    if (!outcome->window.count || outcome->is_signed || !(reference > 0) ||
        !tells_learning(context->objective))
        return NAN;
    return TW_RECENT_MEDIAN(&outcome->window) / reference;
}

void tw_outcome_note(struct tw_outcome *outcome, double level, uint64_t step)
{
    if (isnan(level) || (outcome->has_stall && level >= IMPROVED * outcome->stall_level &&
                         step >= outcome->stall_step))
        return;
    outcome->has_stall = 1;
    outcome->stall_level = level;
    outcome->stall_step = step;
}

bool tw_outcome_has_stalled(const struct tw_outcome *outcome, const struct tw_context *context,
                            uint64_t first_step, uint64_t steps, double share)
{
    uint64_t since = first_step;
    if (outcome->has_stall && outcome->stall_step > since)
        since = outcome->stall_step;
    if (context->step < since)
        return false;
    double lasted = (double)(context->step - since), progress = tw_context_progress(context);
    double budget = progress > 0 ? (double)context->step / progress : 0;
    return lasted >= (double)steps && lasted >= share * budget;
}
