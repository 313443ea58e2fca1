/* Episodes: one open per detector and scope, with a cool-down, so that nothing flaps. */
#include "agent/episodes.h"

#include <stdlib.h>
#include <string.h>

void tw_episodes_release(struct tw_episodes *episodes)
{
    free(episodes->at);
    *episodes = (struct tw_episodes){0};
}

bool tw_episode_is_open(const struct tw_episode *episode)
{
    return episode->finding.state == TW_STATE_OPEN;
}

struct tw_episode *tw_episodes_find_open(const struct tw_episodes *episodes, uint32_t detector,
                                         const char *scope)
{
    for (size_t i = episodes->n; i-- > 0;) {
        struct tw_episode *episode = &episodes->at[i];
        if (tw_episode_is_open(episode) && episode->detector == detector &&
            !strcmp(episode->finding.scope, scope))
            return episode;
    }
    return NULL;
}

static struct tw_episode *newest_closed(const struct tw_episodes *episodes, uint32_t detector,
                                        const char *scope)
{
    for (size_t i = episodes->n; i-- > 0;) {
        struct tw_episode *episode = &episodes->at[i];
        if (!tw_episode_is_open(episode) && episode->detector == detector &&
            !strcmp(episode->finding.scope, scope))
            return episode;
    }
    return NULL;
}

static void take_condition(struct tw_finding *finding, const struct tw_condition *condition)
{
    finding->severity = condition->severity;
    finding->confidence = condition->confidence;
    finding->evidence = condition->evidence;
}

static bool is_full(const struct tw_episodes *episodes, const struct tw_episode_change *change,
                    enum tw_severity severity)
{
    size_t most = change->findings_max * (severity == TW_SEVERITY_CRITICAL ? 2 : 1);
    return episodes->n >= most;
}

/* An empty episode called `id`. A run that names no attempt may come to the same step twice: then
 * its episode begins again, and its documents are counted on. */
static struct tw_episode *make_room(struct tw_episodes *episodes, bool is_full, const char *id)
{
    struct tw_episode *grown;
    for (size_t i = 0; i < episodes->n; i++) {
        struct tw_episode *same = &episodes->at[i];
        if (!strcmp(same->id, id)) {
            *same = (struct tw_episode){.transition = same->transition,
                                        .is_dismissed = same->is_dismissed};
            return same;
        }
    }
    if (is_full || !(grown = realloc(episodes->at, (episodes->n + 1) * sizeof *grown)))
        return NULL;
    episodes->at = grown;
    memset(&grown[episodes->n], 0, sizeof *grown);
    return &grown[episodes->n++];
}

static struct tw_episode *add_episode(struct tw_episodes *episodes,
                                      const struct tw_episode_change *change,
                                      const struct tw_condition *condition, uint32_t *ret_dropped)
{
    char id[TW_EVENT_ID_SIZE];
    tw_episode_id(id, change->run, change->attempt, tw_detectors[change->detector]->name,
                  condition->scope, change->step);
    struct tw_episode *episode =
        make_room(episodes, is_full(episodes, change, condition->severity), id);
    if (!episode) {
        ++*ret_dropped;
        return NULL;
    }
    memcpy(episode->id, id, sizeof episode->id);
    if (episode->transition < change->first_transition)
        episode->transition = change->first_transition;
    episode->detector = change->detector;
    struct tw_finding *finding = &episode->finding;
    finding->detector = tw_detectors[change->detector]->name;
    memcpy(finding->scope, condition->scope, sizeof finding->scope);
    finding->state = TW_STATE_OPEN;
    finding->onset_step = condition->onset_step;
    finding->onset_time_ms = condition->onset_time_ms;
    finding->detected_step = change->step;
    finding->detected_time_ms = change->time_ms;
    take_condition(finding, condition);
    return episode;
}

static void close_episode(struct tw_episode *episode, const struct tw_episode_change *change,
                          enum tw_state state)
{
    episode->finding.state = state;
    episode->finding.closed_step = change->step;
    episode->finding.closed_time_ms = change->time_ms;
}

/* Steps are batches in one log and epochs in another: no longer than a fifth of the run until then,
 * or a short log would fall silent after its first finding; but what turned out wrong is mistrusted
 * for as long as it stood. */
static uint64_t cooldown_steps(const struct tw_episode *closed,
                               const struct tw_episode_change *change)
{
    const struct tw_finding *finding = &closed->finding;
    uint64_t stood = finding->closed_step - finding->detected_step, most = finding->closed_step / 5;
    if (finding->state == TW_STATE_WITHDRAWN && stood > most)
        most = stood;
    return most < change->cooldown_steps ? most : change->cooldown_steps;
}

