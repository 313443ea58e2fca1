/* One alert of a notification: the document's values, and the words for them. */
#include "config.h"

#include "sinks/notify/notification_alert.h"

#include "sinks/notify/pasted.h"
#include "sinks/notify/subject.h"

#include "advisories/iso_time.h"
#include "advisories/json_text.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

const char *tw_alert_title(const struct tw_alert *alert, char *buffer, size_t size)
{
    struct tw_document document = {.detector = tw_subject_text(alert->subject, "detector"),
                                   .scope = tw_subject_text(alert->subject, "scope")};
    return tw_document_title(&document, buffer, size);
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text && text[0])
        json_object_set_new(object, name, tw_json_string(text));
}

/* ---- names ---- */

static void set_names(json_t *object, const struct tw_alert *alert)
{
    static const char *const fields[] = {"run",  "attempt", "run_name", "project", "group",
                                         "user", "host",    "detector", "scope",   "severity"};
    char title[160];
    set_text(object, "status", tw_alert_status_name(alert->status));
    set_text(object, "episode_id", alert->episode);
    set_text(object, "title", tw_alert_title(alert, title, sizeof title));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        set_text(object, fields[i], tw_subject_text(alert->subject, fields[i]));
}

json_t *tw_notification_other(const struct tw_alert *alert)
{
    char title[160];
    json_t *object = json_object();
    if (!object)
        return NULL;
    set_text(object, "run_name", tw_subject_text(alert->subject, "run_name"));
    set_text(object, "title", tw_alert_title(alert, title, sizeof title));
    set_text(object, "severity", tw_subject_text(alert->subject, "severity"));
    set_text(object, "status", tw_alert_status_name(alert->status));
    set_text(object, "episode_id", alert->episode);
    return object;
}

/* ---- suggestions ---- */

static json_t *suggestion_json(const json_t *suggestion)
{
    char text[400];
    json_t *object = json_object();
    const char *parameter = tw_document_text(suggestion, "parameter");
    set_text(object, "parameter", parameter);
    set_text(object, "from", tw_document_value(suggestion, "from", text, sizeof text));
    set_text(object, "to", tw_document_value(suggestion, "to", text, sizeof text));
    /* "learning_rate 0.3 → 0.03 (×0.1)" without the parameter. */
    tw_document_change(suggestion, true, text, sizeof text);
    size_t skip = strlen(parameter) + 1;
    set_text(object, "change_text", strlen(text) > skip ? text + skip : text);
    set_text(object, "why", tw_document_text(suggestion, "why"));
    set_text(object, "verify_text", tw_document_verify(suggestion, text, sizeof text));
    set_text(object, "rule", tw_document_text(suggestion, "rule"));
    json_object_set(object, "raw", (json_t *)(uintptr_t)suggestion);
    return object;
}

static void set_suggestions(json_t *object, const json_t *suggestions)
{
    size_t i;
    json_t *suggestion, *list = json_array();
    json_array_foreach(suggestions, i, suggestion)
        json_array_append_new(list, suggestion_json(suggestion));
    if (json_array_size(list))
        json_object_set(object, "suggestions", list);
    json_decref(list);
}

/* ---- the document ---- */

static void copy(json_t *object, const char *name, const json_t *from, const char *field)
{
    json_t *value = json_object_get(from, field);
    if (value && !json_is_null(value))
        json_object_set(object, name, value);
}

/* What mustache cannot show is left out; the text has it. */
static void set_chart(json_t *object, const json_t *trainward)
{
    json_t *chart = json_object_get(trainward, "chart");
    if (json_is_array(json_object_get(chart, "points")))
        json_object_set(object, "chart", chart);
}

static void set_document(json_t *object, const struct tw_document *document, bool is_over)
{
    static const char *const fields[] = {"state", "onset_step", "detected_step", "closed_step",
                                         "follows_from"};
    char evidence[300];
    set_text(object, "event_id", document->id);
    set_text(object, "message", document->message);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        copy(object, fields[i], document->trainward, fields[i]);
    set_text(object, "evidence", tw_document_evidence(document, evidence, sizeof evidence));
    copy(object, "evidence_raw", document->trainward, "evidence");
    if (!is_over)
        set_suggestions(object, json_object_get(document->trainward, "suggestions"));
    json_t *causes = json_object_get(document->trainward, "causes");
    if (json_array_size(causes))
        json_object_set(object, "causes", causes);
    set_chart(object, document->trainward);
}

/* ---- what to do ---- */

static void set_run_link(json_t *object, const char *run_link, const char *run)
{
    const char *place = strstr(run_link, "{run}");
    char *escaped = curl_easy_escape(NULL, run, 0), *link = NULL;
    if (!place)
        set_text(object, "link", run_link);
    else if (escaped && asprintf(&link, "%.*s%s%s", (int)(place - run_link), run_link, escaped,
                                 place + strlen("{run}")) >= 0)
        set_text(object, "link", link);
    free(link);
    curl_free(escaped);
}

static void set_link(json_t *object, const struct tw_notice *notice, const char *run)
{
    char url[TW_KIBANA_URL_MAX];
    if (notice->run_link)
        set_run_link(object, notice->run_link, run);
    else if (notice->kibana && tw_kibana_run_url(notice->kibana, run, url))
        set_text(object, "link", url);
}

static void set_commands(json_t *object, const struct tw_alert *alert, const char *config_path)
{
    char *silence = tw_pasted_silence_run(config_path, tw_subject_text(alert->subject, "run")),
         *feedback = tw_pasted_feedback(config_path, alert->episode);
    set_text(object, "silence_command", silence);
    set_text(object, "feedback_command", feedback);
    free(silence);
    free(feedback);
}

static void set_labels(json_t *object, const struct tw_document *document)
{
    json_t *labels = json_object_get(document->root, "labels");
    json_object_set_new(object, "labels", labels ? json_incref(labels) : json_object());
}

/* Advice for what got well, or was none. */
static bool is_of_no_use(const struct tw_alert *alert)
{
    return tw_alert_is_over(alert) && alert->status != TW_ALERT_ENDED;
}

json_t *tw_notification_alert(const struct tw_alert *alert, const struct tw_notice *notice)
{
    struct tw_document document;
    char reason[80], at[TW_ISO_SIZE];
    json_t *object = json_object();
    if (!object)
        return NULL;
    set_names(object, alert);
    set_text(object, "starts_at", tw_iso_text(alert->starts_ms, at));
    if (tw_alert_is_over(alert))
        set_text(object, "ends_at", tw_iso_text(alert->ends_ms, at));
    if (alert->document && tw_document_parse(&document, alert->document, strlen(alert->document),
                                             reason, sizeof reason)) {
        set_document(object, &document, is_of_no_use(alert));
        set_labels(object, &document);
        tw_document_release(&document);
    }
    set_text(object, "comment", alert->comment);
    set_link(object, notice, tw_subject_text(alert->subject, "run"));
    set_commands(object, alert, notice->config_path);
    return object;
}
