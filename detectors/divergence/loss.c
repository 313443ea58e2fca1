/* Scales and levels of the loss. */
#include "detectors/divergence/loss.h"

#include <math.h>
#include <string.h>

/* Beyond it, differences of floats overflow. */
#define LINEAR_MAX 1e30
/* exp() of more is of no use to anybody and would overflow. */
#define LOG_RISE_MAX 50.

void tw_divergence_loss_start(struct tw_divergence_loss *loss)
{
    memset(loss, 0, sizeof *loss);
    tw_baseline_start(&loss->baseline);
    tw_cusum_start(&loss->cusum);
    tw_level_start(&loss->level);
    tw_blocks_start(&loss->blocks);
}

double tw_divergence_loss_scaled(const struct tw_divergence_loss *loss, double value)
{
    if (loss->is_linear)
        return fmax(-LINEAR_MAX, fmin(LINEAR_MAX, value));
    return log(value);
}

double tw_divergence_loss_unscaled(const struct tw_divergence_loss *loss, double scaled)
{
    return loss->is_linear ? scaled : exp(fmin(scaled, 709));
}

static double to_linear(double log_value)
{
    return fmin(LINEAR_MAX, exp(fmin(log_value, 709)));
}

static void convert_bests(struct tw_level *level)
{
    for (int i = 0; i < TW_LEVEL_SPANS; i++) {
        struct tw_level_best *best = &level->best[i];
        best->best = best->has_best ? to_linear(best->best) : 0;
        best->previous = best->has_previous ? to_linear(best->previous) : 0;
    }
}

/* The exponential keeps the order, so that the sorted windows stay sorted. */
static void convert_floats(float *values, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        values[i] = (float)to_linear((double)values[i]);
}

void tw_divergence_loss_make_linear(struct tw_divergence_loss *loss)
{
    if (loss->is_linear)
        return;
    loss->is_linear = 1;
    convert_floats(loss->baseline.window.values, loss->baseline.window.head.count);
    convert_floats(loss->level.window16.values, loss->level.window16.head.count);
    convert_floats(loss->level.window64.values, loss->level.window64.head.count);
    convert_bests(&loss->level);
    loss->baseline.until_refresh = 0;
    loss->baseline.spread = TW_WINDOW_MAD(&loss->baseline.window);
    loss->spread = loss->baseline.spread;
    loss->initial = to_linear(loss->initial);
    loss->lowest = to_linear(loss->lowest);
    tw_cusum_start(&loss->cusum);
    tw_blocks_start(&loss->blocks);
}

/* Linear scale: the progress made so far is the unit, or the noise while there is none. */
static double linear_unit(const struct tw_divergence_loss *loss, double best)
{
    return fmax(fmax(loss->initial - best, 5 * loss->spread), 1e-6 * fabs(best));
}

double tw_divergence_loss_rise(const struct tw_divergence_loss *loss, double y, double best)
{
    if (loss->is_linear) /* nothing can be said while not even the noise is known */
        return loss->spread > 0 ? 1 + fmin((y - best) / linear_unit(loss, best), 1e12) : 1;
    return exp(fmin(y - best, LOG_RISE_MAX));
}

/* Some runs have learned most within eight steps, others begin far above a guess by their weights
 * alone: with the guess at hand, the first loss of all is safe to use. */
double tw_divergence_loss_untrained(const struct tw_divergence_loss *loss, double guess)
{
    if (!tw_divergence_loss_has_initial(loss))
        return NAN;
    return guess > 0 ? fmin(guess, loss->first[0]) : loss->initial_value;
}

double tw_divergence_loss_lost_progress(const struct tw_divergence_loss *loss, double untrained,
                                        double y, double best)
{
    double floor = tw_divergence_loss_unscaled(loss, best);
    double gained = untrained - floor;
    double lost = tw_divergence_loss_unscaled(loss, y) - floor;
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

void tw_divergence_loss_note_first(struct tw_divergence_loss *loss, double value, uint64_t step,
                                   int64_t time_ms)
{
    if (loss->n_first == TW_FIRST_LOSSES)
        return;
    loss->first_steps[loss->n_first] = step;
    loss->first_times_ms[loss->n_first] = time_ms;
    loss->first[loss->n_first++] = value;
    loss->initial_value = fmin(loss->first[0], second_smallest(loss->first, loss->n_first));
    loss->initial = tw_divergence_loss_scaled(loss, loss->initial_value);
}

bool tw_divergence_loss_has_initial(const struct tw_divergence_loss *loss)
{
    return loss->n_first == TW_FIRST_LOSSES;
}
