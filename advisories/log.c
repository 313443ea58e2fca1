/* The advisory log: one face for the file and the topic. */
#include "advisories/log.h"

#include "advisories/log_kind.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tw_log {
    const struct tw_log_kind *kind;
    void *log;
    uint64_t appended;
    uint64_t repeats;
};

struct tw_log_reader {
    const struct tw_log_kind *kind;
    void *reader;
};

static const struct tw_log_kind *find_kind(const struct tw_log_location *location,
                                           struct tw_error *error)
{
    if (location->dir)
        return &tw_log_file_kind;
    if (location->brokers)
        return &tw_log_kafka_kind;
    tw_error_set(error, -EINVAL, "the advisory log needs a directory or Kafka brokers");
    return NULL;
}

int tw_log_open(struct tw_log **ret, const struct tw_log_location *location, struct tw_error *error)
{
    const struct tw_log_kind *kind = find_kind(location, error);
    if (!kind)
        return -EINVAL;
    struct tw_log *log = calloc(1, sizeof *log);
    if (!log)
        return tw_error_set(error, -ENOMEM, "out of memory");
    log->kind = kind;
    int result = kind->open(&log->log, location, error);
    if (result) {
        free(log);
        return result;
    }
    *ret = log;
    return 0;
}

const char *tw_log_stream_name(enum tw_log_stream stream)
{
    return stream == TW_LOG_CHARTS ? "charts" : "advisories";
}

int tw_log_append(struct tw_log *log, const char *id, const char *run, const char *document,
                  struct tw_error *error)
{
    return tw_log_append_to(log, TW_LOG_ADVISORIES, id, run, document, error);
}

int tw_log_append_to(struct tw_log *log, enum tw_log_stream stream, const char *id, const char *run,
                     const char *document, struct tw_error *error)
{
    if (strlen(document) >= TW_DOCUMENT_BYTES_MAX || strchr(document, '\n'))
        return tw_error_set(error, -EINVAL, "document %s is not one line of less than %u bytes", id,
                            TW_DOCUMENT_BYTES_MAX);
    int result = log->kind->append(log->log, stream, id, run, document, error);
    if (result == TW_LOG_REPEAT) {
        log->repeats++;
        result = 0;
    }
    log->appended += !result;
    return result;
}

uint64_t tw_log_repeats(const struct tw_log *log)
{
    return log->repeats;
}

int tw_log_flush(struct tw_log *log, double timeout_seconds, struct tw_error *error)
{
    return log->kind->flush(log->log, timeout_seconds, error);
}

uint64_t tw_log_appended(const struct tw_log *log)
{
    return log->appended;
}

int tw_log_durable(struct tw_log *log, uint64_t *ret, struct tw_error *error)
{
    if (log->kind->durable)
        return log->kind->durable(log->log, ret, error);
    int result = log->kind->flush(log->log, 0, error);
    *ret = result ? 0 : log->appended;
    return result;
}

void tw_log_close(struct tw_log *log)
{
    if (!log)
        return;
    log->kind->close(log->log);
    free(log);
}

/* A cursor's name becomes a file's name and part of a consumer group's. */
static bool is_cursor_name(const char *name)
{
    size_t n = strlen(name);
    if (!n || n > 100 || name[0] == '.')
        return false;
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("-_.", *at))
            return false;
    }
    return true;
}

int tw_log_reader_open(struct tw_log_reader **ret, const struct tw_log_location *location,
                       const char *name, struct tw_error *error)
{
    const struct tw_log_kind *kind = find_kind(location, error);
    if (!kind)
        return -EINVAL;
    if (!is_cursor_name(name))
        return tw_error_set(error, -EINVAL,
                            "'%s' cannot name a cursor: use letters, digits, '-', '_' and '.'",
                            name);
    struct tw_log_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return tw_error_set(error, -ENOMEM, "out of memory");
    reader->kind = kind;
    int result = kind->reader_open(&reader->reader, location, name, error);
    if (result) {
        free(reader);
        return result;
    }
    *ret = reader;
    return 0;
}

long tw_log_read(struct tw_log_reader *reader, struct tw_log_item *items, size_t max,
                 double timeout_seconds, struct tw_error *error)
{
    return reader->kind->read(reader->reader, items, max, timeout_seconds, error);
}

void tw_log_idle(struct tw_log_reader *reader)
{
    if (reader->kind->idle)
        reader->kind->idle(reader->reader);
}

int tw_log_commit(struct tw_log_reader *reader, struct tw_error *error)
{
    return reader->kind->commit(reader->reader, error);
}

int64_t tw_log_lag(struct tw_log_reader *reader)
{
    return reader->kind->lag(reader->reader);
}

void tw_log_reader_close(struct tw_log_reader *reader)
{
    if (!reader)
        return;
    reader->kind->reader_close(reader->reader);
    free(reader);
}
