/* What several ranks say of one step, made into the one record that is judged. */
#ifndef TW_RANKS_COMBINE_H
#define TW_RANKS_COMBINE_H

#include "telemetry/record.h"

#include <stddef.h>

/* Most parts of one record; further ones are left out. */
#define TW_RANKS_PARTS_MAX 160

/* Combines `n` >= 1 records of one kind, ordered by rank, into an initialised `*ret`, which is
 * cleared first. Levels (losses, norms, rates, layers' figures) are medians of the finite ones; a
 * value that is not finite wins over any that is; durations, skips, overflows and samples are the
 * largest; dropped records and layers' counts are sums; the time is the latest; texts are the first
 * rank's that has them. The result is of rank 0. It does not depend on anything but the parts.
 * 0 or -ENOMEM. */
int tw_ranks_combine(const struct tw_record *parts, size_t n, struct tw_record *ret);

#endif
