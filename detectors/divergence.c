/* Divergence: the training loss leaves its best level and does not come back.
 *
 * A robust CUSUM of the log loss raises a suspicion, which is not shown. It becomes a warning when
 * the loss is still a tenth above its best a hundred steps later, critical when it is half or twice
 * as high or keeps rising; a spike that comes back by itself becomes an information. Three
 * conditions together (significance, size, persistence), because each alone fires on healthy runs.
 *
 * Runs too short for a baseline are judged by size and noise alone, and a loss that stays far above
 * the one the run began with is critical from the first steps on: worse than doing nothing. */
#include "detectors/detectors.h"
#include "detectors/divergence/state.h"
#include "detectors/statistics/clip.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Length of the window whose median is the present level. */
enum { CONFIRM_WINDOW = 16 };

static void divergence_start(void *state, const void *config)
{
    struct tw_divergence *divergence = state;
    (void)config;
    tw_divergence_loss_start(&divergence->loss);
}

/* ---- segments ---- */

static void forget_levels(struct tw_divergence *divergence)
{
    tw_level_start(&divergence->loss.level);
    tw_blocks_start(&divergence->loss.blocks);
}

static void forget_start(struct tw_divergence *divergence)
{
    divergence->loss.n_first = 0;
    divergence->loss.scale.initial = 0;
    divergence->has_counted_first = 0;
    memset(&divergence->start, 0, sizeof divergence->start);
    divergence->cut = (struct tw_learning_rate_cut){0};
    divergence->has_learned = 0;
}

/* Levels survive where the loss is still comparable: a lower learning rate only lowers the loss.
 * After a resume, a higher rate or another batch size a run may stand higher for good, and is
 * compared with the best since then; other data are another problem altogether. */
static void begin_segment(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    enum tw_segment_cause cause = view->context->segment_cause;
    if (divergence->stage == TW_DIVERGENCE_SUSPECT ||
        (divergence->stage == TW_DIVERGENCE_OPEN && cause == TW_SEGMENT_DATA_CHANGE &&
         divergence->severity < TW_SEVERITY_CRITICAL)) {
        tw_divergence_say(divergence, view, TW_STATE_WITHDRAWN,
                          (enum tw_severity)divergence->severity);
        tw_divergence_forget(divergence, view);
    }
    tw_loss_baseline_start(&divergence->loss.baseline);
    tw_cusum_start(&divergence->loss.cusum);
    if (cause == TW_SEGMENT_LR_DOWN)
        tw_divergence_note_cut(divergence, view);
    if (cause == TW_SEGMENT_LR_DOWN || (cause == TW_SEGMENT_LR_UP && view->is_warmup))
        return;
    divergence->high_run = 0;
    divergence->lasting_run = 0;
    divergence->short_run = 0;
    forget_levels(divergence);
    divergence->has_best = 0;
    if (tw_context_reaches(view->context, TW_EXTENT_EVALS))
        divergence->eval = (struct tw_eval_rise){0};
    if (cause == TW_SEGMENT_DATA_CHANGE)
        forget_start(divergence);
}

/* ---- the judgement ---- */

/* How many losses the hundred steps of confirmation are in this log. */
static uint64_t confirm_losses(const struct tw_divergence *divergence,
                               const struct tw_divergence_view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    double steps = (double)view->course->newest_step - (double)loss->first_step;
    double stride = loss->count > 1 ? steps / (double)(loss->count - 1) : 1;
    double losses = (double)view->config->confirm_steps / fmax(stride, 1);
    return losses > (double)view->config->confirm_losses ? (uint64_t)losses
                                                         : view->config->confirm_losses;
}

/* Severity by size alone, or INFO when it is not enough. */
static enum tw_severity severity_by_size(const struct tw_divergence *divergence,
                                         const struct tw_divergence_view *view)
{
    bool is_high = view->rise >= view->config->blow_up_ratio &&
                   tw_divergence_is_beyond_noise(divergence, view) &&
                   !tw_divergence_is_falling(divergence);
    bool is_lasting = divergence->high_run >= view->config->critical_losses;
    if ((is_high || is_lasting) && tw_divergence_matters(divergence, view, TW_SEVERITY_CRITICAL))
        return TW_SEVERITY_CRITICAL;
    return TW_SEVERITY_INFO;
}

