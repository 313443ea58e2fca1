/* The watch: run table, detectors, episodes, rules, documents. */
#include "agent/watch.h"

#include "agent/causes.h"
#include "detectors/detectors.h"
#include "detectors/stalled_run/silence.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tw_watch {
    struct tw_watch_options options;
    struct tw_run_table runs;
    struct tw_run *newest; /* the run of the record that came last */
    struct tw_retired *retired;
    struct tw_run *sweep; /* of the endless round; NULL: begins at the start */
    struct tw_watch_moment moment;
    int64_t time_base;
    struct tw_watch_counts counts;
};

/* ---- the tally ---- */

static void count_open(struct tw_watch *watch, uint32_t detector, enum tw_severity severity,
                       int change)
{
    if (watch->options.tally)
        watch->options.tally->open[detector][severity] += change;
}

/* All open episodes of a run that comes or goes. */
static void count_all_open(struct tw_watch *watch, const struct tw_run *run, int change)
{
    for (size_t i = 0; i < run->episodes.n; i++) {
        const struct tw_episode *episode = &run->episodes.at[i];
        if (tw_episode_is_open(episode))
            count_open(watch, episode->detector, episode->finding.severity, change);
    }
}

static void count_told(struct tw_watch *watch, const struct tw_episode *episode,
                       enum tw_action action)
{
    if (watch->options.tally)
        watch->options.tally->told[episode->detector][episode->finding.severity][action]++;
}

/* ---- the table ---- */

int tw_watch_open(struct tw_watch **ret, const struct tw_watch_options *options,
                  struct tw_error *error)
{
    struct tw_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return tw_error_set(error, -ENOMEM, "out of memory");
    watch->options = *options;
    watch->retired = tw_retired_new();
    if (!watch->retired) {
        free(watch);
        return tw_error_set(error, -ENOMEM, "out of memory");
    }
    *ret = watch;
    return 0;
}

void tw_watch_close(struct tw_watch *watch)
{
    if (!watch)
        return;
    for (struct tw_run *run = watch->runs.first, *next; run; run = next) {
        next = run->links.later;
        tw_watch_forget(watch, run);
    }
    tw_run_table_release(&watch->runs);
    tw_retired_free(watch->retired);
    free(watch);
}

struct tw_run *tw_watch_find(const struct tw_watch *watch, const char *run)
{
    return tw_run_table_find(&watch->runs, run);
}

struct tw_run *tw_watch_next(const struct tw_watch *watch, const struct tw_run *run)
{
    return run ? run->links.later : watch->runs.first;
}

struct tw_run *tw_watch_newest(const struct tw_watch *watch)
{
    return watch->newest;
}

size_t tw_watch_size(const struct tw_watch *watch)
{
    return watch->runs.n;
}

void tw_watch_forget(struct tw_watch *watch, struct tw_run *run)
{
    if (watch->newest == run)
        watch->newest = NULL;
    if (watch->sweep == run)
        watch->sweep = run->links.later;
    if (watch->options.room)
        watch->options.room->runs--;
    tw_run_table_remove(&watch->runs, run);
    count_all_open(watch, run, -1);
    tw_run_free(run);
}

int tw_watch_adopt(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    struct tw_run *known = tw_watch_find(watch, run->core.id);
    if (known)
        tw_watch_forget(watch, known);
    if (tw_run_table_add(&watch->runs, run))
        return tw_error_set(error, -ENOMEM, "out of memory");
    run->heard = watch->moment.listened;
    watch->counts.runs++;
    count_all_open(watch, run, 1);
    if (watch->options.room)
        watch->options.room->runs++;
    return 0;
}

uint64_t tw_watch_expect(const struct tw_watch *watch, const void *id, size_t size)
{
    uint64_t hash = tw_run_table_hash(id, size);
    tw_run_table_prefetch(&watch->runs, hash);
    return hash;
}

void tw_watch_prefetch(const struct tw_watch *watch, uint64_t hash)
{
    const struct tw_run *run = tw_run_table_guess(&watch->runs, hash);
    if (run)
        tw_run_prefetch(run);
}

static bool has_room(const struct tw_watch *watch)
{
    const struct tw_room *room = watch->options.room;
    return !room || (room->runs < room->runs_max && room->bytes < room->bytes_max);
}