/* A run that went back behind the closing is another stretch of training: nothing cools there. */
static bool is_cooling_down(const struct tw_episode *closed, const struct tw_episode_change *change)
{
    return closed && change->step >= closed->finding.closed_step &&
           change->step - closed->finding.closed_step < cooldown_steps(closed, change);
}

static struct tw_episode *open_episode(struct tw_episodes *episodes,
                                       const struct tw_episode_change *change,
                                       const struct tw_condition *condition,
                                       enum tw_action *ret_action, uint32_t *ret_dropped)
{
    struct tw_episode *closed = newest_closed(episodes, change->detector, condition->scope);
    /* What grew worse than the last one is no flapping. */
    if (is_cooling_down(closed, change) && condition->severity <= closed->finding.severity) {
        closed->has_pending = 1;
        closed->pending = *condition;
        return NULL;
    }
    *ret_action = TW_ACTION_OPENED;
    return add_episode(episodes, change, condition, ret_dropped);
}

static struct tw_episode *escalate(struct tw_episode *open, const struct tw_condition *condition,
                                   enum tw_action *ret_action)
{
    if (condition->severity <= open->finding.severity)
        return NULL;
    take_condition(&open->finding, condition);
    *ret_action = TW_ACTION_ESCALATED;
    return open;
}

static struct tw_episode *close_open(struct tw_episode *open,
                                     const struct tw_episode_change *change,
                                     const struct tw_condition *condition,
                                     enum tw_action *ret_action)
{
    bool is_recovery = condition->state == TW_STATE_RECOVERED;
    close_episode(open, change, condition->state);
    open->finding.confidence = is_recovery ? condition->confidence : 0;
    *ret_action = is_recovery ? TW_ACTION_RECOVERED : TW_ACTION_WITHDRAWN;
    return open;
}

/* A suspicion that came to nothing serious but was worth a line: opened and closed in one. */
static struct tw_episode *note_recovered(struct tw_episodes *episodes,
                                         const struct tw_episode_change *change,
                                         const struct tw_condition *condition,
                                         enum tw_action *ret_action, uint32_t *ret_dropped)
{
    struct tw_episode *closed = newest_closed(episodes, change->detector, condition->scope);
    if (closed)
        closed->has_pending = 0;
    if (is_cooling_down(closed, change))
        return NULL;
    struct tw_episode *episode = add_episode(episodes, change, condition, ret_dropped);
    if (episode)
        close_episode(episode, change, TW_STATE_RECOVERED);
    *ret_action = TW_ACTION_RECOVERED;
    return episode;
}

struct tw_episode *tw_episodes_apply(struct tw_episodes *episodes,
                                     const struct tw_episode_change *change,
                                     const struct tw_condition *condition,
                                     enum tw_action *ret_action, uint32_t *ret_dropped)
{
    struct tw_episode *open = tw_episodes_find_open(episodes, change->detector, condition->scope);
    switch (condition->state) {
    case TW_STATE_OPEN:
        if (open)
            return escalate(open, condition, ret_action);
        return open_episode(episodes, change, condition, ret_action, ret_dropped);
    case TW_STATE_RECOVERED:
        if (open)
            return close_open(open, change, condition, ret_action);
        return note_recovered(episodes, change, condition, ret_action, ret_dropped);
    case TW_STATE_WITHDRAWN:
        if (open)
            return close_open(open, change, condition, ret_action);
        open = newest_closed(episodes, change->detector, condition->scope);
        if (open)
            open->has_pending = 0;
        return NULL;
    case TW_STATE_SUSPECT:
    case TW_STATE_STILL_OPEN:
        break;
    }
    return NULL;
}

struct tw_episode *tw_episodes_wake(struct tw_episodes *episodes,
                                    const struct tw_episode_change *change,
                                    enum tw_action *ret_action, uint32_t *ret_dropped)
{
    for (size_t i = 0; i < episodes->n; i++) {
        struct tw_episode *closed = &episodes->at[i];
        if (!closed->has_pending || is_cooling_down(closed, change))
            continue;
        struct tw_condition condition = closed->pending;
        struct tw_episode_change own = *change;
        own.detector = closed->detector;
        closed->has_pending = 0;
        struct tw_episode *opened =
            tw_episodes_apply(episodes, &own, &condition, ret_action, ret_dropped);
        if (opened)
            return opened;
    }
    return NULL;
}
