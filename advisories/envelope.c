/* What the documents have in common. */
#include "advisories/envelope.h"

#include "advisories/iso_time.h"
#include "advisories/json_text.h"

#include <jansson.h>

int tw_json_set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value);
}

/* An empty or missing text is left out. */
int tw_json_set_text(json_t *object, const char *name, const char *text)
{
    return text && text[0] ? tw_json_set(object, name, tw_json_string(text)) : 0;
}

/* Adds `part` to `object` unless nothing was put into it. */
static int set_part(json_t *object, const char *name, json_t *part)
{
    if (part && !json_object_size(part)) {
        json_decref(part);
        return 0;
    }
    return tw_json_set(object, name, part);
}

/* An object of at most two texts; `second_name` may be NULL. */
json_t *tw_json_texts(const char *first_name, const char *first, const char *second_name,
                      const char *second)
{
    json_t *object = json_object();
    if (!object || tw_json_set_text(object, first_name, first) ||
        (second_name && tw_json_set_text(object, second_name, second))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *event_json(const struct tw_envelope *envelope)
{
    json_t *event = tw_json_texts("kind", envelope->kind, "action", envelope->action);
    if (!event ||
        (envelope->severity && tw_json_set(event, "severity", json_integer(envelope->severity))) ||
        tw_json_set(event, "id", tw_json_string(envelope->id))) {
        json_decref(event);
        return NULL;
    }
    return event;
}

/* The fields that have a name in the Elastic Common Schema. */
json_t *tw_envelope_document(const struct tw_envelope *envelope)
{
    const struct tw_run_identity *run = envelope->run;
    const struct tw_rule_name *rule = envelope->rule;
    char when[TW_ISO_SIZE];
    json_t *document = json_object();
    if (!document ||
        tw_json_set(document, "@timestamp", json_string(tw_iso_text(envelope->time_ms, when))) ||
        tw_json_set(document, "event", event_json(envelope)) ||
        tw_json_set_text(document, "message", envelope->message) ||
        set_part(document, "rule",
                 tw_json_texts("name", rule ? rule->name : NULL, "description",
                               rule ? rule->description : NULL)) ||
        set_part(document, "host", tw_json_texts("name", run->host, NULL, NULL)) ||
        set_part(document, "user", tw_json_texts("name", run->user, NULL, NULL)) ||
        set_part(document, "labels", tw_json_texts("project", run->project, "group", run->group))) {
        json_decref(document);
        return NULL;
    }
    return document;
}

/* Adds `trainward` with what all our documents have, and returns it borrowed. */
json_t *tw_envelope_add_trainward(json_t *document, const char *kind,
                                  const struct tw_run_identity *run)
{
    json_t *trainward = tw_json_texts("kind", kind, NULL, NULL);
    json_t *identity = tw_json_texts("id", run->run, "name", run->name);
    if (!document || tw_json_set(document, "trainward", trainward)) {
        json_decref(identity);
        return NULL;
    }
    if (tw_json_set(trainward, "run", identity) ||
        tw_json_set_text(identity, "attempt", run->attempt))
        return NULL;
    return trainward;
}

char *tw_envelope_finish(json_t *document, bool is_complete)
{
    char *text = is_complete ? tw_json_text(document) : NULL;
    json_decref(document);
    return text;
}
