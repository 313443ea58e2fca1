#include "agent/rotated_name.h"

#include <stdio.h>
#include <string.h>

/* So many digits are a date; fewer behind a '-' are likely another run's number. */
#define DATE_DIGITS 8

static size_t without_packing(const char *path)
{
    static const char *const ends[] = {".gz", ".zst"};
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t size = strlen(ends[i]);
        if (length > size && !strcmp(path + length - size, ends[i]))
            return length - size;
    }
    return length;
}

bool tw_rotated_name(char *ret, size_t size, const char *path)
{
    size_t end = without_packing(path), from = end, digits = 0;
    while (from && path[from - 1] && strchr("0123456789-_", path[from - 1]))
        digits += !strchr("-_", path[--from]);
    bool has_dot = from && path[from - 1] == '.' && digits;
    bool has_date = path[from] == '-' && digits >= DATE_DIGITS;
    size_t length = has_dot ? from - 1 : from;
    if (!(has_dot || has_date) || !length || path[length - 1] == '/' || length >= size)
        return false;
    snprintf(ret, size, "%.*s", (int)length, path);
    return true;
}
