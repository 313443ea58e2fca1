/* An alert. */
#include "config.h"

#include "sinks/notify/alert.h"

#include "advisories/iso_time.h"
#include "sinks/notify/subject.h"

#include "advisories/json_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"firing", "resolved", "withdrawn", "false-alarm", "ended"};

const char *tw_alert_status_name(enum tw_alert_status status)
{
    return names[status == TW_ALERT_ENDED ? TW_ALERT_FIRING : status];
}

int64_t tw_document_time_ms(const struct tw_document *document)
{
    int64_t at = 0;
    tw_iso_parse(document->timestamp, &at);
    return at;
}

static enum tw_alert_status status_of(const struct tw_document *document)
{
    if (!strcmp(document->action, "withdrawn"))
        return TW_ALERT_WITHDRAWN;
    if (!strcmp(document->action, "still_open"))
        return TW_ALERT_ENDED;
    return !strcmp(document->action, "recovered") ? TW_ALERT_RESOLVED : TW_ALERT_FIRING;
}

bool tw_alert_update(struct tw_alert *alert, const struct tw_document *document, const char *text,
                     size_t size)
{
    json_t *subject = tw_subject_of(document);
    char *copy = strndup(text, size);
    if (!subject || !copy) {
        json_decref(subject);
        free(copy);
        return false;
    }
    json_decref(alert->subject);
    json_decref(alert->causes);
    free(alert->document);
    snprintf(alert->episode, sizeof alert->episode, "%s", document->episode_id);
    alert->subject = subject;
    alert->document = copy;
    alert->causes = json_incref(json_object_get(document->trainward, "causes"));
    alert->transition = document->transition;
    alert->severity = tw_document_severity(document);
    alert->status = status_of(document);
    if (!alert->starts_ms)
        alert->starts_ms = tw_document_time_ms(document);
    if (tw_alert_is_over(alert))
        alert->ends_ms = tw_document_time_ms(document);
    return true;
}

void tw_alert_forget(struct tw_alert *alert)
{
    json_decref(alert->subject);
    json_decref(alert->causes);
    free(alert->document);
    free(alert->comment);
    alert->subject = alert->causes = NULL;
    alert->document = alert->comment = NULL;
}

void tw_alert_release(struct tw_alert *alert)
{
    tw_alert_forget(alert);
    *alert = (struct tw_alert){0};
}

json_t *tw_alert_json(const struct tw_alert *alert)
{
    json_t *record = json_pack("{s:s, s:I, s:I, s:I}", "status", names[alert->status], "transition",
                               (json_int_t)alert->transition, "starts_ms",
                               (json_int_t)alert->starts_ms, "ends_ms", (json_int_t)alert->ends_ms);
    if (record && alert->document)
        json_object_set_new(record, "document", tw_json_string(alert->document));
    if (record && alert->comment)
        json_object_set_new(record, "comment", tw_json_string(alert->comment));
    return record;
}

static bool read_document(struct tw_alert *alert, const char *text)
{
    struct tw_document document;
    char reason[80];
    if (!tw_document_parse(&document, text, strlen(text), reason, sizeof reason))
        return false;
    bool is_fine = tw_alert_update(alert, &document, text, strlen(text));
    tw_document_release(&document);
    return is_fine;
}

bool tw_alert_from_json(struct tw_alert *ret, const char *episode, const json_t *record)
{
    const char *status = tw_document_text(record, "status");
    const char *comment = tw_document_text(record, "comment");
    struct tw_alert alert = {.starts_ms = json_integer_value(json_object_get(record, "starts_ms"))};
    size_t i = 0;
    while (i < sizeof names / sizeof *names && strcmp(names[i], status))
        i++;
    if (i == sizeof names / sizeof *names)
        return false;
    const char *text = json_string_value(json_object_get(record, "document"));
    if (text && !read_document(&alert, text))
        return false;
    snprintf(alert.episode, sizeof alert.episode, "%s", episode);
    alert.status = (enum tw_alert_status)i;
    alert.transition = (uint32_t)json_integer_value(json_object_get(record, "transition"));
    alert.ends_ms = json_integer_value(json_object_get(record, "ends_ms"));
    alert.comment = comment[0] ? strdup(comment) : NULL;
    *ret = alert;
    return true;
}
