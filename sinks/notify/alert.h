/* An alert: what is known of one episode that somebody is told of. */
#ifndef TW_NOTIFY_ALERT_H
#define TW_NOTIFY_ALERT_H

#include "advisories/advisory.h"
#include "sinks/document.h"

#include <stdbool.h>
#include <stdint.h>

struct json_t; /* jansson's */

/* ENDED: its run ended before it did. It will not change unless its run goes on, and nothing got
 * well. */
enum tw_alert_status {
    TW_ALERT_FIRING,
    TW_ALERT_RESOLVED,
    TW_ALERT_WITHDRAWN,
    TW_ALERT_FALSE,
    TW_ALERT_ENDED
};

struct tw_alert {
    char episode[TW_EVENT_ID_SIZE];
    uint32_t transition; /* of the newest document */
    enum tw_alert_status status;
    int severity;             /* 0 info, 1 warning, 2 critical */
    int64_t starts_ms;        /* time of the first document that was seen; 0: not known */
    int64_t ends_ms;          /* of the one that ended it */
    struct json_t *subject;   /* subject.h; NULL once nobody has to be told of it any more */
    struct json_t *causes;    /* array of episode ids; may be NULL */
    char *document, *comment; /* the newest document; what a feedback said, or NULL */
};

/* As people are told it: "firing" (ENDED, too), "resolved", "withdrawn", "false-alarm". */
const char *tw_alert_status_name(enum tw_alert_status status);
static inline bool tw_alert_is_over(const struct tw_alert *alert)
{
    return alert->status != TW_ALERT_FIRING;
}

/* Takes over what the document says; `text` is the document. False when out of memory. */
bool tw_alert_update(struct tw_alert *alert, const struct tw_document *document, const char *text,
                     size_t size);
/* Nobody has to be told any more: only that it was there is kept. */
void tw_alert_forget(struct tw_alert *alert);
void tw_alert_release(struct tw_alert *alert);

/* As a durable record, and back; false for what is none. */
struct json_t *tw_alert_json(const struct tw_alert *alert);
bool tw_alert_from_json(struct tw_alert *ret, const char *episode, const struct json_t *record);

/* "2026-11-27T08:00:00.000Z" of a document as milliseconds. */
int64_t tw_document_time_ms(const struct tw_document *document);

#endif
