/* Routes. */
#include "sinks/notify/route.h"

#include "sinks/notify/subject.h"

#include "advisories/advisory.h"
#include "advisories/json_text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Where group_by says nothing. */
static const struct tw_texts by_project = {1, (char *[]){(char *)(uintptr_t) "project"}};
static const struct tw_texts nothing;

static int64_t ms_of(double seconds, double fallback)
{
    return (int64_t)((seconds < 0 ? fallback : seconds) * 1000);
}

/* Recipients that are the same share a limit. */
static void name_destination(struct tw_route *route)
{
    const char *fields[130] = {route->url ? route->url : ""};
    size_t n = 1;
    for (size_t i = 0; i < route->to->n && n < 130; i++)
        fields[n++] = route->to->at[i];
    tw_fields_id(route->destination, n, fields);
}

static bool is_all(const struct tw_texts *names)
{
    return names->n == 1 && !strcmp(names->at[0], "all");
}

static void read_route(struct tw_route *ret, const struct tw_route_config *route,
                       const struct tw_notify_config *sink)
{
    const struct tw_texts *by = route->group_by.n ? &route->group_by : &sink->group_by;
    *ret = (struct tw_route){
        .match = &route->match,
        .to = route->to.n ? &route->to : &sink->to,
        .group_by = is_all(by) ? &nothing
                    : by->n    ? by
                               : &by_project,
        .url = route->url,
        .wait_ms = ms_of(route->group_wait, sink->group_wait),
        .interval_ms = ms_of(route->group_interval, sink->group_interval),
        .repeat_ms = ms_of(route->repeat_interval, sink->repeat_interval),
        .min_severity =
            route->min_severity < TW_SEVERITY_DEFAULT ? route->min_severity : sink->min_severity,
        .send_resolved = route->send_resolved == TW_ROUTE_DEFAULT
                             ? sink->send_resolved
                             : route->send_resolved == TW_ROUTE_YES,
        .goes_on = route->goes_on,
    };
    name_destination(ret);
}

static void name_by_match(struct tw_route *route)
{
    size_t used = 0;
    snprintf(route->name, sizeof route->name, "%s", route->match->n ? "" : "all");
    for (size_t i = 0; i < route->match->n && used < sizeof route->name; i++)
        used += (size_t)snprintf(route->name + used, sizeof route->name - used, "%s%s",
                                 i ? ", " : "", route->match->at[i]);
}

/* What two routes with one match, or the same beginning of it, differ in. */
static void add_digest(struct tw_route *route)
{
    char digest[TW_EVENT_ID_SIZE];
    const char *fields[2 * TW_LIST_MAX + 1] = {route->destination};
    size_t n = 1, room = sizeof fields / sizeof *fields;
    for (size_t i = 0; i < route->match->n && n < room; i++)
        fields[n++] = route->match->at[i];
    for (size_t i = 0; i < route->group_by->n && n < room; i++)
        fields[n++] = route->group_by->at[i];
    tw_fields_id(digest, n, fields);
    size_t used = strnlen(route->name, sizeof route->name - 10);
    snprintf(route->name + used, sizeof route->name - used, " %.8s", digest);
}

/* Groups find their route again by its name, after a reload, too. A route without one is called by
 * what it matches, wherever it stands. */
static void name_routes(struct tw_routes *routes, const struct tw_notify_config *config)
{
    bool is_shared[TW_LIST_MAX + 1] = {false};
    for (size_t i = 0; i < config->routes.n; i++) {
        const struct tw_route_config *configured = config->routes.at;
        if (configured[i].name)
            snprintf(routes->at[i].name, sizeof routes->at[i].name, "%s", configured[i].name);
        else
            name_by_match(&routes->at[i]);
        for (size_t j = 0; j < i; j++) {
            if (!configured[i].name && !configured[j].name &&
                !strcmp(routes->at[i].name, routes->at[j].name))
                is_shared[i] = is_shared[j] = true;
        }
    }
    for (size_t i = 0; i < config->routes.n; i++) {
        if (is_shared[i])
            add_digest(&routes->at[i]);
    }
    snprintf(routes->at[routes->n - 1].name, sizeof routes->at->name, "%s", TW_ROUTE_DEFAULT_NAME);
}

