/* Divergence by size: short runs, runs worse than their start, oscillation. */
#include "detectors/divergence/state.h"

#include <math.h>
#include <stdio.h>

/* One or two high losses are bad batches. */
enum { BLOW_UP_LOSSES = 3 };

bool tw_divergence_is_falling(const struct tw_divergence *divergence)
{
    /* 3 %, or what the same means on a linear scale: more than noise moves medians of eight. */
    const struct tw_divergence_loss *loss = &divergence->loss;
    double trend = tw_level_trend(&loss->level);
    if (loss->scale.is_linear)
        return trend < -.5 * loss->scale.spread;
    return trend < -.03;
}

/* 0 where ratios of losses mean something, 1 where the best level is as good as zero: a batch more
 * or less of hard samples doubles such a loss. */
static double nearness_to_zero(const struct tw_divergence_config *config, double share)
{
    if (!(share < config->near_zero_share))
        return 0;
    return fmin(log(config->near_zero_share / share) / log(4), 1);
}

double tw_divergence_needed_progress(const struct tw_divergence_config *config, double share,
                                     enum tw_severity severity)
{
    double near_zero =
        severity == TW_SEVERITY_CRITICAL ? config->near_zero_critical : config->near_zero_progress;
    double more = fmax(near_zero - config->lost_progress, 0);
    return config->lost_progress + nearness_to_zero(config, share) * more;
}

/* Of the loss before training; NaN on a scale that has no zero. */
static double best_share(const struct tw_divergence *divergence,
                         const struct tw_divergence_view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double untrained = tw_divergence_loss_untrained(loss, view->context->trivial_loss);
    return loss->scale.is_linear ? NAN : view->best_loss / untrained;
}

bool tw_divergence_is_near_zero(const struct tw_divergence *divergence,
                                const struct tw_divergence_view *view)
{
    return nearness_to_zero(view->config, best_share(divergence, view)) > 0;
}

/* Of the progress since the start, how much is lost at the present level, as a part of what a
 * finding of this severity needs. */
static double lost_of_needed(const struct tw_divergence *divergence,
                             const struct tw_divergence_view *view, enum tw_severity severity)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double untrained = tw_divergence_loss_untrained(loss, view->context->trivial_loss);
    double needed =
        tw_divergence_needed_progress(view->config, best_share(divergence, view), severity);
    return tw_divergence_lost_progress(untrained, view->level_loss, view->best_loss) /
           fmax(needed, 1e-9);
}

bool tw_divergence_matters(const struct tw_divergence *divergence,
                           const struct tw_divergence_view *view, enum tw_severity severity)
{
    return lost_of_needed(divergence, view, severity) >= 1;
}

bool tw_divergence_is_low(const struct tw_divergence *divergence,
                          const struct tw_divergence_view *view)
{
    /* Mostly so little is lost that it need not be asked how much would matter: never less than
     * lost_progress. */
    double untrained = tw_divergence_loss_untrained(&divergence->loss, view->context->trivial_loss);
    return tw_divergence_lost_progress(untrained, view->level_loss, view->best_loss) <
               .5 * view->config->lost_progress ||
           lost_of_needed(divergence, view, TW_SEVERITY_WARNING) < .5;
}

bool tw_divergence_is_beyond_noise(const struct tw_divergence *divergence,
                                   const struct tw_divergence_view *view)
{
    return view->level - view->best >=
           view->config->lasting_sigma * tw_level_noise(&divergence->loss.level, view->course, 16);
}

bool tw_divergence_is_below_guess(const struct tw_divergence *divergence,
                                  const struct tw_divergence_view *view, double share)
{
    double guess = view->context->trivial_loss;
    (void)divergence;
    return guess > 0 && view->level_loss < share * guess;
}

/* A learning rate well above that of the best level explains a somewhat higher loss. */
bool tw_divergence_rate_explains(const struct tw_divergence *divergence,
                                 const struct tw_divergence_view *view)
{
    return divergence->best_learning_rate > 0 &&
           view->context->learning_rate >
               view->shared->lr_jump_ratio * divergence->best_learning_rate;
}