/* A run that is new, or that comes back after it was retired. */
static struct tw_run *add_run(struct tw_watch *watch, const char *id, struct tw_error *error)
{
    const struct tw_retired_run *retired = tw_retired_find(watch->retired, id);
    struct tw_run *run = retired ? tw_retired_revive(retired, watch->options.settings)
                                 : tw_run_new(id, watch->options.settings);
    if (!run) {
        tw_error_set(error, -ENOMEM, "out of memory");
        return NULL;
    }
    if (tw_watch_adopt(watch, run, error)) {
        tw_run_free(run);
        return NULL;
    }
    tw_retired_drop(watch->retired, id);
    return run;
}

struct tw_retired *tw_watch_retired(const struct tw_watch *watch)
{
    return watch->retired;
}

int tw_watch_retire(struct tw_watch *watch, struct tw_run *run, const struct tw_retired_run *as)
{
    int result = tw_retired_put(watch->retired, as);
    if (!result)
        tw_watch_forget(watch, run);
    return result;
}

void tw_watch_rewind(struct tw_watch *watch)
{
    for (struct tw_run *run = watch->runs.first; run; run = run->links.later)
        run->core.has_position = 0;
}

void tw_watch_set_time_base(struct tw_watch *watch, int64_t time_ms)
{
    watch->time_base = time_ms;
}

void tw_watch_counts(const struct tw_watch *watch, struct tw_watch_counts *ret)
{
    *ret = watch->counts;
}

/* The newest record's time, and the silence since that something was due after. */
static int64_t time_now(const struct tw_run *run)
{
    int64_t now;
    return __builtin_add_overflow(run->core.time_ms, run->core.silent_ms, &now) ? INT64_MAX : now;
}

struct tw_episode_advisory tw_watch_advisory(const struct tw_run *run,
                                             const struct tw_episode *episode)
{
    struct tw_episode_advisory advisory = {
        .run = tw_run_identity(run),
        .time_ms = time_now(run),
        .step = run->context->step,
        .transition = episode->transition,
        .finding = &episode->finding,
        .n_causes = episode->n_causes,
        .n_suggestions = episode->n_suggestions,
        .suggestions = episode->suggestions,
        .rule = episode->rule,
    };
    memcpy(advisory.episode_id, episode->id, sizeof advisory.episode_id);
    memcpy(advisory.causes, episode->causes, sizeof advisory.causes);
    const struct tw_episode *cause =
        episode->n_causes ? tw_causes_episode(&run->episodes, episode->causes[0]) : NULL;
    advisory.cause = cause ? &cause->finding : NULL;
    return advisory;
}

/* ---- documents ---- */

static int tell(struct tw_watch *watch, const struct tw_run *run, const char *id, char *document,
                struct tw_error *error)
{
    int result = 0;
    if (!document)
        return tw_error_set(error, -ENOMEM, "out of memory");
    if (watch->options.document)
        result = watch->options.document(watch->options.closure, id, run->core.id, document, error);
    free(document);
    return result;
}

static int tell_episode(struct tw_watch *watch, const struct tw_run *run,
                        struct tw_episode *episode, enum tw_action action, struct tw_error *error)
{
    char id[TW_EVENT_ID_SIZE];
    struct tw_episode_advisory advisory = tw_watch_advisory(run, episode);
    advisory.action = action;
    tw_transition_id(id, episode->id, episode->transition);
    if (watch->options.episode)
        watch->options.episode(watch->options.closure, &advisory);
    int result = tell(watch, run, id, tw_episode_document(&advisory), error);
    if (!result) {
        episode->transition++;
        count_told(watch, episode, action);
    }
    return result;
}

static int tell_run(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    char id[TW_EVENT_ID_SIZE];
    struct tw_not_checked not_checked[TW_DETECTORS_MAX];
    struct tw_run_advisory advisory = {
        .run = tw_run_identity(run),
        .time_ms = time_now(run),
        .step = run->context->step,
        .transition = run->core.transition,
        .status = run->core.ended ? tw_end_status_name(run->core.status) : "running",
        .verdict = tw_run_verdict(run, watch->options.settings),
        .not_checked = not_checked,
    };
    advisory.n_not_checked =
        tw_run_not_checked(run, watch->options.settings, not_checked, TW_DETECTORS_MAX);
    tw_run_event_id(id, run->core.id, run->core.attempt, run->core.transition);
    int result = tell(watch, run, id, tw_run_document(&advisory), error);
    if (!result)
        run->core.transition++;
    return result;
}

