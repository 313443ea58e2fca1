/* The one rule that keeps messages true: the first failure wins. */
#include "telemetry/error.h"

#include "telemetry/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

TW_PRINTF(6, 0)
static int set_at(struct tw_error *error, int code, const char *place, unsigned line,
                  unsigned column, const char *format, va_list arguments)
{
    if (!error || error->code)
        return code;
    error->code = code;
    error->line = line;
    error->column = column;
    if (place)
        snprintf(error->place, sizeof error->place, "%s", place);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    return code;
}

int tw_error_set(struct tw_error *error, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_at(error, code, NULL, 0, 0, format, arguments);
    va_end(arguments);
    return code;
}

int tw_error_at(struct tw_error *error, int code, const char *place, unsigned line, unsigned column,
                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_at(error, code, place, line, column, format, arguments);
    va_end(arguments);
    return code;
}

void tw_error_add_place(struct tw_error *error, const char *place)
{
    if (error && error->code && !error->place[0] && place)
        snprintf(error->place, sizeof error->place, "%s", place);
}

/* Messages quote what a file holds: nothing in it is to steer a terminal, or begin a line of a log.
 */
static void hide_controls(char *text)
{
    size_t left = strlen(text);
    while (left) {
        size_t size = tw_control_size(text, left);
        memset(text, '?', size);
        size += !size;
        text += size;
        left -= size;
    }
}

const char *tw_error_message(const struct tw_error *error, char *buffer, size_t size)
{
    if (!error->place[0])
        snprintf(buffer, size, "%s", error->text);
    else if (!error->line)
        snprintf(buffer, size, "%s: %s", error->place, error->text);
    else if (!error->column)
        snprintf(buffer, size, "%s:%u: %s", error->place, error->line, error->text);
    else
        snprintf(buffer, size, "%s:%u:%u: %s", error->place, error->line, error->column,
                 error->text);
    hide_controls(buffer);
    return buffer;
}
