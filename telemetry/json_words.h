/* JSON as other languages write it, made into JSON that a strict parser takes. */
#ifndef TW_JSON_WORDS_H
#define TW_JSON_WORDS_H

#include <stddef.h>

/* A copy of `data` for free() in which, outside of strings, NaN, Infinity, -Infinity, nan and inf
 * in any case are "nan", "inf" or "-inf" with quotes, and integers too long for 64 bits end in
 * "e0". `*ret_depth` is how deep brackets nest. NULL when out of memory. */
char *tw_json_strict(const char *data, size_t size, size_t *ret_size, unsigned *ret_depth);

#endif
