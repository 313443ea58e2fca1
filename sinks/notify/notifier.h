/* What makes a sink a notifying one: documents from the advisory log into groups, groups into the
 * notification log, notifications to the sink. The delivery loop (delivery.h) calls it round after
 * round. One thread.
 *
 * The order that makes it at-least-once: a batch of documents and what came of it is durable in the
 * notification log; then the log's cursor is saved; then what is due is sent; then that it was sent
 * is durable. A crash between the last two sends the same notification again, under the same id. */
#ifndef TW_NOTIFY_NOTIFIER_H
#define TW_NOTIFY_NOTIFIER_H

#include "sinks/sink.h"

#include "advisories/log.h"

struct tw_notifier;
struct tw_dead_letters;
struct tw_kibana_config;

struct tw_notifier_options {
    const char *name; /* the sink's */
    const struct tw_sink *sink;
    void *handle;       /* the opened sink */
    const void *config; /* the sink's */
    const struct tw_log_location *log;
    const char *state_dir;
    const struct tw_kibana_config *kibana; /* may be NULL */
    const char *config_path;               /* may be NULL */
    struct tw_dead_letters *dead;          /* takes what is refused for good */
    double backoff_first, backoff_max;
    void (*log_line)(void *closure, char level, const char *text); /* may be NULL */
    void *closure;
};

/* What one round did. */
struct tw_notifier_round {
    uint64_t documents;            /* taken from the log, and durable */
    uint64_t sent, failed, buried; /* notifications; dead letters of both kinds */
    char reason[TW_REASON_MAX];    /* why something failed; empty: nothing did */
    bool is_waiting;               /* another agent notifies */
    bool is_settled;               /* nothing is left that could be sent now */
    int64_t lag;                   /* documents; negative: not known */
    int64_t unsent;                /* notifications that wait; negative: another agent's */
    uint64_t false_alarms, useful; /* feedback */
};

int tw_notifier_open(struct tw_notifier **ret, const struct tw_notifier_options *options,
                     struct tw_error *error);
/* Waits up to `seconds` for something to do, and does it. `hurry`: what failed is tried again
 * without its pause. Negative: something durable failed, which the next round does not go on from
 * but from what is durable. */
int tw_notifier_work(struct tw_notifier *notifier, double seconds, bool hurry,
                     struct tw_notifier_round *ret, struct tw_error *error);
void tw_notifier_close(struct tw_notifier *notifier); /* NULL is allowed */

#endif
