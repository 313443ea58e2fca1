/* The clock of listening, and what is due to runs by it. */
#include "agent/silence.h"

#include "agent/projects.h"

#include <math.h>

#define TICK_SECONDS 1.0
#define PRESSURE_RUNS 20000 /* looked at in one tick while room is short */
#define FULL .98            /* of a limit: from here on room is made ... */
#define ENOUGH .95          /* ... down to this */

/* ---- one run ---- */

enum tw_run_due tw_silence_judge(const struct tw_run *run, const struct tw_settings *settings,
                                 const struct tw_limits *limits, double silent, double *ret_seconds)
{
    /* Nobody waits for a run that was never live. */
    bool is_told = run->core.silent_ms > 0 || !run->core.is_live;
    *ret_seconds = silent;
    if (run->core.ended)
        return silent >= limits->retire_after_end ? TW_DUE_RETIRE : TW_DUE_NOTHING;
    double patience = tw_run_patience(run, settings);
    double farewell = limits->retire_after_silence;
    if (isfinite(patience))
        farewell = fmax(farewell, patience);
    if (silent >= farewell) {
        *ret_seconds = farewell;
        return TW_DUE_RETIRE;
    }
    if (!is_told && silent >= patience) {
        *ret_seconds = patience;
        return TW_DUE_STALL;
    }
    return TW_DUE_NOTHING;
}

/* Nothing of it was ever judged, or all is told. One whose saved state did not fit waits for its
 * records, which are read again. */
static bool goes_without_a_word(const struct tw_run *run)
{
    return run->core.ended || (run->context->records == 0 && !run->is_rebuilt);
}

static void note_due(struct tw_silence *silence, struct tw_run *run, enum tw_run_due due,
                     double seconds)
{
    if (due == TW_DUE_NOTHING || (due == TW_DUE_STALL && run->context->records == 0))
        return;
    bool is_gone = goes_without_a_word(run);
    struct tw_run **list = is_gone ? &silence->gone : &silence->due;
    run->is_dirty = true;
    run->next_due = *list;
    *list = run;
    *(is_gone ? &silence->n_gone : &silence->n_due) += 1;
    run->core.is_retired = is_gone;
    if (is_gone)
        return;
    run->core.due = (uint8_t)due;
    run->core.silent_ms = (int64_t)(seconds * 1000);
}

/* ---- room ---- */

/* How many runs of this watch have to go. */
static size_t excess(const struct tw_silence *silence, const struct tw_watch *watch,
                     const struct tw_room *room)
{
    double share = room->runs ? (double)tw_watch_size(watch) / (double)room->runs : 0;
    double runs_max = (double)room->runs_max, over = 0;
    if ((double)room->runs > FULL * runs_max)
        over = (double)room->runs - ENOUGH * runs_max;
    if (room->bytes > FULL * room->bytes_max && silence->mean_bytes > 0)
        over = fmax(over, (room->bytes - ENOUGH * room->bytes_max) / silence->mean_bytes);
    return (size_t)ceil(over * share);
}

/* The runs that have to go: ended ones at once, and the longest silent of those looked at. */
struct leaving {
    size_t most, n;
    struct {
        struct tw_run *run;
        double silent;
    } at[64];
};

static void may_leave(struct leaving *leaving, struct tw_run *run, double silent)
{
    size_t i, most = leaving->most < 64 ? leaving->most : 64;
    if (silent < TW_SILENCE_SPARED_SECONDS || most == 0 ||
        (leaving->n == most && leaving->at[most - 1].silent >= silent))
        return;
    leaving->n += leaving->n < most;
    for (i = leaving->n - 1; i > 0 && leaving->at[i - 1].silent < silent; i--)
        leaving->at[i] = leaving->at[i - 1];
    leaving->at[i].run = run;
    leaving->at[i].silent = silent;
}

/* ---- the round over the table ---- */

static void end_round(struct tw_silence *silence)
{
    silence->mean_bytes = silence->swept_bytes / (double)silence->swept;
    silence->swept = 0;
    silence->swept_bytes = 0;
}

static void ask(struct tw_silence *silence, struct tw_run *run)
{
    run->next_due = silence->asking;
    silence->asking = run;
}

/* A project is silent: this one tells, if it still is. Or it has told, and may have to take it
 * back. Or it is stalled, unless its whole project is. */
static bool is_of_project(struct tw_silence *silence, struct tw_run *run, enum tw_run_due due,
                          double silent)
{
    bool has_project = silence->projects && run->header && run->header->project[0];
    if (!has_project || due == TW_DUE_RETIRE)
        return false;
    if (run->may_speak_for) {
        run->core.project_runs = run->may_speak_for;
        run->may_speak_for = 0;
        if (!run->core.speaks_for_project)
            note_due(silence, run, TW_DUE_PROJECT, floor(silent));
        return true;
    }
    if (due == TW_DUE_NOTHING && !run->core.speaks_for_project && !run->is_held)
        return false;
    ask(silence, run);
    return true;
}

/* The project of a run that asked goes on, or cannot be told of. */
static void go_its_own_way(struct tw_silence *silence, struct tw_run *run,
                           const struct tw_project *project, const struct tw_config *config)
{
    double seconds, silent = silence->listened - run->heard;
    if (run->core.speaks_for_project) {
        if (!project || !project->heard)
            return; /* nobody has come back */
        note_due(silence, run, TW_DUE_PROJECT_OVER, floor(silent));
    } else if (run->is_held) {
        run->is_held = false; /* what was in the way is over: it has all its time again */
        run->heard = silence->listened;
    } else {
        enum tw_run_due due =
            tw_silence_judge(run, &config->settings, &config->limits, silent, &seconds);
        note_due(silence, run, due, seconds);
    }
}

