/* Episodes: what detectors say, turned into lives. One open per detector and scope, a cool-down
 * between two, severity only rises, a ceiling a run. */
#ifndef TW_EPISODES_H
#define TW_EPISODES_H

#include "advisories/advisory.h"
#include "detectors/detector.h"

struct tw_episode {
    uint32_t detector;         /* index in tw_detectors */
    struct tw_finding finding; /* finding.detector is set again after a restore */
    char id[TW_EVENT_ID_SIZE];
    uint32_t transition; /* number of the next document */
    uint32_t n_causes;
    char causes[TW_CAUSES_MAX][TW_EVENT_ID_SIZE];
    uint32_t n_suggestions;
    struct tw_suggestion suggestions[TW_SUGGESTIONS_MAX];
    struct tw_rule_name rule;
    uint8_t has_pending;  /* said again during the cool-down; opens after it */
    uint8_t is_dismissed; /* somebody called it a false alarm: people see it as closed */
    struct tw_condition pending;
};

struct tw_episodes {
    size_t n;
    struct tw_episode *at; /* owned, in order of detection */
};

void tw_episodes_release(struct tw_episodes *episodes);

bool tw_episode_is_open(const struct tw_episode *episode);

/* The open episode of a detector and scope, or NULL. */
struct tw_episode *tw_episodes_find_open(const struct tw_episodes *episodes, uint32_t detector,
                                         const char *scope);

/* What applying a condition did to an episode: `*ret_action` is set when it returns one. */
struct tw_episode_change {
    const char *run, *attempt;
    uint32_t detector;
    uint64_t step;
    int64_t time_ms;
    uint64_t cooldown_steps;
    size_t findings_max;       /* of a run; critical ones may make it twice as many */
    uint32_t first_transition; /* of a new episode: tw_run_core.first_transition */
};

/* Applies what a detector said. Returns the episode that changed and how, or NULL when nothing that
 * people see did. The pointer is valid until the next call. `*ret_dropped` counts findings that the
 * ceiling or memory refused. */
struct tw_episode *tw_episodes_apply(struct tw_episodes *episodes,
                                     const struct tw_episode_change *change,
                                     const struct tw_condition *condition,
                                     enum tw_action *ret_action, uint32_t *ret_dropped);

/* Whose cool-down is over and that was said again meanwhile: opens it, as above. Call until NULL.
 */
struct tw_episode *tw_episodes_wake(struct tw_episodes *episodes,
                                    const struct tw_episode_change *change,
                                    enum tw_action *ret_action, uint32_t *ret_dropped);

#endif
