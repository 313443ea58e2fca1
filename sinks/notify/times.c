/* Hours of the day. */
#include "sinks/notify/times.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DAY_MINUTES 1440u
#define ALL_DAYS 0x7fu

static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/* "HH:MM", all of the text up to `end`. */
static bool read_minutes(const char *text, size_t length, unsigned *ret)
{
    unsigned hours = 0, minutes = 0;
    int used = 0;
    char copy[8];
    if (length >= sizeof copy || !isdigit((unsigned char)text[0]))
        return false;
    snprintf(copy, sizeof copy, "%.*s", (int)length, text);
    if (sscanf(copy, "%2u:%2u%n", &hours, &minutes, &used) != 2 || copy[used] || minutes > 59)
        return false;
    *ret = hours * 60 + minutes;
    return *ret <= DAY_MINUTES;
}

int tw_minutes_parse(const char *text, unsigned *ret, struct tw_error *error)
{
    if (read_minutes(text, strlen(text), ret))
        return 0;
    return tw_error_set(error, -EINVAL, "'%.40s' is not a time of the day such as 08:00", text);
}

int tw_zone_parse(const char *text, struct tw_zone *ret, struct tw_error *error)
{
    unsigned minutes;
    *ret = (struct tw_zone){0};
    if (!strcasecmp(text, "local")) {
        ret->is_local = true;
        return 0;
    }
    if (!strcasecmp(text, "utc"))
        return 0;
    if ((text[0] == '+' || text[0] == '-') && read_minutes(text + 1, strlen(text + 1), &minutes)) {
        ret->offset = (text[0] == '-' ? -60L : 60L) * (long)minutes;
        return 0;
    }
    return tw_error_set(error, -EINVAL,
                        "'%.40s' is neither local, UTC nor an offset such as +02:00 (for a zone "
                        "with summer time, say local and set TZ for the agent)",
                        text);
}

static int day_of(const char *text, size_t length)
{
    for (int i = 0; i < 7; i++) {
        if (length == 3 && !strncasecmp(text, day_names[i], 3))
            return i;
    }
    return -1;
}

/* "mon", "mon-fri", "sat,sun" up to a space. 0: not understood. */
static unsigned read_days(const char *text, size_t length)
{
    unsigned days = 0;
    while (length) {
        size_t part = 0;
        while (part < length && text[part] != ',')
            part++;
        int first = part >= 3 ? day_of(text, 3) : -1;
        int last = part == 3 ? first : part == 7 && text[3] == '-' ? day_of(text + 4, 3) : -1;
        if (first < 0 || last < 0)
            return 0;
        for (int day = first;; day = (day + 1) % 7) {
            days |= 1u << day;
            if (day == last)
                break;
        }
        part += part < length; /* the comma */
        text += part;
        length -= part;
    }
    return days;
}

int tw_quiet_parse(const char *text, struct tw_quiet *ret, struct tw_error *error)
{
    const char *space = strrchr(text, ' '), *hours = space ? space + 1 : text;
    const char *dash = strchr(hours, '-');
    *ret = (struct tw_quiet){.days = ALL_DAYS};
    if (space)
        ret->days = read_days(text, (size_t)(space - text));
    if (ret->days && dash && read_minutes(hours, (size_t)(dash - hours), &ret->from) &&
        read_minutes(dash + 1, strlen(dash + 1), &ret->to) && ret->from < DAY_MINUTES &&
        ret->from != ret->to)
        return 0;
    return tw_error_set(error, -EINVAL,
                        "'%.60s' is not written as 22:00-07:00, mon-fri 22:00-07:00 or sat,sun "
                        "00:00-24:00",
                        text);
}

struct tm tw_zone_calendar(const struct tw_zone *zone, int64_t now_ms)
{
    struct tm calendar = {0};
    time_t seconds = (time_t)(now_ms / 1000);
    if (zone->is_local) {
        localtime_r(&seconds, &calendar);
        return calendar;
    }
    seconds += zone->offset;
    gmtime_r(&seconds, &calendar);
    return calendar;
}

static bool is_in(const struct tw_quiet *quiet, unsigned day, unsigned minute)
{
    bool begins_today = quiet->days >> day & 1, began_yesterday = quiet->days >> (day + 6) % 7 & 1;
    if (quiet->from < quiet->to)
        return begins_today && minute >= quiet->from && minute < quiet->to;
    return (begins_today && minute >= quiet->from) || (began_yesterday && minute < quiet->to);
}

bool tw_quiet_is_now(const struct tw_quiet *quiet, size_t n, const struct tm *now)
{
    unsigned minute = (unsigned)now->tm_hour * 60 + (unsigned)now->tm_min;
    for (size_t i = 0; i < n; i++) {
        if (is_in(&quiet[i], (unsigned)now->tm_wday, minute))
            return true;
    }
    return false;
}
