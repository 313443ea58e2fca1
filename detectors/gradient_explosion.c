/* Gradient explosion: the gradient norm leaves its baseline by a multiple and stays there, or grows
 * without end.
 *
 * Single high norms are what training is like: they are an information once they are over. A norm
 * that stays four times over its baseline is a warning when something else tells of it too (the
 * loss, the updates, spikes before); ten times, or doubling five times in a row, is critical by
 * itself. Norms that were clipped before they were logged show nothing and are not judged; norms
 * that are no numbers are the overflow detector's, unless they had been growing until then. */
#include "detectors/detectors.h"
#include "detectors/gradient_explosion/state.h"
#include "detectors/statistics/clip.h"
#include "detectors/statistics/log_ratio.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* A rise by the number of micro-batches is a change of the program, so it is abrupt and lasts. */
enum { ACCUMULATION_NORMS = 16, ACCUMULATION_ABRUPT = 24 };
/* Norms whose median is the level. */
enum { LEVEL_NORMS = 5 };
/* Layer records without a global norm beside them, until their sum stands in for it. */
enum { LAYERS_ALONE = 3 };

static void explosion_start(void *state, const void *config)
{
    struct tw_explosion *explosion = state;
    (void)config;
    tw_norm_series_start(&explosion->norm);
    tw_explosion_signs_start(&explosion->signs);
}

/* ---- segments ---- */

static bool is_open(const struct tw_explosion *explosion)
{
    return explosion->cause != TW_EXPLOSION_BY_NONE;
}

/* A learning rate that jumped up and came back after a few steps, by mistake: the norms before both
 * are still what is normal, and the few in between are what they did. */
static bool was_excursion(const struct tw_explosion *explosion,
                          const struct tw_explosion_view *view)
{
    return view->context->segment_cause == TW_SEGMENT_LR_DOWN && explosion->has_before &&
           !view->has_baseline;
}

/* An open finding keeps what it is compared with through a rollback or another learning rate: these
 * are what people do about it. */
static void begin_segment(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    enum tw_segment_cause cause = view->context->segment_cause;
    bool is_comparable = cause == TW_SEGMENT_LR_UP || cause == TW_SEGMENT_BATCH_CHANGE;
    if (is_open(explosion) && cause != TW_SEGMENT_DATA_CHANGE)
        return;
    if (is_open(explosion))
        tw_explosion_close(explosion, view,
                           explosion->severity == TW_SEVERITY_CRITICAL ? TW_STATE_RECOVERED
                                                                       : TW_STATE_WITHDRAWN);
    if (!was_excursion(explosion, view)) {
        explosion->has_before = is_comparable && view->has_baseline;
        explosion->before = explosion->has_before ? view->baseline : 0;
    }
    explosion->micro_batches_before = explosion->micro_batches;
    explosion->in_range = 0;
    explosion->rise = (struct tw_explosion_rise){0};
    tw_norm_series_restart(&explosion->norm);
    tw_explosion_signs_restart(&explosion->signs);
}

/* ---- what one norm is judged with ---- */

static bool is_strict(enum tw_objective objective)
{
    return objective == TW_OBJECTIVE_REINFORCEMENT || objective == TW_OBJECTIVE_ADVERSARIAL;
}

static struct tw_explosion_view look(const struct tw_explosion *explosion,
                                     const struct tw_gradient_explosion_config *config,
                                     const struct tw_context *context,
                                     const struct tw_context_config *shared,
                                     struct tw_report *report)
{
    struct tw_explosion_view view = {.config = config, .context = context, .report = report};
    unsigned learned = explosion->norm.baseline.count;
    view.is_warmup = tw_context_in_warmup(context, shared);
    view.is_muted = tw_context_is_muted(context, shared);
    view.is_early = context->step - context->first_step < config->first_steps;
    view.is_strict = is_strict(context->objective);
    view.has_baseline = learned >= config->baseline_norms;
    view.has_few = learned >= config->few_norms;
    view.baseline = is_open(explosion) ? explosion->reference : explosion->norm.baseline.median;
    view.spread = fmax(explosion->norm.baseline.spread, config->spread_floor);
    return view;
}

static double ratio_of(double logarithm)
{
    return exp(fmin(logarithm, 50));
}

