/* A run as bytes: what a later agent goes on from. Native layout of this build behind a versioned
 * and checksummed envelope: a snapshot that another layout, other thresholds or another detector
 * version wrote does not fit and is refused, and the run is then rebuilt from its records. */
#ifndef TW_SNAPSHOT_H
#define TW_SNAPSHOT_H

#include "run.h"

/* The run as bytes for free(). NULL when out of memory. */
unsigned char *tw_snapshot_save(const struct tw_run *run, const struct tw_settings *settings,
                                size_t *ret_size);

/* The run again. -ESTALE: written with another version, layout or thresholds; -EBADMSG: damaged;
 * -ENOMEM. Any bytes are safe. */
int tw_snapshot_load(struct tw_run **ret, const void *data, size_t size,
                     const struct tw_settings *settings, struct tw_error *error);

#endif