/* ---- runs without a baseline yet ---- */

static bool is_above_noise(const struct tw_divergence *divergence,
                           const struct tw_divergence_view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double noise = tw_level_noise(&loss->level, view->course, view->span == TW_LEVEL_5 ? 8 : 16);
    double floor = loss->scale.is_linear ? 1e-12 : view->config->spread_floor;
    return view->level - view->best >= view->config->short_sigma * fmax(noise, floor);
}

/* The level has been high for long enough. */
static void judge_high(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    const struct tw_divergence_config *config = view->config;
    if (!tw_divergence_matters(divergence, view, TW_SEVERITY_WARNING) ||
        !is_above_noise(divergence, view))
        return;
    bool is_critical = view->rise >= config->blow_up_ratio &&
                       tw_divergence_matters(divergence, view, TW_SEVERITY_CRITICAL);
    if (!is_critical && (view->is_warmup || tw_divergence_rate_explains(divergence, view)))
        return;
    divergence->cause = TW_DIVERGENCE_BY_SHORT;
    divergence->suspect_count = divergence->loss.count;
    divergence->onset_step = divergence->loss.normal_step;
    divergence->onset_time_ms = divergence->loss.normal_time_ms;
    tw_divergence_open(divergence, view, is_critical ? TW_SEVERITY_CRITICAL : TW_SEVERITY_WARNING,
                       is_critical ? config->blow_up_ratio : config->short_ratio);
}

static uint64_t short_losses(const struct tw_divergence_view *view)
{
    uint64_t losses = view->config->short_losses;
    return view->span == TW_LEVEL_5 ? losses / 2 : losses;
}

void tw_divergence_judge_short(struct tw_divergence *divergence,
                               const struct tw_divergence_view *view)
{
    bool is_high = view->rise >= view->config->short_ratio && !tw_divergence_is_falling(divergence);
    divergence->short_run = is_high ? divergence->short_run + 1 : 0;
    if (divergence->short_run >= short_losses(view))
        judge_high(divergence, view);
}

void tw_divergence_judge_short_end(struct tw_divergence *divergence,
                                   const struct tw_divergence_view *view)
{
    if (divergence->stage == TW_DIVERGENCE_QUIET && view->has_best && !view->has_baseline &&
        !view->is_muted && view->rise >= view->config->blow_up_ratio &&
        divergence->short_run >= short_losses(view) / 2)
        judge_high(divergence, view);
}

/* ---- levels that stay high ---- */

/* A baseline follows a slow rise, and noisy losses seem to fall half of the time. */
void tw_divergence_judge_lasting(struct tw_divergence *divergence,
                                 const struct tw_divergence_view *view)
{
    const struct tw_divergence_config *config = view->config;
    if (divergence->lasting_run < config->lasting_losses || view->span != TW_LEVEL_64 ||
        tw_divergence_is_falling(divergence) || !tw_divergence_is_beyond_noise(divergence, view))
        return;
    divergence->cause = TW_DIVERGENCE_BY_LASTING;
    divergence->suspect_count = divergence->loss.count;
    divergence->onset_step = divergence->low_step;
    divergence->onset_time_ms = divergence->low_time_ms;
    tw_divergence_open(divergence, view, TW_SEVERITY_CRITICAL, config->critical_ratio);
}

/* ---- the start ---- */

/* Counts losses above a line, forgiving one in ten. */
static void count_above(struct tw_above_run *run, bool is_above, uint64_t step, int64_t time_ms)
{
    if (!run->losses) {
        run->first_step = step;
        run->first_time_ms = time_ms;
    }
    run->losses++;
    run->misses += !is_above;
    if (run->misses * 10 > run->losses)
        *run = (struct tw_above_run){0};
}

