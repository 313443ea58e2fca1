/* The level of the loss, as a share of what a model reaches that has learned nothing. */
#include "detectors/saturation/outcome.h"

#include "detectors/statistics/recent.h"

#include <math.h>

enum { LEVEL_LOSSES = 16 };

/* What is more than noise of a median of 16 losses: underfitting's `learned_level`. */
#define IMPROVED .9

static bool tells_learning(enum tw_objective objective)
{
    return objective != TW_OBJECTIVE_ADVERSARIAL && objective != TW_OBJECTIVE_REINFORCEMENT &&
           objective != TW_OBJECTIVE_CONTRASTIVE;
}

/* The newest losses that a float holds, of a course that is logarithmic. */
static unsigned newest_losses(const struct tw_course *course, float ret[LEVEL_LOSSES])
{
    unsigned kept = tw_course_kept(course), found = 0;
    for (unsigned age = 0; age < kept && found < LEVEL_LOSSES; age++) {
        float loss = (float)tw_course_loss(course, (double)tw_course_at(course, age));
        if (isfinite(loss))
            ret[found++] = loss;
    }
    return found;
}

double tw_outcome_level(const struct tw_context *context)
{
    const struct tw_course *course = &context->course;
    double reference = context->trivial_loss > 0 ? context->trivial_loss : context->first_level;
    float values[LEVEL_LOSSES];
    /* Where a loss was negative, levels are no ratios. */
    if (course->is_linear || !(reference > 0) || !tells_learning(context->objective))
        return NAN;
    unsigned n = newest_losses(course, values);
    return n ? tw_recent_median(values, n) / reference : NAN;
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
