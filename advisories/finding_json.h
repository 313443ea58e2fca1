/* The fields of a finding, for every object that has them. */
#ifndef TW_FINDING_JSON_H
#define TW_FINDING_JSON_H

#include "advisories/advisory.h"

/* Sets causes, detector, ..., suggestions, in the contract's order. Returns 0, or -1 when out of
 * memory. */
int tw_finding_set_fields(struct json_t *object, const struct tw_episode_advisory *advisory);

#endif