static void measure_level(const struct tw_explosion *explosion, struct tw_explosion_view *view)
{
    view->level = tw_norm_series_level(&explosion->norm);
    view->ratio = ratio_of(view->level - view->baseline);
    view->sigma = (view->level - view->baseline) / view->spread;
}

/* ---- spikes and rises ---- */

static void note_spike(struct tw_explosion *explosion, const struct tw_explosion_view *view,
                       double above)
{
    double z = above / view->spread;
    struct tw_explosion_rise *rise = &explosion->rise;
    if (above > rise->peak) {
        rise->peak = above;
        rise->peak_z = z;
    }
    if (!view->has_baseline || rise->has_spike || z < view->config->spike_sigma ||
        above < log(view->config->spike_ratio))
        return;
    rise->has_spike = 1;
    tw_explosion_signs_add_spike(&explosion->signs, explosion->norm.count);
}

/* How high norms have been without harm. */
static void note_survived(struct tw_explosion *explosion)
{
    double level = explosion->rise.level;
    if (explosion->rise.is_on && (!explosion->has_survived || level > explosion->survived))
        explosion->survived = level;
    explosion->has_survived |= explosion->rise.is_on;
}

static void end_rise(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    bool is_told = explosion->rise.has_spike && !is_open(explosion) && !view->is_warmup &&
                   !view->is_muted && !view->is_early &&
                   explosion->spikes_told < view->config->spikes_told;
    if (is_told) {
        explosion->spikes_told++;
        tw_explosion_say_spike(explosion, view);
    }
    if (!view->is_early)
        note_survived(explosion);
    explosion->rise = (struct tw_explosion_rise){0};
}

/* A rise begins with a norm above recovered_ratio times the baseline and ends when the level is
 * below it. */
static void follow_rise(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    struct tw_explosion_rise *rise = &explosion->rise;
    double above = explosion->norm.newest - view->baseline;
    bool is_high = tw_log_reaches(above, view->config->recovered_ratio);
    if (is_high && !rise->is_on) {
        *rise = (struct tw_explosion_rise){
            .is_on = 1,
            .first_count = explosion->norm.count,
            .first_step = view->context->step,
            .first_time_ms = view->context->time_ms,
            .level = view->level,
        };
    }
    if (!rise->is_on)
        return;
    rise->level = fmax(rise->level, view->level);
    note_spike(explosion, view, above);
    bool is_over =
        !is_high && view->ratio < view->config->recovered_ratio && !explosion->norm.growths;
    if (is_over && !is_open(explosion))
        end_rise(explosion, view);
}

/* ---- the tiers ---- */

/* Norms that drift hold together: their median of 5 strays further, as a mean's error does by
 * sqrt((1 + r) / (1 - r)) for an autocorrelation of r. */
static double needed_sigma(const struct tw_explosion *explosion,
                           const struct tw_explosion_view *view)
{
    double r = tw_norm_baseline_autocorrelation(&explosion->norm.baseline);
    return view->config->sustained_sigma * sqrt((1 + r) / (1 - r));
}

static bool is_sustained(const struct tw_explosion *explosion, const struct tw_explosion_view *view,
                         double ratio)
{
    return explosion->norm.recent.count == LEVEL_NORMS && view->ratio >= ratio &&
           view->sigma >= needed_sigma(explosion, view);
}

static bool has_sign(const struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    const struct tw_gradient_explosion_config *config = view->config;
    const struct tw_explosion_signs *signs = &explosion->signs;
    /* Spikes apart from the present rise: that is one by itself. */
    uint64_t spikes =
        tw_explosion_signs_spikes(signs, config, explosion->norm.count) - explosion->rise.has_spike;
    return tw_explosion_signs_loss_is_up(signs, &view->context->course, config) ||
           tw_explosion_signs_update_ratio(signs) >= config->update_ratio ||
           (spikes >= config->cluster_spikes && spikes <= TW_EXPLOSION_SPIKES);
}

/* Growth in each of five norms; it must end above the baseline by more than norms scatter, or while
 * there is none, with the loss above where it began: the first norms of a good run may grow too. */
static bool is_growing(const struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    const struct tw_gradient_explosion_config *config = view->config;
    if (explosion->norm.growths < config->growth_norms)
        return false;
    if (view->has_few && !view->is_early)
        return explosion->norm.newest - view->baseline >=
               fmax(log(config->critical_ratio), needed_sigma(explosion, view) * view->spread);
    return tw_explosion_signs_loss_is_above_first(&explosion->signs, config);
}

