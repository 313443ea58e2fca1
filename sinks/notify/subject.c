/* What an alert is about. */
#include "config.h"

#include "sinks/notify/subject.h"

#include "sinks/notify/options.h"

#include "advisories/json_text.h"
#include "detectors/detector.h"
#include "telemetry/nearest.h"

#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <string.h>

#define LABEL "label."

static const char *const fields[] = {"project",  "group", "user",     "host",    "run",
                                     "detector", "scope", "severity", "episode", "attempt"};

static void set(json_t *subject, const char *name, const char *text)
{
    if (text && text[0])
        json_object_set_new(subject, name, tw_json_string(text));
}

static void set_labels(json_t *subject, json_t *labels)
{
    const char *name;
    json_t *value;
    json_object_foreach(labels, name, value)
    {
        char field[128];
        snprintf(field, sizeof field, LABEL "%s", name);
        set(subject, field, json_string_value(value));
    }
}

json_t *tw_subject_of(const struct tw_document *document)
{
    json_t *labels = json_object_get(document->root, "labels");
    json_t *subject = json_object();
    if (!subject)
        return NULL;
    set(subject, "run", document->run);
    set(subject, "run_name", document->run_name);
    set(subject, "attempt", document->attempt);
    set(subject, "project", tw_document_text(labels, "project"));
    set(subject, "group", tw_document_text(labels, "group"));
    set(subject, "user", tw_document_text(json_object_get(document->root, "user"), "name"));
    set(subject, "host", tw_document_text(json_object_get(document->root, "host"), "name"));
    set(subject, "detector", document->detector);
    set(subject, "scope", document->scope);
    set(subject, "severity", document->severity);
    set(subject, "episode", document->episode_id);
    set_labels(subject, labels);
    return subject;
}

const char *tw_subject_text(const json_t *subject, const char *field)
{
    return tw_document_text(subject, field);
}

bool tw_subject_has_field(const char *field)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!strcmp(fields[i], field))
            return true;
    }
    return !strncmp(field, LABEL, strlen(LABEL)) && field[strlen(LABEL)];
}

static bool matches(const char *pattern, const char *text)
{
    return !fnmatch(pattern, text, FNM_EXTMATCH);
}

bool tw_subject_field_matches(const json_t *subject, const char *field, const char *pattern)
{
    return matches(pattern, tw_subject_text(subject, field)) ||
           (!strcmp(field, "run") && matches(pattern, tw_subject_text(subject, "run_name")));
}

bool tw_subject_matches(const json_t *subject, const struct tw_texts *matchers)
{
    for (size_t i = 0; i < matchers->n; i++) {
        const char *equals = strchr(matchers->at[i], '=');
        char field[128];
        if (!equals)
            return false;
        snprintf(field, sizeof field, "%.*s", (int)(equals - matchers->at[i]), matchers->at[i]);
        if (!tw_subject_field_matches(subject, field, equals + 1))
            return false;
    }
    return true;
}

static int check_words(const char *pattern, const char *const *words, size_t n, const char *place,
                       struct tw_error *error)
{
    for (size_t i = 0; i < n; i++) {
        if (matches(pattern, words[i]))
            return 0;
    }
    const char *near = tw_nearest(pattern, words, n);
    return tw_error_set(error, -EINVAL, "%s: nothing is called '%s'%s%s%s", place, pattern,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int tw_subject_check_pattern(const char *field, const char *pattern, const char *place,
                             struct tw_error *error)
{
    enum { NAMES_MAX = 64 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    if (!strcmp(field, "severity"))
        return check_words(pattern, tw_notify_severities, 3, place, error);
    if (strcmp(field, "detector") != 0)
        return 0;
    for (; n < NAMES_MAX && tw_detectors[n]; n++)
        names[n] = tw_detectors[n]->name;
    return check_words(pattern, names, n, place, error);
}

static int check_one(const char *name, const char *place, struct tw_error *error)
{
    char field[128];
    size_t length = strcspn(name, "=");
    snprintf(field, sizeof field, "%.*s", (int)length, name);
    if (!tw_subject_has_field(field))
        return tw_error_set(error, -EINVAL,
                            "%s: '%s' is none of project, group, user, host, run, detector, scope, "
                            "severity, episode, attempt, label.NAME",
                            place, field);
    return name[length] ? tw_subject_check_pattern(field, name + length + 1, place, error) : 0;
}

int tw_subject_check(const struct tw_texts *names, const char *place, struct tw_error *error)
{
    int result = 0;
    for (size_t i = 0; i < names->n && !result; i++)
        result = check_one(names->at[i], place, error);
    return result;
}
