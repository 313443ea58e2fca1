/* What a notifying sink is told about whom to notify when: the rows of its option table that mail
 * and webhook share, and what they fill in. docs/notifications.md tells the semantics. */
#ifndef TW_NOTIFY_OPTIONS_H
#define TW_NOTIFY_OPTIONS_H

#include "telemetry/option.h"

/* "default" in a route: what the sink says. */
#define TW_SEVERITY_DEFAULT 3
enum tw_route_switch { TW_ROUTE_NO, TW_ROUTE_YES, TW_ROUTE_DEFAULT };

/* One entry of `routes`. Empty lists and negative durations: what the sink says. */
struct tw_route_config {
    char *name;
    struct tw_texts match;                              /* "project=vision-*": all have to match */
    struct tw_texts to;                                 /* of a mail */
    char *url;                                          /* of a webhook */
    struct tw_texts group_by;                           /* "project", "run", ..., "label.team" */
    double group_wait, group_interval, repeat_interval; /* seconds */
    int min_severity, send_resolved;
    bool goes_on; /* `continue` */
};

struct tw_notify_config {
    struct tw_texts to; /* the sink's own recipients; a webhook has none */
    struct tw_texts group_by;
    double group_wait, group_interval, repeat_interval; /* seconds; repeat 0: never */
    bool send_resolved, inhibit;
    int min_severity; /* 0 info, 1 warning, 2 critical */
    struct tw_list routes;
    uint64_t max_per_hour; /* notifications for the same recipients; 0: as many as there are */
    struct tw_texts quiet_hours;
    char *quiet_zone;
    int quiet_severity; /* this and graver is told in quiet hours, too; 3: nothing */
    char *summary_at;   /* "08:00"; NULL: no daily summary */
    char *run_link;     /* "https://host/runs/{run}"; NULL: none */
};

extern const char *const tw_notify_severities[]; /* info, warning, critical */
extern const char *const tw_notify_route_severities[], *const tw_notify_switches[],
                                                           *const tw_notify_quiet_severities[];

#define TW_ROUTE_TO                                                                                \
    {                                                                                              \
        "to", TW_OPTION_TEXTS, offsetof(struct tw_route_config, to),                               \
            .help = "the recipients' addresses; default: the sink's"                               \
    }

/* The rows of a route; `own` are the rows of the sink's own kind of recipient. */
#define TW_ROUTE_ROWS(own)                                                                         \
    {"name", TW_OPTION_TEXT, offsetof(struct tw_route_config, name),                               \
     .help = "what the route is called in notifications, and by -o"},                              \
        {"match", TW_OPTION_PROPERTIES, offsetof(struct tw_route_config, match),                   \
         .help = "which alerts: project, group, user, host, run, detector, scope, severity, "      \
                 "label.NAME: each a pattern (vision-*, @(a|b)); all have to match; none: every "  \
                 "alert"},                                                                         \
        own,                                                                                       \
        {"group_by", TW_OPTION_TEXTS, offsetof(struct tw_route_config, group_by),                  \
         .help = "default: the sink's"},                                                           \
        {"group_wait",                                                                             \
         TW_OPTION_DURATION,                                                                       \
         offsetof(struct tw_route_config, group_wait),                                             \
         -1,                                                                                       \
         0,                                                                                        \
         86400,                                                                                    \
         .help = "default: the sink's"},                                                           \
        {"group_interval",                                                                         \
         TW_OPTION_DURATION,                                                                       \
         offsetof(struct tw_route_config, group_interval),                                         \
         -1,                                                                                       \
         0,                                                                                        \
         86400,                                                                                    \
         .help = "default: the sink's"},                                                           \
        {"repeat_interval",                                                                        \
         TW_OPTION_DURATION,                                                                       \
         offsetof(struct tw_route_config, repeat_interval),                                        \
         -1,                                                                                       \
         0,                                                                                        \
         30 * 86400.,                                                                              \
         .help = "default: the sink's"},                                                           \
        {"min_severity",                                                                           \
         TW_OPTION_CHOICE,                                                                         \
         offsetof(struct tw_route_config, min_severity),                                           \
         TW_SEVERITY_DEFAULT,                                                                      \
         .choices = tw_notify_route_severities,                                                    \
         .help = "default: the sink's"},                                                           \
        {"send_resolved",                                                                          \
         TW_OPTION_CHOICE,                                                                         \
         offsetof(struct tw_route_config, send_resolved),                                          \
         TW_ROUTE_DEFAULT,                                                                         \
         .choices = tw_notify_switches,                                                            \
         .help = "default: the sink's"},                                                           \
    {                                                                                              \
        "continue", TW_OPTION_BOOL, offsetof(struct tw_route_config, goes_on), 0, 0, 1,            \
            .help = "look at the routes behind this one, too"                                      \
    }

