/* What detectors say of a run, and what becomes of it: episodes, the rules' amounts, documents. */
#include "agent/watch_parts.h"

#include "agent/causes.h"
#include "agent/episode_chart.h"
#include "detectors/detectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the tally ---- */

static void count_open(struct tw_watch *watch, const struct tw_episode *episode, int change)
{
    if (!watch->options.tally || episode->is_dismissed)
        return;
    tw_watch_lock(watch);
    watch->options.tally->open[episode->detector][episode->finding.severity] += change;
    tw_watch_unlock(watch);
}

/* One that has just opened, or come with its run, may have been dismissed in another life. */
static void count_opened(struct tw_watch *watch, struct tw_episode *episode)
{
    if (tw_dismissed_has(watch->options.dismissed, episode->id))
        episode->is_dismissed = 1;
    count_open(watch, episode, 1);
}

void tw_watch_count_in(struct tw_watch *watch, struct tw_run *run)
{
    for (size_t i = 0; i < run->episodes.n; i++) {
        if (tw_episode_is_open(&run->episodes.at[i]))
            count_opened(watch, &run->episodes.at[i]);
    }
}

void tw_watch_count_out(struct tw_watch *watch, const struct tw_run *run)
{
    for (size_t i = 0; i < run->episodes.n; i++) {
        if (tw_episode_is_open(&run->episodes.at[i]))
            count_open(watch, &run->episodes.at[i], -1);
    }
}

bool tw_watch_dismiss(struct tw_watch *watch, const char *id, const char *episode)
{
    const struct tw_run *run = tw_watch_find(watch, id);
    for (size_t i = 0; run && i < run->episodes.n; i++) {
        struct tw_episode *found = &run->episodes.at[i];
        if (strcmp(found->id, episode))
            continue;
        if (tw_episode_is_open(found))
            count_open(watch, found, -1);
        found->is_dismissed = 1;
        return true;
    }
    return false;
}

static void count_told(struct tw_watch *watch, const struct tw_episode *episode,
                       enum tw_action action)
{
    if (!watch->options.tally)
        return;
    tw_watch_lock(watch);
    watch->options.tally->told[episode->detector][episode->finding.severity][action]++;
    tw_watch_unlock(watch);
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
    tw_watch_lock(watch);
    if (watch->options.document)
        result = watch->options.document(watch->options.closure, id, run->core.id, document, error);
    tw_watch_unlock(watch);
    watch->counts.documents += !result;
    free(document);
    return result;
}

static int tell_episode(struct tw_watch *watch, const struct tw_run *run,
                        struct tw_episode *episode, enum tw_action action, struct tw_error *error)
{
    char id[TW_EVENT_ID_SIZE];
    struct tw_episode_chart chart;
    struct tw_episode_advisory advisory = tw_watch_advisory(run, episode);
    advisory.action = action;
    /* When a silence is noticed, how many records of the other ranks wait depends on their order.
     */
    if (tw_detectors[episode->detector] != &tw_detector_stalled_run) {
        tw_episode_chart_draw(run, &chart);
        advisory.chart = &chart;
    }
    tw_transition_id(id, episode->id, episode->transition);
    tw_watch_lock(watch);
    if (watch->options.episode)
        watch->options.episode(watch->options.closure, &advisory);
    tw_watch_unlock(watch);
    int result = tell(watch, run, id, tw_episode_document(&advisory), error);
    if (!result) {
        episode->transition++;
        count_told(watch, episode, action);
    }
    return result;
}

char *tw_watch_run_document(const struct tw_watch *watch, const struct tw_run *run,
                            uint64_t sequence, char ret_id[TW_EVENT_ID_SIZE])
{
    struct tw_not_checked not_checked[TW_DETECTORS_MAX];
    struct tw_run_advisory advisory = {
        .run = tw_run_identity(run),
        .time_ms = time_now(run),
        .step = run->context->step,
        .transition = run->core.transition,
        .sequence = run->core.ended ? 0 : sequence,
        .status = run->core.ended ? tw_end_status_name(run->core.status) : "running",
        .verdict = tw_run_verdict(run, watch->options.settings),
        .not_checked = not_checked,
    };
    advisory.n_not_checked =
        tw_run_not_checked(run, watch->options.settings, not_checked, TW_DETECTORS_MAX);
    tw_run_advisory_id(ret_id, &advisory);
    return tw_run_document(&advisory);
}

