/* What the gradient-explosion detector says, and its evidence. */
#include "detectors/gradient_explosion/state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *statistic_name(enum tw_explosion_cause cause)
{
    switch (cause) {
    case TW_EXPLOSION_BY_GROWTH:
        return "norms in a row that grew twofold";
    case TW_EXPLOSION_BY_START:
        return "median of 5 gradient norms / first norms";
    case TW_EXPLOSION_BY_NONFINITE:
        return "last finite gradient norm / baseline";
    case TW_EXPLOSION_BY_ACCUMULATION:
        return "gradient norm / baseline = micro-batches";
    case TW_EXPLOSION_BY_NONE:
    case TW_EXPLOSION_BY_LEVEL:
        break;
    }
    return "median of 5 gradient norms / baseline";
}

/* Our probabilities that the finding still stands at the end of the run: judgement. */
static double confidence_of(const struct tw_explosion *explosion, enum tw_severity severity)
{
    if (explosion->cause == TW_EXPLOSION_BY_ACCUMULATION || explosion->is_few)
        return .6;
    return severity == TW_SEVERITY_CRITICAL ? .85 : .7;
}

static void add_layers(const struct tw_explosion *explosion, const struct tw_explosion_view *view,
                       struct tw_evidence *evidence)
{
    const struct tw_layer_norms *layers = &explosion->layers;
    char scope[TW_SCOPE_MAX + 1];
    if (!tw_context_reaches(view->context, TW_EXTENT_LAYERS))
        return;
    struct tw_layer_blame blame = tw_layer_norms_blame(layers);
    if (blame.index < layers->n) {
        tw_context_layer_scope(view->context, layers->header_hash, blame.index, scope,
                               sizeof scope);
        tw_evidence_add_text(evidence, "layer", scope + strlen("layer:"));
        tw_evidence_add(evidence, "layer_share", blame.share);
    }
    if (layers->quotient > view->config->layer_quotient)
        tw_evidence_add(evidence, "adjacent_quotient", layers->quotient);
    else if (layers->first_over_last > view->config->first_last_ratio)
        tw_evidence_add(evidence, "first_over_last", layers->first_over_last);
}

static void add_numbers(const struct tw_explosion *explosion, const struct tw_explosion_view *view,
                        struct tw_evidence *evidence)
{
    const struct tw_explosion_signs *signs = &explosion->signs;
    double loss = tw_explosion_signs_loss_ratio(signs, &view->context->course);
    double update = tw_explosion_signs_update_ratio(signs);
    double largest =
        fmax(explosion->rise.peak + view->baseline, fmax(view->level, explosion->norm.newest));
    tw_evidence_add(evidence, "grad_norm", exp(fmin(view->level, 700)));
    tw_evidence_add(evidence, "largest_norm", exp(fmin(largest, 700)));
    if (loss > 0)
        tw_evidence_add(evidence, "loss_ratio", loss);
    if (update > 0)
        tw_evidence_add(evidence, "update_ratio", update);
    tw_evidence_add(evidence, "spikes",
                    (double)tw_explosion_signs_spikes(signs, view->config, explosion->norm.count));
    add_layers(explosion, view, evidence);
}

static struct tw_condition *say(const struct tw_explosion *explosion,
                                const struct tw_explosion_view *view, enum tw_state state,
                                enum tw_severity severity)
{
    struct tw_condition *condition = tw_report_add(view->report, "run", state, severity);
    struct tw_evidence *evidence = &condition->evidence;
    condition->onset_step = explosion->onset_step;
    condition->onset_time_ms = explosion->onset_time_ms;
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s",
             statistic_name((enum tw_explosion_cause)explosion->cause));
    snprintf(evidence->unit, sizeof evidence->unit, "ratio");
    evidence->value = view->ratio;
    evidence->baseline = exp(fmin(view->baseline, 700));
    evidence->window_first = explosion->onset_step;
    evidence->window_last = view->context->step;
    add_numbers(explosion, view, evidence);
    return condition;
}

