/* "did you mean": the known word nearest to what somebody typed. */
#ifndef TW_NEAREST_H
#define TW_NEAREST_H

#include <stddef.h>

/* The word at the smallest edit distance from `typed`, or NULL when none is near (over a third of
 * its length, at least 2). */
const char *tw_nearest(const char *typed, const char *const *words, size_t n);

#endif
