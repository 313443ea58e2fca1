/* A rank that has fallen silent.
 *
 * Steps alone do not tell: a rank whose records travel in larger batches is behind by many short
 * steps. Time alone does not either: an evaluation or a checkpoint stops all for minutes. So both
 * must hold, and the time is that of the records, as everywhere. */
#include "detectors/stalled_run/ranks.h"

#include <math.h>
#include <stdio.h>

/* One that tells of every hundredth step is silent once it has left three of them out. */
uint64_t tw_rank_lag_steps(const struct tw_rank_lag_config *config, const struct tw_rank_lag *lag)
{
    uint64_t usual = 3 * (uint64_t)lag->interval_steps;
    return config->rank_steps > usual ? config->rank_steps : usual;
}

double tw_rank_lag_seconds(const struct tw_rank_lag_config *config, double step_seconds)
{
    return fmax(config->rank_seconds, config->rank_intervals * step_seconds);
}

static uint64_t steps_behind(const struct tw_rank_lag *lag)
{
    return lag->judged_step > lag->step ? lag->judged_step - lag->step : 0;
}

static double seconds_behind(const struct tw_rank_lag *lag)
{
    return fmax(((double)lag->judged_time_ms - (double)lag->time_ms) / 1000, 0);
}

static void say(const struct tw_rank_lag_config *config, const struct tw_rank_lag *lag,
                enum tw_state state, enum tw_severity severity, struct tw_report *report)
{
    char scope[TW_SCOPE_MAX + 1];
    snprintf(scope, sizeof scope, "rank:%u", lag->rank);
    struct tw_condition *condition = tw_report_add(report, scope, state, severity);
    struct tw_evidence *evidence = &condition->evidence;
    condition->onset_step = lag->step;
    condition->onset_time_ms = lag->time_ms;
    condition->confidence = .9;
    snprintf(evidence->statistic, sizeof evidence->statistic, "steps behind the other ranks");
    snprintf(evidence->unit, sizeof evidence->unit, "steps");
    evidence->value = (double)steps_behind(lag);
    evidence->threshold = (double)tw_rank_lag_steps(config, lag);
    evidence->baseline = NAN;
    evidence->window_first = lag->step;
    evidence->window_last = lag->judged_step;
    tw_evidence_add(evidence, "rank", lag->rank);
    tw_evidence_add(evidence, "ranks", lag->ranks);
    tw_evidence_add(evidence, "seconds_behind", seconds_behind(lag));
    if (lag->step_seconds > 0)
        tw_evidence_add(evidence, "step_seconds", lag->step_seconds);
}

enum tw_state tw_rank_lag_judge(const struct tw_rank_lag_config *config,
                                const struct tw_rank_lag *lag, struct tw_report *report)
{
    enum tw_state state = TW_STATE_SUSPECT;
    if (lag->is_told && steps_behind(lag) <= config->rank_back_steps)
        state = TW_STATE_RECOVERED;
    else if (!lag->is_told && steps_behind(lag) >= tw_rank_lag_steps(config, lag) &&
             seconds_behind(lag) >= tw_rank_lag_seconds(config, lag->step_seconds))
        state = TW_STATE_OPEN;
    if (state != TW_STATE_SUSPECT)
        say(config, lag, state, TW_SEVERITY_WARNING, report);
    return state;
}

void tw_rank_lag_failed(const struct tw_rank_lag_config *config, const struct tw_rank_lag *lag,
                        struct tw_report *report)
{
    say(config, lag, TW_STATE_OPEN, TW_SEVERITY_CRITICAL, report);
}
