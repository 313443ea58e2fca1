/* "did you mean": the known word nearest to what somebody typed. */
#ifndef TW_NEAREST_H
#define TW_NEAREST_H

#include <stddef.h>

/* The word at the smallest edit distance from `typed`, or NULL when none is near: the limit is a
 * third of its length, at least 2, and never more than half of either word. A swap of two
 * neighbours is one edit; of two words as near, the first. */
const char *tw_nearest(const char *typed, const char *const *words, size_t n);
/* The same of a text that has no final NUL. */
const char *tw_nearest_bytes(const char *typed, size_t length, const char *const *words, size_t n);

#endif
