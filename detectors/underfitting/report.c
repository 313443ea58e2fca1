/* What the underfitting detector says, and its evidence. */
#include "detectors/underfitting/state.h"

#include <math.h>
#include <stdio.h>

static const char *statistic_name(enum tw_underfitting_kind kind, bool has_trivial)
{
    switch (kind) {
    case TW_UNDERFITTING_SLOW:
        return "projected loss at the end / trivial loss";
    case TW_UNDERFITTING_CRAWL:
        return "pace of the last third / first third";
    case TW_UNDERFITTING_CONSTANT:
        return "loss / loss of a constant answer";
    default:
        return has_trivial ? "loss / trivial loss" : "loss / initial loss";
    }
}

/* Our probabilities that the finding stands at the end: judgement; lower where the trivial level is
 * not declared and where there are few losses. */
static double confidence_of(const struct tw_underfitting_view *view, enum tw_underfitting_kind kind)
{
    double sure = kind == TW_UNDERFITTING_SLOW ? .6 : kind == TW_UNDERFITTING_CRAWL ? .5 : .9;
    if (!view->has_trivial)
        sure = fmin(sure, .7);
    return view->series->count < TW_UNDERFITTING_WINDOW ? fmin(sure, .6) : sure;
}

static void add_known(struct tw_evidence *evidence, const char *name, double value)
{
    if (isfinite(value) && value != 0)
        tw_evidence_add(evidence, name, value);
}

static void add_numbers(const struct tw_underfitting *underfitting,
                        const struct tw_underfitting_view *view, struct tw_evidence *evidence)
{
    enum tw_underfitting_cause cause = (enum tw_underfitting_cause)underfitting->cause;
    tw_evidence_add_text(evidence, "cause", tw_underfitting_cause_name(cause));
    tw_evidence_add(evidence, "loss", view->level);
    tw_evidence_add(evidence, "initial_loss", view->initial);
    if (view->has_trivial)
        tw_evidence_add(evidence, "trivial_loss", view->reference);
    add_known(evidence, "log10_update_ratio", tw_underfitting_ratio(view->context));
    add_known(evidence, "weight_growth", tw_underfitting_growth(underfitting));
    add_known(evidence, "hidden_units", underfitting->hidden_units);
    if (underfitting->is_linear)
        tw_evidence_add(evidence, "hidden_layers", 0);
    add_known(evidence, "inputs", underfitting->inputs);
}

static struct tw_condition *say(const struct tw_underfitting *underfitting,
                                const struct tw_underfitting_view *view, enum tw_state state)
{
    struct tw_condition *condition =
        tw_report_add(view->report, "run", state, (enum tw_severity)underfitting->severity);
    struct tw_evidence *evidence = &condition->evidence;
    condition->onset_step = underfitting->onset_step;
    condition->onset_time_ms = underfitting->onset_time_ms;
    snprintf(evidence->statistic, sizeof evidence->statistic, "%s",
             statistic_name((enum tw_underfitting_kind)underfitting->kind, view->has_trivial));
    snprintf(evidence->unit, sizeof evidence->unit, "ratio");
    evidence->value = view->level / view->reference;
    evidence->baseline = view->reference;
    evidence->window_first = underfitting->onset_step;
    evidence->window_last = view->series->newest_step;
    add_numbers(underfitting, view, evidence);
    return condition;
}

void tw_underfitting_open(struct tw_underfitting *underfitting,
                          const struct tw_underfitting_view *view,
                          const struct tw_underfitting_verdict *verdict)
{
    bool is_new = underfitting->kind == TW_UNDERFITTING_NONE;
    if (!is_new && verdict->severity <= (enum tw_severity)underfitting->severity)
        return;
    underfitting->kind = (uint8_t)verdict->kind;
    underfitting->severity = (uint8_t)verdict->severity;
    underfitting->ever_opened = 1;
    underfitting->cause = (uint8_t)tw_underfitting_find_cause(underfitting, view, verdict->kind);
    underfitting->open_segment = view->context->segment;
    if (is_new) {
        underfitting->onset_step = verdict->onset_step;
        underfitting->onset_time_ms = verdict->onset_time_ms;
    }
    struct tw_condition *condition = say(underfitting, view, TW_STATE_OPEN);
    condition->confidence = confidence_of(view, verdict->kind);
    condition->evidence.value = verdict->value;
    condition->evidence.threshold = verdict->threshold;
}

void tw_underfitting_close(struct tw_underfitting *underfitting,
                           const struct tw_underfitting_view *view, enum tw_state state)
{
    struct tw_condition *condition = say(underfitting, view, state);
    condition->confidence = state == TW_STATE_RECOVERED ? .9 : 0;
    condition->evidence.threshold = view->config->learned_level;
    underfitting->kind = TW_UNDERFITTING_NONE;
    underfitting->severity = TW_SEVERITY_INFO;
}
