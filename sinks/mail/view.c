/* What templates cannot work out: colours, headings, rows of a table, and keys that are shadowed.
 */
#include "sinks/mail/view.h"

#include "sinks/document.h"

#include "advisories/json_text.h"

#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A section looks for a missing key in what is around it: a suggestion without `to` would find the
 * mail's recipients. So what is missing is false. */
static void shadow(json_t *object, const char *const *keys)
{
    for (; *keys; keys++) {
        if (!json_object_get(object, *keys))
            json_object_set_new(object, *keys, json_false());
    }
}

static bool is_firing(const json_t *alert)
{
    return !strcmp(tw_document_text(alert, "status"), "firing");
}

static void set_label(json_t *alert)
{
    const char *severity = tw_document_text(alert, "severity");
    const char *status = tw_document_text(alert, "status");
    const char *colour = !is_firing(alert)               ? "#1e7d34"
                         : !strcmp(severity, "critical") ? "#b3261e"
                         : !strcmp(severity, "warning")  ? "#b35900"
                                                         : "#1d6fb8";
    const char *label = is_firing(alert)                 ? severity
                        : !strcmp(status, "false-alarm") ? "false alarm"
                                                         : status;
    json_object_set_new(alert, "label", json_string(label));
    json_object_set_new(alert, "colour", json_string(colour));
    json_object_set_new(alert, "is_firing", json_boolean(is_firing(alert)));
}

/* "CRITICAL gradient explosion in layer fc2", and a line below it as long. */
static void set_heading(json_t *alert)
{
    char text[300], line[300];
    snprintf(text, sizeof text, "%s %s", tw_document_text(alert, "label"),
             tw_document_text(alert, "title"));
    for (size_t i = 0; i < strlen(tw_document_text(alert, "label")); i++)
        text[i] = (char)toupper((unsigned char)text[i]);
    size_t n = 0;
    for (const char *at = text; *at; at++)
        n += ((unsigned char)*at & 0xc0) != 0x80; /* characters, not bytes */
    if (n > 72)
        n = 72;
    memset(line, '=', n);
    line[n] = '\0';
    json_object_set_new(alert, "heading", tw_json_string(text));
    json_object_set_new(alert, "underline", json_string(line));
}

static void add_row(json_t *rows, const char *name, const char *value)
{
    if (value[0])
        json_array_append_new(rows, json_pack("{s:s, s:s}", "name", name, "value", value));
}

/* "2026-07-31 09:15 UTC": nobody reads the seconds of a training's trouble. */
static void set_moment(json_t *alert, const char *from, const char *name)
{
    char text[40];
    const char *time = tw_document_text(alert, from);
    if (strlen(time) < 16 || time[10] != 'T')
        return;
    snprintf(text, sizeof text, "%.10s %.5s UTC", time, time + 11);
    json_object_set_new(alert, name, json_string(text));
}

/* "layer kind" of "layer_kind". */
static const char *spaced(const char *name, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s", name);
    for (char *at = buffer; *at; at++)
        *at = *at == '_' ? ' ' : *at;
    return buffer;
}

/* What a detector put into the evidence beyond the fields that all have. */
static json_t *extra_evidence(const json_t *evidence)
{
    static const char *const known[] = {"statistic",    "value",       "threshold", "baseline",
                                        "window_first", "window_last", "unit"};
    json_t *rows = json_array(), *value;
    const char *name;
    char text[128], spaced_name[64];
    json_object_foreach((json_t *)(size_t)evidence, name, value)
    {
        bool is_known = strstr(name, "_nonfinite") != NULL;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            is_known |= !strcmp(name, known[i]);
        if (!is_known)
            add_row(rows, spaced(name, spaced_name, sizeof spaced_name),
                    tw_document_value(evidence, name, text, sizeof text));
    }
    return rows;
}

static void set_rows(json_t *alert)
{
    static const struct {
        const char *name, *key;
    } after[] = {
        {"Follows from", "follows_from"},
        {"Comment", "comment"},
        {"Began at step", "onset_step"},
        {"Found at step", "detected_step"},
        {"Over at step", "closed_step"},
        {"Since", "starts_text"},
        {"Until", "ends_text"},
        {"Run", "run"},
        {"Project", "project"},
        {"Group", "group"},
        {"Host", "host"},
        {"User", "user"},
        {"Episode", "episode_id"},
    };
    char text[128];
    json_t *rows = json_array(), *extra = extra_evidence(json_object_get(alert, "evidence_raw"));
    add_row(rows, "Evidence", tw_document_text(alert, "evidence"));
    json_array_extend(rows, extra);
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        const json_t *value = json_object_get(alert, after[i].key);
        add_row(rows, after[i].name,
                json_is_string(value) ? json_string_value(value)
                                      : tw_document_value(alert, after[i].key, text, sizeof text));
    }
    json_object_set_new(alert, "details", extra);
    json_object_set_new(alert, "rows", rows);
}

static void prepare_suggestions(json_t *alert)
{
    static const char *const keys[] = {"from", "to", "why", "verify_text", NULL};
    size_t i;
    json_t *suggestion;
    json_array_foreach(json_object_get(alert, "suggestions"), i, suggestion)
    {
        /* Only a change with both ends is a difference of two lines. */
        if (!json_object_get(suggestion, "from") || !json_object_get(suggestion, "to"))
            json_object_set_new(suggestion, "from", json_false());
        json_object_set_new(suggestion, "verb", json_string(i ? "Or:" : "Change:"));
        shadow(suggestion, keys);
    }
}

static void prepare_alert(json_t *alert)
{
    static const char *const keys[] = {
        "link",        "message",   "evidence",      "follows_from", "comment",     "onset_step",
        "suggestions", "chart_cid", "detected_step", "closed_step",  "starts_at",   "ends_at",
        "project",     "group",     "host",          "user",         "starts_text", "ends_text",
        NULL};
    set_label(alert);
    set_heading(alert);
    set_moment(alert, "starts_at", "starts_text");
    set_moment(alert, "ends_at", "ends_text");
    set_rows(alert);
    prepare_suggestions(alert);
    shadow(alert, keys);
}

static void prepare_all(json_t *view)
{
    size_t i;
    json_t *alert;
    json_array_foreach(json_object_get(view, "alerts"), i, alert) prepare_alert(alert);
    json_array_foreach(json_object_get(view, "others"), i, alert) set_label(alert);
}

struct json_t *tw_mail_view(const json_t *notification, const char *subject_prefix)
{
    static const char *const keys[] = {"link",      "is_digest", "is_summary", "is_several",
                                       "is_repeat", "footer",    NULL};
    json_t *view = json_deep_copy(notification);
    if (!view)
        return NULL;
    prepare_all(view);
    set_label(view); /* of the whole: by its status and severity */
    shadow(view, keys);
    json_object_set(view, "fleet_link", json_object_get(view, "link"));
    json_object_set_new(view, "is_test",
                        json_boolean(!strcmp(tw_document_text(view, "kind"), "test")));
    json_object_set_new(view, "has_others",
                        json_boolean(json_array_size(json_object_get(view, "others")) > 0));
    json_object_set_new(view, "subject_prefix", json_string(subject_prefix ? subject_prefix : ""));
    return view;
}