static int tell_run(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    char id[TW_EVENT_ID_SIZE];
    int result = tell(watch, run, id, tw_watch_run_document(watch, run, 0, id), error);
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
    tw_watch_lock(watch);
    episode->n_suggestions = (uint32_t)tw_rules_suggest(
        watch->options.rules, &episode->finding, others, n_others, &facts, taken, n_taken,
        episode->suggestions, TW_SUGGESTIONS_MAX, &episode->rule, &failed, &error);
    if (watch->options.tally)
        watch->options.tally->rule_failures += failed;
    tw_watch_unlock(watch);
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
        .step = run->context->step,
        .time_ms = time_now(run),
        .cooldown_steps = watch->options.settings->shared.cooldown_steps,
        .findings_max = watch->options.settings->shared.findings_max,
        .first_transition = run->core.first_transition,
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

int tw_watch_apply(struct tw_watch *watch, struct tw_run *run, uint32_t detector,
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
            count_open(watch, before, -1);
        struct tw_episode *episode = tw_episodes_apply(&run->episodes, &change, condition, &action,
                                                       &run->core.findings_dropped);
        struct tw_episode *after =
            tw_episodes_find_open(&run->episodes, detector, condition->scope);
        if (after)
            count_opened(watch, after);
        if (episode)
            result = tell_change(watch, run, episode, action, error);
    }
    return result;
}

int tw_watch_wake(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    struct tw_episode_change change = change_now(watch, run, 0);
    struct tw_episode *episode;
    enum tw_action action;
    int result = 0;
    while (!result && (episode = tw_episodes_wake(&run->episodes, &change, &action,
                                                  &run->core.findings_dropped))) {
        /* What waited was no graver than what had closed, so it cannot escalate an open one. */
        count_opened(watch, episode);
        result = tell_change(watch, run, episode, action, error);
    }
    return result;
}

bool tw_watch_is_flagged(const struct tw_run *run)
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

/* ---- the run's end, and that it was none ---- */

static int finish_detectors(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    const struct tw_settings *settings = watch->options.settings;
    int result = 0;
    for (uint32_t i = 0; tw_detectors[i] && !result; i++) {
        struct tw_report report = {0};
        tw_detectors[i]->finish(tw_run_detector_state(run, i), settings->detector[i], run->context,
                                &settings->shared, &report);
        result = tw_watch_apply(watch, run, i, &report, error);
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
        count_open(watch, episode, -1);
        result = tell_episode(watch, run, episode, TW_ACTION_STILL_OPEN, error);
    }
    return result;
}

uint32_t tw_watch_stalled_run(void)
{
    uint32_t index = 0;
    while (tw_detectors[index] != &tw_detector_stalled_run)
        index++;
    return index;
}

/* Ranks that had fallen silent when the run failed. */
static int report_failed_ranks(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    uint32_t index = tw_watch_stalled_run();
    struct tw_report report;
    report.n = report.n_dropped = 0;
    if (!run->ranks || run->core.status != TW_END_FAILED)
        return 0;
    tw_ranks_failed(run->ranks, watch->options.settings->detector[index], &report);
    return tw_watch_apply(watch, run, index, &report, error);
}

int tw_watch_finish(struct tw_watch *watch, struct tw_run *run, enum tw_end_status status,
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
        result = tw_watch_draw_end(watch, run, error);
    if (!result)
        result = tell_run(watch, run, error);
    run->core.suspects = 0;
    return result;
}

/* A resumed run goes on where it ended, and so does what was wrong with it. */
void tw_watch_go_on(struct tw_watch *watch, struct tw_run *run)
{
    run->core.ended = 0;
    for (size_t i = 0; i < run->episodes.n; i++) {
        struct tw_episode *episode = &run->episodes.at[i];
        if (episode->finding.state != TW_STATE_STILL_OPEN)
            continue;
        episode->finding.state = TW_STATE_OPEN;
        count_opened(watch, episode);
    }
}
