/* Hours of the day for people: quiet hours and the time of a summary, in a stated zone. Pure: the
 * time is an argument. */
#ifndef TW_NOTIFY_TIMES_H
#define TW_NOTIFY_TIMES_H

#include "telemetry/option.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct tw_zone {
    bool is_local; /* TZ of the process, with its changes to and from summer time */
    long offset;   /* else seconds east of UTC */
};

#define TW_QUIET_MAX 16

struct tw_quiet {
    unsigned days;     /* bit 0 = Sunday: the days on which it begins */
    unsigned from, to; /* minutes of the day; to <= from: it ends on the next day */
};

/* "local", "UTC", "+02:00". */
int tw_zone_parse(const char *text, struct tw_zone *ret, struct tw_error *error);
/* "HH:MM" to minutes of the day, "24:00" being 1440. */
int tw_minutes_parse(const char *text, unsigned *ret, struct tw_error *error);
/* "22:00-07:00", "mon-fri 22:00-07:00", "sat,sun 00:00-24:00". */
int tw_quiet_parse(const char *text, struct tw_quiet *ret, struct tw_error *error);

/* The calendar of a moment, milliseconds since 1970, in a zone. */
struct tm tw_zone_calendar(const struct tw_zone *zone, int64_t now_ms);
bool tw_quiet_is_now(const struct tw_quiet *quiet, size_t n, const struct tm *now);

#endif