/* ---- episodes and rules ---- */

static size_t other_findings(const struct tw_run *run, const struct tw_episode *subject,
                             struct tw_finding *ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < run->episodes.n && n < max; i++) {
        const struct tw_episode *other = &run->episodes.at[i];
        if (other != subject && tw_episode_is_open(other))
            ret[n++] = other->finding;
    }
    return n;
}

static void ask_rules(struct tw_watch *watch, const struct tw_run *run, struct tw_episode *episode)
{
    enum { OTHERS_MAX = 8, TAKEN_MAX = TW_CAUSES_MAX * TW_SUGGESTIONS_MAX };
    struct tw_finding others[OTHERS_MAX];
    const char *taken[TAKEN_MAX];
    struct tw_facts facts;
    struct tw_error error = {0};
    size_t failed = 0, n_others = other_findings(run, episode, others, OTHERS_MAX);
    size_t n_taken = tw_causes_parameters(&run->episodes, episode, taken, TAKEN_MAX);
    tw_run_series_facts(run->series, run->context, run->header, &episode->finding, &facts);
    episode->n_suggestions = (uint32_t)tw_rules_suggest(
        watch->options.rules, &episode->finding, others, n_others, &facts, taken, n_taken,
        episode->suggestions, TW_SUGGESTIONS_MAX, &episode->rule, &failed, &error);
    watch->counts.rule_failures += failed;
    if (watch->options.tally)
        watch->options.tally->rule_failures += failed;
    if (failed)
        tw_error_message(&error, watch->counts.rule_failure, sizeof watch->counts.rule_failure);
}

static struct tw_episode_change change_now(const struct tw_watch *watch, const struct tw_run *run,
                                           uint32_t detector)
{
    return (struct tw_episode_change){
        .run = run->core.id,
        .attempt = run->core.attempt,
        .detector = detector,
        .step = run->context->step,
        .time_ms = time_now(run),
        .cooldown_steps = watch->options.settings->shared.cooldown_steps,
        .findings_max = watch->options.settings->shared.findings_max,
    };
}

static int tell_change(struct tw_watch *watch, struct tw_run *run, struct tw_episode *episode,
                       enum tw_action action, struct tw_error *error)
{
    if (action == TW_ACTION_OPENED || action == TW_ACTION_ESCALATED) {
        tw_causes_find_all(&run->episodes);
        ask_rules(watch, run, episode);
    }
    return tell_episode(watch, run, episode, action, error);
}

/* At its farewell a run is silent still, though what waited for other ranks is judged. */
static bool is_afterthought(const struct tw_run *run, uint32_t detector,
                            const struct tw_condition *condition)
{
    return run->core.due == TW_DUE_RETIRE && tw_detectors[detector]->silent &&
           condition->state == TW_STATE_RECOVERED && !strcmp(condition->scope, "run");
}

static int apply_report(struct tw_watch *watch, struct tw_run *run, uint32_t detector,
                        const struct tw_report *report, struct tw_error *error)
{
    int result = 0;
    run->core.findings_dropped += report->n_dropped;
    for (uint32_t i = 0; i < report->n && !result; i++) {
        const struct tw_condition *condition = &report->conditions[i];
        struct tw_episode_change change = change_now(watch, run, detector);
        if (run->core.silent_ms)
            change.cooldown_steps = 0; /* a silent run comes to no further step */
        enum tw_action action;
        if (is_afterthought(run, detector, condition))
            continue;
        if (condition->state == TW_STATE_SUSPECT)
            run->core.suspects |= 1u << detector;
        else
            run->core.suspects &= ~(1u << detector);
        const struct tw_episode *before =
            tw_episodes_find_open(&run->episodes, detector, condition->scope);
        if (before)
            count_open(watch, detector, before->finding.severity, -1);
        struct tw_episode *episode = tw_episodes_apply(&run->episodes, &change, condition, &action,
                                                       &run->core.findings_dropped);
        const struct tw_episode *after =
            tw_episodes_find_open(&run->episodes, detector, condition->scope);
        if (after)
            count_open(watch, detector, after->finding.severity, 1);
        if (episode)
            result = tell_change(watch, run, episode, action, error);
    }
    return result;
}

