/* How long a run may be silent, by how long it has been before. */
#include "detectors/stalled_run/silence.h"

#include <math.h>
#include <stdio.h>

/* A longer time between two records is that of a clock that was set. */
#define GAP_SECONDS_MAX (12 * 3600.)

/* Between the death of a process and the start of its successor nobody trains: no gap of the run.
 */
static void learn_gap(struct tw_run_silence *silence, const struct tw_context *context,
                      const struct tw_record *record)
{
    bool is_resumed = context->segment_is_new && context->segment_cause == TW_SEGMENT_RESUME;
    double gap = ((double)record->time_ms - (double)silence->time_ms) / 1000;
    if (silence->has_time && !is_resumed && gap >= 0) {
        gap = fmin(gap, GAP_SECONDS_MAX);
        silence->longest = fmax(silence->longest, gap);
        silence->sum += gap;
        silence->n_gaps++;
    }
    silence->time_ms = record->time_ms;
    silence->has_time = 1;
}

static struct tw_condition *say(struct tw_report *report, enum tw_state state)
{
    struct tw_condition *condition = tw_report_add(report, "run", state, TW_SEVERITY_WARNING);
    struct tw_evidence *evidence = &condition->evidence;
    snprintf(evidence->statistic, sizeof evidence->statistic, "seconds without a record");
    snprintf(evidence->unit, sizeof evidence->unit, "seconds");
    evidence->baseline = NAN;
    return condition;
}

void tw_run_silence_observe(struct tw_run_silence *silence, const struct tw_context *context,
                            const struct tw_record *record, struct tw_report *report)
{
    if (record->has & TW_HAS_TIME)
        learn_gap(silence, context, record);
    if (silence->is_told)
        say(report, TW_STATE_RECOVERED)->confidence = .9;
    silence->is_told = 0;
}

static bool may_be_over(const struct tw_run_silence_config *config,
                        const struct tw_context *context)
{
    if (config->needs_header && !context->has_header)
        return true;
    return (context->declared_max_steps && context->step >= context->declared_max_steps) ||
           context->epoch >= context->declared_max_epochs; /* of a NaN: no */
}

double tw_run_silence_patience(const struct tw_run_silence *silence,
                               const struct tw_run_silence_config *config,
                               const struct tw_context *context)
{
    if (may_be_over(config, context))
        return INFINITY;
    if (silence->n_gaps < config->min_gaps)
        return ceil(fmax(config->after_unknown, config->after));
    double seconds =
        fmax(config->after, fmin(config->factor * silence->longest, config->after_max));
    return ceil(fmax(seconds, 2 * silence->longest));
}

void tw_run_silence_tell(struct tw_run_silence *silence, const struct tw_run_silence_config *config,
                         const struct tw_context *context, struct tw_report *report)
{
    double patience = tw_run_silence_patience(silence, config, context);
    if (silence->is_told || isinf(patience))
        return;
    silence->is_told = 1;
    struct tw_condition *open = say(report, TW_STATE_OPEN);
    struct tw_evidence *evidence = &open->evidence;
    open->onset_step = context->step;
    open->onset_time_ms = context->time_ms;
    open->confidence = .7;
    evidence->value = evidence->threshold = patience;
    evidence->window_first = evidence->window_last = context->step;
    tw_evidence_add(evidence, "records", (double)context->records);
    if (silence->n_gaps == 0)
        return;
    evidence->baseline = silence->sum / (double)silence->n_gaps;
    tw_evidence_add(evidence, "longest_gap", silence->longest);
}

void tw_run_silence_tell_project(const struct tw_context *context, const char *project,
                                 uint32_t runs, double seconds, double threshold,
                                 struct tw_report *report)
{
    char scope[TW_SCOPE_MAX + 1];
    snprintf(scope, sizeof scope, "project:%s", project);
    struct tw_condition *open = tw_report_add(report, scope, TW_STATE_OPEN, TW_SEVERITY_WARNING);
    struct tw_evidence *evidence = &open->evidence;
    open->onset_step = context->step;
    open->onset_time_ms = context->time_ms;
    open->confidence = .8;
    snprintf(evidence->statistic, sizeof evidence->statistic,
             "seconds without a record of any run");
    snprintf(evidence->unit, sizeof evidence->unit, "seconds");
    evidence->value = seconds;
    evidence->threshold = threshold;
    evidence->baseline = NAN;
    evidence->window_first = evidence->window_last = context->step;
    tw_evidence_add(evidence, "runs", runs);
}
