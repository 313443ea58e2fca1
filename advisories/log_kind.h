/* What a kind of advisory log offers; log.c picks one by the location. */
#ifndef TW_LOG_KIND_H
#define TW_LOG_KIND_H

#include "advisories/log.h"

#include <stdbool.h>

/* No document is longer: an episode's is about 2 KB, with eight suggestions 10 KB. */
#define TW_DOCUMENT_BYTES_MAX (1u << 20)

#define TW_LOG_REPEAT 1

struct tw_log_kind {
    int (*open)(void **ret, const struct tw_log_location *location, struct tw_error *error);
    /* TW_LOG_REPEAT: it is there already, and is not written again. */
    int (*append)(void *log, enum tw_log_stream stream, const char *id, const char *run,
                  const char *document, struct tw_error *error);
    int (*flush)(void *log, double timeout_seconds, struct tw_error *error);
    /* (optional) How many of the appended ones are durable, in order; without it they are once
     * flush() has returned. */
    int (*durable)(void *log, uint64_t *ret, struct tw_error *error);
    void (*close)(void *log);

    int (*reader_open)(void **ret, const struct tw_log_location *location, const char *name,
                       struct tw_error *error);
    long (*read)(void *reader, struct tw_log_item *items, size_t max, double timeout_seconds,
                 struct tw_error *error);
    void (*idle)(void *reader); /* (optional) */
    int (*commit)(void *reader, struct tw_error *error);
    int64_t (*lag)(void *reader);
    void (*reader_close)(void *reader);
};

extern const struct tw_log_kind tw_log_file_kind, tw_log_kafka_kind;

#endif
