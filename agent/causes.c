/* Which findings follow from which: a table of what is known of training, and the order of time. */
#include "agent/causes.h"

#include <string.h>

/* The second follows from the first when the first began no later. With `is_slow` the symptom takes
 * long to show, and its onset is dated back to the run's start or to the best evaluation: then the
 * cause need only have begun before the symptom was detected. */
static const struct {
    const char *cause, *symptom;
    bool is_slow;
} follows[] = {
    {"learning-rate", "gradient-explosion", false},
    {"learning-rate", "divergence", false},
    {"learning-rate", "underfitting", true},
    {"resume-discontinuity", "gradient-explosion", false},
    {"resume-discontinuity", "loss-spike", false},
    {"resume-discontinuity", "divergence", false},
    {"resume-discontinuity", "saturation", false},
    {"resume-discontinuity", "dead-units", false},
    {"resume-discontinuity", "underfitting", true},
    {"gradient-explosion", "loss-spike", false},
    {"gradient-explosion", "divergence", false},
    {"gradient-explosion", "overflow", false},
    {"gradient-explosion", "saturation", false},
    {"gradient-explosion", "dead-units", false},
    {"gradient-explosion", "underfitting", true},
    {"divergence", "overflow", false},
    {"divergence", "saturation", false},
    {"divergence", "dead-units", false},
    {"divergence", "underfitting", true},
    {"overflow", "divergence", false},
    {"overflow", "underfitting", true},
    {"saturation", "vanishing-gradient", false},
    {"saturation", "underfitting", true},
    {"dead-units", "vanishing-gradient", false},
    {"dead-units", "underfitting", true},
    {"vanishing-gradient", "underfitting", true},
};

static bool is_known_consequence(const struct tw_finding *cause, const struct tw_finding *symptom)
{
    for (size_t i = 0; i < sizeof follows / sizeof *follows; i++) {
        if (strcmp(follows[i].cause, cause->detector) != 0 ||
            strcmp(follows[i].symptom, symptom->detector) != 0)
            continue;
        return cause->onset_step <= symptom->onset_step ||
               (follows[i].is_slow && cause->onset_step <= symptom->detected_step);
    }
    return false;
}

static bool names(const struct tw_episode *episode, const char *id)
{
    for (uint32_t i = 0; i < episode->n_causes; i++) {
        if (!strcmp(episode->causes[i], id))
            return true;
    }
    return false;
}

/* A cause that is over remains one, unless it turned out wrong. */
static bool is_valid(const struct tw_episode *other, const struct tw_episode *episode)
{
    return tw_episode_is_open(other) ||
           (other->finding.state != TW_STATE_WITHDRAWN && names(episode, other->id));
}

/* Two that each may cause the other (an overflow, a divergence) and began at the same step: the one
 * that was found first is the cause. */
static bool is_cause(const struct tw_episode *other, const struct tw_episode *episode)
{
    const struct tw_finding *cause = &other->finding, *symptom = &episode->finding;
    if (other == episode || !is_valid(other, episode) || cause->severity < TW_SEVERITY_WARNING ||
        !is_known_consequence(cause, symptom))
        return false;
    return !is_known_consequence(symptom, cause) || cause->detected_step < symptom->detected_step ||
           (cause->detected_step == symptom->detected_step && other < episode);
}

/* Keeps the causes in order of onset: what began first is what to change first. */
static void add_cause(const struct tw_episodes *episodes, struct tw_episode *episode,
                      const struct tw_episode *cause)
{
    uint32_t at = episode->n_causes;
    while (at > 0) {
        const struct tw_episode *before = tw_causes_episode(episodes, episode->causes[at - 1]);
        if (!before || before->finding.onset_step <= cause->finding.onset_step)
            break;
        at--;
    }
    if (at == TW_CAUSES_MAX)
        return;
    if (episode->n_causes < TW_CAUSES_MAX)
        episode->n_causes++;
    memmove(episode->causes[at + 1], episode->causes[at],
            (episode->n_causes - at - 1) * sizeof *episode->causes);
    memcpy(episode->causes[at], cause->id, sizeof *episode->causes);
}

void tw_causes_find(const struct tw_episodes *episodes, struct tw_episode *episode)
{
    struct tw_episode found = *episode;
    found.n_causes = 0;
    for (size_t i = 0; i < episodes->n; i++) {
        if (is_cause(&episodes->at[i], episode))
            add_cause(episodes, &found, &episodes->at[i]);
    }
    episode->n_causes = found.n_causes;
    memcpy(episode->causes, found.causes, sizeof episode->causes);
}

void tw_causes_find_all(struct tw_episodes *episodes)
{
    for (size_t i = 0; i < episodes->n; i++) {
        if (tw_episode_is_open(&episodes->at[i]))
            tw_causes_find(episodes, &episodes->at[i]);
    }
}

const struct tw_episode *tw_causes_episode(const struct tw_episodes *episodes, const char *id)
{
    for (size_t i = 0; i < episodes->n; i++) {
        if (!strcmp(episodes->at[i].id, id))
            return &episodes->at[i];
    }
    return NULL;
}

size_t tw_causes_parameters(const struct tw_episodes *episodes, const struct tw_episode *episode,
                            const char **ret, size_t max)
{
    size_t n = 0;
    for (uint32_t i = 0; i < episode->n_causes; i++) {
        const struct tw_episode *cause = tw_causes_episode(episodes, episode->causes[i]);
        for (uint32_t j = 0; cause && j < cause->n_suggestions && n < max; j++)
            ret[n++] = cause->suggestions[j].parameter;
    }
    return n;
}