static void answer(struct tw_silence *silence, const struct tw_config *config)
{
    struct tw_run *run = silence->asking, *next;
    silence->asking = NULL;
    for (; run; run = next) {
        const struct tw_project *project =
            tw_projects_find(silence->projects, run->header->project);
        next = run->next_due;
        if (!tw_project_is_silent(project)) {
            go_its_own_way(silence, run, project, config);
            continue;
        }
        run->is_held = !run->core.speaks_for_project;
        if (run->is_held && !project->spokesman->core.speaks_for_project)
            project->spokesman->may_speak_for = (uint32_t)project->active;
    }
}

/* Those who have to wait for a census are looked at again in the next round. */
static void ask_projects(struct tw_silence *silence, const struct tw_config *config, double now)
{
    if (!silence->asking || now < silence->next_census)
        return;
    size_t runs = tw_projects_runs(silence->projects);
    if (runs > TW_SILENCE_CENSUS_RUNS)
        silence->next_census = now + TW_SILENCE_ROUND_SECONDS;
    if (!tw_projects_take_census(silence->projects, &config->settings))
        answer(silence, config);
}

static void look_at(struct tw_silence *silence, struct tw_run *run, const struct tw_config *config,
                    struct leaving *leaving)
{
    double seconds, silent = silence->listened - run->heard;
    silence->swept++;
    silence->swept_bytes += (double)tw_run_bytes(run);
    if (run->core.is_retired || run->core.due)
        return;
    enum tw_run_due due =
        tw_silence_judge(run, &config->settings, &config->limits, silent, &seconds);
    if (is_of_project(silence, run, due, silent))
        return;
    if (due == TW_DUE_NOTHING && leaving->most && goes_without_a_word(run))
        due = TW_DUE_RETIRE;
    if (due == TW_DUE_NOTHING)
        may_leave(leaving, run, silent);
    else
        note_due(silence, run, due, seconds);
    if (run->core.is_retired && leaving->most)
        leaving->most--;
}

static void sweep(struct tw_silence *silence, struct tw_watch *watch,
                  const struct tw_config *config, const struct tw_room *room, double passed)
{
    size_t runs = tw_watch_size(watch);
    struct leaving leaving = {.most = room ? excess(silence, watch, room) : 0};
    double share = fmin(passed / TW_SILENCE_ROUND_SECONDS, 1);
    double least = leaving.most ? PRESSURE_RUNS : TW_SILENCE_AT_ONCE;
    size_t n = (size_t)fmin(fmax(ceil((double)runs * share), least), (double)runs);
    for (size_t i = 0; i < n && silence->n_due + silence->n_gone < TW_SILENCE_DUE_MAX; i++) {
        look_at(silence, tw_watch_sweep(watch), config, &leaving);
        if (silence->swept >= runs)
            end_round(silence);
    }
    for (size_t i = 0; i < leaving.n && i < leaving.most; i++) {
        if (!leaving.at[i].run->core.due)
            note_due(silence, leaving.at[i].run, TW_DUE_RETIRE, floor(leaving.at[i].silent));
    }
}

static void count_bytes(struct tw_silence *silence, const struct tw_watch *watch,
                        struct tw_room *room)
{
    double bytes = silence->mean_bytes * (double)tw_watch_size(watch);
    if (room)
        room->bytes += bytes - silence->counted_bytes;
    silence->counted_bytes = bytes;
}

bool tw_silence_is_time(const struct tw_silence *silence, double now)
{
    return !silence->has_ticked || now < silence->ticked || now >= silence->ticked + TICK_SECONDS;
}

static void set_moment(const struct tw_silence *silence, struct tw_watch *watch, int64_t wall_ms)
{
    const struct tw_watch_moment moment = {
        .listened = silence->listened,
        .is_caught_up = silence->was_listening,
        .wall_ms = wall_ms,
    };
    tw_watch_set_moment(watch, &moment);
}

void tw_silence_fall_behind(struct tw_silence *silence, struct tw_watch *watch, int64_t wall_ms)
{
    silence->was_listening = false;
    set_moment(silence, watch, wall_ms);
}

void tw_silence_tick(struct tw_silence *silence, struct tw_watch *watch,
                     const struct tw_config *config, struct tw_room *room,
                     const struct tw_silence_moment *moment)
{
    double passed = silence->has_ticked ? fmax(moment->now - silence->ticked, 0) : 0;
    silence->due = silence->gone = silence->asking = NULL;
    silence->n_due = silence->n_gone = 0;
    if (moment->is_listening && silence->was_listening)
        silence->listened += fmin(passed, TW_SILENCE_STRIDE_SECONDS);
    silence->was_listening = moment->is_listening;
    silence->ticked = moment->now;
    silence->has_ticked = true;
    set_moment(silence, watch, moment->wall_ms);
    sweep(silence, watch, config, room, passed);
    ask_projects(silence, config, moment->now);
    count_bytes(silence, watch, room);
}

int tw_silence_carry_out(struct tw_silence *silence, struct tw_watch *watch, struct tw_error *error)
{
    int result = 0;
    for (struct tw_run *run = silence->due; run && !result; run = run->next_due)
        result = tw_watch_carry_out(watch, run, error);
    silence->due = NULL;
    silence->n_due = 0;
    return result;
}

void tw_silence_stop(struct tw_silence *silence, struct tw_room *room)
{
    if (room)
        room->bytes -= silence->counted_bytes;
    *silence = (struct tw_silence){0};
}