static void begin_suspicion(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    divergence->stage = TW_DIVERGENCE_SUSPECT;
    divergence->confirm_run = 0;
    divergence->cause = TW_DIVERGENCE_BY_CUSUM;
    divergence->severity = TW_SEVERITY_INFO;
    divergence->suspect_count = divergence->loss.count;
    divergence->onset_step = divergence->loss.cusum.onset_step;
    divergence->onset_time_ms = divergence->loss.cusum.onset_time_ms;
    struct tw_condition *condition =
        tw_divergence_say(divergence, view, TW_STATE_SUSPECT, TW_SEVERITY_INFO);
    snprintf(condition->evidence.statistic, sizeof condition->evidence.statistic,
             "CUSUM of the robust log-loss score");
    snprintf(condition->evidence.unit, sizeof condition->evidence.unit, "sigma");
    condition->evidence.value = divergence->loss.cusum.sum;
    condition->evidence.threshold = view->line;
    condition->confidence = .2;
}

/* The suspicion came to nothing; a spike that anybody can see is the loss-spike detector's. */
static void end_suspicion(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    tw_divergence_say(divergence, view, TW_STATE_WITHDRAWN, TW_SEVERITY_INFO);
    tw_divergence_forget(divergence, view);
}

/* Still high when the wait is over, and for a window more: the tail of a spike is falling then. */
static bool is_confirmed(struct tw_divergence *divergence, const struct tw_divergence_view *view,
                         uint64_t age)
{
    bool is_high = age >= confirm_losses(divergence, view) &&
                   view->rise >= view->config->confirm_ratio &&
                   divergence->loss.cusum.sum >= view->line;
    divergence->confirm_run = is_high ? divergence->confirm_run + 1 : 0;
    return divergence->confirm_run >= CONFIRM_WINDOW &&
           tw_divergence_matters(divergence, view, TW_SEVERITY_WARNING) && !view->is_warmup &&
           !tw_divergence_rate_explains(divergence, view);
}

/* The sum begins with noise, or late near zero, where its baseline follows a slow rise: what counts
 * is when the level left. */
static void open_suspicion(struct tw_divergence *divergence, const struct tw_divergence_view *view,
                           enum tw_severity severity, double threshold)
{
    bool is_sum_early = divergence->low_step > divergence->onset_step;
    if (is_sum_early || (tw_divergence_is_near_zero(divergence, view) && divergence->low_step)) {
        divergence->onset_step = divergence->low_step;
        divergence->onset_time_ms = divergence->low_time_ms;
    }
    tw_divergence_open(divergence, view, severity, threshold);
}

static void judge_suspicion(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    const struct tw_divergence_config *config = view->config;
    uint64_t age = divergence->loss.count - divergence->suspect_count;
    bool is_back = age >= 16 && view->rise <= config->recovered_ratio;
    if (divergence->loss.cusum.sum <= 0 || is_back) {
        end_suspicion(divergence, view);
    } else if (severity_by_size(divergence, view) == TW_SEVERITY_CRITICAL) {
        bool is_high = view->rise >= config->blow_up_ratio;
        open_suspicion(divergence, view, TW_SEVERITY_CRITICAL,
                       is_high ? config->blow_up_ratio : config->critical_ratio);
    } else if (is_confirmed(divergence, view, age)) {
        open_suspicion(divergence, view, TW_SEVERITY_WARNING, config->confirm_ratio);
    } else if (age >= config->rebaseline_after) {
        tw_divergence_say(divergence, view, TW_STATE_WITHDRAWN, TW_SEVERITY_INFO);
        tw_divergence_forget(divergence, view);
        tw_loss_baseline_start(&divergence->loss.baseline);
    }
}

static bool is_still_rising(const struct tw_divergence *divergence,
                            const struct tw_divergence_view *view)
{
    uint64_t blocks = (divergence->loss.count - divergence->suspect_count) / TW_BLOCK_VALUES;
    /* Once a block, and only over blocks since the suspicion: the rise itself is known. */
    if (divergence->cause != TW_DIVERGENCE_BY_CUSUM || divergence->loss.blocks.filled || blocks < 4)
        return false;
    return tw_blocks_rising_probability(&divergence->loss.blocks,
                                        blocks < 10 ? (unsigned)blocks : 10) >
               view->config->rising_probability &&
           tw_divergence_matters(divergence, view, TW_SEVERITY_CRITICAL);
}