/* The rows of a sink whose config is `type` with a struct tw_notify_config `notify`. */
#define TW_NOTIFY_ROWS(type, route_entries)                                                        \
    {"min_severity",                                                                               \
     TW_OPTION_CHOICE,                                                                             \
     offsetof(type, notify.min_severity),                                                          \
     1,                                                                                            \
     .choices = tw_notify_severities,                                                              \
     .help = "the least severity that is worth a notification"},                                   \
        {"group_by", TW_OPTION_TEXTS, offsetof(type, notify.group_by),                             \
         .help = "what alerts of one notification have in common: project, group, user, host, "    \
                 "run, detector, scope, severity, label.NAME; or all: one group of everything; "   \
                 "default: project"},                                                              \
        {"group_wait",                                                                             \
         TW_OPTION_DURATION,                                                                       \
         offsetof(type, notify.group_wait),                                                        \
         30,                                                                                       \
         0,                                                                                        \
         86400,                                                                                    \
         .help = "how long a new group gathers alerts before its first notification"},             \
        {"group_interval",                                                                         \
         TW_OPTION_DURATION,                                                                       \
         offsetof(type, notify.group_interval),                                                    \
         300,                                                                                      \
         0,                                                                                        \
         86400,                                                                                    \
         .help = "least time between two notifications of a group"},                               \
        {"repeat_interval",                                                                        \
         TW_OPTION_DURATION,                                                                       \
         offsetof(type, notify.repeat_interval),                                                   \
         14400,                                                                                    \
         0,                                                                                        \
         30 * 86400.,                                                                              \
         .help = "what has not changed is told again after so long; 0: never"},                    \
        {"send_resolved",                                                                          \
         TW_OPTION_BOOL,                                                                           \
         offsetof(type, notify.send_resolved),                                                     \
         1,                                                                                        \
         0,                                                                                        \
         1,                                                                                        \
         .help = "tell when it is over, too, in the same thread"},                                 \
        {"inhibit",                                                                                \
         TW_OPTION_BOOL,                                                                           \
         offsetof(type, notify.inhibit),                                                           \
         1,                                                                                        \
         0,                                                                                        \
         1,                                                                                        \
         .help = "keep quiet about what follows from another open alert of the same run"},         \
        {"routes", TW_OPTION_LIST, offsetof(type, notify.routes), .entries = route_entries,        \
         .help = "who is told what; the first that matches; what no route matches goes to the "    \
                 "sink's own recipients"},                                                         \
        {"max_per_hour",                                                                           \
         TW_OPTION_COUNT,                                                                          \
         offsetof(type, notify.max_per_hour),                                                      \
         30,                                                                                       \
         0,                                                                                        \
         1e6,                                                                                      \
         .help = "most notifications an hour for the same recipients; what it holds back comes "   \
                 "as one digest; 0: no limit"},                                                    \
        {"quiet_hours", TW_OPTION_TEXTS, offsetof(type, notify.quiet_hours),                       \
         .help = "when to hold back, \"22:00-07:00\" or \"sat-sun 00:00-24:00\"; a digest follows" \
                 " at the end"},                                                                   \
        {"quiet_zone", TW_OPTION_TEXT, offsetof(type, notify.quiet_zone), .initial_text = "local", \
         .help = "the clock of quiet_hours and summary_at: local (TZ of the agent), UTC, or an "   \
                 "offset such as +02:00"},                                                         \
        {"quiet_severity",                                                                         \
         TW_OPTION_CHOICE,                                                                         \
         offsetof(type, notify.quiet_severity),                                                    \
         2,                                                                                        \
         .choices = tw_notify_quiet_severities,                                                    \
         .help = "what is as grave as this is told in quiet hours, too"},                          \
        {"summary_at", TW_OPTION_TEXT, offsetof(type, notify.summary_at),                          \
         .help = "HH:MM: a daily summary of what is open and what happened"},                      \
    {                                                                                              \
        "run_link", TW_OPTION_TEXT, offsetof(type, notify.run_link),                               \
            .help = "URL of a run's page, with {run} for its id; default: its view in kibana.url"  \
    }

#endif
