/* What of a configuration may change while the sources go on. */
#ifndef TW_CONFIG_COMPARE_H
#define TW_CONFIG_COMPARE_H

#include "config.h"

/* True when sources, thresholds, state directory, advisory log and the sizes of `limits` are the
 * same: all that stands behind a run's saved state and its position, and the room for runs. */
bool tw_config_has_same_inputs(const struct tw_config *a, const struct tw_config *b);

/* Exchanges all the rest: sinks, delivery, rules, checkpoint, the times of `limits`, log, http,
 * shutdown_timeout. */
void tw_config_exchange_outputs(struct tw_config *a, struct tw_config *b);

#endif