static void close_finding(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    uint64_t age = divergence->loss.count - divergence->open_count;
    bool was_hump = divergence->is_early && age <= view->config->catapult_losses;
    bool was_wobble = divergence->severity < TW_SEVERITY_CRITICAL &&
                      divergence->reference_ratio_peak < view->config->wobble_ratio &&
                      age <= view->config->withdraw_within;
    /* It learns after all. */
    bool was_alive = divergence->cause == TW_DIVERGENCE_BY_COLLAPSE;
    enum tw_state state =
        was_hump || was_wobble || was_alive ? TW_STATE_WITHDRAWN : TW_STATE_RECOVERED;
    struct tw_condition *condition =
        tw_divergence_say(divergence, view, state, (enum tw_severity)divergence->severity);
    condition->evidence.threshold = view->config->recovered_ratio;
    condition->confidence = state == TW_STATE_RECOVERED ? .9 : 0;
    if (was_alive)
        divergence->start.since.blow_up = (struct tw_blow_up){0};
    tw_divergence_forget(divergence, view);
    tw_loss_baseline_start(&divergence->loss.baseline);
}

static bool is_over(const struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    if (divergence->cause == TW_DIVERGENCE_BY_SWING)
        return !loss->blocks.filled && loss->blocks.count == TW_BLOCKS &&
               !tw_divergence_is_swinging(divergence, view, .5 * view->config->swing_share);
    if (divergence->cause == TW_DIVERGENCE_BY_COLLAPSE)
        return loss->level.count >= 16 && view->rise < view->config->learned_ratio;
    return loss->level.count >= 16 &&
           (view->rise <= view->config->recovered_ratio || tw_divergence_is_low(divergence, view));
}

static void judge_open(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    /* Compared with the best as it was when the finding opened. */
    struct tw_divergence_view own = *view;
    own.best = divergence->reference;
    own.best_loss = tw_loss_unscaled(&divergence->loss.scale, own.best);
    own.best_step = divergence->reference_step;
    own.rise = tw_loss_rise(&divergence->loss.scale, view->level, own.best);
    if (own.rise > divergence->reference_ratio_peak)
        divergence->reference_ratio_peak = own.rise;
    bool is_elsewhere = divergence->cause == TW_DIVERGENCE_BY_EVAL; /* evaluations end it */
    if (!is_elsewhere && is_over(divergence, &own)) {
        close_finding(divergence, &own);
    } else if (divergence->severity < TW_SEVERITY_CRITICAL &&
               (severity_by_size(divergence, &own) == TW_SEVERITY_CRITICAL ||
                is_still_rising(divergence, &own))) {
        if (divergence->cause == TW_DIVERGENCE_BY_SWING || is_elsewhere)
            divergence->cause = TW_DIVERGENCE_BY_CUSUM; /* what began otherwise rises now */
        tw_divergence_open(divergence, &own, TW_SEVERITY_CRITICAL, view->config->critical_ratio);
    }
}

/* ---- one loss ---- */

static struct tw_divergence_view look(const struct tw_divergence *divergence,
                                      const struct tw_divergence_config *config,
                                      const struct tw_context *context,
                                      const struct tw_context_config *shared,
                                      struct tw_report *report)
{
    const struct tw_divergence_loss *loss = &divergence->loss;
    struct tw_divergence_view view = {
        .config = config, .context = context, .shared = shared, .report = report};
    view.course = &context->course;
    view.is_warmup = tw_context_in_warmup(context, shared);
    view.is_muted = tw_context_is_muted(context, shared);
    view.has_baseline = loss->baseline.count >= config->baseline_losses;
    view.line =
        tw_cusum_line(config->cusum_line, tw_loss_baseline_autocorrelation(&loss->baseline));
    return view;
}

/* The best seldom changes. */
static double best_loss(struct tw_divergence_loss *loss, double best)
{
    if (best != loss->best) {
        loss->best = best;
        loss->best_loss = tw_loss_unscaled(&loss->scale, best);
    }
    return loss->best_loss;
}

static void measure_level(struct tw_divergence *divergence, struct tw_divergence_view *view)
{
    struct tw_divergence_loss *loss = &divergence->loss;
    view->span = tw_level_best_span(&loss->level);
    view->has_best = view->span != TW_LEVEL_SPANS;
    view->level = tw_level_now(&loss->level, view->span);
    view->best = view->has_best ? (double)loss->level.best[view->span].best : view->level;
    view->best_step =
        view->has_best ? loss->level.best[view->span].best_step : view->course->newest_step;
    view->level_loss = tw_loss_unscaled(&loss->scale, view->level);
    view->best_loss = best_loss(loss, view->best);
    /* The quotient is the exponential of the difference where neither is out of a number's reach.
     */
    bool is_plain = !loss->scale.is_linear && view->best > -700 && view->level - view->best < 40;
    view->rise = is_plain ? view->level_loss / view->best_loss
                          : tw_loss_rise(&loss->scale, view->level, view->best);
}

