/* What the saturation detector says, and its evidence. */
#include "detectors/saturation/state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum tw_severity tw_saturation_severity(enum tw_saturation_kind kind)
{
    if (kind == TW_SATURATION_BLOCKED)
        return TW_SEVERITY_CRITICAL;
    return kind == TW_SATURATION_START_INFO ? TW_SEVERITY_INFO : TW_SEVERITY_WARNING;
}

static double confidence(enum tw_severity severity, enum tw_state state)
{
    if (state != TW_STATE_OPEN)
        return state == TW_STATE_RECOVERED ? .9 : 0;
    return severity == TW_SEVERITY_CRITICAL ? .9 : .8;
}

static void add_numbers(struct tw_evidence *evidence, const struct tw_saturation_verdict *verdict,
                        const struct tw_context *context)
{
    bool is_sigmoid = context->layer_activation[verdict->index] == TW_ACTIVATION_SIGMOID;
    tw_evidence_add_text(evidence, "activation", is_sigmoid ? "sigmoid" : "tanh");
    tw_evidence_add(evidence, "from_start", verdict->is_from_start);
    tw_evidence_add(evidence, "layers", verdict->layers);
    if (verdict->init_factor > 0)
        tw_evidence_add(evidence, "init_factor", verdict->init_factor);
    if (verdict->kind == TW_SATURATION_BLOCKED)
        tw_evidence_add(evidence, "gradient_norm", verdict->gradient);
    if (verdict->kind == TW_SATURATION_BLOCKED && verdict->first_gradient < verdict->gradient)
        tw_evidence_add(evidence, "first_gradient_norm", verdict->first_gradient);
    if (verdict->reference > 0)
        tw_evidence_add(evidence, "reference_gradient_norm", verdict->reference);
    if (isfinite(context->learning_rate))
        tw_evidence_add(evidence, "learning_rate", context->learning_rate);
}

void tw_saturation_say(const struct tw_saturation *saturation,
                       const struct tw_saturation_view *view, enum tw_state state)
{
    const struct tw_saturation_verdict *verdict = &saturation->opened;
    enum tw_severity severity = tw_saturation_severity((enum tw_saturation_kind)verdict->kind);
    struct tw_condition *condition =
        tw_report_add(view->report, saturation->scope, state, severity);
    struct tw_evidence *evidence = &condition->evidence;
    condition->onset_step = verdict->onset_step;
    condition->onset_time_ms = verdict->onset_time_ms;
    condition->confidence = confidence(severity, state);
    snprintf(evidence->statistic, sizeof evidence->statistic, "share of saturated %s in a layer",
             verdict->has_units ? "units" : "activations");
    snprintf(evidence->unit, sizeof evidence->unit, "share");
    evidence->value = verdict->value;
    evidence->threshold = verdict->threshold;
    evidence->baseline = NAN;
    evidence->window_first = verdict->onset_step;
    evidence->window_last = view->context->step;
    add_numbers(evidence, verdict, view->context);
}
