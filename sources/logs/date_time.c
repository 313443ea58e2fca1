#include "sources/logs/date_time.h"

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *cursor, const char *any_of)
{
    for (; cursor->at < cursor->end && *any_of; any_of++) {
        if (*cursor->at == *any_of) {
            cursor->at++;
            return true;
        }
    }
    return false;
}

/* Exactly so many digits. */
static bool take_digits(struct cursor *cursor, int n, int *ret)
{
    if (cursor->end - cursor->at < n)
        return false;
    for (*ret = 0; n--; cursor->at++) {
        if (*cursor->at < '0' || *cursor->at > '9')
            return false;
        *ret = *ret * 10 + (*cursor->at - '0');
    }
    return true;
}

/* Days since 1970 by the Gregorian calendar, from the years that begin in March, so that the leap
 * day is the last one (Howard Hinnant, "chrono-compatible low-level date algorithms", 2013). */
static int64_t days(int year, int month, int day)
{
    year -= month <= 2;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return 365LL * year + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

static int take_fraction(struct cursor *cursor)
{
    int milliseconds = 0, weight = 100, digit;
    if (!take(cursor, ".,"))
        return 0;
    while (take_digits(cursor, 1, &digit)) {
        milliseconds += digit * weight;
        weight /= 10;
    }
    return milliseconds;
}

/* Minutes east of Greenwich; what is no zone is left where it is. */
static int take_zone(struct cursor *cursor)
{
    struct cursor zone = *cursor;
    int hours, minutes = 0;
    if (take(cursor, "Z"))
        return 0;
    int sign = take(&zone, "-") ? -1 : take(&zone, "+") ? 1 : 0;
    if (!sign || !take_digits(&zone, 2, &hours))
        return 0;
    *cursor = zone;
    take(&zone, ":");
    if (take_digits(&zone, 2, &minutes))
        *cursor = zone;
    else
        minutes = 0;
    return sign * (hours * 60 + minutes);
}

size_t tw_log_date_time_at(const char *text, size_t size, int64_t *ret_ms)
{
    struct cursor cursor = {text, text + size};
    int year, month, day, hour, minute, second = 0;
    if (!take_digits(&cursor, 4, &year) || !take(&cursor, "-/") ||
        !take_digits(&cursor, 2, &month) || !take(&cursor, "-/") ||
        !take_digits(&cursor, 2, &day) || !take(&cursor, " T") || !take_digits(&cursor, 2, &hour) ||
        !take(&cursor, ":") || !take_digits(&cursor, 2, &minute))
        return 0;
    if (take(&cursor, ":") && !take_digits(&cursor, 2, &second))
        return 0;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 60)
        return 0;
    int milliseconds = take_fraction(&cursor), zone = take_zone(&cursor);
    *ret_ms = ((days(year, month, day) * 24 + hour) * 60 + minute - zone) * 60000 +
              second * 1000LL + milliseconds;
    return *ret_ms >= 0 ? (size_t)(cursor.at - text) : 0;
}

bool tw_log_date_time(const char *text, size_t size, int64_t *ret_ms)
{
    return size && tw_log_date_time_at(text, size, ret_ms) == size;
}
