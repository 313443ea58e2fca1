/* JSON as advisories write it: keys in the order they were set, numbers in the shortest form that
 * reads back the same, and no NaN: null with a flag beside it. */
#ifndef TW_JSON_TEXT_H
#define TW_JSON_TEXT_H

#include <stddef.h>

struct json_t; /* jansson's */

/* Room for the longest number: "-2.2250738585072014e-308" and NUL. */
#define TW_NUMBER_TEXT_SIZE 32

/* The shortest text of a finite number that reads back the same, always with a decimal point and
 * never a comma, whatever the locale. Returns `buffer`. */
const char *tw_number_text(double value, char buffer[TW_NUMBER_TEXT_SIZE]);

/* One line of JSON without newline. New string for free(), NULL when out of memory. */
char *tw_json_text(const struct json_t *value);

/* A string; bytes that are not UTF-8 become U+FFFD. New reference, NULL when out of memory. */
struct json_t *tw_json_string(const char *text);

/* Sets `name` to a number; NaN and infinities become null and `<name>_nonfinite` beside it says
 * which: "nan", "inf" or "-inf". Returns 0, or -1 when out of memory. */
int tw_json_set_number(struct json_t *object, const char *name, double value);

#endif