static void count_start(struct tw_divergence *divergence, const struct tw_divergence_view *view,
                        double value, uint64_t step, int64_t time_ms)
{
    struct tw_since_start *since = &divergence->start.since;
    double initial = divergence->loss.initial_value;
    double above = initial > 0 ? value / initial : 0;
    count_above(&since->above, above >= view->config->start_ratio, step, time_ms);
    count_above(&since->high, above >= view->config->start_high_ratio, step, time_ms);
    if (above < view->config->start_ratio)
        return;
    struct tw_blow_up *blow_up = &since->blow_up;
    if (!blow_up->losses++) {
        blow_up->first_step = step;
        blow_up->first_time_ms = time_ms;
    }
    blow_up->newest_count = divergence->loss.count;
    blow_up->peak = fmax(blow_up->peak, fmin(above, 1e300));
}

/* The first losses are counted once the initial one is known. */
static void count_since_start(struct tw_divergence *divergence,
                              const struct tw_divergence_view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    if (divergence->has_counted_first) {
        count_start(divergence, view, view->loss, view->course->newest_step,
                    view->context->time_ms);
        return;
    }
    const struct tw_first_losses firsts = divergence->start.firsts;
    divergence->has_counted_first = 1;
    divergence->start.since = (struct tw_since_start){0};
    for (int i = 0; i < TW_FIRST_LOSSES; i++)
        count_start(
            divergence, view, firsts.value[i],
            loss->first_step + (uint64_t)(int64_t)firsts.steps[i],
            (int64_t)((uint64_t)loss->first_time_ms + (uint64_t)(int64_t)firsts.times_ms[i]));
}

/* The initial loss is that of one batch. */
static bool is_above_luck(const struct tw_divergence *divergence,
                          const struct tw_divergence_view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double above = view->level - loss->scale.initial; /* in logarithms */
    return loss->scale.is_linear || above >= log(view->config->start_sure_ratio) ||
           above >= view->config->start_sigma * tw_level_noise(&loss->level, view->course, 0);
}

void tw_divergence_judge_start(struct tw_divergence *divergence,
                               const struct tw_divergence_view *view)
{
    const struct tw_divergence_config *config = view->config;
    const struct tw_divergence_loss *loss = &divergence->loss;
    if (!tw_divergence_loss_has_initial(loss))
        return;
    count_since_start(divergence, view);
    const struct tw_since_start *since = &divergence->start.since;
    bool is_high = since->high.losses >= config->start_losses;
    const struct tw_above_run *run = is_high ? &since->high : &since->above;
    if (divergence->stage == TW_DIVERGENCE_OPEN ||
        (!is_high && since->above.losses < config->start_long_losses))
        return;
    /* A sparse log begins when much has been learned: better than a guess is not worse than
     * nothing. */
    if (!is_above_luck(divergence, view) || tw_divergence_is_below_guess(divergence, view, 1))
        return;
    struct tw_divergence_view own = *view;
    own.best = loss->scale.initial;
    own.best_step = loss->first_step;
    own.rise = tw_loss_rise(&loss->scale, view->level, own.best);
    divergence->cause = TW_DIVERGENCE_BY_START;
    divergence->suspect_count = loss->count;
    divergence->onset_step = run->first_step;
    divergence->onset_time_ms = run->first_time_ms;
    tw_divergence_open(divergence, &own, TW_SEVERITY_CRITICAL,
                       is_high ? config->start_high_ratio : config->start_ratio);
}

/* ---- worse than guessing ---- */

