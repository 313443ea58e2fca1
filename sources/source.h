/* A source is one file ending in one struct tw_source, listed in sources.c: a way for telemetry to
 * come in. It yields records one by one, each with the position behind it, from which a later
 * process can go on. */
#ifndef TW_SOURCE_H
#define TW_SOURCE_H

#include "telemetry/error.h"
#include "telemetry/option.h"
#include "telemetry/record.h"

#include <stddef.h>
#include <string.h>

/* Where a record ends. Files: partition 0, offset in bytes, index 0. Kafka: offset of the message
 * and index of the record in it + 1. */
struct tw_position {
    int32_t partition;
    int64_t offset;
    uint32_t index;
};

enum tw_next {
    TW_NEXT_RECORD,   /* item->record is set */
    TW_NEXT_WAIT,     /* nothing now; more may come */
    TW_NEXT_END,      /* nothing more will come */
    TW_NEXT_BROKEN,   /* bytes that are no record were passed over: item->reason, item->bytes */
    TW_NEXT_ASSIGNED, /* Kafka: item->position.partition is ours now; restore, then source->start()
                       */
    TW_NEXT_REVOKED   /* Kafka: item->position.partition goes: save, commit, then forget; is_lost =
                       * it is gone already, do not commit */
};

struct tw_source_item {
    struct tw_record *record;    /* the source's own, valid until the next call */
    struct tw_position position; /* behind the record or the broken bytes */
    char reason[200];            /* BROKEN: why */
    const void *bytes;           /* BROKEN: what, valid until the next call; may be NULL */
    size_t n_bytes;
    const void *key; /* BROKEN, Kafka: the message's key, as long valid; may be NULL */
    size_t n_key;
    int64_t time_ms; /* BROKEN, Kafka: the message's time; negative: unknown */
    bool is_lost;
    bool is_last; /* ASSIGNED, REVOKED: all that come or go at once were told with this one */
};

/* Makes it empty, but for what stood behind the beginning of `reason`: one comes with each record.
 */
static inline void tw_source_item_clear(struct tw_source_item *item)
{
    const size_t before = offsetof(struct tw_source_item, reason) + 1;
    const size_t after = offsetof(struct tw_source_item, bytes);
    memset(item, 0, before);
    memset((char *)item + after, 0, sizeof *item - after);
}

struct tw_source_request {
    const char *path;           /* a file or directory */
    bool follow;                /* wait for more at the end (WAIT) instead of END */
    const void *config;         /* options of a source that has them (kafka), by its table */
    const char *run;            /* the id of a run whose log tells none; NULL: the path */
    const struct tw_texts *map; /* foreign logs: what raw names mean; NULL: by the table; valid
                                   until close */
};

struct tw_source {
    const char *name;                /* "run_directory", "kafka" */
    const char *description;         /* one line */
    const struct tw_option *options; /* (optional) */
    size_t n_options, config_size;

    /* (optional) 0..100: how sure am I that this path is mine, by its content. `map` is that of a
     * request: what it names is known; NULL is allowed. */
    int (*probe)(const char *path, const struct tw_texts *map);
    int (*open)(void **ret, const struct tw_source_request *request, struct tw_error *error);
    /* (optional) Goes on behind a saved position. For Kafka: starts a partition that was ASSIGNED,
     * offset < 0 = at the group's committed offset. */
    int (*start)(void *source, const struct tw_position *position, struct tw_error *error);
    /* The next thing. Waits up to `timeout_seconds` when there is nothing. Negative: the source
     * failed for good. */
    int (*next)(void *source, double timeout_seconds, struct tw_source_item *ret,
                struct tw_error *error);
    /* (optional) Nobody writes any more what is followed: it is read to its end, and END comes
     * where WAIT would. */
    void (*no_more)(void *source);
    /* (optional) Everything before this position is dealt with for ever (Kafka: commit offset). */
    int (*commit)(void *source, const struct tw_position *position, struct tw_error *error);
    /* (optional) For reports, valid until the next call: the form of the log; the raw names that a
     * run's signal comes from, NULL where there are none; what its steps are ("step", "epoch",
     * "row"), NULL for an unknown run. */
    const char *(*format)(void *source);
    const char *(*raw_name)(void *source, const char *run, enum tw_signal signal);
    const char *(*axis)(void *source, const char *run);
    void (*close)(void *source); /* NULL is allowed */
};

extern const struct tw_source *const tw_sources[]; /* NULL-terminated */
const struct tw_source *tw_source_find(const char *name);
/* The source that is surest of `path`, or NULL when none is. */
const struct tw_source *tw_source_probe(const char *path, const struct tw_texts *map);

#endif
