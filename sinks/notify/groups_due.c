/* When a group has to be told of, and what holds it back. */
#include "config.h"

#include "sinks/notify/groups_parts.h"

#include <string.h>

bool tw_member_is_pending(const struct tw_member *member)
{
    const struct tw_alert *alert = &member->known->alert;
    if (tw_alert_is_over(alert))
        return true; /* else it would have left */
    return member->told == TW_TOLD_NOTHING || alert->severity > member->told_severity;
}

/* Open when its run ended is as good as open. */
static bool is_open(const struct tw_known *known, const char *run)
{
    if (known->alert.status == TW_ALERT_ENDED && known->is_done)
        return true;
    return (known->alert.status == TW_ALERT_FIRING || known->alert.status == TW_ALERT_ENDED) &&
           !LIST_EMPTY(&known->members) &&
           !strcmp(tw_document_text(known->alert.subject, "run"), run);
}

/* Another open alert of the same run that people are told of. */
static bool has_open_cause(const struct tw_groups *groups, const struct tw_alert *alert)
{
    size_t i;
    json_t *cause;
    json_array_foreach(alert->causes, i, cause)
    {
        const char *id = json_string_value(cause);
        const struct tw_known *known = id ? tw_known_find(groups, id) : NULL;
        if (known && is_open(known, tw_document_text(alert->subject, "run")))
            return true;
    }
    return false;
}

