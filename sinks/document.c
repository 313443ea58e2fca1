/* Reading advisory documents back. */
#include "sinks/document.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

const char *tw_document_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

uint64_t tw_document_step(const struct tw_document *document, const char *name)
{
    json_int_t step = json_integer_value(json_object_get(document->trainward, name));
    return step > 0 ? (uint64_t)step : 0;
}

static void read_fields(struct tw_document *document)
{
    const json_t *event = json_object_get(document->root, "event");
    const json_t *trainward = document->trainward = json_object_get(document->root, "trainward");
    const json_t *run = json_object_get(trainward, "run");
    document->id = tw_document_text(event, "id");
    document->action = tw_document_text(event, "action");
    document->timestamp = tw_document_text(document->root, "@timestamp");
    document->message = tw_document_text(document->root, "message");
    document->run = tw_document_text(run, "id");
    document->attempt = tw_document_text(run, "attempt");
    document->run_name = tw_document_text(run, "name");
    if (!document->run_name[0])
        document->run_name = document->run;
    const char *kind = tw_document_text(trainward, "kind");
    document->is_episode = !strcmp(kind, "episode");
    document->is_chart = !strcmp(kind, "chart") || !strcmp(kind, "layer");
    document->is_feedback = !strcmp(kind, "feedback");
    document->episode_id = tw_document_text(trainward, "episode_id");
    document->detector = tw_document_text(trainward, "detector");
    document->scope = tw_document_text(trainward, "scope");
    document->severity = tw_document_text(trainward, "severity");
    document->state = tw_document_text(trainward, "state");
}

/* "2026-01-31T...": sinks choose an index by it and write a mail's date from it. */
static bool is_timestamp(const char *text)
{
    for (const char *form = "dddd-dd-ddTdd:dd:dd"; *form; form++, text++) {
        if (*form == 'd' ? *text < '0' || *text > '9' : *text != *form)
            return false;
    }
    return true;
}

static bool is_id(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");
    return n == 32 && !text[n];
}

/* A number that is part of a version; what is not there is 0. */
static bool read_number(const struct tw_document *document, const char *name, json_int_t most,
                        uint32_t *ret)
{
    const json_t *value = json_object_get(document->trainward, name);
    json_int_t number = json_integer_value(value);
    if ((value && !json_is_integer(value)) || number < 0 || number > most)
        return false;
    *ret = (uint32_t)number;
    return true;
}

static const char *find_fault(struct tw_document *document)
{
    const char *kind = tw_document_text(document->trainward, "kind");
    if (!is_id(document->id))
        return "it has no event.id";
    if (!is_timestamp(document->timestamp))
        return "its @timestamp is no time";
    if (strcmp(kind, "episode") && strcmp(kind, "run") && strcmp(kind, "feedback") &&
        !document->is_chart)
        return "its trainward.kind is none of ours";
    if (!document->run[0])
        return "it has no trainward.run.id";
    if (document->is_chart)
        return NULL;
    if (!json_object_get(document->trainward, "transition") ||
        !read_number(document, "transition", UINT32_MAX - 1, &document->transition))
        return "it has no trainward.transition";
    if (!read_number(document, "sequence", TW_DOCUMENT_SEQUENCE_MAX, &document->sequence))
        return "its trainward.sequence is no number of a document";
    if ((document->is_episode || document->is_feedback) && !is_id(document->episode_id))
        return "it has no trainward.episode_id";
    return NULL;
}

bool tw_document_parse(struct tw_document *ret, const char *text, size_t text_size, char *reason,
                       size_t size)
{
    json_error_t why;
    struct tw_document document = {.root = json_loadb(text, text_size, 0, &why)};
    if (!document.root) {
        snprintf(reason, size, "not JSON: %s", why.text);
        return false;
    }
    read_fields(&document);
    const char *fault = find_fault(&document);
    if (fault) {
        snprintf(reason, size, "not an advisory: %s", fault);
        json_decref(document.root);
        return false;
    }
    *ret = document;
    return true;
}

void tw_document_release(struct tw_document *document)
{
    json_decref(document->root);
    *document = (struct tw_document){0};
}

bool tw_document_is_over(const struct tw_document *document)
{
    return !strcmp(document->action, "recovered") || !strcmp(document->action, "withdrawn");
}

int tw_document_severity(const struct tw_document *document)
{
    return !strcmp(document->severity, "critical")  ? 2
           : !strcmp(document->severity, "warning") ? 1
                                                    : 0;
}
