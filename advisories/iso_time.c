/* Moments as texts. */
#include "config.h"

#include "advisories/iso_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *tw_iso_text(int64_t time_ms, char buffer[TW_ISO_SIZE])
{
    int64_t seconds = time_ms / 1000, milliseconds = time_ms % 1000;
    if (milliseconds < 0) {
        milliseconds += 1000;
        seconds--;
    }
    struct tm calendar;
    time_t when = (time_t)seconds;
    char day[32];
    if (!gmtime_r(&when, &calendar) || calendar.tm_year > 9999 - 1900 || calendar.tm_year < -1900 ||
        !strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &calendar))
        snprintf(day, sizeof day, "1970-01-01T00:00:00");
    snprintf(buffer, TW_ISO_SIZE, "%s.%03dZ", day, (int)milliseconds);
    return buffer;
}

bool tw_iso_parse(const char *text, int64_t *ret_ms)
{
    struct tm calendar = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &calendar);
    double fraction = 0;
    if (!rest)
        return false;
    if (*rest == '.') {
        char *end;
        fraction = strtod(rest, &end);
        rest = end;
    }
    if (*rest && strcmp(rest, "Z"))
        return false;
    *ret_ms = (int64_t)timegm(&calendar) * 1000 + (int64_t)(fraction * 1000 + .5);
    return true;
}