static int wake_episodes(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    struct tw_episode_change change = change_now(watch, run, 0);
    struct tw_episode *episode;
    enum tw_action action;
    int result = 0;
    while (!result && (episode = tw_episodes_wake(&run->episodes, &change, &action,
                                                  &run->core.findings_dropped))) {
        /* What waited was no graver than what had closed, so it cannot escalate an open one. */
        count_open(watch, episode->detector, episode->finding.severity, 1);
        result = tell_change(watch, run, episode, action, error);
    }
    return result;
}

static bool is_flagged(const struct tw_run *run)
{
    if (run->core.suspects)
        return true;
    for (size_t i = run->episodes.n; i-- > 0;) {
        const struct tw_episode *episode = &run->episodes.at[i];
        /* A silence says nothing about the numbers before and after it. */
        if (tw_episode_is_open(episode) && !tw_detectors[episode->detector]->silent)
            return true;
    }
    return false;
}

/* ---- the run's end ---- */

static int finish_detectors(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    const struct tw_settings *settings = watch->options.settings;
    int result = 0;
    for (uint32_t i = 0; tw_detectors[i] && !result; i++) {
        struct tw_report report = {0};
        tw_detectors[i]->finish(tw_run_detector_state(run, i), settings->detector[i], run->context,
                                &settings->shared, &report);
        result = apply_report(watch, run, i, &report, error);
    }
    return result;
}

static int close_open_episodes(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; i < run->episodes.n && !result; i++) {
        struct tw_episode *episode = &run->episodes.at[i];
        if (!tw_episode_is_open(episode))
            continue;
        episode->finding.state = TW_STATE_STILL_OPEN;
        count_open(watch, episode->detector, episode->finding.severity, -1);
        result = tell_episode(watch, run, episode, TW_ACTION_STILL_OPEN, error);
    }
    return result;
}

static uint32_t stalled_run_index(void)
{
    uint32_t index = 0;
    while (tw_detectors[index] != &tw_detector_stalled_run)
        index++;
    return index;
}

/* Ranks that had fallen silent when the run failed. */
static int report_failed_ranks(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    uint32_t index = stalled_run_index();
    struct tw_report report;
    report.n = report.n_dropped = 0;
    if (!run->ranks || run->core.status != TW_END_FAILED)
        return 0;
    tw_ranks_failed(run->ranks, watch->options.settings->detector[index], &report);
    return apply_report(watch, run, index, &report, error);
}

static int finish_run(struct tw_watch *watch, struct tw_run *run, enum tw_end_status status,
                      struct tw_error *error)
{
    if (run->core.ended)
        return 0;
    run->core.ended = 1;
    run->core.status = status;
    run->is_dirty = true;
    int result = finish_detectors(watch, run, error);
    if (!result)
        result = report_failed_ranks(watch, run, error);
    if (!result)
        result = close_open_episodes(watch, run, error);
    if (!result)
        result = tell_run(watch, run, error);
    run->core.suspects = 0;
    return result;
}

/* ---- records ---- */

static bool is_behind(const struct tw_position *position, const struct tw_position *done)
{
    if (position->partition != done->partition)
        return false;
    if (position->offset != done->offset)
        return position->offset < done->offset;
    return position->index <= done->index;
}

static const char *attempt_of(const struct tw_run_core *core, const struct tw_record *record)
{
    return record->has & TW_HAS_ATTEMPT ? record->attempt : core->attempt;
}

/* Eight bytes at a time; FNV's prime, and what is high comes down. */
static uint64_t attempt_hash(const char *attempt)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t length = strlen(attempt), at = 0; at < length; at += 8) {
        uint64_t word = 0;
        memcpy(&word, attempt + at, length - at < 8 ? length - at : 8);
        hash = (hash ^ word) * 1099511628211u;
        hash ^= hash >> 29;
    }
    return hash;
}

static struct tw_attempt_progress *find_attempt(struct tw_run_core *core, uint64_t attempt)
{
    for (uint32_t i = 0; i < core->n_attempts; i++) {
        if (core->attempts[i].attempt == attempt)
            return &core->attempts[i];
    }
    return NULL;
}

