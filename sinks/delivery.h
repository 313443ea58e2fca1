/* The one delivery loop: a thread for each configured sink that reads the advisory log at the
 * sink's cursor, delivers, backs off with jitter while the far end is away, puts poison aside and
 * saves the cursor once a batch is done. At-least-once, in the log's order. */
#ifndef TW_DELIVERY_H
#define TW_DELIVERY_H

#include "sink.h"

#include "advisories/log.h"

struct tw_delivery;
struct tw_kibana_config;

struct tw_delivery_options {
    const char *name; /* the configured sink's unique name: its cursor's identity */
    const struct tw_sink *sink;
    const void *config;                    /* the sink's, valid until stop */
    struct tw_log_location log;            /* where the advisory log is */
    const char *state_dir;                 /* where a notifying sink keeps its notification log */
    const struct tw_kibana_config *kibana; /* what sinks link to; may be NULL */
    const char *config_path;               /* the agent's, from the root, for commands that people
                                            * paste; may be NULL */
    const char *dead_letter_dir;       /* DIR/NAME.jsonl takes poison: document, reason, position */
    double backoff_first, backoff_max; /* seconds; 0 = 1 and 60 */
    /* (optional) told about failures and recoveries, from the delivery thread; `level` 'w' or 'i'
     */
    void (*log_line)(void *closure, char level, const char *text);
    void *closure;
};

struct tw_delivery_counts {
    uint64_t delivered, retried, poisoned; /* documents */
    uint64_t failures;                     /* attempts that left something to be tried again */
    int64_t lag;                           /* documents; negative: not known */
    uint64_t notified;                     /* notifications that a notifying sink sent */
    int64_t unsent;                        /* and that wait; negative: none of this sink */
    uint64_t false_alarms, useful;         /* feedback that a notifying sink came across */
    double last_success;                   /* seconds since 1970; 0: none yet */
    char last_error[TW_REASON_MAX];        /* empty once it delivers again */
};

/* Opens the sink and the log's reader and starts the thread. */
int tw_delivery_start(struct tw_delivery **ret, const struct tw_delivery_options *options,
                      struct tw_error *error);
/* Any thread. */
void tw_delivery_counts(struct tw_delivery *delivery, struct tw_delivery_counts *ret);
/* Delivers what is in the log now, for up to `drain_seconds`, then joins and frees. What was not
 * delivered waits at the cursor. Returns 0, or -ETIMEDOUT when something is left. NULL is allowed.
 */
int tw_delivery_stop(struct tw_delivery *delivery, double drain_seconds);

#endif
