/* Overflow seen in layers, before or after it happens. */
#include "detectors/overflow/state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Forward numbers go wrong from the first bad layer on. */
void tw_overflow_judge_layers(struct tw_overflow *overflow, const struct tw_overflow_view *view)
{
    const struct tw_layers *layers = view->record->layers;
    const float *counts = layers->column[TW_LAYER_NONFINITE];
    char scope[TW_SCOPE_MAX + 1];
    uint32_t bad = 0, first = 0;
    for (uint32_t i = 0; counts && i < layers->n; i++) {
        if (counts[i] > 0 && !bad++)
            first = i;
    }
    /* With a scaler, gradients that are not finite are its daily bread. */
    if (!bad || view->has_scaler || overflow->cause == TW_OVERFLOW_BY_NONFINITE)
        return;
    tw_context_layer_scope(view->context, layers->header_hash, first, scope, sizeof scope);
    snprintf(overflow->layer, sizeof overflow->layer, "%.*s", (int)sizeof overflow->layer - 1,
             scope + strlen("layer:"));
    tw_overflow_note_bad(overflow, view, TW_OVERFLOW_IN_LAYER);
    overflow->is_doubtful = 0;
    tw_overflow_say_nonfinite(overflow, view, TW_OVERFLOW_BY_NONFINITE, TW_SEVERITY_CRITICAL, bad,
                              1);
}

/* ---- before it happens ---- */

/* The largest number of fp16, (2 - 2^-10) * 2^15 (IEEE 754 binary16). */
#define FP16_MAX 65504.

/* NaN is "not measured". Infinite is at least one doubling beyond the end. */
static uint32_t largest_layer(const struct tw_layers *layers, double *ret)
{
    const float *largest = layers->column[TW_LAYER_ACTIVATION_ABS_MAX];
    uint32_t found = 0;
    *ret = 0;
    for (uint32_t i = 0; largest && i < layers->n; i++) {
        double x = isinf(largest[i]) ? 2 * FP16_MAX : (double)largest[i];
        if (x > *ret) {
            *ret = x;
            found = i;
        }
    }
    return found;
}

static void say_near(const struct tw_overflow *overflow, const struct tw_overflow_view *view,
                     enum tw_state state, double value, double threshold)
{
    const struct tw_near_layer *near = &overflow->near;
    struct tw_condition *condition =
        tw_report_add(view->report, near->scope, state, (enum tw_severity)near->severity);
    condition->onset_step = near->first_step;
    condition->onset_time_ms = near->first_time_ms;
    condition->confidence = .7;
    struct tw_evidence *evidence =
        tw_overflow_write_evidence(condition, "largest activation in fp16", "", value, threshold);
    evidence->window_first = near->first_step;
    evidence->window_last = view->context->step;
    if (tw_baseline_count(&overflow->growth.baseline))
        evidence->baseline = exp(tw_baseline_median(&overflow->growth.baseline));
    tw_evidence_add(evidence, "largest_fp16", FP16_MAX);
    tw_overflow_add_last_numbers(overflow, evidence);
}

static void close_near(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                       double value)
{
    struct tw_near_layer *near = &overflow->near;
    say_near(overflow, view, TW_STATE_RECOVERED, value, view->config->near_overflow);
    near->is_open = 0;
    near->severity = TW_SEVERITY_INFO;
}

/* One layer at a time: one that only grows gives way to one that is near the end. None is told once
 * there is what it would be a sign of. */
static void open_near(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                      enum tw_severity severity, uint32_t index, double value)
{
    struct tw_near_layer *near = &overflow->near;
    if (overflow->cause != TW_OVERFLOW_BY_NONE && !near->is_open)
        return;
    bool is_same = near->is_open && near->index == index;
    double threshold = severity == TW_SEVERITY_CRITICAL  ? FP16_MAX
                       : severity == TW_SEVERITY_WARNING ? view->config->near_overflow
                                                         : view->config->growth_from;
    if (near->is_open && !is_same && near->severity == TW_SEVERITY_INFO)
        close_near(overflow, view, value);
    if (!near->is_open) {
        near->index = index;
        near->first_step =
            severity == TW_SEVERITY_INFO ? overflow->growth.cusum.onset_step : near->near_step;
        near->first_time_ms = severity == TW_SEVERITY_INFO ? overflow->growth.cusum.onset_time_ms
                                                           : near->near_time_ms;
        tw_context_layer_scope(view->context, view->record->layers->header_hash, index, near->scope,
                               sizeof near->scope);
    }
    near->is_open = 1;
    near->severity = (uint8_t)severity;
    say_near(overflow, view, TW_STATE_OPEN, value, threshold);
}