static struct tw_attempt_progress *add_attempt(struct tw_run_core *core, uint64_t attempt)
{
    struct tw_attempt_progress *newest = core->attempts;
    if (core->n_attempts < TW_RUN_ATTEMPTS)
        core->n_attempts++;
    memmove(newest + 1, newest, (core->n_attempts - 1) * sizeof *newest);
    *newest = (struct tw_attempt_progress){.attempt = attempt};
    return newest;
}

/* A process that names no attempt and counts from its start again is told from a repeat by its
 * time: a repeat is never newer than what came before it. */
static bool counts_anew(const struct tw_run_core *core, const struct tw_record *record)
{
    return !(record->has & TW_HAS_ATTEMPT) && (record->has & TW_HAS_TIME) &&
           record->time_ms > core->time_ms;
}

/* True when a record with this sequence number has come before: each attempt counts on its own, and
 * the last words of one may come again after its successor has begun. */
static bool has_come(struct tw_run_core *core, const struct tw_record *record, uint64_t attempt)
{
    const struct tw_attempt_progress *progress = find_attempt(core, attempt);
    return (record->has & TW_HAS_SEQ) && progress && record->seq <= progress->last_seq &&
           !counts_anew(core, record);
}

static void note_seq(struct tw_run_core *core, const struct tw_record *record, uint64_t attempt)
{
    if (!(record->has & TW_HAS_SEQ))
        return;
    struct tw_attempt_progress *progress = find_attempt(core, attempt);
    if (!progress)
        progress = add_attempt(core, attempt);
    else if (record->seq > progress->last_seq)
        core->missing += record->seq - progress->last_seq - 1;
    progress->last_seq = record->seq;
}

/* A header is sent again with its old number or a new one: what it says decides, unless it is an
 * earlier attempt's. */
static bool is_repeated_header(struct tw_run *run, const struct tw_record *record, uint64_t attempt)
{
    struct tw_run_core *core = &run->core;
    if (!has_come(core, record, attempt))
        note_seq(core, record, attempt);
    else if (strcmp(core->attempt, attempt_of(core, record)))
        return true;
    return !tw_run_take_header(run, record);
}

static bool is_repeat(struct tw_run *run, const struct tw_record *record)
{
    struct tw_run_core *core = &run->core;
    uint64_t attempt = attempt_hash(attempt_of(core, record));
    if (record->kind == TW_KIND_HEADER)
        return is_repeated_header(run, record, attempt);
    if (has_come(core, record, attempt))
        return true;
    note_seq(core, record, attempt);
    return false;
}

/* Without a time of its own: the log's plus the step; a record without a step, like an end, counts
 * as the one before it. */
static int64_t time_of(const struct tw_watch *watch, const struct tw_run *run,
                       const struct tw_record *record)
{
    int64_t time_ms;
    if (record->has & TW_HAS_TIME)
        return record->time_ms;
    if (!(record->has & TW_HAS_STEP) && run->context->records)
        return run->core.time_ms;
    if (__builtin_add_overflow(watch->time_base, record->step, &time_ms))
        return INT64_MAX;
    return time_ms;
}

static void take_identity(struct tw_watch *watch, struct tw_run *run,
                          const struct tw_record *record)
{
    struct tw_run_core *core = &run->core;
    if (record->has & TW_HAS_ATTEMPT)
        memcpy(core->attempt, record->attempt, sizeof core->attempt);
    core->time_ms = time_of(watch, run, record);
    for (uint32_t left = record->signals; left; left &= left - 1)
        core->signal_counts[__builtin_ctz(left)]++;
}

/* Which rank it was that told of what is not finite: the one to look at. */
static void name_ranks(const struct tw_run *run, const struct tw_detector *detector,
                       struct tw_report *report)
{
    uint32_t rank, n = run->ranks ? tw_ranks_nonfinite(run->ranks, &rank) : 0;
    for (uint32_t i = 0; i < report->n && n && detector == &tw_detector_overflow; i++) {
        if (report->conditions[i].state != TW_STATE_OPEN)
            continue;
        tw_evidence_add(&report->conditions[i].evidence, "first_rank", rank);
        tw_evidence_add(&report->conditions[i].evidence, "ranks", n);
    }
}

/* Room for what the record is the first of its kind to need. */
static int make_room(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                     struct tw_error *error)
{
    enum tw_extent extent = tw_extent_of(record);
    if (tw_context_reaches(run->context, extent))
        return 0;
    if (tw_run_grow(run, watch->options.settings, extent))
        return tw_error_set(error, -ENOMEM, "out of memory");
    return 0;
}

