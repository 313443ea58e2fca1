/* The grouping core: advisory documents and the clock in, notifications out. No I/O: what has to
 * be durable goes through the port, as records of a key and a JSON value; the outbox holds what is
 * to be sent. docs/notifications.md tells the semantics. One thread.
 *
 * A notification is put into the outbox in the same step as its alerts are marked as told, and both
 * are made durable before it is sent: whatever dies in between, it is sent again as it was, under
 * the same id. */
#ifndef TW_NOTIFY_GROUPS_H
#define TW_NOTIFY_GROUPS_H

#include "sinks/notify/route.h"
#include "sinks/notify/silences.h"

struct tw_groups;
struct tw_kibana_config;

struct tw_groups_options {
    const char *receiver;                  /* the sink's configured name */
    const struct tw_notify_config *config; /* valid until close */
    const struct tw_kibana_config *kibana; /* what notifications link to; may be NULL; likewise */
    const char *config_path;               /* what their commands name; may be NULL; likewise */
    /* Keeps the record `key`, or removes it (NULL); `value` is borrowed. */
    void (*put)(void *closure, const char *key, const struct json_t *value);
    void *closure;
};

/* What a configuration says wrong, for a sink's open(). */
int tw_groups_check(const struct tw_notify_config *config, struct tw_error *error);

int tw_groups_open(struct tw_groups **ret, const struct tw_groups_options *options,
                   struct tw_error *error);
void tw_groups_close(struct tw_groups *groups); /* NULL is allowed */

/* Gives back a record that was kept, before any document; in any order. Then tell that these were
 * all. */
void tw_groups_restore(struct tw_groups *groups, const char *key, const struct json_t *value);
void tw_groups_restored(struct tw_groups *groups);

/* Takes one document of the advisory log; copies are passed over. False: it is none of ours, and
 * `reason` says why. */
bool tw_groups_take(struct tw_groups *groups, const char *document, size_t size, int64_t now_ms,
                    char *reason, size_t reason_size);
/* Puts what is due into the outbox. */
void tw_groups_tick(struct tw_groups *groups, const struct tw_silences *silences, int64_t now_ms);
/* True when memory ran out since the open: nothing it says can be counted on, open anew. */
bool tw_groups_has_failed(const struct tw_groups *groups);

/* ---- the outbox ---- */

/* The oldest first; borrowed until it is sent. */
struct tw_outbox_entry {
    struct tw_outbox_entry *next;
    char id[33];
    uint64_t number;
    const struct json_t *notification;
    unsigned attempts;   /* the sender's own: they are not durable */
    double next_at;      /* likewise */
    struct json_t *own;  /* the record */
    struct json_t *done; /* who of several recipients is (tw_sink_progress.done); NULL: nobody */
    bool lets_pass;      /* its groups go on without those who have not got it */
};
struct tw_outbox_entry *tw_groups_outbox(struct tw_groups *groups);
/* One more of its recipients has it, or was refused. */
void tw_groups_progress(struct tw_groups *groups, struct tw_outbox_entry *entry,
                        const char *recipient, const char *refusal);
/* One of its recipients cannot take it now. True where it has been so since TW_PUT_OFF_MAX_MS: it
 * is to be given up. */
#define TW_PUT_OFF_MAX_MS INT64_C(86400000)
bool tw_groups_put_off(struct tw_groups *groups, struct tw_outbox_entry *entry,
                       const char *recipient, int64_t now_ms);
/* Who can be told of it has been: what comes next in its groups need not wait for the others. */
void tw_groups_let_pass(struct tw_groups *groups, struct tw_outbox_entry *entry);
/* It is sent, or given up. */
void tw_groups_sent(struct tw_groups *groups, struct tw_outbox_entry *entry);

struct tw_groups_counts {
    uint64_t alerts, groups, outbox; /* now */
    uint64_t notifications;          /* made since the open */
    uint64_t silenced, inhibited;    /* alerts that were kept quiet at the last tick */
    uint64_t false_alarms, useful;   /* feedback since the open */
};
void tw_groups_counts(const struct tw_groups *groups, struct tw_groups_counts *ret);

#endif