/* Far above the norms before the learning rate jumped (and perhaps came back at once); the new
 * baseline learns high ones. */
static bool is_above_before(const struct tw_explosion *explosion,
                            const struct tw_explosion_view *view)
{
    return explosion->has_before && view->context->segment_cause != TW_SEGMENT_BATCH_CHANGE &&
           explosion->norm.recent.count == LEVEL_NORMS &&
           view->level - explosion->before >= log(view->config->critical_ratio);
}

static enum tw_severity critical(const struct tw_explosion_view *view)
{
    return view->is_strict ? TW_SEVERITY_WARNING : TW_SEVERITY_CRITICAL;
}

static void begin_rise_at(struct tw_explosion *explosion, uint64_t step, int64_t time_ms)
{
    if (explosion->rise.is_on)
        return;
    explosion->rise.is_on = 1;
    explosion->rise.first_step = step;
    explosion->rise.first_time_ms = time_ms;
}

static void judge_critical(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    const struct tw_gradient_explosion_config *config = view->config;
    struct tw_explosion_view own = *view;
    if (is_growing(explosion, view)) {
        begin_rise_at(explosion, view->context->step, view->context->time_ms);
        struct tw_condition *condition = tw_explosion_open(
            explosion, view, TW_EXPLOSION_BY_GROWTH, critical(view), (double)config->growth_norms);
        if (condition)
            condition->evidence.value = (double)explosion->norm.growths;
    } else if (is_above_before(explosion, view)) {
        own.baseline = explosion->before;
        measure_level(explosion, &own);
        begin_rise_at(explosion, view->context->segment_first_step, view->context->time_ms);
        tw_explosion_open(explosion, &own, TW_EXPLOSION_BY_LEVEL, critical(view),
                          config->critical_ratio);
    } else if (view->has_few && !view->is_early && !view->is_muted &&
               is_sustained(explosion, view, config->critical_ratio) &&
               (!explosion->has_survived || view->level > explosion->survived ||
                has_sign(explosion, view))) {
        tw_explosion_open(explosion, view, TW_EXPLOSION_BY_LEVEL, critical(view),
                          config->critical_ratio);
    }
}

/* The smaller two of the first three norms; no lucky batch sets it alone. */
static double first_level(const struct tw_norm_series *norm)
{
    double smallest = fmin(norm->first[0], fmin(norm->first[1], norm->first[2]));
    double largest = fmax(norm->first[0], fmax(norm->first[1], norm->first[2]));
    return norm->first[0] + norm->first[1] + norm->first[2] - smallest - largest;
}

/* Nothing is known of this run yet but that it began much smaller; by the median of 5, or when two
 * norms in a row are there and the newer one is far beyond. */
static void judge_start(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    const struct tw_norm_series *norm = &explosion->norm;
    double line = log(view->config->start_ratio);
    struct tw_explosion_view own = *view;
    if ((view->has_few && !view->is_early) || norm->count < TW_FIRST_NORMS + 2 ||
        view->context->segment > 0)
        return;
    own.baseline = first_level(norm);
    measure_level(explosion, &own);
    bool is_level = is_sustained(explosion, &own, view->config->start_ratio);
    bool is_blatant =
        norm->before - own.baseline >= line && norm->newest - own.baseline >= 2 * line;
    if ((!is_blatant && !is_level) ||
        !tw_explosion_signs_loss_is_above_first(&explosion->signs, view->config))
        return;
    if (!is_level)
        own.ratio = ratio_of(norm->newest - own.baseline);
    begin_rise_at(explosion, view->context->first_step, view->context->first_time_ms);
    struct tw_condition *condition =
        tw_explosion_open(explosion, &own, TW_EXPLOSION_BY_START, critical(view),
                          is_level ? view->config->start_ratio : exp(2 * line));
    if (condition && !is_level)
        snprintf(condition->evidence.statistic, sizeof condition->evidence.statistic,
                 "newest gradient norm / first norms");
}

