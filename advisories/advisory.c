/* The documents: one for each change of an episode, and of a run. */
#include "advisories/advisory.h"

#include "advisories/finding_json.h"
#include "advisories/json_text.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *tw_action_name(enum tw_action action)
{
    static const char *const names[] = {"opened", "escalated", "recovered", "withdrawn",
                                        "still_open"};
    return (size_t)action < sizeof names / sizeof *names ? names[action] : "unknown";
}

int tw_severity_number(enum tw_severity severity)
{
    return (int)severity + 1;
}

/* ISO 8601 in UTC with milliseconds. */
static void format_time(char buffer[40], int64_t time_ms)
{
    int64_t seconds = time_ms / 1000, milliseconds = time_ms % 1000;
    if (milliseconds < 0) {
        milliseconds += 1000;
        seconds--;
    }
    struct tm calendar;
    time_t when = (time_t)seconds;
    char day[32];
    /* A time that no calendar holds, or a year of five digits, which readers of this form refuse.
     */
    if (!gmtime_r(&when, &calendar) || calendar.tm_year > 9999 - 1900 || calendar.tm_year < -1900 ||
        !strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &calendar))
        snprintf(day, sizeof day, "1970-01-01T00:00:00");
    snprintf(buffer, 40, "%s.%03dZ", day, (int)milliseconds);
}

static int set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value);
}

/* An empty or missing text is left out. */
static int set_text(json_t *object, const char *name, const char *text)
{
    return text && text[0] ? set(object, name, tw_json_string(text)) : 0;
}

/* Adds `part` to `object` unless nothing was put into it. */
static int set_part(json_t *object, const char *name, json_t *part)
{
    if (part && !json_object_size(part)) {
        json_decref(part);
        return 0;
    }
    return set(object, name, part);
}

