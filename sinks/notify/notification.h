/* The notification: what mail and webhook render, a JSON object with ready-made texts beside raw
 * values (docs/notifications.md lists its keys). What is not there is left out, never null, so that
 * sections of a mustache template work. */
#ifndef TW_NOTIFY_NOTIFICATION_H
#define TW_NOTIFY_NOTIFICATION_H

#include "sinks/kibana.h"
#include "sinks/notify/alert.h"

#include "telemetry/option.h"

enum tw_notice_kind { TW_NOTICE_GROUP, TW_NOTICE_DIGEST, TW_NOTICE_SUMMARY, TW_NOTICE_TEST };

/* Alerts that are told in full; the others are named. */
#define TW_NOTICE_FULL_MAX 20

/* All borrowed. */
struct tw_notice {
    enum tw_notice_kind kind;
    const char *id, *thread; /* hex */
    const char *receiver, *route;
    const struct tw_texts *to;
    const char *key;                 /* of the group */
    const struct json_t *labels;     /* what the alerts have in common, an object; may be NULL */
    const struct tw_texts *group_by; /* what of a group they are; may be NULL */
    const char *config_path;         /* of the agent, for commands that people paste; may be NULL */
    const char *run_link;            /* with {run}; NULL: none */
    const struct tw_kibana_config *kibana; /* whose views are linked to otherwise; may be NULL */
    bool is_repeat;
    int64_t now_ms;
    size_t n;
    const struct tw_alert **alerts; /* what is told in full comes first */
    size_t n_opened, n_closed;      /* of a summary */
};

/* New reference, NULL when out of memory. */
struct json_t *tw_notification_make(const struct tw_notice *notice);
/* A made-up one for `trainward check`. */
struct json_t *tw_notification_test(const char *receiver, const struct tw_texts *to,
                                    int64_t now_ms);

#endif
