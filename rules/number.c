/* Numbers for people. */
#include "rules/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* printf() writes the locale's decimal point, which may be longer than one byte. */
static void make_point_plain(char *text)
{
    const char *point = localeconv()->decimal_point;
    char *at = strcmp(point, ".") ? strstr(text, point) : NULL;
    if (at) {
        *at = '.';
        memmove(at + 1, at + strlen(point), strlen(at + strlen(point)) + 1);
    }
}

int tw_number_format(char *to, size_t size, const char *format, double value)
{
    if (!format)
        format = value == floor(value) && fabs(value) < 1e15 ? "%.0f" : "%.4g";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int length = snprintf(to, size, format, value); /* the loader has checked the format */
#pragma GCC diagnostic pop
    if (length < 0 || (size_t)length >= size)
        return -1;
    make_point_plain(to);
    return (int)strlen(to);
}

/* By way of decimal text, because multiplying by powers of ten leaves dust in the last digits; both
 * ways use the locale's point, so that it cancels out. */
double tw_number_round(double value, int digits)
{
    char text[64];
    if (!isfinite(value))
        return value;
    digits = digits < 1 ? 1 : digits > 15 ? 15 : digits;
    snprintf(text, sizeof text, "%.*e", digits - 1, value);
    return strtod(text, NULL);
}
