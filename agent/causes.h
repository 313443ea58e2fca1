/* Causes before symptoms: which of a run's findings follow from which. A story is a cause with all
 * that follows from it; the cause carries the advice, and what follows names it in `causes`. */
#ifndef TW_CAUSES_H
#define TW_CAUSES_H

#include "episodes.h"

/* Writes the ids of the open episodes, of severity warning or more, that `episode` is a known
 * consequence of into its causes, the one that began first at the front. A cause that recovered
 * meanwhile stays, one that was withdrawn goes. */
void tw_causes_find(const struct tw_episodes *episodes, struct tw_episode *episode);

/* The same for every open episode: a cause is often found after its first symptom. */
void tw_causes_find_all(struct tw_episodes *episodes);

/* The episode of that id, or NULL. */
const struct tw_episode *tw_causes_episode(const struct tw_episodes *episodes, const char *id);

/* The parameters that the causes of `episode` suggest changes of, borrowed from them; at most
 * `max`. Returns how many. */
size_t tw_causes_parameters(const struct tw_episodes *episodes, const struct tw_episode *episode,
                            const char **ret, size_t max);

#endif
