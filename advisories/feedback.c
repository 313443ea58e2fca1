/* Feedback as a document. */
#include "config.h"

#include "advisories/feedback.h"

#include "advisories/iso_time.h"
#include "advisories/json_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static bool is_false_alarm(const struct tw_feedback *feedback)
{
    return !strcmp(feedback->verdict, "false-alarm");
}

static void set_event(json_t *document, const struct tw_feedback *feedback, const char *id)
{
    json_t *event = json_object_get(document, "event");
    json_object_set_new(event, "kind", json_string("event"));
    json_object_set_new(event, "action", json_string(feedback->verdict));
    json_object_set_new(event, "id", json_string(id));
}

static void set_message(json_t *document, const struct tw_feedback *feedback)
{
    char *message = NULL;
    const json_t *trainward = json_object_get(document, "trainward");
    bool has_comment = feedback->comment && feedback->comment[0];
    if (asprintf(&message, "%s says of %s in run %s: %s%s%s", feedback->author,
                 text_of(trainward, "detector"), text_of(json_object_get(trainward, "run"), "id"),
                 is_false_alarm(feedback) ? "a false alarm" : "useful", has_comment ? ": " : "",
                 has_comment ? feedback->comment : "") < 0)
        return;
    json_object_set_new(document, "message", tw_json_string(message));
    free(message);
}

static void set_feedback(json_t *trainward, const struct tw_feedback *feedback)
{
    json_t *said = json_pack("{s:s, s:o}", "verdict", feedback->verdict, "author",
                             tw_json_string(feedback->author));
    if (said && feedback->comment && feedback->comment[0])
        json_object_set_new(said, "comment", tw_json_string(feedback->comment));
    json_object_set_new(trainward, "kind", json_string("feedback"));
    json_object_set_new(trainward, "feedback", said);
    if (is_false_alarm(feedback))
        json_object_set_new(trainward, "state", json_string("false_alarm"));
}

int tw_feedback_document(char **ret, char ret_id[TW_EVENT_ID_SIZE], char **ret_run,
                         const char *document, const struct tw_feedback *feedback,
                         struct tw_error *error)
{
    char time[TW_ISO_SIZE];
    json_t *copy = json_loads(document, 0, NULL);
    json_t *trainward = json_object_get(copy, "trainward");
    if (strcmp(text_of(trainward, "kind"), "episode") ||
        !json_is_object(json_object_get(copy, "event"))) {
        json_decref(copy);
        return tw_error_set(error, -EINVAL, "not the document of an episode");
    }
    tw_fields_id(ret_id, 4,
                 (const char *[]){"feedback", text_of(trainward, "episode_id"), feedback->verdict,
                                  feedback->author});
    json_object_set_new(copy, "@timestamp", json_string(tw_iso_text(feedback->time_ms, time)));
    set_event(copy, feedback, ret_id);
    set_message(copy, feedback);
    set_feedback(trainward, feedback);
    *ret_run = strdup(text_of(json_object_get(trainward, "run"), "id"));
    *ret = tw_json_text(copy);
    json_decref(copy);
    if (*ret && *ret_run)
        return 0;
    free(*ret);
    free(*ret_run);
    return tw_error_set(error, -ENOMEM, "out of memory");
}
