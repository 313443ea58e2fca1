/* The watch: run table, detectors, episodes, rules, documents. */
#include "agent/watch.h"

#include "agent/causes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tw_watch {
    struct tw_watch_options options;
    struct tw_run_table runs;
    struct tw_run *newest; /* the run of the record that came last */
    int64_t time_base;
    struct tw_watch_counts counts;
};

int tw_watch_open(struct tw_watch **ret, const struct tw_watch_options *options,
                  struct tw_error *error)
{
    struct tw_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return tw_error_set(error, -ENOMEM, "out of memory");
    watch->options = *options;
    *ret = watch;
    return 0;
}

void tw_watch_close(struct tw_watch *watch)
{
    if (!watch)
        return;
    for (struct tw_run *run = watch->runs.first, *next; run; run = next) {
        next = run->links.later;
        tw_run_free(run);
    }
    tw_run_table_release(&watch->runs);
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
    tw_run_table_remove(&watch->runs, run);
    tw_run_free(run);
}

int tw_watch_adopt(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    struct tw_run *known = tw_watch_find(watch, run->core.id);
    if (known)
        tw_watch_forget(watch, known);
    if (tw_run_table_add(&watch->runs, run))
        return tw_error_set(error, -ENOMEM, "out of memory");
    watch->counts.runs++;
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

static struct tw_run *find_or_add(struct tw_watch *watch, const char *id, struct tw_error *error)
{
    struct tw_run *run = tw_watch_find(watch, id);
    if (run)
        return run;
    run = tw_run_new(id, watch->options.settings);
    if (!run) {
        tw_error_set(error, -ENOMEM, "out of memory");
        return NULL;
    }
    if (tw_watch_adopt(watch, run, error)) {
        tw_run_free(run);
        return NULL;
    }
    return run;
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

struct tw_episode_advisory tw_watch_advisory(const struct tw_run *run,
                                             const struct tw_episode *episode)
{
    struct tw_episode_advisory advisory = {
        .run = tw_run_identity(run),
        .time_ms = run->core.time_ms,
        .step = run->core.context.step,
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
    if (!result)
        episode->transition++;
    return result;
}

static int tell_run(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    char id[TW_EVENT_ID_SIZE];
    struct tw_not_checked not_checked[TW_DETECTORS_MAX];
    struct tw_run_advisory advisory = {
        .run = tw_run_identity(run),
        .time_ms = run->core.time_ms,
        .step = run->core.context.step,
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
    tw_run_series_facts(&run->core.series, &run->core.context, run->header, &episode->finding,
                        &facts);
    episode->n_suggestions = (uint32_t)tw_rules_suggest(
        watch->options.rules, &episode->finding, others, n_others, &facts, taken, n_taken,
        episode->suggestions, TW_SUGGESTIONS_MAX, &episode->rule, &failed, &error);
    watch->counts.rule_failures += failed;
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
        .step = run->core.context.step,
        .time_ms = run->core.time_ms,
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

static int apply_report(struct tw_watch *watch, struct tw_run *run, uint32_t detector,
                        const struct tw_report *report, struct tw_error *error)
{
    int result = 0;
    run->core.findings_dropped += report->n_dropped;
    for (uint32_t i = 0; i < report->n && !result; i++) {
        const struct tw_condition *condition = &report->conditions[i];
        struct tw_episode_change change = change_now(watch, run, detector);
        enum tw_action action;
        if (condition->state == TW_STATE_SUSPECT)
            run->core.suspects |= 1u << detector;
        else
            run->core.suspects &= ~(1u << detector);
        struct tw_episode *episode = tw_episodes_apply(&run->episodes, &change, condition, &action,
                                                       &run->core.findings_dropped);
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
                                                  &run->core.findings_dropped)))
        result = tell_change(watch, run, episode, action, error);
    return result;
}

static bool is_flagged(const struct tw_run *run)
{
    if (run->core.suspects)
        return true;
    for (size_t i = run->episodes.n; i-- > 0;) {
        if (tw_episode_is_open(&run->episodes.at[i]))
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
        tw_detectors[i]->finish(tw_run_detector_state(run, i), settings->detector[i],
                                &run->core.context, &settings->shared, &report);
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
        result = tell_episode(watch, run, episode, TW_ACTION_STILL_OPEN, error);
    }
    return result;
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
        result = close_open_episodes(watch, run, error);
    if (!result)
        result = tell_run(watch, run, error);
    run->core.suspects = 0;
    return result;
}

int tw_watch_end(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    return finish_run(watch, run, TW_END_INTERRUPTED, error);
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

static struct tw_attempt_progress *find_attempt(struct tw_run_core *core, const char *attempt)
{
    for (uint32_t i = 0; i < core->n_attempts; i++) {
        if (!strcmp(core->attempts[i].attempt, attempt))
            return &core->attempts[i];
    }
    return NULL;
}

static struct tw_attempt_progress *add_attempt(struct tw_run_core *core, const char *attempt)
{
    struct tw_attempt_progress *newest = core->attempts;
    if (core->n_attempts < TW_RUN_ATTEMPTS)
        core->n_attempts++;
    memmove(newest + 1, newest, (core->n_attempts - 1) * sizeof *newest);
    memset(newest, 0, sizeof *newest);
    snprintf(newest->attempt, sizeof newest->attempt, "%s", attempt);
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
static bool has_come(struct tw_run_core *core, const struct tw_record *record)
{
    const struct tw_attempt_progress *progress = find_attempt(core, attempt_of(core, record));
    return (record->has & TW_HAS_SEQ) && progress && record->seq <= progress->last_seq &&
           !counts_anew(core, record);
}

static void note_seq(struct tw_run_core *core, const struct tw_record *record)
{
    const char *attempt = attempt_of(core, record);
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
static bool is_repeated_header(struct tw_run *run, const struct tw_record *record)
{
    struct tw_run_core *core = &run->core;
    if (!has_come(core, record))
        note_seq(core, record);
    else if (strcmp(core->attempt, attempt_of(core, record)))
        return true;
    return !tw_run_take_header(run, record);
}

static bool is_repeat(struct tw_run *run, const struct tw_record *record)
{
    struct tw_run_core *core = &run->core;
    if (record->kind == TW_KIND_HEADER)
        return is_repeated_header(run, record);
    if (has_come(core, record)) {
        core->repeats++;
        return true;
    }
    note_seq(core, record);
    return false;
}

/* Without a time of its own: the log's plus the step; a record without a step, like an end, counts
 * as the one before it. */
static int64_t time_of(const struct tw_watch *watch, const struct tw_run_core *core,
                       const struct tw_record *record)
{
    int64_t time_ms;
    if (record->has & TW_HAS_TIME)
        return record->time_ms;
    if (!(record->has & TW_HAS_STEP) && core->context.records)
        return core->time_ms;
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
    core->time_ms = time_of(watch, core, record);
    for (int i = 0; i < TW_SIGNALS; i++)
        core->signal_counts[i] += tw_record_has(record, (enum tw_signal)i);
}

static int observe(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                   struct tw_error *error)
{
    const struct tw_settings *settings = watch->options.settings;
    struct tw_run_core *core = &run->core;
    int result = 0;
    tw_context_observe(&core->context, &settings->shared, record);
    tw_run_series_observe(&core->series, record, &core->context, is_flagged(run));
    for (uint32_t i = 0; tw_detectors[i] && !result; i++) {
        struct tw_report report = {0};
        tw_detectors[i]->observe(tw_run_detector_state(run, i), settings->detector[i],
                                 &core->context, &settings->shared, record, &report);
        result = apply_report(watch, run, i, &report, error);
    }
    if (!result && run->episodes.n)
        result = wake_episodes(watch, run, error);
    return result;
}

/* A resumed run goes on where it ended, and so does what was wrong with it. */
static void go_on(struct tw_run *run)
{
    run->core.ended = 0;
    for (size_t i = 0; i < run->episodes.n; i++) {
        if (run->episodes.at[i].finding.state == TW_STATE_STILL_OPEN)
            run->episodes.at[i].finding.state = TW_STATE_OPEN;
    }
}

static int judge(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                 struct tw_error *error)
{
    if (is_repeat(run, record)) {
        watch->counts.repeats += record->kind != TW_KIND_HEADER;
        return 0;
    }
    take_identity(watch, run, record);
    if (record->kind != TW_KIND_END && run->core.ended)
        go_on(run);
    int result = observe(watch, run, record, error);
    if (!result && record->kind == TW_KIND_END)
        result = finish_run(watch, run, record->status, error);
    return result;
}

int tw_watch_record(struct tw_watch *watch, const struct tw_record *record,
                    const struct tw_position *position, struct tw_error *error)
{
    struct tw_run *run = find_or_add(watch, record->run, error);
    watch->newest = run;
    if (!run)
        return -ENOMEM;
    struct tw_run_core *core = &run->core;
    if (position && core->has_position && is_behind(position, &core->position))
        return 0;
    watch->counts.records++;
    run->is_dirty = true;
    int result = 0;
    if (record->rank != 0)
        core->other_ranks++; /* rank 0 reports for all; the others' records are counted */
    else
        result = judge(watch, run, record, error);
    if (!result && position) {
        core->position = *position;
        core->has_position = 1;
    }
    return result;
}
