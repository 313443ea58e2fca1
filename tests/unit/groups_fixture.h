/* A grouping core with a clock of its own, and a notification log in memory that forgets what was
 * not flushed. */
#ifndef GROUPS_FIXTURE_H
#define GROUPS_FIXTURE_H

#include "sample_advisory.h"

#include "sinks/notify/groups.h"
#include "sinks/notify/options.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define T0 INT64_C(1785484800000) /* 2026-07-31 08:00:00 UTC, a Friday */

struct bench {
    struct tw_notify_config notify;
    const struct tw_kibana_config *kibana;
    const char *config_path;
    struct tw_groups *groups;
    struct tw_silences silences;
    json_t *durable, *pending;
    json_t *sent; /* every notification that was sent, in order */
    int64_t now;
};

static const struct tw_option bench_route_options[] = {TW_ROUTE_ROWS(TW_ROUTE_TO)};
static const struct tw_option_entries bench_routes = {
    bench_route_options, sizeof bench_route_options / sizeof *bench_route_options,
    sizeof(struct tw_route_config)};
static const struct tw_option bench_options[] = {
    {"to", TW_OPTION_TEXTS, offsetof(struct bench, notify.to)},
    TW_NOTIFY_ROWS(struct bench, &bench_routes),
};

static void bench_put(void *closure, const char *key, const json_t *value)
{
    struct bench *bench = closure;
    if (value)
        json_object_set_new(bench->pending, key, json_deep_copy(value));
    else
        json_object_set_new(bench->pending, key, json_null());
}

static void flush(struct bench *bench)
{
    const char *key;
    json_t *value;
    assert_false(tw_groups_has_failed(bench->groups));
    json_object_foreach(bench->pending, key, value)
    {
        if (json_is_null(value))
            json_object_del(bench->durable, key);
        else
            json_object_set(bench->durable, key, value);
    }
    json_object_clear(bench->pending);
}

static void begin(struct bench *bench)
{
    const char *key;
    json_t *value;
    struct tw_error error = {0};
    struct tw_groups_options options = {.receiver = "team",
                                        .config = &bench->notify,
                                        .kibana = bench->kibana,
                                        .config_path = bench->config_path,
                                        .put = bench_put,
                                        .closure = bench};
    if (tw_groups_open(&bench->groups, &options, &error))
        fail_msg("%s", error.text);
    json_object_foreach(bench->durable, key, value) tw_groups_restore(bench->groups, key, value);
    tw_groups_restored(bench->groups);
}

/* kill -9: what was not flushed is gone. */
static inline void crash(struct bench *bench)
{
    tw_groups_close(bench->groups);
    json_object_clear(bench->pending);
    begin(bench);
}

static inline int bench_set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    tw_options_initialise(bench_options, sizeof bench_options / sizeof *bench_options, bench, NULL);
    bench->durable = json_object();
    bench->pending = json_object();
    bench->sent = json_array();
    bench->now = T0;
    *state = bench;
    return 0;
}

static inline int bench_tear_down(void **state)
{
    struct bench *bench = *state;
    tw_groups_close(bench->groups);
    tw_silences_release(&bench->silences);
    json_decref(bench->durable);
    json_decref(bench->pending);
    json_decref(bench->sent);
    tw_options_release(bench_options, sizeof bench_options / sizeof *bench_options, bench);
    free(bench);
    return 0;
}

/* "sinks.x.KEY=value" of a configuration. */
static inline void set(struct bench *bench, const char *name, const char *value)
{
    const struct tw_option *option =
        tw_option_find(bench_options, sizeof bench_options / sizeof *bench_options, name);
    struct tw_error error = {0};
    if (tw_option_set(option, bench, value, &error))
        fail_msg("%s", error.text);
}

static inline struct tw_route_config *add_route(struct bench *bench, const char *name,
                                                const char *match, const char *to)
{
    void *route;
    const struct tw_option *option =
        tw_option_find(bench_options, sizeof bench_options / sizeof *bench_options, "routes");
    assert_int_equal(tw_option_list_add(option, bench, &route, NULL), 0);
    struct tw_route_config *config = route;
    config->name = strdup(name);
    if (match)
        tw_texts_add(&config->match, match);
    if (to)
        tw_texts_add(&config->to, to);
    return config;
}

/* What an episode does; its transition is counted on. */
struct story {
    const char *run, *project, *detector;
    enum tw_severity severity;
    uint32_t transition;
    uint64_t detected;
    const struct story *cause;
    char id[TW_EVENT_ID_SIZE];
};

static inline const char *story_id(struct story *story)
{
    tw_episode_id(story->id, story->run, "a1", story->detector, "run", story->detected);
    return story->id;
}

static inline void take(struct bench *bench, const char *document)
{
    char reason[200];
    if (!tw_groups_take(bench->groups, document, strlen(document), bench->now, reason,
                        sizeof reason))
        fail_msg("%s", reason);
}

static inline char *document_of(struct story *story, enum tw_action action, int64_t now)
{
    struct sample sample;
    sample_init(&sample);
    sample.finding.detector = story->detector;
    snprintf(sample.finding.scope, sizeof sample.finding.scope, "run");
    sample.finding.severity = story->severity;
    sample.advisory.run.run = sample.advisory.run.name = story->run;
    sample.advisory.run.project = story->project;
    sample.advisory.time_ms = now;
    sample.advisory.action = action;
    sample.advisory.transition = story->transition;
    snprintf(sample.advisory.episode_id, TW_EVENT_ID_SIZE, "%s", story_id(story));
    if (story->cause) {
        sample.advisory.n_causes = 1;
        snprintf(sample.advisory.causes[0], TW_EVENT_ID_SIZE, "%s", story->cause->id);
    }
    return tw_episode_document(&sample.advisory);
}

static inline void happens(struct bench *bench, struct story *story, enum tw_action action)
{
    char *document = document_of(story, action, bench->now);
    take(bench, document);
    story->transition++;
    free(document);
    flush(bench);
}

/* Sends what is in the outbox; returns how many. */
static inline size_t send_all(struct bench *bench)
{
    struct tw_outbox_entry *entry;
    size_t n = 0;
    for (; (entry = tw_groups_outbox(bench->groups)); n++) {
        json_array_append_new(bench->sent, json_deep_copy(entry->notification));
        tw_groups_sent(bench->groups, entry);
        flush(bench);
    }
    return n;
}

/* Lets time pass; returns how many notifications were sent. */
static inline size_t pass(struct bench *bench, double seconds)
{
    size_t n = 0;
    int64_t tick = seconds > 3000 ? 10000 : 1000;
    for (int64_t end = bench->now + (int64_t)(seconds * 1000); bench->now < end;) {
        bench->now = bench->now + tick < end ? bench->now + tick : end;
        tw_groups_tick(bench->groups, &bench->silences, bench->now);
        flush(bench);
        n += send_all(bench);
    }
    return n;
}

static inline const json_t *sent(const struct bench *bench, size_t index)
{
    const json_t *found = json_array_get(bench->sent, index);
    assert_non_null(found);
    return found;
}

static inline const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* "firing", ... as a notification tells it of an episode, in full or by name; NULL: not at all. */
static inline const char *status_in(const json_t *notification, const char *episode)
{
    static const char *const lists[] = {"alerts", "others"};
    for (size_t i = 0; i < 2; i++) {
        size_t j;
        json_t *alert;
        json_array_foreach(json_object_get(notification, lists[i]), j, alert)
        {
            if (!strcmp(text_of(alert, "episode_id"), episode))
                return text_of(alert, "status");
        }
    }
    return NULL;
}

#endif
