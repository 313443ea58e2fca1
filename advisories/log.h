/* The advisory log: the durable queue between the judgement and the sinks. It has two streams under
 * the same rules: advisories, and charts for the sinks that draw. On one machine each is an
 * append-only file of JSON lines, `advisories.jsonl` and `charts.jsonl`, the latter in pieces; in a
 * cluster they are the Kafka topics PREFIX.advisories and PREFIX.charts. A sink is a reader with
 * its own cursor. */
#ifndef TW_LOG_H
#define TW_LOG_H

#include "telemetry/error.h"
#include "telemetry/option.h"

#include <stddef.h>
#include <stdint.h>

enum tw_log_stream { TW_LOG_ADVISORIES, TW_LOG_CHARTS };
#define TW_LOG_STREAMS 2
const char *tw_log_stream_name(enum tw_log_stream stream); /* "advisories", "charts" */

/* Where the log is: a directory, or Kafka. Strings are borrowed while the log is open. */
struct tw_log_location {
    const char *dir;                   /* file log: DIR/STREAM.jsonl, cursors in DIR/cursors/NAME */
    const char *brokers;               /* Kafka log, used when dir is NULL */
    const char *prefix;                /* topics PREFIX.STREAM; default "trainward" */
    const struct tw_texts *properties; /* further librdkafka properties "key=value"; may be NULL */
    enum tw_log_stream stream;         /* what a reader reads */

    /* Of the writing end of a file log: the file of charts becomes a complete one, and another is
     * begun, once it has so many bytes, or was written for so many seconds; 0: never. Complete ones
     * go once all these readers have committed behind them; without readers they stay. */
    uint64_t charts_file_bytes;
    double charts_file_seconds;
    const struct tw_texts *charts_readers;
};

/* The writing end. One thread. */
struct tw_log;
int tw_log_open(struct tw_log **ret, const struct tw_log_location *location,
                struct tw_error *error);
/* Appends one document: one line of JSON without newline, its event.id and its run id (the Kafka
 * key). An id that stands among the newest 4,096 of a file log's stream is not written again, so
 * that a replay after a crash leaves no copies. A torn last line of a file log is cut off on open.
 *
 * Where as much waits for the brokers as may, it waits for them, up to 10 seconds. */
int tw_log_append(struct tw_log *log, const char *id, const char *run, const char *document,
                  struct tw_error *error);
/* The same to a stream; tw_log_append() is that of advisories. */
int tw_log_append_to(struct tw_log *log, enum tw_log_stream stream, const char *id, const char *run,
                     const char *document, struct tw_error *error);
/* Returns once everything appended to any stream is durable (fsync; the brokers' acknowledgement).
 * -ETIMEDOUT after `timeout_seconds`: it is still under way, flush again. Any other error: nothing
 * appended since the last success may be counted on, append it again. */
int tw_log_flush(struct tw_log *log, double timeout_seconds, struct tw_error *error);
/* The same without a wait for the brokers: documents are numbered from 1 in the order in which they
 * were appended since the open, and all up to the one returned in `ret` are durable. (A file log is
 * flushed by it.) */
uint64_t tw_log_appended(const struct tw_log *log); /* the newest one's number */
uint64_t tw_log_repeats(const struct tw_log *log);  /* how many of them were there already */
int tw_log_durable(struct tw_log *log, uint64_t *ret, struct tw_error *error);
void tw_log_close(struct tw_log *log); /* NULL is allowed */

/* The reading end with a cursor: one for each sink, each with a unique name. One thread. */
struct tw_log_reader;
struct tw_log_item {
    char *document; /* owned by the reader until the next read */
    size_t size;
    char position[48]; /* for people: "byte 1234", "partition 3 offset 12" */
};
int tw_log_reader_open(struct tw_log_reader **ret, const struct tw_log_location *location,
                       const char *name, struct tw_error *error);
/* Reads up to `max` further documents, waiting up to `timeout_seconds` for the first. Returns how
 * many (0: none now), or negative. Whatever was read before is given back by it. */
long tw_log_read(struct tw_log_reader *reader, struct tw_log_item *items, size_t max,
                 double timeout_seconds, struct tw_error *error);
/* Keeps the reader's place in its consumer group without reading on: call it at least every minute
 * while a batch waits for a sink that is away. Does nothing for a file log. */
void tw_log_idle(struct tw_log_reader *reader);
/* Saves the cursor behind all that was read: it survives kill -9 (tmp + fsync + rename; a
 * committed offset). Call it once every item read is delivered or dead. */
int tw_log_commit(struct tw_log_reader *reader, struct tw_error *error);
/* Bytes or messages between the cursor and the end; -1 unknown. */
int64_t tw_log_lag(struct tw_log_reader *reader);
void tw_log_reader_close(struct tw_log_reader *reader); /* NULL is allowed */

#endif