struct tw_condition *tw_explosion_open(struct tw_explosion *explosion,
                                       const struct tw_explosion_view *view,
                                       enum tw_explosion_cause cause, enum tw_severity severity,
                                       double threshold)
{
    bool is_open = explosion->cause != TW_EXPLOSION_BY_NONE;
    if (is_open && severity <= (enum tw_severity)explosion->severity)
        return NULL;
    if (!is_open) {
        explosion->onset_step = explosion->rise.first_step;
        explosion->onset_time_ms = explosion->rise.first_time_ms;
        explosion->open_count = explosion->norm.count;
        explosion->reference = view->baseline;
        explosion->is_few = !view->has_baseline;
        explosion->ever_opened++;
    }
    explosion->calm = 0;
    explosion->cause = (uint8_t)cause;
    explosion->severity = (uint8_t)severity;
    struct tw_condition *condition = say(explosion, view, TW_STATE_OPEN, severity);
    condition->evidence.threshold = threshold;
    condition->confidence = confidence_of(explosion, severity);
    return condition;
}

void tw_explosion_close(struct tw_explosion *explosion, const struct tw_explosion_view *view,
                        enum tw_state state)
{
    struct tw_condition *condition =
        say(explosion, view, state, (enum tw_severity)explosion->severity);
    condition->evidence.threshold = view->config->recovered_ratio;
    condition->confidence = state == TW_STATE_RECOVERED ? .9 : 0;
    explosion->cause = TW_EXPLOSION_BY_NONE;
    explosion->severity = TW_SEVERITY_INFO;
    explosion->calm = 0;
    explosion->rise = (struct tw_explosion_rise){0};
}

void tw_explosion_say_spike(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    const struct tw_explosion_rise *rise = &explosion->rise;
    explosion->onset_step = rise->first_step;
    explosion->onset_time_ms = rise->first_time_ms;
    struct tw_condition *condition = say(explosion, view, TW_STATE_RECOVERED, TW_SEVERITY_INFO);
    struct tw_evidence *evidence = &condition->evidence;
    snprintf(evidence->statistic, sizeof evidence->statistic, "largest gradient norm / baseline");
    evidence->value = exp(fmin(rise->peak, 50));
    evidence->threshold = view->config->spike_ratio;
    condition->confidence = .9;
}

void tw_explosion_say_layer(const struct tw_explosion *explosion,
                            const struct tw_explosion_view *view, enum tw_state state,
                            enum tw_severity severity, double threshold)
{
    const struct tw_layer_norms *layers = &explosion->layers;
    const struct tw_layer_norm *layer = &layers->layer[layers->exploding];
    char scope[TW_SCOPE_MAX + 1];
    tw_context_layer_scope(view->context, layers->header_hash, layers->exploding, scope,
                           sizeof scope);
    struct tw_condition *condition = tw_report_add(view->report, scope, state, severity);
    struct tw_evidence *evidence = &condition->evidence;
    condition->onset_step = layer->crossed_step;
    condition->onset_time_ms = layer->crossed_time_ms;
    condition->confidence = state == TW_STATE_RECOVERED ? .9 : .6;
    snprintf(evidence->statistic, sizeof evidence->statistic,
             "median of 5 norms of a layer / its baseline");
    snprintf(evidence->unit, sizeof evidence->unit, "ratio");
    evidence->value = tw_layer_norm_ratio(layer);
    evidence->threshold = threshold;
    evidence->baseline = exp((double)layer->mean);
    evidence->window_first = layer->crossed_step;
    evidence->window_last = view->context->step;
    tw_evidence_add(evidence, "layer_share", tw_layer_norms_share(layers, layers->exploding));
    tw_evidence_add(evidence, "first_over_last", layers->first_over_last);
    tw_evidence_add(evidence, "adjacent_quotient", layers->quotient);
    double loss = tw_explosion_signs_loss_ratio(&explosion->signs, &view->context->course);
    if (loss > 0)
        tw_evidence_add(evidence, "loss_ratio", loss);
}
