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

static uint32_t largest_layer(const struct tw_layers *layers, double *ret)
{
    const float *largest = layers->column[TW_LAYER_ACTIVATION_ABS_MAX];
    uint32_t found = 0;
    *ret = 0;
    for (uint32_t i = 0; largest && i < layers->n; i++) {
        double x = (double)largest[i]; /* NaN, not measured, is never larger */
        if (isfinite(x) && x > *ret) {
            *ret = x;
            found = i;
        }
    }
    return found;
}

static void say_near(const struct tw_overflow *overflow, const struct tw_overflow_view *view,
                     enum tw_state state, double value)
{
    const struct tw_near_layer *near = &overflow->near;
    struct tw_condition *condition =
        tw_report_add(view->report, near->scope, state, TW_SEVERITY_WARNING);
    condition->onset_step = near->first_step;
    condition->onset_time_ms = near->first_time_ms;
    condition->confidence = .7;
    struct tw_evidence *evidence = tw_overflow_write_evidence(
        condition, "largest activation in fp16", "", value, view->config->near_overflow);
    evidence->window_first = near->first_step;
    evidence->window_last = view->context->step;
    tw_evidence_add(evidence, "largest_fp16", 65504);
    tw_overflow_add_last_numbers(overflow, evidence);
}

void tw_overflow_judge_near(struct tw_overflow *overflow, const struct tw_overflow_view *view)
{
    struct tw_near_layer *near = &overflow->near;
    double value;
    uint32_t index = largest_layer(view->record->layers, &value);
    bool is_near = value >= view->config->near_overflow;
    if (near->is_open) {
        near->below = is_near ? 0 : near->below + 1;
        if (near->below >= view->config->fp16_records) {
            say_near(overflow, view, TW_STATE_RECOVERED, value);
            memset(near, 0, sizeof *near);
        }
        return;
    }
    if (!is_near) {
        near->records = 0;
        return;
    }
    if (!near->records || near->index != index) {
        near->records = 0;
        near->index = index;
        near->first_step = view->context->step;
        near->first_time_ms = view->context->time_ms;
    }
    if (++near->records < view->config->fp16_records)
        return;
    near->is_open = 1;
    tw_context_layer_scope(view->context, view->record->layers->header_hash, index, near->scope,
                           sizeof near->scope);
    say_near(overflow, view, TW_STATE_OPEN, value);
}
