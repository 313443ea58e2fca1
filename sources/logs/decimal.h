/* A number in text that is not NUL-terminated: decimal, or nan, inf, Infinity in any case. */
#ifndef TW_LOG_DECIMAL_H
#define TW_LOG_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* False where not all of the text is one number. */
static inline bool tw_decimal(const char *text, size_t size, double *ret)
{
    char copy[64], *end;
    if (!size || size >= sizeof copy || strchr(" \t\r\n", *text) || memchr(text, 'x', size) ||
        memchr(text, 'X', size))
        return false;
    memcpy(copy, text, size);
    copy[size] = 0;
    *ret = strtod(copy, &end);
    return end == copy + size;
}

#endif