void tw_divergence_judge_trivial(struct tw_divergence *divergence,
                                 const struct tw_divergence_view *view)
{
    const struct tw_divergence_config *config = view->config;
    const struct tw_divergence_loss *loss = &divergence->loss;
    double trivial = view->context->trivial_loss;
    if (!(trivial > 0) || loss->scale.is_linear || divergence->has_learned || view->is_warmup ||
        loss->count < config->start_long_losses || !view->has_best)
        return;
    double line = log(trivial * config->trivial_ratio);
    if (view->best < line || view->level < line ||
        view->level - loss->scale.initial < log(config->trivial_rise) ||
        view->level - loss->scale.initial < tw_level_noise(&loss->level, view->course, 0))
        return;
    struct tw_divergence_view own = *view;
    own.best = log(trivial);
    own.best_step = loss->first_step;
    own.rise = tw_loss_rise(&loss->scale, view->level, own.best);
    divergence->cause = TW_DIVERGENCE_BY_START;
    divergence->suspect_count = loss->count;
    divergence->onset_step = loss->first_step;
    divergence->onset_time_ms = loss->first_time_ms;
    tw_divergence_open(divergence, &own, TW_SEVERITY_CRITICAL, config->trivial_ratio);
}

/* ---- blown up and never learned ---- */

/* A softmax network whose rate is far too high explodes within its first steps and then sits at
 * chance for ever: nothing is high any more, but nothing is learned either. */
void tw_divergence_judge_collapse(struct tw_divergence *divergence,
                                  const struct tw_divergence_view *view)
{
    const struct tw_divergence_config *config = view->config;
    const struct tw_divergence_loss *loss = &divergence->loss;
    const struct tw_blow_up *blow_up = &divergence->start.since.blow_up;
    if (loss->blocks.filled || loss->scale.is_linear || !divergence->has_counted_first ||
        blow_up->losses < BLOW_UP_LOSSES || blow_up->peak < config->start_high_ratio ||
        !view->has_best || divergence->has_learned ||
        loss->count - blow_up->newest_count < config->start_long_losses)
        return;
    if (log(blow_up->peak) < config->short_sigma * tw_level_noise(&loss->level, view->course, 0))
        return;
    struct tw_divergence_view own = *view;
    own.best = loss->scale.initial;
    own.best_step = loss->first_step;
    own.rise = tw_loss_rise(&loss->scale, view->best, own.best);
    divergence->cause = TW_DIVERGENCE_BY_COLLAPSE;
    divergence->suspect_count = loss->count;
    divergence->onset_step = blow_up->first_step;
    divergence->onset_time_ms = blow_up->first_time_ms;
    tw_divergence_open(divergence, &own, TW_SEVERITY_CRITICAL, config->learned_ratio);
}

/* ---- oscillation ---- */

/* The share of rising or of falling edges, whichever is less. */
static double swing_share(const struct tw_divergence *divergence,
                          const struct tw_divergence_view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double noise = fmax(tw_level_noise(&loss->level, view->course, 0), view->config->spread_floor);
    struct tw_swing swing = tw_blocks_swing(&loss->blocks, view->config->swing_sigma * noise);
    return fmin(swing.rising, swing.falling);
}

bool tw_divergence_is_swinging(const struct tw_divergence *divergence,
                               const struct tw_divergence_view *view, double share)
{
    return swing_share(divergence, view) >= share;
}

/* The loss swings up and down by far more than its noise and gets nowhere. */
void tw_divergence_judge_swing(struct tw_divergence *divergence,
                               const struct tw_divergence_view *view)
{
    const struct tw_divergence_config *config = view->config;
    const struct tw_divergence_loss *loss = &divergence->loss;
    if (loss->blocks.filled || loss->blocks.count < TW_BLOCKS || !view->has_best ||
        view->is_warmup || loss->scale.is_linear ||
        loss->count < divergence->best_count + TW_BLOCKS * TW_BLOCK_VALUES ||
        !tw_divergence_is_swinging(divergence, view, config->swing_share))
        return;
    divergence->cause = TW_DIVERGENCE_BY_SWING;
    divergence->suspect_count = loss->count;
    divergence->onset_step = view->best_step;
    divergence->onset_time_ms = divergence->best_time_ms;
    struct tw_evidence *evidence =
        &tw_divergence_open(divergence, view, TW_SEVERITY_WARNING, config->swing_share)->evidence;
    evidence->value = swing_share(divergence, view);
    snprintf(evidence->unit, sizeof evidence->unit, "share");
}
