/* One write a line, so that lines of several threads do not mix. */
#include "agent/logging.h"

#include "advisories/json_text.h"
#include "sinks/terminal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static enum tw_logging_level threshold = TW_LOG_INFO;
static bool is_json, is_journal;

/* systemd.exec(5), $JOURNAL_STREAM: device and inode of the stream that leads to the journal. */
static bool leads_to_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uint64_t device, inode;
    struct stat own;
    return stream && sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 &&
           !fstat(STDERR_FILENO, &own) && own.st_dev == device && own.st_ino == inode;
}

void tw_logging_start(enum tw_logging_level level, bool as_json)
{
    threshold = level;
    is_json = as_json;
    is_journal = leads_to_journal();
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

static void set_text(json_t *line, const char *name, const char *text)
{
    if (text)
        json_object_set_new(line, name, tw_json_string(text));
}

/* For free(). */
static char *json_line(const char *time, const char *level, const struct tw_logging_fields *about,
                       const char *text)
{
    json_t *line =
        json_pack("{s:s, s:s, s:o}", "time", time, "level", level, "message", tw_json_string(text));
    if (!line)
        return NULL;
    set_text(line, "sink", about->sink);
    set_text(line, "source", about->source);
    set_text(line, "run", about->run);
    if (about->has_partition)
        json_object_set_new(line, "partition", json_integer(about->partition));
    char *dumped = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    return dumped;
}

/* For free(). */
static char *text_line(const char *time, const char *level, const char *text)
{
    char *line = NULL;
    size_t size;
    FILE *stream = open_memstream(&line, &size);
    if (!stream)
        return NULL;
    if (!is_journal) /* which keeps time and level itself */
        fprintf(stream, "%s %s: ", time, level);
    tw_terminal_print_clean(stream, text, strlen(text));
    if (!fclose(stream))
        return line;
    free(line);
    return NULL;
}

static void write_line(enum tw_logging_level level, const struct tw_logging_fields *about,
                       const char *text)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"}; /* sd-daemon(3) */
    char time[48], *whole = NULL;
    now_text(time, sizeof time);
    char *line =
        is_json ? json_line(time, names[level], about, text) : text_line(time, names[level], text);
    int size = line ? asprintf(&whole, "%s%s\n", is_journal ? priorities[level] : "", line) : -1;
    /* When it fails there is nowhere to say that there is nowhere to say it. */
    ssize_t written = size > 0 ? write(STDERR_FILENO, whole, (size_t)size) : 0;
    (void)written;
    if (size >= 0)
        free(whole);
    free(line);
}

static void log_arguments(enum tw_logging_level level, const struct tw_logging_fields *about,
                          const char *format, va_list arguments)
{
    char text[1024];
    if (level > threshold)
        return;
    vsnprintf(text, sizeof text, format, arguments);
    write_line(level, about, text);
}

void tw_logging(enum tw_logging_level level, const char *format, ...)
{
    const struct tw_logging_fields nothing = {0};
    va_list arguments;
    va_start(arguments, format);
    log_arguments(level, &nothing, format, arguments);
    va_end(arguments);
}

void tw_logging_about(enum tw_logging_level level, struct tw_logging_fields about,
                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_arguments(level, &about, format, arguments);
    va_end(arguments);
}

void tw_logging_error(enum tw_logging_level level, const char *doing, const struct tw_error *error)
{
    char text[900];
    tw_logging(level, "%s: %s", doing, tw_error_message(error, text, sizeof text));
}
