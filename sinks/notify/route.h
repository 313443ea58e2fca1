/* Routes: which alerts are told to whom, in which groups, how often. */
#ifndef TW_NOTIFY_ROUTE_H
#define TW_NOTIFY_ROUTE_H

#include "sinks/notify/options.h"

struct json_t; /* jansson's */

#define TW_ROUTE_DEFAULT_NAME "default"

/* A route with what it takes from its sink filled in. Borrows from the configuration. */
struct tw_route {
    char name[80]; /* configured, or made of what it matches: it stays the same among others */
    const struct tw_texts *match, *to, *group_by;
    const char *url; /* NULL: the sink's */
    int64_t wait_ms, interval_ms, repeat_ms;
    int min_severity;
    bool send_resolved, goes_on;
    char destination[33]; /* routes with the same recipients share it, and a rate limit */
};

struct tw_routes {
    size_t n; /* the last one is what the sink itself says */
    struct tw_route at[TW_LIST_MAX + 1];
};

/* Mistakes name the option. */
int tw_routes_read(struct tw_routes *ret, const struct tw_notify_config *config,
                   struct tw_error *error);
/* By name; the last where none is called so any more. */
const struct tw_route *tw_routes_find(const struct tw_routes *routes, const char *name);
/* The routes that an alert takes: for i = 0; (i = tw_routes_next(routes, i, subject, &route)); */
size_t tw_routes_next(const struct tw_routes *routes, size_t at, const struct json_t *subject,
                      const struct tw_route **ret);
/* What an alert's group has in common, {"project": "vision"}; what an alert does not have is left
 * out. New reference, NULL when out of memory. */
struct json_t *tw_route_labels(const struct tw_route *route, const struct json_t *subject);

#endif
