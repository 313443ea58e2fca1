/* Numbers for people: rounded, and written with a "." whatever the locale. */
#ifndef TW_RULES_NUMBER_H
#define TW_RULES_NUMBER_H

#include <stddef.h>

/* Writes `value` by a printf format with one double ("%.3g"); NULL = "%.4g", but whole numbers
 * below 1e15 with all their digits. Returns the length, or -1 when it does not fit. */
int tw_number_format(char *to, size_t size, const char *format, double value);

/* `value` rounded to `digits` (1 to 15) significant decimal digits. */
double tw_number_round(double value, int digits);

#endif