/* An object of at most two texts; `second_name` may be NULL. */
static json_t *texts(const char *first_name, const char *first, const char *second_name,
                     const char *second)
{
    json_t *object = json_object();
    if (!object || set_text(object, first_name, first) ||
        (second_name && set_text(object, second_name, second))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

struct envelope {
    const struct tw_run_identity *run;
    const struct tw_rule_name *rule; /* may be NULL */
    const char *kind, *action, *id, *message;
    int64_t time_ms;
    int severity;
};

static json_t *event_json(const struct envelope *envelope)
{
    json_t *event = texts("kind", envelope->kind, "action", envelope->action);
    if (!event || set(event, "severity", json_integer(envelope->severity)) ||
        set(event, "id", tw_json_string(envelope->id))) {
        json_decref(event);
        return NULL;
    }
    return event;
}

/* The fields that have a name in the Elastic Common Schema. */
static json_t *ecs_document(const struct envelope *envelope)
{
    const struct tw_run_identity *run = envelope->run;
    const struct tw_rule_name *rule = envelope->rule;
    char when[40];
    format_time(when, envelope->time_ms);
    json_t *document = json_object();
    if (!document || set(document, "@timestamp", json_string(when)) ||
        set(document, "event", event_json(envelope)) ||
        set(document, "message", tw_json_string(envelope->message)) ||
        set_part(document, "rule",
                 texts("name", rule ? rule->name : NULL, "description",
                       rule ? rule->description : NULL)) ||
        set_part(document, "host", texts("name", run->host, NULL, NULL)) ||
        set_part(document, "user", texts("name", run->user, NULL, NULL)) ||
        set_part(document, "labels", texts("project", run->project, "group", run->group))) {
        json_decref(document);
        return NULL;
    }
    return document;
}

/* Adds `trainward` with what all our documents have, and returns it borrowed. */
static json_t *add_trainward(json_t *document, const char *kind, const struct tw_run_identity *run)
{
    json_t *trainward = texts("kind", kind, NULL, NULL);
    json_t *identity = texts("id", run->run, "name", run->name);
    if (!document || set(document, "trainward", trainward)) {
        json_decref(identity);
        return NULL;
    }
    if (set(trainward, "run", identity) || set_text(identity, "attempt", run->attempt))
        return NULL;
    return trainward;
}

static char *finish(json_t *document, bool is_complete)
{
    char *text = is_complete ? tw_json_text(document) : NULL;
    json_decref(document);
    return text;
}

/* Four digits are enough to draw by. */
static json_t *point_json(uint64_t step, double value)
{
    char digits[32];
    if (!isfinite(value))
        return json_pack("[I, n]", (json_int_t)step);
    snprintf(digits, sizeof digits, "%.4g", value);
    return json_pack("[I, f]", (json_int_t)step, strtod(digits, NULL));
}

static json_t *chart_json(const struct tw_chart *chart)
{
    json_t *points = json_array();
    for (size_t i = 0; points && i < chart->n; i++) {
        if (json_array_append_new(points,
                                  point_json(chart->points[i].step, chart->points[i].value))) {
            json_decref(points);
            points = NULL;
        }
    }
    return points ? json_pack("{s: s, s: o}", "signal", chart->signal, "points", points) : NULL;
}

static int set_chart(json_t *trainward, const struct tw_chart *chart)
{
    return chart && chart->n ? set(trainward, "chart", chart_json(chart)) : 0;
}

char *tw_episode_document(const struct tw_episode_advisory *advisory)
{
    char message[1024], id[TW_EVENT_ID_SIZE], cause[160];
    tw_transition_id(id, advisory->episode_id, advisory->transition);
    struct envelope envelope = {
        .run = &advisory->run,
        .rule = &advisory->rule,
        .kind = "alert",
        .action = tw_action_name(advisory->action),
        .id = id,
        .message = tw_episode_message(advisory, message, sizeof message),
        .time_ms = advisory->time_ms,
        .severity = tw_severity_number(advisory->finding->severity),
    };
    json_t *document = ecs_document(&envelope);
    json_t *trainward = add_trainward(document, "episode", &advisory->run);
    bool is_complete =
        trainward && !set(trainward, "episode_id", tw_json_string(advisory->episode_id)) &&
        !set(trainward, "transition", json_integer(advisory->transition)) &&
        !set(trainward, "step", json_integer((json_int_t)advisory->step)) &&
        !set_text(trainward, "follows_from", tw_episode_cause(advisory, cause, sizeof cause)) &&
        !tw_finding_set_fields(trainward, advisory) && !set_chart(trainward, advisory->chart);
    return finish(document, is_complete);
}

static json_t *not_checked_json(const struct tw_run_advisory *advisory)
{
    json_t *list = json_array();
    for (size_t i = 0; i < advisory->n_not_checked; i++) {
        const struct tw_not_checked *entry = &advisory->not_checked[i];
        if (json_array_append_new(list,
                                  texts("detector", entry->detector, "reason", entry->reason))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* "was interrupted", "is running"; the other statuses are verbs as they stand. */
static const char *auxiliary(const char *status)
{
    if (!strcmp(status, "interrupted"))
        return "was ";
    return strcmp(status, "running") ? "" : "is ";
}

static void run_message(const struct tw_run_advisory *advisory, char *buffer, size_t size)
{
    const struct tw_run_identity *run = &advisory->run;
    size_t n = (size_t)snprintf(buffer, size, "Run %s %s%s at step %" PRIu64 ": %s",
                                run->name && run->name[0] ? run->name : run->run,
                                auxiliary(advisory->status), advisory->status, advisory->step,
                                advisory->verdict);
    for (size_t i = 0; i < advisory->n_not_checked && n < size; i++)
        n += (size_t)snprintf(buffer + n, size - n, "%s%s (%s)",
                              i ? ", " : ". Not checked: ", advisory->not_checked[i].detector,
                              advisory->not_checked[i].reason);
    if (n < size)
        snprintf(buffer + n, size - n, ".");
}

char *tw_run_document(const struct tw_run_advisory *advisory)
{
    char message[1024], id[TW_EVENT_ID_SIZE];
    tw_run_event_id(id, advisory->run.run, advisory->run.attempt ? advisory->run.attempt : "",
                    advisory->transition);
    run_message(advisory, message, sizeof message);
    struct envelope envelope = {
        .run = &advisory->run,
        .kind = "state",
        .action = advisory->status,
        .id = id,
        .message = message,
        .time_ms = advisory->time_ms,
        .severity = !strcmp(advisory->verdict, "problem") ? tw_severity_number(TW_SEVERITY_WARNING)
                                                          : tw_severity_number(TW_SEVERITY_INFO),
    };
    json_t *document = ecs_document(&envelope);
    json_t *trainward = add_trainward(document, "run", &advisory->run);
    bool is_complete = trainward &&
                       !set(trainward, "transition", json_integer(advisory->transition)) &&
                       !set(trainward, "step", json_integer((json_int_t)advisory->step)) &&
                       !set(trainward, "status", tw_json_string(advisory->status)) &&
                       !set(trainward, "verdict", tw_json_string(advisory->verdict)) &&
                       !set(trainward, "not_checked", not_checked_json(advisory));
    return finish(document, is_complete);
}
