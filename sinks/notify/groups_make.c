/* Telling: what goes into a notification, and what its people know afterwards. */
#include "config.h"

#include "sinks/notify/groups_parts.h"

#include "sinks/notify/subject.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Most alerts of one notification, which has to fit into a message of the notification log: the
 * others of a group are told in its next one. */
#define CONTENT_MAX 5000

/* The alerts of one notification. */
struct content {
    const struct tw_alert **alerts;
    struct tw_member **members;
    size_t n, room;
};

static bool add(struct content *content, struct tw_member *member)
{
    if (content->n == content->room) {
        size_t room = content->room ? 2 * content->room : 64;
        struct tw_member **grown = realloc(content->members, room * sizeof *grown);
        if (!grown)
            return false;
        content->members = grown;
        content->room = room;
    }
    content->members[content->n++] = member;
    return true;
}

/* What people have to be told first: what is new, then what is grave, then what is old. */
static int by_weight(const void *a, const void *b)
{
    const struct tw_member *x = *(struct tw_member *const *)a, *y = *(struct tw_member *const *)b;
    const struct tw_alert *of_x = &x->known->alert, *of_y = &y->known->alert;
    int news = tw_member_is_pending(y) - tw_member_is_pending(x);
    int firing = tw_alert_is_over(of_x) - tw_alert_is_over(of_y);
    int severity = of_y->severity - of_x->severity;
    if (news || firing || severity)
        return news ? news : firing ? firing : severity;
    if (of_x->starts_ms != of_y->starts_ms)
        return of_x->starts_ms < of_y->starts_ms ? -1 : 1;
    return strcmp(of_x->episode, of_y->episode);
}

/* All that is not muted: what has to be told, and what is still open besides. */
static void gather(struct tw_groups *groups, struct tw_group *group,
                   const struct tw_silences *silences, int64_t now_ms, struct content *content)
{
    struct tw_member *member;
    LIST_FOREACH(member, &group->members, of_group)
    {
        bool is_muted = !member->is_held && tw_member_is_muted(groups, member, silences, now_ms);
        if (!is_muted && !add(content, member))
            groups->has_failed = true;
    }
}

/* Sorted, and no more than fit. */
static bool finish(struct content *content)
{
    if (!content->n)
        return false;
    qsort(content->members, content->n, sizeof *content->members, by_weight);
    if (content->n > CONTENT_MAX)
        content->n = CONTENT_MAX;
    content->alerts = calloc(content->n, sizeof *content->alerts);
    return content->alerts != NULL;
}

/* Without those that stand in it twice, by way of two groups of a digest. */
static size_t fill_alerts(struct content *content)
{
    size_t n = 0;
    for (size_t i = 0; i < content->n; i++) {
        const struct tw_alert *alert = &content->members[i]->known->alert;
        bool is_twice = n && content->alerts[n - 1] == alert;
        if (!is_twice)
            content->alerts[n++] = alert;
    }
    return n;
}

static void release(struct content *content)
{
    free(content->alerts);
    free(content->members);
}

/* Its people know of it now. */
static void mark_told(struct tw_groups *groups, struct content *content, int64_t now_ms)
{
    for (size_t i = 0; i < content->n; i++) {
        struct tw_member *member = content->members[i];
        struct tw_known *known = member->known;
        if (tw_alert_is_over(&known->alert)) {
            known->was_told = known->alert.status == TW_ALERT_ENDED;
            tw_member_remove(groups, member);
            tw_known_settle(groups, known, now_ms);
            continue;
        }
        member->told = TW_TOLD_FIRING;
        member->told_severity = known->alert.severity;
        member->is_held = false;
        tw_groups_keep_known(groups, known);
    }
}

static void mark_group(struct tw_groups *groups, struct tw_group *group, int64_t now_ms)
{
    group->told_ms = now_ms;
    group->changed_ms = 0;
    group->hold = TW_HOLD_NOT;
    group->unsent++;
    tw_groups_keep_group(groups, group);
}

static void use_token(struct tw_groups *groups, const char *destination, int64_t now_ms)
{
    if (!tw_limit_take(&groups->limits, destination, now_ms))
        groups->has_failed = true;
    groups->is_changed = true;
}

static struct tw_notice notice_for(const struct tw_groups *groups, const struct tw_route *route,
                                   int64_t now_ms)
{
    return (struct tw_notice){
        .receiver = groups->options.receiver,
        .route = route->name,
        .to = route->to,
        .run_link = groups->options.config->run_link,
        .kibana = groups->options.kibana,
        .config_path = groups->options.config_path,
        .now_ms = now_ms,
    };
}

static void post(struct tw_groups *groups, const struct tw_notice *notice, json_t *ids)
{
    json_t *notification = tw_notification_make(notice);
    if (notification && ids) {
        tw_groups_post(groups, notification, ids);
        return;
    }
    json_decref(notification);
    json_decref(ids);
    groups->has_failed = true;
}

/* ---- one group ---- */

