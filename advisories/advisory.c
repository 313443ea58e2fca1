/* The documents: one for each change of an episode, and of a run. */
#include "advisories/advisory.h"

#include "advisories/envelope.h"
#include "advisories/finding_json.h"
#include "advisories/json_text.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Four digits are enough to draw by. */
static json_t *point_json(uint64_t step, double value)
{
    char digits[32];
    if (!isfinite(value))
        return json_pack("[I, n]", (json_int_t)step);
    snprintf(digits, sizeof digits, "%.4g", value);
    return json_pack("[I, f]", (json_int_t)step, strtod(digits, NULL));
}

static json_t *chart_json(const struct tw_episode_chart *chart)
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

static int set_chart(json_t *trainward, const struct tw_episode_chart *chart)
{
    return chart && chart->n ? tw_json_set(trainward, "chart", chart_json(chart)) : 0;
}

char *tw_episode_document(const struct tw_episode_advisory *advisory)
{
    char message[1024], id[TW_EVENT_ID_SIZE], cause[160];
    tw_transition_id(id, advisory->episode_id, advisory->transition);
    struct tw_envelope envelope = {
        .run = &advisory->run,
        .rule = &advisory->rule,
        .kind = "alert",
        .action = tw_action_name(advisory->action),
        .id = id,
        .message = tw_episode_message(advisory, message, sizeof message),
        .time_ms = advisory->time_ms,
        .severity = tw_severity_number(advisory->finding->severity),
    };
    json_t *document = tw_envelope_document(&envelope);
    json_t *trainward = tw_envelope_add_trainward(document, "episode", &advisory->run);
    bool is_complete =
        trainward && !tw_json_set(trainward, "episode_id", tw_json_string(advisory->episode_id)) &&
        !tw_json_set(trainward, "transition", json_integer(advisory->transition)) &&
        !tw_json_set(trainward, "step", json_integer((json_int_t)advisory->step)) &&
        !tw_json_set_text(trainward, "follows_from",
                          tw_episode_cause(advisory, cause, sizeof cause)) &&
        !tw_finding_set_fields(trainward, advisory) && !set_chart(trainward, advisory->chart);
    return tw_envelope_finish(document, is_complete);
}

static json_t *not_checked_json(const struct tw_run_advisory *advisory)
{
    json_t *list = json_array();
    for (size_t i = 0; i < advisory->n_not_checked; i++) {
        const struct tw_not_checked *entry = &advisory->not_checked[i];
        if (json_array_append_new(
                list, tw_json_texts("detector", entry->detector, "reason", entry->reason))) {
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

void tw_run_advisory_id(char ret[TW_EVENT_ID_SIZE], const struct tw_run_advisory *advisory)
{
    const char *run = advisory->run.run;
    const char *attempt = advisory->run.attempt ? advisory->run.attempt : "";
    if (advisory->sequence)
        tw_run_running_id(ret, run, attempt, advisory->transition, advisory->sequence);
    else
        tw_run_event_id(ret, run, attempt, advisory->transition);
}

char *tw_run_document(const struct tw_run_advisory *advisory)
{
    char message[1024], id[TW_EVENT_ID_SIZE];
    tw_run_advisory_id(id, advisory);
    run_message(advisory, message, sizeof message);
    struct tw_envelope envelope = {
        .run = &advisory->run,
        .kind = "state",
        .action = advisory->status,
        .id = id,
        .message = message,
        .time_ms = advisory->time_ms,
        .severity = !strcmp(advisory->verdict, "problem") ? tw_severity_number(TW_SEVERITY_WARNING)
                                                          : tw_severity_number(TW_SEVERITY_INFO),
    };
    json_t *document = tw_envelope_document(&envelope);
    json_t *trainward = tw_envelope_add_trainward(document, "run", &advisory->run);
    bool is_complete =
        trainward && !tw_json_set(trainward, "transition", json_integer(advisory->transition)) &&
        (!advisory->sequence ||
         !tw_json_set(trainward, "sequence", json_integer((json_int_t)advisory->sequence))) &&
        !tw_json_set(trainward, "step", json_integer((json_int_t)advisory->step)) &&
        !tw_json_set(trainward, "status", tw_json_string(advisory->status)) &&
        !tw_json_set(trainward, "verdict", tw_json_string(advisory->verdict)) &&
        !tw_json_set(trainward, "not_checked", not_checked_json(advisory));
    return tw_envelope_finish(document, is_complete);
}