static int observe(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                   struct tw_error *error)
{
    const struct tw_settings *settings = watch->options.settings;
    int result = make_room(watch, run, record, error);
    if (result)
        return result;
    tw_context_observe(run->context, &settings->shared, record);
    tw_run_series_observe(run->series, record, run->context, is_flagged(run));
    for (uint32_t i = 0; tw_detectors[i] && !result; i++) {
        struct tw_report report;
        report.n = report.n_dropped = 0;
        tw_detectors[i]->observe(tw_run_detector_state(run, i), settings->detector[i], run->context,
                                 &settings->shared, record, &report);
        if (report.n) {
            name_ranks(run, tw_detectors[i], &report);
            result = apply_report(watch, run, i, &report, error);
        }
    }
    if (!result && run->episodes.n)
        result = wake_episodes(watch, run, error);
    return result;
}

/* A resumed run goes on where it ended, and so does what was wrong with it. */
static void go_on(struct tw_watch *watch, struct tw_run *run)
{
    run->core.ended = 0;
    for (size_t i = 0; i < run->episodes.n; i++) {
        struct tw_episode *episode = &run->episodes.at[i];
        if (episode->finding.state != TW_STATE_STILL_OPEN)
            continue;
        episode->finding.state = TW_STATE_OPEN;
        count_open(watch, episode->detector, episode->finding.severity, 1);
    }
}

/* By its own time a record of the last hour is new, also where a backlog is worked off. */
#define NEW_MS 3600e3

static void be_heard(const struct tw_watch *watch, struct tw_run *run)
{
    double age = fabs((double)watch->moment.wall_ms - (double)run->core.time_ms);
    run->heard = watch->moment.listened;
    run->was_heard = true;
    run->core.is_live |= watch->moment.is_caught_up || (watch->moment.wall_ms && age < NEW_MS);
    run->core.silent_ms = 0;
    run->core.is_retired = 0;
}

/* The run that told of its whole project has been heard, or another one has. */
static int end_project_silence(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    struct tw_report report = {0};
    for (size_t i = 0; i < run->episodes.n; i++) {
        const struct tw_episode *episode = &run->episodes.at[i];
        if (tw_episode_is_open(episode) && !strncmp(episode->finding.scope, "project:", 8))
            tw_report_add(&report, episode->finding.scope, TW_STATE_RECOVERED, TW_SEVERITY_WARNING)
                ->confidence = .9;
    }
    run->core.speaks_for_project = 0;
    return apply_report(watch, run, stalled_run_index(), &report, error);
}

static int judge_new(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                     struct tw_error *error)
{
    take_identity(watch, run, record);
    be_heard(watch, run);
    if (record->kind != TW_KIND_END && run->core.ended)
        go_on(watch, run);
    int result = run->core.speaks_for_project ? end_project_silence(watch, run, error) : 0;
    if (!result)
        result = observe(watch, run, record, error);
    if (!result && record->kind == TW_KIND_END)
        result = finish_run(watch, run, record->status, error);
    return result;
}

static int judge(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                 struct tw_error *error)
{
    if (!is_repeat(run, record))
        return judge_new(watch, run, record, error);
    watch->counts.repeats += record->kind != TW_KIND_HEADER;
    return 0;
}

/* ---- several ranks ---- */

static int judge_combined(struct tw_watch *watch, struct tw_run *run, struct tw_record *record,
                          struct tw_error *error)
{
    uint32_t index = stalled_run_index();
    struct tw_report report;
    report.n = report.n_dropped = 0;
    memcpy(record->run, run->core.id, sizeof record->run);
    if (record->kind == TW_KIND_HEADER)
        tw_run_take_header(run, record);
    int result = judge_new(watch, run, record, error);
    if (result || record->kind != TW_KIND_STEP)
        return result;
    tw_ranks_judge(run->ranks, watch->options.settings->detector[index], &report);
    return apply_report(watch, run, index, &report, error);
}

static int judge_ready(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    const void *config = watch->options.settings->detector[stalled_run_index()];
    struct tw_record record;
    int next, result = 0;
    tw_record_init(&record);
    while (!result && (next = tw_ranks_next(run->ranks, config, &record)) != 0)
        result = next < 0 ? tw_error_set(error, next, "out of memory")
                          : judge_combined(watch, run, &record, error);
    tw_record_clear(&record);
    return result;
}