static void judge_warning(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    const struct tw_gradient_explosion_config *config = view->config;
    if (view->is_warmup || view->is_muted || view->is_early || view->is_strict ||
        !view->has_baseline || !is_sustained(explosion, view, config->warning_ratio) ||
        !has_sign(explosion, view))
        return;
    tw_explosion_open(explosion, view, TW_EXPLOSION_BY_LEVEL, TW_SEVERITY_WARNING,
                      config->warning_ratio);
}

/* ---- a sum over micro-batches ---- */

static bool is_near(const struct tw_explosion_view *view, double ratio, double factor)
{
    return factor >= 2 && fabs(ratio / factor - 1) <= view->config->accumulation_range;
}

/* The ratio that the level has to a baseline of means, or 0. */
static double accumulation_ratio(const struct tw_explosion *explosion,
                                 const struct tw_explosion_view *view)
{
    const struct tw_explosion_rise *rise = &explosion->rise;
    double micro_batches = view->context->micro_batches;
    double change = micro_batches / explosion->micro_batches_before;
    double over_before = ratio_of(view->level - explosion->before);
    if (explosion->has_before && view->context->segment_cause == TW_SEGMENT_BATCH_CHANGE &&
        is_near(view, over_before, change))
        return over_before;
    if (view->has_baseline && rise->is_on &&
        explosion->norm.count - rise->first_count <= ACCUMULATION_ABRUPT &&
        is_near(view, view->ratio, micro_batches))
        return view->ratio;
    return 0;
}

/* True while the rise looks like a sum over micro-batches; after some norms that is told. */
static bool judge_accumulation(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    const struct tw_explosion_rise *rise = &explosion->rise;
    double ratio = accumulation_ratio(explosion, view);
    explosion->in_range = ratio > 0 ? explosion->in_range + 1 : 0;
    if (explosion->in_range < ACCUMULATION_NORMS)
        return ratio > 0;
    struct tw_explosion_view own = *view;
    begin_rise_at(explosion, view->context->segment_first_step, view->context->time_ms);
    own.ratio = ratio;
    own.baseline = rise->first_count ? view->baseline : explosion->before;
    tw_explosion_open(explosion, &own, TW_EXPLOSION_BY_ACCUMULATION, TW_SEVERITY_WARNING, ratio);
    return true;
}

/* ---- an open finding ---- */

static bool is_new_level(const struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    uint64_t age = explosion->norm.count - explosion->open_count;
    return age >= 4 * view->config->rebaseline_after &&
           !tw_explosion_signs_loss_is_up(&explosion->signs, &view->context->course, view->config);
}

static void judge_open(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    explosion->calm = view->ratio < view->config->recovered_ratio ? explosion->calm + 1 : 0;
    if (explosion->calm >= view->config->recovered_norms) {
        note_survived(explosion);
        tw_explosion_close(explosion, view, TW_STATE_RECOVERED);
    } else if (is_new_level(explosion, view)) {
        bool was_nothing = explosion->severity < TW_SEVERITY_CRITICAL;
        tw_explosion_close(explosion, view, was_nothing ? TW_STATE_WITHDRAWN : TW_STATE_RECOVERED);
        tw_norm_series_restart(&explosion->norm);
    } else if (explosion->severity < TW_SEVERITY_CRITICAL &&
               explosion->cause != TW_EXPLOSION_BY_ACCUMULATION) {
        judge_critical(explosion, view);
    }
}

/* ---- one norm ---- */

static void judge(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    bool is_clipped = tw_norm_series_is_clipped(&explosion->norm, view->config);
    bool is_resumed = view->is_muted && view->context->segment_cause == TW_SEGMENT_RESUME;
    if (is_open(explosion)) {
        judge_open(explosion, view);
        return;
    }
    if (is_clipped || is_resumed || judge_accumulation(explosion, view))
        return;
    judge_critical(explosion, view);
    if (!is_open(explosion))
        judge_start(explosion, view);
    if (!is_open(explosion))
        judge_warning(explosion, view);
}

/* Flagged norms stay out of the baseline, until so many came that they are a new level. */
static void learn(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    struct tw_explosion_rise *rise = &explosion->rise;
    uint64_t age = explosion->norm.count - rise->first_count;
    if (is_open(explosion))
        return;
    if (rise->has_spike && age >= view->config->rebaseline_after) {
        *rise = (struct tw_explosion_rise){0};
        tw_norm_series_restart(&explosion->norm);
    }
    if (rise->has_spike)
        return;
    double z = (explosion->norm.newest - view->baseline) / view->spread;
    tw_norm_baseline_learn(&explosion->norm.baseline, explosion->norm.newest, tw_clip(z, 4));
}