static void remember_level(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    bool is_high =
        view->rise >= view->config->critical_ratio && !tw_divergence_is_falling(divergence);
    bool is_lasting = view->rise >= view->config->critical_ratio &&
                      tw_divergence_matters(divergence, view, TW_SEVERITY_CRITICAL);
    divergence->high_run = is_high ? divergence->high_run + 1 : 0;
    divergence->lasting_run = is_lasting ? divergence->lasting_run + 1 : 0;
    if (tw_divergence_is_low(divergence, view)) {
        divergence->low_step = view->course->newest_step;
        divergence->low_time_ms = view->context->time_ms;
    }
    if (!divergence->has_learned && tw_divergence_loss_has_initial(&divergence->loss) &&
        divergence->loss.level.count >= 16 &&
        tw_loss_rise(&divergence->loss.scale, view->level, divergence->loss.scale.initial) <
            view->config->learned_ratio)
        divergence->has_learned = 1;
    if (divergence->has_best && view->best_step == divergence->best_step)
        return;
    divergence->has_best = 1;
    divergence->best_step = view->best_step;
    divergence->best_count = divergence->loss.count;
    divergence->best_time_ms = view->context->time_ms;
    divergence->best_learning_rate =
        isnan(view->context->learning_rate) ? 0 : view->context->learning_rate;
}

static void note_normal(struct tw_divergence *divergence, const struct tw_divergence_view *view,
                        double y)
{
    struct tw_divergence_loss *loss = &divergence->loss;
    double level = tw_level_now(&loss->level, TW_LEVEL_5);
    if (loss->count < 5)
        loss->lowest = (float)loss->scale.initial;
    else if (loss->count == 5 || level < (double)loss->lowest)
        loss->lowest = (float)level;
    /* Of few losses the best is not known until a window later. */
    double best = view->has_best && view->span != TW_LEVEL_5 ? view->best : (double)loss->lowest;
    if (loss->count > 1 && tw_loss_rises(&loss->scale, y, best, view->config->onset_ratio))
        return;
    loss->normal_step = view->course->newest_step;
    loss->normal_time_ms = view->context->time_ms;
}

static void add_to_cusum(struct tw_divergence *divergence, struct tw_divergence_view *view,
                         double y)
{
    struct tw_divergence_loss *loss = &divergence->loss;
    double limit = view->config->score_limit;
    double floor = loss->scale.is_linear
                       ? view->config->spread_floor * fmax(fabs(loss->scale.initial), 1e-9)
                       : view->config->spread_floor;
    double z = tw_loss_baseline_score(&loss->baseline, y, floor);
    view->z = tw_clip(z, 1e6);
    if (!view->has_baseline || view->is_muted)
        return;
    tw_cusum_add(&loss->cusum, tw_clip(z, limit), view->config->cusum_drift, view->line,
                 view->course->newest_step, view->context->time_ms);
}

/* Flagged losses stay out of the baseline: those of a suspicion or a finding, those of an excursion
 * that is half way to one, and single spikes. */
static void learn(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    struct tw_divergence_loss *loss = &divergence->loss;
    double limit = view->config->score_limit;
    bool is_spike = view->has_baseline && view->z >= view->config->spike_sigma;
    if (divergence->stage != TW_DIVERGENCE_QUIET || loss->cusum.sum >= .5 * view->line ||
        (is_spike && loss->cusum.sum > 0))
        return;
    tw_loss_baseline_learn(&loss->baseline, view->course, tw_clip(view->z, limit));
    if (loss->baseline.count >= 16)
        loss->scale.spread = loss->baseline.spread;
}

static void judge(struct tw_divergence *divergence, const struct tw_divergence_view *view)
{
    if (divergence->stage == TW_DIVERGENCE_OPEN) {
        judge_open(divergence, view);
    } else if (divergence->stage == TW_DIVERGENCE_SUSPECT) {
        judge_suspicion(divergence, view);
    } else if (view->has_best && !view->is_muted) {
        if (view->has_baseline && divergence->loss.cusum.sum > view->line)
            begin_suspicion(divergence, view);
        else if (!view->has_baseline)
            tw_divergence_judge_short(divergence, view);
        if (divergence->stage == TW_DIVERGENCE_QUIET)
            tw_divergence_judge_lasting(divergence, view);
    }
    if (divergence->stage == TW_DIVERGENCE_QUIET)
        tw_divergence_judge_cut(divergence, view);
    if (divergence->stage == TW_DIVERGENCE_QUIET)
        tw_divergence_judge_trivial(divergence, view);
    if (divergence->stage == TW_DIVERGENCE_QUIET)
        tw_divergence_judge_collapse(divergence, view);
    if (divergence->stage == TW_DIVERGENCE_QUIET)
        tw_divergence_judge_swing(divergence, view);
    if (!view->is_muted || view->context->segment_cause != TW_SEGMENT_RESUME)
        tw_divergence_judge_start(divergence, view);
}