/* As people find it in their file. */
static int check_names(const struct tw_route *route, const char *name, size_t index,
                       struct tw_error *error)
{
    char place[128], number[24];
    snprintf(number, sizeof number, "%zu", index + 1);
    snprintf(place, sizeof place, "route %.80s: match", name ? name : number);
    int result = tw_subject_check(route->match, place, error);
    snprintf(place, sizeof place, "route %.80s: group_by", name ? name : number);
    return result ? result : tw_subject_check(route->group_by, place, error);
}

static int check_unique(const struct tw_routes *routes, size_t index, struct tw_error *error)
{
    for (size_t i = 0; i < index; i++) {
        if (!strcmp(routes->at[i].name, routes->at[index].name))
            return tw_error_set(error, -EINVAL, "routes: two are called '%s'%s", routes->at[i].name,
                                index + 1 == routes->n ? ", which is the sink's own" : "");
    }
    return 0;
}

/* A route that takes everything lets nothing through to those behind it. */
static int check_reached(const struct tw_routes *routes, size_t index, struct tw_error *error)
{
    if (index == 0 || index + 1 == routes->n)
        return 0; /* the sink's own may be for nothing */
    const struct tw_route *before = &routes->at[index - 1];
    if (before->match->n || before->goes_on)
        return 0;
    return tw_error_set(error, -EINVAL,
                        "route %s takes everything, so nothing reaches route %s: give the former a "
                        "match, put it last, or let it say continue: true",
                        before->name, routes->at[index].name);
}

int tw_routes_read(struct tw_routes *ret, const struct tw_notify_config *config,
                   struct tw_error *error)
{
    static char last_name[] = TW_ROUTE_DEFAULT_NAME;
    struct tw_route_config last = {.name = last_name,
                                   .group_wait = -1,
                                   .group_interval = -1,
                                   .repeat_interval = -1,
                                   .min_severity = TW_SEVERITY_DEFAULT,
                                   .send_resolved = TW_ROUTE_DEFAULT};
    const struct tw_route_config *routes = config->routes.at;
    int result = 0;
    ret->n = config->routes.n + 1;
    for (size_t i = 0; i < ret->n && !result; i++) {
        bool is_last = i + 1 == ret->n;
        read_route(&ret->at[i], is_last ? &last : &routes[i], config);
        if (is_last)
            ret->at[i].match = &nothing;
        result = check_names(&ret->at[i], is_last ? last.name : routes[i].name, i, error);
    }
    if (!result)
        name_routes(ret, config);
    for (size_t i = 0; i < ret->n && !result; i++) {
        result = check_unique(ret, i, error);
        if (!result)
            result = check_reached(ret, i, error);
    }
    return result;
}

const struct tw_route *tw_routes_find(const struct tw_routes *routes, const char *name)
{
    for (size_t i = 0; i < routes->n; i++) {
        if (!strcmp(routes->at[i].name, name))
            return &routes->at[i];
    }
    return &routes->at[routes->n - 1];
}

size_t tw_routes_next(const struct tw_routes *routes, size_t at, const json_t *subject,
                      const struct tw_route **ret)
{
    /* The last one is for what no other takes. */
    size_t end = at ? routes->n - 1 : routes->n;
    for (; at < end; at++) {
        const struct tw_route *route = &routes->at[at];
        if (!tw_subject_matches(subject, route->match))
            continue;
        *ret = route;
        return route->goes_on ? at + 1 : routes->n + 1; /* behind the last: no more */
    }
    return 0;
}

json_t *tw_route_labels(const struct tw_route *route, const json_t *subject)
{
    json_t *labels = json_object();
    for (size_t i = 0; labels && i < route->group_by->n; i++) {
        const char *value = tw_subject_text(subject, route->group_by->at[i]);
        if (value[0])
            json_object_set_new(labels, route->group_by->at[i], tw_json_string(value));
    }
    return labels;
}