/* ---- growth ---- */

void tw_overflow_growth_start(struct tw_overflow_growth *growth)
{
    memset(growth, 0, sizeof *growth);
    tw_baseline_start(&growth->baseline);
    tw_cusum_start(&growth->cusum);
}

/* Judges a record before it learns from it; true while the sum stands over its line. */
static bool observe_growth(struct tw_overflow_growth *growth, const struct tw_overflow_view *view,
                           double value)
{
    const struct tw_overflow_config *config = view->config;
    double x = log(value), z = 0, line = config->growth_line;
    if (tw_baseline_count(&growth->baseline) >= config->growth_records) {
        z = tw_baseline_score(&growth->baseline, x, .1); /* spread of log norms: at least a tenth */
        z = fmax(-4, fmin(z, 4));
        line = tw_cusum_line(line, tw_baseline_autocorrelation(&growth->baseline));
        tw_cusum_add(&growth->cusum, z, .5, line, view->context->step, view->context->time_ms);
    }
    if (growth->cusum.sum <= 0)
        tw_baseline_learn(&growth->baseline, x, z);
    bool is_over = growth->cusum.sum >= line;
    growth->alarm_records = is_over ? growth->alarm_records + 1 : 0;
    return is_over;
}

/* An information, and only within a few doublings of the end: activations grow in healthy runs. */
static void judge_growth(struct tw_overflow *overflow, const struct tw_overflow_view *view,
                         uint32_t index, double value)
{
    struct tw_overflow_growth *growth = &overflow->growth;
    struct tw_near_layer *near = &overflow->near;
    bool is_growing = observe_growth(growth, view, value);
    if (is_growing && !near->is_open && value >= view->config->growth_from) {
        open_near(overflow, view, TW_SEVERITY_INFO, index, value);
    } else if (near->is_open && near->severity == TW_SEVERITY_INFO && growth->cusum.sum <= 0) {
        close_near(overflow, view, value);
    }
    /* A new level. */
    if (growth->alarm_records >= TW_BASELINE_VALUES)
        tw_overflow_growth_start(growth);
}

/* ---- nearness ---- */

static void count_near(struct tw_near_layer *near, const struct tw_overflow_view *view,
                       uint32_t index, double value)
{
    near->over = value >= FP16_MAX ? near->over + 1 : 0;
    if (value < view->config->near_overflow) {
        near->records = 0;
        near->below++;
        return;
    }
    near->below = 0;
    if (!near->records || near->near_index != index) {
        near->records = 0;
        near->near_index = index;
        near->near_step = view->context->step;
        near->near_time_ms = view->context->time_ms;
    }
    near->records++;
}

void tw_overflow_judge_near(struct tw_overflow *overflow, const struct tw_overflow_view *view)
{
    const struct tw_overflow_config *config = view->config;
    struct tw_near_layer *near = &overflow->near;
    double value;
    uint32_t index = largest_layer(view->record->layers, &value);
    if (!(value > 0))
        return;
    count_near(near, view, index, value);
    bool is_told = near->is_open && near->severity >= TW_SEVERITY_WARNING;
    if (near->over >= config->fp16_records && near->severity < TW_SEVERITY_CRITICAL)
        open_near(overflow, view, TW_SEVERITY_CRITICAL, index, value);
    else if (near->records >= config->fp16_records && !is_told)
        open_near(overflow, view, TW_SEVERITY_WARNING, index, value);
    else if (is_told && near->below >= config->fp16_records)
        close_near(overflow, view, value);
    judge_growth(overflow, view, index, value);
}
