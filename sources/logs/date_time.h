/* Dates with times of day, as ISO 8601 and programs that log write them. */
#ifndef TW_LOG_DATE_TIME_H
#define TW_LOG_DATE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads all of `text`: "2026-01-02 03:04:05", with 'T' for the blank, '/' in the date, a fraction
 * behind '.' or ',', "Z" or a zone such as "+01:00"; taken as UTC where there is none. `*ret_ms` is
 * the time since 1970; false where it is no such text, or before 1970. */
bool tw_log_date_time(const char *text, size_t size, int64_t *ret_ms);
/* Likewise of a text that goes on behind the date and time; returns how many bytes these take, 0
 * where it does not begin with them. */
size_t tw_log_date_time_at(const char *text, size_t size, int64_t *ret_ms);

#endif
