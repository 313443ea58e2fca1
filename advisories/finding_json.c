/* A finding as JSON: the same object in an advisory's `trainward` and in what `analyze` prints. */
#include "advisories/finding_json.h"

#include "advisories/json_text.h"

#include <jansson.h>
#include <math.h>

/* Every setter below takes a new reference and fails on NULL, so that running out of memory
 * anywhere ends in one -1. */
static int set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value);
}

static json_t *causes_json(const struct tw_episode_advisory *advisory)
{
    json_t *causes = json_array();
    for (size_t i = 0; i < advisory->n_causes && i < TW_CAUSES_MAX; i++) {
        if (json_array_append_new(causes, tw_json_string(advisory->causes[i]))) {
            json_decref(causes);
            return NULL;
        }
    }
    return causes;
}

static int set_extra(json_t *evidence, const struct tw_evidence_extra *extra)
{
    /* The seven fields that every evidence has are not for a detector to replace. */
    if (!extra->name[0] || json_object_get(evidence, extra->name))
        return 0;
    if (extra->text[0])
        return set(evidence, extra->name, tw_json_string(extra->text));
    return tw_json_set_number(evidence, extra->name, extra->value);
}

/* A NaN baseline means that there is none; a NaN value is what was measured. */
static int set_baseline(json_t *object, double baseline)
{
    if (isnan(baseline))
        return set(object, "baseline", json_null());
    return tw_json_set_number(object, "baseline", baseline);
}

static json_t *evidence_json(const struct tw_evidence *evidence)
{
    json_t *object = json_object();
    if (!object || set(object, "statistic", tw_json_string(evidence->statistic)) ||
        tw_json_set_number(object, "value", evidence->value) ||
        tw_json_set_number(object, "threshold", evidence->threshold) ||
        set_baseline(object, evidence->baseline) ||
        set(object, "window_first", json_integer((json_int_t)evidence->window_first)) ||
        set(object, "window_last", json_integer((json_int_t)evidence->window_last)) ||
        set(object, "unit", tw_json_string(evidence->unit))) {
        json_decref(object);
        return NULL;
    }
    for (uint32_t i = 0; i < evidence->n_extras && i < TW_EVIDENCE_EXTRAS; i++) {
        if (set_extra(object, &evidence->extras[i])) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static int set_value(json_t *object, const char *name, const struct tw_value *value)
{
    if (value->type == TW_VALUE_NUMBER)
        return tw_json_set_number(object, name, value->number);
    return set(object, name,
               value->type == TW_VALUE_TEXT ? tw_json_string(value->text) : json_null());
}

static int set_change(json_t *object, const struct tw_suggestion *suggestion)
{
    json_t *change = json_object();
    if (set(object, "change", change))
        return -1;
    return set(change, "op", tw_json_string(tw_change_op_name(suggestion->op))) ||
                   set_value(change, "value", &suggestion->change)
               ? -1
               : 0;
}

static int set_verify(json_t *object, const struct tw_suggestion *suggestion)
{
    json_t *verify = json_object();
    if (set(object, "verify", verify))
        return -1;
    const char *side = suggestion->verify.is_below ? "below" : "above";
    return set(verify, "signal", tw_json_string(suggestion->verify.signal)) ||
                   tw_json_set_number(verify, side, suggestion->verify.limit) ||
                   set(verify, "within_steps",
                       json_integer((json_int_t)suggestion->verify.within_steps))
               ? -1
               : 0;
}

static json_t *suggestion_json(const struct tw_suggestion *suggestion)
{
    json_t *object = json_object();
    if (!object || set(object, "parameter", tw_json_string(suggestion->parameter)) ||
        set_value(object, "from", &suggestion->from) || set_value(object, "to", &suggestion->to) ||
        set_change(object, suggestion) || set(object, "why", tw_json_string(suggestion->why)) ||
        set_verify(object, suggestion) || set(object, "rule", tw_json_string(suggestion->rule))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *suggestions_json(const struct tw_episode_advisory *advisory)
{
    json_t *suggestions = json_array();
    for (size_t i = 0; i < advisory->n_suggestions; i++) {
        if (json_array_append_new(suggestions, suggestion_json(&advisory->suggestions[i]))) {
            json_decref(suggestions);
            return NULL;
        }
    }
    return suggestions;
}

/* What was still open at the end of the run never ended. */
static int is_closed(enum tw_state state)
{
    return state == TW_STATE_RECOVERED || state == TW_STATE_WITHDRAWN;
}

int tw_finding_set_fields(json_t *object, const struct tw_episode_advisory *advisory)
{
    const struct tw_finding *finding = advisory->finding;
    json_t *closed =
        is_closed(finding->state) ? json_integer((json_int_t)finding->closed_step) : json_null();
    return set(object, "causes", causes_json(advisory)) ||
                   set(object, "detector", tw_json_string(finding->detector)) ||
                   set(object, "scope", tw_json_string(finding->scope)) ||
                   set(object, "severity", tw_json_string(tw_severity_name(finding->severity))) ||
                   set(object, "state", tw_json_string(tw_state_name(finding->state))) ||
                   set(object, "onset_step", json_integer((json_int_t)finding->onset_step)) ||
                   set(object, "detected_step", json_integer((json_int_t)finding->detected_step)) ||
                   set(object, "closed_step", closed) ||
                   tw_json_set_number(object, "confidence", finding->confidence) ||
                   set(object, "evidence", evidence_json(&finding->evidence)) ||
                   set(object, "suggestions", suggestions_json(advisory))
               ? -1
               : 0;
}

json_t *tw_finding_json(const struct tw_episode_advisory *advisory)
{
    json_t *object = json_object();
    if (!object || set(object, "id", tw_json_string(advisory->episode_id)) ||
        tw_finding_set_fields(object, advisory)) {
        json_decref(object);
        return NULL;
    }
    return object;
}