bool tw_member_is_muted(struct tw_groups *groups, const struct tw_member *member,
                        const struct tw_silences *silences, int64_t now_ms)
{
    const struct tw_alert *alert = &member->known->alert;
    if (alert->status == TW_ALERT_FALSE)
        return false; /* who said so shall see that it was heard */
    if (groups->options.config->inhibit && has_open_cause(groups, alert)) {
        groups->counts.inhibited++;
        return true;
    }
    if (!tw_silences_find(silences, alert->subject, now_ms))
        return false;
    groups->counts.silenced++;
    return true;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A clock that was set back must not keep anybody waiting for long. */
static int64_t past(int64_t at_ms, int64_t now_ms)
{
    return at_ms < now_ms ? at_ms : now_ms;
}

static int64_t due_time(const struct tw_group *group, const struct tw_due *due, int64_t now_ms)
{
    const struct tw_route *route = group->route;
    int64_t told = past(group->told_ms, now_ms);
    if (due->n_pending && !group->told_ms)
        return past(group->changed_ms, now_ms) + route->wait_ms;
    if (due->n_pending)
        return later(told + route->interval_ms, past(group->changed_ms, now_ms) + route->wait_ms);
    if (due->n_firing && route->repeat_ms > 0)
        return told + later(route->repeat_ms, route->interval_ms);
    return INT64_MAX;
}

void tw_group_look(struct tw_groups *groups, const struct tw_group *group,
                   const struct tw_silences *silences, int64_t now_ms, struct tw_due *ret)
{
    struct tw_due due = {0};
    const struct tw_member *member;
    int pending = 0, firing = 0;
    LIST_FOREACH(member, &group->members, of_group)
    {
        bool is_pending = tw_member_is_pending(member);
        int severity = member->known->alert.severity;
        if (tw_member_is_muted(groups, member, silences, now_ms))
            continue;
        due.n_pending += is_pending;
        due.n_firing += !is_pending;
        if (is_pending && severity > pending)
            pending = severity;
        if (!is_pending && severity > firing)
            firing = severity;
    }
    due.severity = due.n_pending ? pending : firing;
    due.is_repeat = !due.n_pending;
    due.at_ms = due_time(group, &due, now_ms);
    *ret = due;
}

/* ---- held back ---- */

/* Marks what the digest has to name. What holds it back now is what counts: the limit lets go of
 * it sooner than quiet hours do, and what has become grave waits for the limit alone. */
static void hold(struct tw_groups *groups, struct tw_group *group, enum tw_hold why,
                 const struct tw_silences *silences, int64_t now_ms)
{
    struct tw_member *member;
    bool is_news = group->hold != why;
    group->hold = why;
    LIST_FOREACH(member, &group->members, of_group)
    {
        if (member->is_held || !tw_member_is_pending(member) ||
            tw_member_is_muted(groups, member, silences, now_ms))
            continue;
        member->is_held = is_news = true;
        tw_groups_keep_known(groups, member->known);
    }
    if (is_news)
        tw_groups_keep_group(groups, group);
}

/* ---- a tick ---- */

struct tick {
    const struct tw_silences *silences;
    int64_t now_ms;
    bool is_quiet;
    json_t
        *limited; /* destinations for which something is held back by the limit: the rest joins */
};

static void note_limited(struct tick *tick, const struct tw_group *group)
{
    if (group->hold == TW_HOLD_LIMIT)
        json_object_set_new(tick->limited, group->route->destination, json_true());
}

static json_t *find_limited(const struct tw_groups *groups, struct tick *tick)
{
    const struct tw_group *group;
    tick->limited = json_object();
    LIST_FOREACH(group, &groups->all, in_all)
    note_limited(tick, group);
    return tick->limited;
}

/* What is silenced since it fired is over without a word. */
static void drop_muted(struct tw_groups *groups, struct tw_group *group, const struct tick *tick)
{
    struct tw_member *member = LIST_FIRST(&group->members), *next;
    for (; member; member = next) {
        struct tw_known *known = member->known;
        next = LIST_NEXT(member, of_group);
        if (!tw_alert_is_over(&known->alert) ||
            !tw_member_is_muted(groups, member, tick->silences, tick->now_ms))
            continue;
        tw_member_remove(groups, member);
        tw_known_settle(groups, known, tick->now_ms);
    }
}

static void tick_group(struct tw_groups *groups, struct tw_group *group, struct tick *tick)
{
    struct tw_due due;
    if (group->unsent)
        return;
    drop_muted(groups, group, tick);
    if (LIST_EMPTY(&group->members)) {
        tw_group_remove(groups, group);
        return;
    }
    tw_group_look(groups, group, tick->silences, tick->now_ms, &due);
    if (!due.n_pending)
        group->changed_ms = 0; /* what had changed is over, or quieted */
    if (due.at_ms > tick->now_ms)
        return;
    const char *destination = group->route->destination;
    if (tick->is_quiet && due.severity < groups->options.config->quiet_severity)
        hold(groups, group, TW_HOLD_QUIET, tick->silences, tick->now_ms);
    else if (!tw_limit_has_token(&groups->limits, destination, tick->now_ms) ||
             json_object_get(tick->limited, destination))
        hold(groups, group, TW_HOLD_LIMIT, tick->silences, tick->now_ms);
    else if (group->hold == TW_HOLD_NOT || tick->is_quiet)
        tw_group_tell(groups, group, tick->silences, due.is_repeat, tick->now_ms);
    note_limited(tick, group);
}

static void tick_digests(struct tw_groups *groups, const struct tick *tick)
{
    unsigned holds = 1u << TW_HOLD_LIMIT | (tick->is_quiet ? 0 : 1u << TW_HOLD_QUIET);
    for (size_t i = 0; i < groups->routes.n; i++) {
        const char *destination = groups->routes.at[i].destination;
        if (tw_limit_has_token(&groups->limits, destination, tick->now_ms))
            tw_groups_tell_digest(groups, destination, holds, tick->silences, tick->now_ms);
    }
}

/* The first tick of a day behind the time of the summary. The very first day has none: nothing is
 * known of it. */
static void tick_summary(struct tw_groups *groups, int64_t now_ms)
{
    char day[sizeof groups->summary_day];
    struct tm now = tw_zone_calendar(&groups->zone, now_ms);
    if (groups->summary_minute < 0 || now.tm_hour * 60 + now.tm_min < groups->summary_minute)
        return;
    strftime(day, sizeof day, "%Y-%m-%d", &now);
    if (!strcmp(day, groups->summary_day))
        return;
    bool is_first = !groups->summary_day[0];
    strcpy(groups->summary_day, day);
    if (!is_first)
        tw_groups_tell_summary(groups, day, now_ms);
    groups->n_opened = groups->n_closed = 0;
    groups->is_changed = true;
}

void tw_groups_tick(struct tw_groups *groups, const struct tw_silences *silences, int64_t now_ms)
{
    struct tm calendar = tw_zone_calendar(&groups->zone, now_ms);
    struct tick tick = {.silences = silences,
                        .now_ms = now_ms,
                        .is_quiet = tw_quiet_is_now(groups->quiet, groups->n_quiet, &calendar)};
    if (!find_limited(groups, &tick)) {
        groups->has_failed = true;
        return;
    }
    struct tw_group *group = LIST_FIRST(&groups->all), *next;
    groups->counts.silenced = groups->counts.inhibited = 0;
    for (; group; group = next) {
        next = LIST_NEXT(group, in_all);
        tick_group(groups, group, &tick);
    }
    json_decref(tick.limited);
    tick_digests(groups, &tick);
    tick_summary(groups, now_ms);
    if (groups->is_changed)
        tw_groups_keep_state(groups);
}