/* The loss scale that norms may still carry; 1 without one. */
static double scale_of(const struct tw_context *context)
{
    return context->loss_scale > 0 ? context->loss_scale : 1;
}

static void take_norm(struct tw_explosion *explosion, struct tw_explosion_view *view, double norm)
{
    if (tw_norm_series_take(&explosion->norm, view->config, norm, scale_of(view->context))) {
        view->baseline = 0;
        view->has_baseline = view->has_few = false;
        explosion->rise = (struct tw_explosion_rise){0};
    }
    measure_level(explosion, view);
    if (view->has_few)
        follow_rise(explosion, view);
    judge(explosion, view);
    learn(explosion, view);
}

/* Numbers that are none are overflow's, but for what had been climbing towards them: over its
 * baseline, or with too few norms for one, over the first. */
static void take_nonfinite(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    const struct tw_norm_series *norm = &explosion->norm;
    bool has_scaler = view->context->is_fp16 || view->context->loss_scale > 1;
    bool is_start = (!view->has_few || view->is_early) && norm->count >= TW_FIRST_NORMS;
    double line = is_start ? view->config->start_ratio : view->config->critical_ratio;
    struct tw_explosion_view own = *view;
    explosion->nonfinite++;
    if (is_start && !is_open(explosion))
        own.baseline = first_level(norm);
    own.level = norm->newest;
    own.ratio = ratio_of(own.level - own.baseline);
    if (has_scaler || !norm->count || own.ratio < line ||
        (is_start ? !tw_explosion_signs_loss_is_above_first(&explosion->signs, view->config)
                  : !explosion->rise.is_on))
        return;
    begin_rise_at(explosion, view->context->first_step, view->context->first_time_ms);
    tw_explosion_open(explosion, &own, TW_EXPLOSION_BY_NONFINITE, critical(view), line);
}

/* ---- records ---- */

static void take_signs(struct tw_explosion *explosion, const struct tw_context *context,
                       const struct tw_record *record)
{
    bool is_normal = !is_open(explosion) && !explosion->rise.is_on;
    if (tw_record_has(record, TW_SIGNAL_LOSS))
        tw_explosion_signs_take_loss(&explosion->signs, &context->course,
                                     record->signal[TW_SIGNAL_LOSS], is_normal);
    if (tw_record_has(record, TW_SIGNAL_UPDATE_NORM))
        tw_explosion_signs_take_update(&explosion->signs, record->signal[TW_SIGNAL_UPDATE_NORM],
                                       is_normal);
}

static void observe_norm(struct tw_explosion *explosion, struct tw_explosion_view *view,
                         double norm, enum tw_grad_norm_kind kind)
{
    if (kind == TW_GRAD_NORM_POST_CLIP)
        explosion->post_clip++;
    else if (!isfinite(norm))
        take_nonfinite(explosion, view);
    else if (norm <= 0)
        explosion->zeros++; /* no logarithm, and no explosion */
    else
        take_norm(explosion, view, norm);
}

/* A global norm comes after all; the layers' sum is another series. */
static void drop_stand_in(struct tw_explosion *explosion, struct tw_explosion_view *view)
{
    if (!explosion->uses_layers)
        return;
    explosion->uses_layers = 0;
    if (is_open(explosion))
        tw_explosion_close(explosion, view, TW_STATE_RECOVERED);
    explosion->rise = (struct tw_explosion_rise){0};
    tw_norm_series_start(&explosion->norm);
    view->has_baseline = view->has_few = false;
    view->baseline = 0;
}

static void observe_layers(struct tw_explosion *explosion, struct tw_explosion_view *view,
                           const struct tw_layers *layers)
{
    if (!tw_layer_norms_take(&explosion->layers, view->config, layers, view->context->step,
                             view->context->time_ms))
        return;
    if (!explosion->norm.count && !explosion->post_clip &&
        explosion->layers.records >= LAYERS_ALONE)
        explosion->uses_layers = 1;
    if (explosion->uses_layers)
        observe_norm(explosion, view, sqrt(explosion->layers.sum_of_squares), TW_GRAD_NORM_UNKNOWN);
    tw_explosion_judge_layers(explosion, view);
}