static void take_loss(struct tw_divergence *divergence, struct tw_divergence_view *view,
                      double value)
{
    struct tw_divergence_loss *loss = &divergence->loss;
    double y = view->course->newest;
    view->loss = value;
    tw_divergence_loss_note_first(loss, &divergence->start.firsts, value, view->context->step,
                                  view->context->time_ms);
    loss->count++;
    add_to_cusum(divergence, view, y);
    tw_level_push(&loss->level, view->course);
    tw_blocks_push(&loss->blocks, y);
    measure_level(divergence, view);
    remember_level(divergence, view);
    note_normal(divergence, view, y);
    judge(divergence, view);
    learn(divergence, view);
}

static void divergence_observe(void *state, const void *config, const struct tw_context *context,
                               const struct tw_context_config *shared,
                               const struct tw_record *record, struct tw_report *report)
{
    struct tw_divergence *divergence = state;
    if (!tw_context_loss_should_fall(context))
        return;
    if (context->course.is_linear)
        tw_divergence_loss_make_linear(&divergence->loss, &context->course);
    if (context->course.is_new)
        tw_loss_baseline_turn(&divergence->loss.baseline, &context->course);
    struct tw_divergence_view view = look(divergence, config, context, shared, report);
    if (context->segment_is_new) {
        measure_level(divergence, &view);
        begin_segment(divergence, &view);
    }
    double eval = record->signal[TW_SIGNAL_EVAL_LOSS];
    if (tw_record_has(record, TW_SIGNAL_EVAL_LOSS) && isfinite(eval)) {
        measure_level(divergence, &view);
        tw_divergence_take_eval(divergence, &view, eval);
    }
    if (record->kind != TW_KIND_STEP || !tw_record_has(record, TW_SIGNAL_LOSS))
        return;
    double value = record->signal[TW_SIGNAL_LOSS];
    if (!isfinite(value))
        divergence->has_nonfinite = 1; /* the overflow detector's business; nothing of it is kept */
    else if (value != 0 || divergence->loss.scale.is_linear)
        take_loss(divergence, &view, value);
    /* else it has no logarithm; a lasting zero is a disguise that overflow knows */
}

static void divergence_finish(void *state, const void *config, const struct tw_context *context,
                              const struct tw_context_config *shared, struct tw_report *report)
{
    struct tw_divergence *divergence = state;
    struct tw_divergence_view view = look(divergence, config, context, shared, report);
    if (!tw_context_loss_should_fall(context))
        return;
    measure_level(divergence, &view);
    tw_divergence_judge_short_end(divergence, &view);
    tw_divergence_judge_end(divergence, &view);
}

static bool divergence_has_judged(const void *state, const void *config,
                                  const struct tw_context *context, char *reason, size_t size)
{
    const struct tw_divergence *divergence = state;
    const struct tw_divergence_config *own = config;
    uint64_t count = divergence->loss.count;
    if (!tw_context_loss_should_fall(context))
        snprintf(reason, size, "the loss of %s training need not fall",
                 tw_objective_name(context->objective));
    else if (count >= own->min_losses || divergence->ever_opened)
        return true;
    else if (count)
        snprintf(reason, size, "only %llu losses", (unsigned long long)count);
    else if (divergence->has_nonfinite)
        snprintf(reason, size, "no finite loss in the log");
    else
        snprintf(reason, size, "no loss in the log");
    return false;
}

const struct tw_detector tw_detector_divergence = {
    .name = "divergence",
    .title = "Divergence",
    .description = "the training loss leaves its best level and does not come back",
    .state_version = 6,
    .options = tw_divergence_options,
    .n_options = TW_DIVERGENCE_OPTIONS,
    .config_size = sizeof(struct tw_divergence_config),
    .state_size = TW_STATE_SIZES_FROM_EVALS(struct tw_divergence, eval),
    .start = divergence_start,
    .observe = divergence_observe,
    .finish = divergence_finish,
    .has_judged = divergence_has_judged,
};
