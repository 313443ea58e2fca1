/* A sink is one file ending in one struct tw_sink, listed in sinks.c. It renders and delivers a
 * batch of documents and says for each whether it is done; cursors, back-off, jitter and dead
 * letters belong to the delivery loop (delivery.h). */
#ifndef TW_SINK_H
#define TW_SINK_H

#include "telemetry/error.h"
#include "telemetry/option.h"

#include <stdio.h>

struct json_t; /* jansson's */
struct tw_kibana_config;

struct tw_sink_item {
    const char *document; /* one document of the log, JSON text; borrowed */
    size_t size;
};

enum tw_outcome {
    TW_OUTCOME_DONE,   /* delivered, or was there already, or this sink does not care for it */
    TW_OUTCOME_RETRY,  /* come again later; also for a refused login: nothing is ever dropped */
    TW_OUTCOME_POISON, /* this item will never be taken: to the dead letters */
};

#define TW_REASON_MAX 256

struct tw_sink_result {
    enum tw_outcome outcome;
    char reason[TW_REASON_MAX]; /* for RETRY and POISON: one clause */
    double retry_after;         /* for RETRY of a notification: seconds, at least; 0: the loop's */
    bool is_partial; /* for RETRY of a notification: all its recipients had their turn, and one has
                      * it; those that are left shall hold up nobody */
};

/* Of a notification for several recipients: who needs it no more. */
struct tw_sink_progress {
    /* {recipient: true, or why it was refused for good; or a number, while it is put off} */
    const struct json_t *done;
    /* One more has it, or was refused (`refusal` says why, else NULL): durable when it returns 0,
     * and in `done`. Else the sink returns soon, with RETRY. */
    int (*keep)(void *closure, const char *recipient, const char *refusal);
    /* The far end cannot take it for this one now. Returns 1 where it has been so for so long that
     * it is given up: then this is kept as a refusal is, and it is no longer tried; else as keep().
     */
    int (*put_off)(void *closure, const char *recipient, const char *reason);
    void *closure;
};

struct tw_sink_setup {
    bool is_dry_run; /* says what it would do */
    bool exports;    /* prints the requests to `file` instead, and connects to nothing */
    FILE *file;      /* takes a line for each thing: what it is, and what was done to it */
};

struct tw_sink {
    const char *name;        /* the key in the configuration: "elasticsearch" */
    const char *description; /* one line */
    const struct tw_option *options;
    size_t n_options, config_size;
    size_t batch_max;  /* most items in one deliver() */
    bool takes_charts; /* the log's stream of charts is delivered to it too, by a loop of its own */

    /* Checks the configuration beyond its types; connects to nothing. `config` stays valid until
     * close. */
    int (*open)(void **ret, const void *config, struct tw_error *error);
    /* (optional) Told, before anything else, what it may link to; valid until close. A notifying
     * sink needs none: links are in its notifications. */
    void (*link)(void *sink, const struct tw_kibana_config *kibana);
    /* Delivers; sets results[i] for each of the n, also when the whole call fails. Bounded by the
     * sink's own time-outs. */
    void (*deliver)(void *sink, const struct tw_sink_item *items, size_t n,
                    struct tw_sink_result *results);
    /* A notifying sink has this instead of deliver(): the loop groups documents (notify/groups.h)
     * by the struct tw_notify_config at `notify_offset` of its config. Renders and sends one
     * notification (docs/notifications.md); the same id may come again. Bounded likewise.
     * `progress` may be NULL: nobody has it yet, and nothing is kept. */
    void (*notify)(void *sink, const struct json_t *notification,
                   const struct tw_sink_progress *progress, struct tw_sink_result *ret);
    size_t notify_offset;
    /* (optional) Any thread: makes a deliver() that is under way return soon, with RETRY for what
     * is left. The sink is only closed after it. */
    void (*interrupt)(void *sink);
    /* (optional) Connects and says what is wrong, with the remedy, for `trainward check`. With
     * `send_test`, sends a harmless test document where the sink has one (a test mail). */
    int (*check)(void *sink, bool send_test, struct tw_error *error);
    /* (optional) Creates what the sink needs at its far end (index templates); idempotent. */
    int (*setup)(void *sink, const struct tw_sink_setup *setup, struct tw_error *error);
    void (*close)(void *sink); /* NULL is allowed */
};

extern const struct tw_sink *const tw_sinks[]; /* NULL-terminated */
const struct tw_sink *tw_sink_find(const char *name);

#endif