/* The baseline is a few norms old as a rule; what is unusual is judged by that of now. Half of the
 * way to a rise is unusual, in logarithms; a median of many moves less in that time. */
static void settle_baseline(struct tw_explosion *explosion,
                            const struct tw_gradient_explosion_config *config,
                            const struct tw_context *context, const struct tw_record *record)
{
    struct tw_norm_baseline *baseline = &explosion->norm.baseline;
    double ratio = config->recovered_ratio;
    double line = (double)baseline->usual *
                  (baseline->count == TW_NORM_BASELINE_VALUES ? .25 + .75 * ratio : sqrt(ratio));
    if (context->segment_is_new || explosion->rise.is_on || record->layers ||
        !(record->signal[TW_SIGNAL_GRAD_NORM] < line))
        tw_norm_baseline_settle(baseline);
}

/* Before its norm is taken, or without one: what is said then is of the level of before. */
static bool may_speak_before(const struct tw_explosion *explosion, const struct tw_context *context,
                             const struct tw_record *record)
{
    double norm = record->signal[TW_SIGNAL_GRAD_NORM];
    return context->segment_is_new || record->layers || explosion->uses_layers ||
           !tw_record_has(record, TW_SIGNAL_GRAD_NORM) || !isfinite(norm);
}

static void explosion_observe(void *state, const void *config, const struct tw_context *context,
                              const struct tw_context_config *shared,
                              const struct tw_record *record, struct tw_report *report)
{
    struct tw_explosion *explosion = state;
    settle_baseline(explosion, config, context, record);
    struct tw_explosion_view view = look(explosion, config, context, shared, report);
    if (may_speak_before(explosion, context, record))
        measure_level(explosion, &view);
    if (context->segment_is_new) {
        begin_segment(explosion, &view);
        view = look(explosion, config, context, shared, report);
    }
    explosion->micro_batches = context->micro_batches > 0 ? context->micro_batches : 0;
    if (record->kind == TW_KIND_STEP) {
        take_signs(explosion, context, record);
        if (tw_record_has(record, TW_SIGNAL_GRAD_NORM)) {
            drop_stand_in(explosion, &view);
            observe_norm(explosion, &view, record->signal[TW_SIGNAL_GRAD_NORM],
                         record->grad_norm_kind);
        }
    }
    if (record->layers)
        observe_layers(explosion, &view, record->layers);
}

static void explosion_finish(void *state, const void *config, const struct tw_context *context,
                             const struct tw_context_config *shared, struct tw_report *report)
{
    (void)state, (void)config, (void)context, (void)shared, (void)report;
}

static bool explosion_has_judged(const void *state, const void *config,
                                 const struct tw_context *context, char *reason, size_t size)
{
    const struct tw_explosion *explosion = state;
    const struct tw_gradient_explosion_config *own = config;
    (void)context;
    if (explosion->ever_opened)
        return true;
    if (explosion->post_clip > explosion->norm.count)
        snprintf(reason, size, "gradient norms are logged after clipping");
    else if (tw_norm_series_is_clipped(&explosion->norm, own))
        snprintf(reason, size, "the gradient norm stands at %.4g: it is logged after clipping",
                 explosion->norm.largest);
    else if (explosion->norm.count >= own->min_norms)
        return true;
    else if (explosion->norm.count)
        snprintf(reason, size, "only %" PRIu64 " gradient norms", explosion->norm.count);
    else if (explosion->nonfinite)
        snprintf(reason, size, "no finite gradient norm in the log");
    else
        snprintf(reason, size, "no gradient norm in the log");
    return false;
}

const struct tw_detector tw_detector_gradient_explosion = {
    .name = "gradient-explosion",
    .title = "Gradient explosion",
    .description = "the gradient norm leaves its level by a multiple, or grows without end",
    .state_version = 6,
    .options = tw_gradient_explosion_options,
    .n_options = TW_GRADIENT_EXPLOSION_OPTIONS,
    .config_size = sizeof(struct tw_gradient_explosion_config),
    .state_size = TW_STATE_SIZES_FROM(struct tw_explosion, layers, layers),
    .start = explosion_start,
    .observe = explosion_observe,
    .finish = explosion_finish,
    .has_judged = explosion_has_judged,
};
