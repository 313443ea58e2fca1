/* Runs that are silent, and that are heard again. */
#include "agent/watch_parts.h"

#include "detectors/detectors.h"
#include "detectors/stalled_run/silence.h"

#include <math.h>
#include <string.h>

/* By its own time a record of the last hour is new, also where a backlog is worked off. */
#define NEW_MS 3600e3

void tw_watch_set_moment(struct tw_watch *watch, const struct tw_watch_moment *moment)
{
    watch->moment = *moment;
}

double tw_watch_listened(const struct tw_watch *watch)
{
    return watch->moment.listened;
}

struct tw_run *tw_watch_sweep(struct tw_watch *watch)
{
    struct tw_run *run = watch->sweep ? watch->sweep : watch->runs.first;
    watch->sweep = run ? run->links.later : NULL;
    return run;
}

void tw_watch_hear(const struct tw_watch *watch, struct tw_run *run)
{
    double age = fabs((double)watch->moment.wall_ms - (double)run->core.time_ms);
    run->heard = watch->moment.listened;
    run->was_heard = true;
    run->core.is_live |= watch->moment.is_caught_up || (watch->moment.wall_ms && age < NEW_MS);
    run->core.silent_ms = 0;
    run->core.is_retired = 0;
}

/* The run that told of its whole project has been heard, or another one has. */
int tw_watch_end_project_silence(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    struct tw_report report = {0};
    for (size_t i = 0; i < run->episodes.n; i++) {
        const struct tw_episode *episode = &run->episodes.at[i];
        if (tw_episode_is_open(episode) && !strncmp(episode->finding.scope, "project:", 8))
            tw_report_add(&report, episode->finding.scope, TW_STATE_RECOVERED, TW_SEVERITY_WARNING)
                ->confidence = .9;
    }
    run->core.speaks_for_project = 0;
    return tw_watch_apply(watch, run, tw_watch_stalled_run(), &report, error);
}

static int ask_about_silence(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    int result = 0;
    for (uint32_t i = 0; tw_detectors[i] && !result; i++) {
        struct tw_report report = {0};
        if (!tw_detectors[i]->silent)
            continue;
        tw_detectors[i]->silent(tw_run_detector_state(run, i), watch->options.settings->detector[i],
                                run->context, &report);
        result = tw_watch_apply(watch, run, i, &report, error);
    }
    return result;
}

/* Its run document is one of many: it has the newest record of its project. */
static int tell_project(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    struct tw_report report = {0};
    double patience = tw_run_patience(run, watch->options.settings);
    tw_run_silence_tell_project(run->context, run->header ? run->header->project : "",
                                run->core.project_runs, (double)run->core.silent_ms / 1000,
                                patience / 2, &report);
    run->core.speaks_for_project = 1;
    return tw_watch_apply(watch, run, tw_watch_stalled_run(), &report, error);
}

/* What waited was there before the silence, which stays as long as it was. */
static int judge_before_silence(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    int64_t silent_ms = run->core.silent_ms;
    int result = tw_watch_judge_waiting(watch, run, error);
    run->core.silent_ms = silent_ms;
    return result;
}

static int do_due(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    int result = 0;
    switch ((enum tw_run_due)run->core.due) {
    case TW_DUE_NOTHING:
        break;
    case TW_DUE_STALL:
        result = judge_before_silence(watch, run, error);
        return result ? result : ask_about_silence(watch, run, error);
    case TW_DUE_PROJECT:
        return tell_project(watch, run, error);
    case TW_DUE_PROJECT_OVER:
        return tw_watch_end_project_silence(watch, run, error);
    case TW_DUE_RETIRE:
        result = judge_before_silence(watch, run, error);
        return result ? result : tw_watch_finish(watch, run, TW_END_INTERRUPTED, error);
    }
    return 0;
}

int tw_watch_carry_out(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    int result = do_due(watch, run, error);
    if (result || run->core.due == TW_DUE_NOTHING)
        return result;
    /* Its own silence counts from here on. */
    if (run->core.due == TW_DUE_PROJECT_OVER)
        tw_watch_hear(watch, run);
    run->core.is_retired = run->core.due == TW_DUE_RETIRE;
    run->core.due = TW_DUE_NOTHING;
    run->is_dirty = true;
    return 0;
}