static bool has_ranks(const struct tw_run *run, const struct tw_record *record)
{
    return run->ranks || record->rank != 0 || (record->header && record->header->world_size > 1);
}

static int start_ranks(struct tw_run *run, struct tw_error *error)
{
    const struct tw_context *context = run->context;
    if (run->ranks)
        return 0;
    run->ranks = tw_ranks_new();
    if (!run->ranks)
        return tw_error_set(error, -ENOMEM, "out of memory");
    if (context->has_step)
        tw_ranks_start_at(run->ranks, context->newest_record_step, run->core.time_ms);
    return 0;
}

static int judge_ranks(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                       struct tw_error *error)
{
    int result = start_ranks(run, error);
    if (result)
        return result;
    if (record->rank == 0 && is_repeat(run, record)) {
        watch->counts.repeats += record->kind != TW_KIND_HEADER;
        return 0;
    }
    be_heard(watch, run); /* what waits for the other ranks has come, too */
    int use = tw_ranks_take(run->ranks, record, time_of(watch, run, record));
    if (use < 0)
        return tw_error_set(error, use, "out of memory");
    if (use == TW_RANKS_DIRECT)
        result = judge_new(watch, run, record, error);
    return result ? result : judge_ready(watch, run, error);
}

/* ---- from outside ---- */

/* What waits for other ranks that will not come. */
static int judge_waiting(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    if (!run->ranks)
        return 0;
    tw_ranks_flush(run->ranks);
    return judge_ready(watch, run, error);
}

int tw_watch_end(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    int result = judge_waiting(watch, run, error);
    return result ? result : finish_run(watch, run, TW_END_INTERRUPTED, error);
}

/* ---- silence ---- */

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

static int ask_about_silence(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    int result = 0;
    for (uint32_t i = 0; tw_detectors[i] && !result; i++) {
        struct tw_report report = {0};
        if (!tw_detectors[i]->silent)
            continue;
        tw_detectors[i]->silent(tw_run_detector_state(run, i), watch->options.settings->detector[i],
                                run->context, &report);
        result = apply_report(watch, run, i, &report, error);
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
    return apply_report(watch, run, stalled_run_index(), &report, error);
}

/* What waited was there before the silence, which stays as long as it was. */
static int judge_before_silence(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    int64_t silent_ms = run->core.silent_ms;
    int result = judge_waiting(watch, run, error);
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
        return end_project_silence(watch, run, error);
    case TW_DUE_RETIRE:
        result = judge_before_silence(watch, run, error);
        return result ? result : finish_run(watch, run, TW_END_INTERRUPTED, error);
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
        be_heard(watch, run);
    run->core.is_retired = run->core.due == TW_DUE_RETIRE;
    run->core.due = TW_DUE_NOTHING;
    run->is_dirty = true;
    return 0;
}

/* Records of a retired run that come again, and of a run that there is no room for. */
static bool is_passed_over(struct tw_watch *watch, const struct tw_record *record,
                           const struct tw_position *position)
{
    const struct tw_retired_run *retired = tw_retired_find(watch->retired, record->run);
    if (retired && position && retired->has_position && is_behind(position, &retired->position))
        return true;
    if (has_room(watch))
        return false;
    watch->counts.refused++;
    return true;
}

int tw_watch_record(struct tw_watch *watch, const struct tw_record *record,
                    const struct tw_position *position, struct tw_error *error)
{
    struct tw_run *run = tw_watch_find(watch, record->run);
    bool is_over = !run && is_passed_over(watch, record, position);
    if (!run && !is_over && !(run = add_run(watch, record->run, error)))
        return -ENOMEM;
    watch->newest = run;
    if (is_over)
        return 0;
    struct tw_run_core *core = &run->core;
    if (position && core->has_position && is_behind(position, &core->position)) {
        watch->counts.passed_over++;
        return 0;
    }
    watch->counts.records++;
    run->is_dirty = true;
    int result = has_ranks(run, record) ? judge_ranks(watch, run, record, error)
                                        : judge(watch, run, record, error);
    if (!result && position) {
        core->position = *position;
        core->has_position = 1;
    }
    return result;
}
