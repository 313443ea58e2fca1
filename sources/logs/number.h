/* Numbers as logs write them: the same in every locale, quick for ordinary decimals. */
#ifndef TW_LOG_NUMBER_H
#define TW_LOG_NUMBER_H

#include <stddef.h>

/* Reads all of `text` (not NUL-terminated) as one number, rounded to the nearest double.
 * Returns 1: a number, or a reading that is none: nan, inf, infinity in any case and with a sign,
 *            "nan(ind)", Microsoft's 1.#QNAN, 1.#IND, 1.#INF; *ret is set;
 *         0: absent: nothing, NA, N/A, null, None, <NA>; *ret is NaN;
 *        -1: no number; *ret is untouched.
 * Spaces around it, one pair of quotes (' or "), a leading '+' and thousands (1,234,567.8) are
 * taken. Hexadecimal is no number, nor is what is longer than 400 characters. */
int tw_log_number(const char *text, size_t size, double *ret);

/* The longest number that `text` begins with: a decimal without thousands, or one of the words
 * above where no letter, digit or '_' follows. Returns its length, 0 where there is none. No
 * spaces or quotes are passed over. */
size_t tw_log_number_at(const char *text, size_t size, double *ret);

#endif
