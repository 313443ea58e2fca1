/* One write a line, so that lines of several threads do not mix. */
#include "agent/logging.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static enum tw_logging_level threshold = TW_LOG_INFO;
static bool is_json;

void tw_logging_start(enum tw_logging_level level, bool as_json)
{
    threshold = level;
    is_json = as_json;
}

static void now_text(char *buffer, size_t size)
{
    struct timespec now;
    struct tm utc;
    char seconds[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(buffer, size, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

static char *json_line(const char *time, const char *level, const char *text)
{
    json_t *line = json_pack("{s:s, s:s, s:s}", "time", time, "level", level, "message", text);
    char *dumped = line ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    return dumped;
}

void tw_logging(enum tw_logging_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    char time[48], text[1024], line[1200];
    if (level > threshold)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    now_text(time, sizeof time);
    char *json = is_json ? json_line(time, names[level], text) : NULL;
    int size = json ? snprintf(line, sizeof line, "%s\n", json)
                    : snprintf(line, sizeof line, "%s %s: %s\n", time, names[level], text);
    free(json);
    if (size > 0 &&
        write(STDERR_FILENO, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1) < 0)
        return; /* nowhere to say that there is nowhere to say it */
}

void tw_logging_error(enum tw_logging_level level, const char *doing, const struct tw_error *error)
{
    char text[900];
    tw_logging(level, "%s: %s", doing, tw_error_message(error, text, sizeof text));
}
