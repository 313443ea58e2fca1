/* First losses, and going over to another scale. */
#include "detectors/divergence/loss.h"

#include <math.h>
#include <string.h>

void tw_divergence_loss_start(struct tw_divergence_loss *loss)
{
    memset(loss, 0, sizeof *loss);
    tw_loss_baseline_start(&loss->baseline);
    tw_cusum_start(&loss->cusum);
    tw_level_start(&loss->level);
    tw_blocks_start(&loss->blocks);
    loss->best_loss = tw_loss_unscaled(&loss->scale, loss->best);
}

void tw_divergence_loss_make_linear(struct tw_divergence_loss *loss, const struct tw_course *course)
{
    if (loss->scale.is_linear)
        return;
    loss->lowest = (float)fmin(1e30, tw_loss_unscaled(&loss->scale, (double)loss->lowest));
    tw_loss_scale_make_linear(&loss->scale);
    loss->best = 0;
    loss->best_loss = tw_loss_unscaled(&loss->scale, loss->best);
    tw_loss_baseline_make_linear(&loss->baseline, course);
    loss->scale.spread = loss->baseline.spread;
    tw_level_make_linear(&loss->level);
    tw_cusum_start(&loss->cusum);
    tw_blocks_start(&loss->blocks);
}

/* Some runs have learned most within eight steps, others begin far above a guess by their weights
 * alone: with the guess at hand, the first loss of all is safe to use. */
double tw_divergence_loss_untrained(const struct tw_divergence_loss *loss, double guess)
{
    if (!tw_divergence_loss_has_initial(loss))
        return NAN;
    return guess > 0 ? fmin(guess, loss->first) : loss->initial_value;
}

double tw_divergence_lost_progress(double untrained, double level, double best)
{
    double gained = untrained - best, lost = level - best;
    if (!(gained > 0) || lost > 1e6 * gained)
        return 1e6;
    return lost / gained;
}

/* The loss of doing nothing: the first, before any update, or the second smallest of the first
 * eight if that is less. Not their median, since a run that blows up at once has left its start
 * after one step; not their minimum, since one lucky batch would set it. */
static double second_smallest(const double *values, unsigned n)
{
    double smallest = values[0], second = values[0];
    for (unsigned i = 1; i < n; i++) {
        if (values[i] < smallest) {
            second = smallest;
            smallest = values[i];
        } else if (i == 1 || values[i] < second) {
            second = values[i];
        }
    }
    return second;
}

/* Limited to what is kept of it. */
static int32_t distance(int64_t way)
{
    return way > INT32_MAX ? INT32_MAX : way < INT32_MIN ? INT32_MIN : (int32_t)way;
}

void tw_divergence_loss_note_first(struct tw_divergence_loss *loss, struct tw_first_losses *firsts,
                                   double value, uint64_t step, int64_t time_ms)
{
    if (loss->n_first == TW_FIRST_LOSSES)
        return;
    if (!loss->n_first) {
        loss->first = value;
        loss->first_step = step;
        loss->first_time_ms = time_ms;
    }
    firsts->value[loss->n_first] = value;
    firsts->steps[loss->n_first] = distance((int64_t)(step - loss->first_step));
    firsts->times_ms[loss->n_first++] =
        distance((int64_t)((uint64_t)time_ms - (uint64_t)loss->first_time_ms));
    loss->initial_value = fmin(loss->first, second_smallest(firsts->value, loss->n_first));
    loss->scale.initial = tw_loss_scaled(&loss->scale, loss->initial_value);
}

bool tw_divergence_loss_has_initial(const struct tw_divergence_loss *loss)
{
    return loss->n_first == TW_FIRST_LOSSES;
}