void tw_group_tell(struct tw_groups *groups, struct tw_group *group,
                   const struct tw_silences *silences, bool is_repeat, int64_t now_ms)
{
    struct content content = {0};
    char id[TW_EVENT_ID_SIZE], number[24];
    gather(groups, group, silences, now_ms, &content);
    if (finish(&content)) {
        snprintf(number, sizeof number, "%" PRIu64, ++group->number);
        tw_fields_id(id, 2, (const char *[]){group->thread, number});
        struct tw_notice notice = notice_for(groups, group->route, now_ms);
        notice.kind = TW_NOTICE_GROUP;
        notice.id = id;
        notice.thread = group->thread;
        notice.key = group->key;
        notice.labels = group->labels;
        notice.group_by = group->route->group_by;
        notice.is_repeat = is_repeat;
        notice.n = fill_alerts(&content);
        notice.alerts = content.alerts;
        post(groups, &notice, json_pack("[s]", group->id));
        use_token(groups, group->route->destination, now_ms);
        mark_told(groups, &content, now_ms);
        mark_group(groups, group, now_ms);
    }
    release(&content);
}

/* ---- a digest ---- */

static bool is_for_digest(const struct tw_group *group, const char *destination, unsigned holds)
{
    return group->hold != TW_HOLD_NOT && (holds >> group->hold & 1) && !group->unsent &&
           !strcmp(group->route->destination, destination);
}

static void post_digest(struct tw_groups *groups, const char *destination,
                        const struct tw_route *route, struct content *content, json_t *ids,
                        int64_t now_ms)
{
    char id[TW_EVENT_ID_SIZE], number[24];
    snprintf(number, sizeof number, "%" PRIu64, ++groups->n_digests);
    tw_fields_id(id, 4, (const char *[]){groups->options.receiver, "digest", destination, number});
    struct tw_notice notice = notice_for(groups, route, now_ms);
    notice.kind = TW_NOTICE_DIGEST;
    notice.id = notice.thread = id;
    notice.key = "digest";
    notice.n = fill_alerts(content);
    notice.alerts = content->alerts;
    post(groups, &notice, ids);
    use_token(groups, destination, now_ms);
}

/* Groups that stand alone need no digest. */
static struct tw_group *only_group(struct tw_groups *groups, const char *destination,
                                   unsigned holds, size_t *ret_n)
{
    struct tw_group *group, *found = NULL;
    *ret_n = 0;
    LIST_FOREACH(group, &groups->all, in_all)
    {
        if (!is_for_digest(group, destination, holds))
            continue;
        found = group;
        ++*ret_n;
    }
    return found;
}

void tw_groups_tell_digest(struct tw_groups *groups, const char *destination, unsigned holds,
                           const struct tw_silences *silences, int64_t now_ms)
{
    size_t n;
    struct content content = {0};
    struct tw_group *group = only_group(groups, destination, holds, &n);
    const struct tw_route *route = group ? group->route : NULL;
    if (n < 2) {
        if (group) {
            group->hold = TW_HOLD_NOT;
            tw_group_tell(groups, group, silences, false, now_ms);
        }
        return;
    }
    json_t *ids = json_array();
    LIST_FOREACH(group, &groups->all, in_all)
    {
        if (is_for_digest(group, destination, holds)) {
            gather(groups, group, silences, now_ms, &content);
            json_array_append_new(ids, json_string(group->id));
        }
    }
    if (finish(&content)) {
        size_t i;
        json_t *id;
        post_digest(groups, destination, route, &content, json_incref(ids), now_ms);
        mark_told(groups, &content, now_ms);
        json_array_foreach(ids, i, id)
        {
            group = tw_group_find(groups, json_string_value(id));
            if (group)
                mark_group(groups, group, now_ms);
        }
    }
    json_decref(ids);
    release(&content);
}

/* ---- the daily summary ---- */

void tw_groups_tell_summary(struct tw_groups *groups, const char *day, int64_t now_ms)
{
    char id[TW_EVENT_ID_SIZE];
    const struct tw_route *route = &groups->routes.at[groups->routes.n - 1];
    const struct tw_alert **alerts = calloc(groups->n_known + 1, sizeof *alerts);
    struct tw_notice notice = notice_for(groups, route, now_ms);
    const struct tw_known *known;
    if (!alerts) {
        groups->has_failed = true;
        return;
    }
    TAILQ_FOREACH(known, &groups->known, in_order)
    {
        if (!tw_alert_is_over(&known->alert) && known->alert.subject)
            alerts[notice.n++] = &known->alert;
    }
    tw_fields_id(id, 3, (const char *[]){groups->options.receiver, "summary", day});
    notice.kind = TW_NOTICE_SUMMARY;
    notice.id = notice.thread = id;
    notice.key = "summary";
    notice.alerts = alerts;
    notice.n_opened = groups->n_opened;
    notice.n_closed = groups->n_closed;
    post(groups, &notice, json_array());
    free(alerts);
}
