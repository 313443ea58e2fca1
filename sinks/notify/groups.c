/* The grouping core: documents become alerts in groups. */
#include "config.h"

#include "sinks/notify/groups_parts.h"

#include "sinks/notify/subject.h"

#include "advisories/json_text.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* How many episodes that are over stay known, and how long: as long as copies of their documents
 * may come. */
#define DONE_MAX 20000
#define DONE_MS (7 * INT64_C(86400000))

/* ---- looking up ---- */

/* Ids stand first in what is looked up. */
static int by_id(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void *find(void *const *root, const char *id)
{
    void *found = tfind(id, root, by_id);
    return found ? *(void **)found : NULL;
}

struct tw_known *tw_known_find(const struct tw_groups *groups, const char *episode)
{
    return find(&groups->by_episode, episode);
}

struct tw_group *tw_group_find(const struct tw_groups *groups, const char *id)
{
    return find(&groups->by_group, id);
}

struct tw_known *tw_known_add(struct tw_groups *groups, const char *episode)
{
    struct tw_known *known = calloc(1, sizeof *known);
    if (known)
        snprintf(known->alert.episode, sizeof known->alert.episode, "%s", episode);
    if (!known || !tsearch(known, &groups->by_episode, by_id)) {
        free(known);
        groups->has_failed = true;
        return NULL;
    }
    LIST_INIT(&known->members);
    TAILQ_INSERT_TAIL(&groups->known, known, in_order);
    groups->n_known++;
    return known;
}

struct tw_group *tw_group_add(struct tw_groups *groups, const char *id)
{
    struct tw_group *group = calloc(1, sizeof *group);
    if (group)
        snprintf(group->id, sizeof group->id, "%s", id);
    if (!group || !tsearch(group, &groups->by_group, by_id)) {
        free(group);
        groups->has_failed = true;
        return NULL;
    }
    LIST_INIT(&group->members);
    LIST_INSERT_HEAD(&groups->all, group, in_all);
    groups->n_groups++;
    return group;
}

struct tw_member *tw_member_add(struct tw_groups *groups, struct tw_known *known,
                                struct tw_group *group)
{
    struct tw_member *member = calloc(1, sizeof *member);
    if (!member) {
        groups->has_failed = true;
        return NULL;
    }
    member->known = known;
    member->group = group;
    LIST_INSERT_HEAD(&known->members, member, of_known);
    LIST_INSERT_HEAD(&group->members, member, of_group);
    return member;
}

/* ---- ends ---- */

void tw_member_remove(struct tw_groups *groups, struct tw_member *member)
{
    (void)groups;
    LIST_REMOVE(member, of_known);
    LIST_REMOVE(member, of_group);
    free(member);
}

static void free_known(struct tw_groups *groups, struct tw_known *known)
{
    tdelete(known, &groups->by_episode, by_id);
    while (!LIST_EMPTY(&known->members))
        tw_member_remove(groups, LIST_FIRST(&known->members));
    if (known->is_done) {
        TAILQ_REMOVE(&groups->done, known, in_order);
        groups->n_done--;
    } else {
        TAILQ_REMOVE(&groups->known, known, in_order);
        groups->n_known--;
    }
    tw_alert_release(&known->alert);
    free(known);
}

static void free_group(struct tw_groups *groups, struct tw_group *group)
{
    tdelete(group, &groups->by_group, by_id);
    LIST_REMOVE(group, in_all);
    groups->n_groups--;
    json_decref(group->labels);
    free(group->key);
    free(group);
}

void tw_group_remove(struct tw_groups *groups, struct tw_group *group)
{
    tw_groups_drop_group(groups, group);
    free_group(groups, group);
}

static void forget_oldest(struct tw_groups *groups, int64_t now_ms)
{
    struct tw_known *oldest;
    while ((oldest = TAILQ_FIRST(&groups->done)) &&
           (groups->n_done > DONE_MAX || now_ms - oldest->done_ms > DONE_MS)) {
        tw_groups_drop_known(groups, oldest);
        free_known(groups, oldest);
    }
}

void tw_known_settle(struct tw_groups *groups, struct tw_known *known, int64_t now_ms)
{
    if (LIST_EMPTY(&known->members) && tw_alert_is_over(&known->alert) && !known->is_done) {
        TAILQ_REMOVE(&groups->known, known, in_order);
        groups->n_known--;
        TAILQ_INSERT_TAIL(&groups->done, known, in_order);
        groups->n_done++;
        known->is_done = true;
        known->done_ms = now_ms;
        tw_alert_forget(&known->alert);
    }
    tw_groups_keep_known(groups, known);
    forget_oldest(groups, now_ms);
}

void tw_group_settle(struct tw_groups *groups, struct tw_group *group)
{
    if (LIST_EMPTY(&group->members) && !group->unsent)
        tw_group_remove(groups, group);
    else
        tw_groups_keep_group(groups, group);
}

/* ---- documents ---- */

/* The group's id is a function of receiver, route and labels, its thread of the document that began
 * this life of it as well. */
static struct tw_group *begin_group(struct tw_groups *groups, const struct tw_route *route,
                                    json_t *labels, char *key, const char *id,
                                    const struct tw_document *document, int64_t now_ms)
{
    struct tw_group *group = tw_group_add(groups, id);
    if (!group) {
        json_decref(labels);
        free(key);
        return NULL;
    }
    group->route = route;
    group->labels = labels;
    group->key = key;
    group->created_ms = now_ms;
    tw_fields_id(group->thread, 2, (const char *[]){id, document->id});
    return group;
}

static struct tw_group *group_of(struct tw_groups *groups, const struct tw_route *route,
                                 const struct tw_alert *alert, const struct tw_document *document,
                                 int64_t now_ms)
{
    char id[TW_EVENT_ID_SIZE];
    json_t *labels = tw_route_labels(route, alert->subject);
    char *key = labels ? json_dumps(labels, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (!key) {
        json_decref(labels);
        groups->has_failed = true;
        return NULL;
    }
    tw_fields_id(id, 3, (const char *[]){groups->options.receiver, route->name, key});
    struct tw_group *group = tw_group_find(groups, id);
    if (!group)
        return begin_group(groups, route, labels, key, id, document, now_ms);
    json_decref(labels);
    free(key);
    return group;
}

static struct tw_member *member_in(const struct tw_known *known, const struct tw_group *group)
{
    struct tw_member *member;
    LIST_FOREACH(member, &known->members, of_known)
    {
        if (member->group == group)
            return member;
    }
    return NULL;
}

/* Something is to be told of a group that had nothing to tell. */
static void note_change(struct tw_group *group, int64_t now_ms)
{
    if (!group->changed_ms)
        group->changed_ms = now_ms;
}

/* It became graver than people were told. */
static void note_grown(struct tw_known *known, int64_t now_ms)
{
    struct tw_member *member;
    LIST_FOREACH(member, &known->members, of_known)
    {
        if (tw_member_is_pending(member))
            note_change(member->group, now_ms);
    }
}

/* Puts a firing alert into the groups of its routes. An alert keeps the groups that it has. */
static void enter_groups(struct tw_groups *groups, struct tw_known *known,
                         const struct tw_document *document, int64_t now_ms)
{
    const struct tw_route *route;
    for (size_t at = 0; (at = tw_routes_next(&groups->routes, at, known->alert.subject, &route));) {
        if (known->alert.severity < route->min_severity)
            continue;
        struct tw_group *group = group_of(groups, route, &known->alert, document, now_ms);
        if (!group || member_in(known, group))
            continue;
        note_change(group, now_ms);
        tw_member_add(groups, known, group);
        tw_groups_keep_group(groups, group);
    }
}

/* An alert that is over leaves the groups whose people never heard of it. */
static void leave_groups(struct tw_groups *groups, struct tw_known *known, int64_t now_ms)
{
    struct tw_member *member = LIST_FIRST(&known->members), *next;
    for (; member; member = next) {
        struct tw_group *group = member->group;
        next = LIST_NEXT(member, of_known);
        /* A run that died with its problem is the last that may go untold. */
        bool must_tell = member->is_held || known->alert.status == TW_ALERT_ENDED ||
                         (member->told == TW_TOLD_FIRING && group->route->send_resolved);
        if (must_tell) {
            note_change(group, now_ms);
            tw_groups_keep_group(groups, group);
            continue;
        }
        tw_member_remove(groups, member);
        tw_group_settle(groups, group);
    }
}

static bool is_wanted(const struct tw_groups *groups, const struct tw_document *document)
{
    const struct tw_route *route;
    json_t *subject = tw_subject_of(document);
    bool is_wanted = false;
    for (size_t at = 0; subject && (at = tw_routes_next(&groups->routes, at, subject, &route));)
        is_wanted |= tw_document_severity(document) >= route->min_severity;
    json_decref(subject);
    return is_wanted;
}

static bool begins_something(const struct tw_document *document)
{
    return !strcmp(document->action, "opened") || !strcmp(document->action, "escalated");
}

/* Nothing new comes of an episode that is over, save where its run went on after its end. */
static bool is_copy(const struct tw_known *known, const struct tw_document *document)
{
    if (document->transition <= known->alert.transition)
        return true;
    if (known->alert.status == TW_ALERT_ENDED)
        return !strcmp(document->action, "still_open"); /* they were told */
    return known->is_done || tw_alert_is_over(&known->alert);
}

static void take_up_again(struct tw_groups *groups, struct tw_known *known)
{
    if (!known->is_done)
        return;
    TAILQ_REMOVE(&groups->done, known, in_order);
    groups->n_done--;
    TAILQ_INSERT_TAIL(&groups->known, known, in_order);
    groups->n_known++;
    known->is_done = false;
}

/* Who was told that it was open at the end of its run is told how it went on. */
static void enter_as_told(struct tw_groups *groups, struct tw_known *known,
                          const struct tw_document *document, int64_t now_ms)
{
    struct tw_member *member;
    enter_groups(groups, known, document, now_ms);
    LIST_FOREACH(member, &known->members, of_known)
    {
        member->told = TW_TOLD_FIRING;
        member->told_severity = known->alert.severity;
    }
    known->was_told = false;
}

static void take_episode(struct tw_groups *groups, const struct tw_document *document,
                         const char *text, size_t size, int64_t now_ms)
{
    struct tw_known *known = tw_known_find(groups, document->episode_id);
    bool was_over = known && tw_alert_is_over(&known->alert);
    if (known ? is_copy(known, document)
              : !begins_something(document) || !is_wanted(groups, document))
        return;
    bool is_new = !known;
    if (!known && !(known = tw_known_add(groups, document->episode_id)))
        return;
    take_up_again(groups, known);
    if (!tw_alert_update(&known->alert, document, text, size)) {
        groups->has_failed = true;
        return;
    }
    if (tw_alert_is_over(&known->alert)) {
        groups->n_closed += !was_over;
        if (known->was_told)
            enter_as_told(groups, known, document, now_ms);
        leave_groups(groups, known, now_ms);
    } else {
        groups->n_opened += is_new || was_over;
        known->was_told = false;
        enter_groups(groups, known, document, now_ms);
        note_grown(known, now_ms);
    }
    groups->is_changed = true;
    tw_known_settle(groups, known, now_ms);
}

/* A copy of a feedback counts for nothing. */
static void count_feedback(struct tw_groups *groups, const char *id, bool is_false)
{
    if (!groups->feedback)
        groups->feedback = json_object();
    if (json_object_get(groups->feedback, id))
        return;
    if (json_object_set_new(groups->feedback, id, json_true()))
        groups->has_failed = true;
    groups->counts.false_alarms += is_false;
    groups->counts.useful += !is_false;
}

/* Somebody looked at it: a false alarm is over for everybody, whatever its run says later. */
static void take_feedback(struct tw_groups *groups, const struct tw_document *document,
                          int64_t now_ms)
{
    const json_t *feedback = json_object_get(document->trainward, "feedback");
    bool is_false = !strcmp(tw_document_text(feedback, "verdict"), "false-alarm");
    struct tw_known *known = tw_known_find(groups, document->episode_id);
    count_feedback(groups, document->id, is_false);
    if (!is_false || (known && known->alert.status == TW_ALERT_FALSE))
        return;
    if (!known && !(known = tw_known_add(groups, document->episode_id)))
        return;
    if (!known->is_done) {
        const char *comment = tw_document_text(feedback, "comment");
        bool was_over = tw_alert_is_over(&known->alert);
        free(known->alert.comment);
        known->alert.comment = comment[0] ? strdup(comment) : NULL;
        known->alert.ends_ms = tw_document_time_ms(document);
        known->alert.status = TW_ALERT_FALSE;
        groups->n_closed += !was_over;
        leave_groups(groups, known, now_ms);
    }
    known->alert.status = TW_ALERT_FALSE;
    groups->is_changed = true;
    tw_known_settle(groups, known, now_ms);
}

bool tw_groups_take(struct tw_groups *groups, const char *text, size_t size, int64_t now_ms,
                    char *reason, size_t reason_size)
{
    struct tw_document document;
    if (!tw_document_parse(&document, text, size, reason, reason_size))
        return false;
    if (document.is_feedback)
        take_feedback(groups, &document, now_ms);
    else if (document.is_episode)
        take_episode(groups, &document, text, size, now_ms);
    tw_document_release(&document);
    return true;
}

/* ---- open and close ---- */

static int read_times(struct tw_groups *groups, const struct tw_notify_config *config,
                      struct tw_error *error)
{
    unsigned minute = 0;
    int result =
        tw_zone_parse(config->quiet_zone ? config->quiet_zone : "local", &groups->zone, error);
    if (!result && config->quiet_hours.n > TW_QUIET_MAX)
        result = tw_error_set(error, -E2BIG, "quiet_hours: more than %d", TW_QUIET_MAX);
    for (size_t i = 0; i < config->quiet_hours.n && !result; i++)
        result =
            tw_quiet_parse(config->quiet_hours.at[i], &groups->quiet[groups->n_quiet++], error);
    groups->summary_minute = -1;
    if (!result && config->summary_at) {
        result = tw_minutes_parse(config->summary_at, &minute, error);
        groups->summary_minute = (int)(minute % 1440);
    }
    return result;
}

int tw_groups_open(struct tw_groups **ret, const struct tw_groups_options *options,
                   struct tw_error *error)
{
    struct tw_groups *groups = calloc(1, sizeof *groups);
    if (!groups)
        return tw_error_set(error, -ENOMEM, "out of memory");
    groups->options = *options;
    TAILQ_INIT(&groups->known);
    TAILQ_INIT(&groups->done);
    LIST_INIT(&groups->all);
    groups->limits.per_hour = (double)options->config->max_per_hour;
    int result = tw_routes_read(&groups->routes, options->config, error);
    if (!result)
        result = read_times(groups, options->config, error);
    if (result) {
        tw_groups_close(groups);
        return result;
    }
    *ret = groups;
    return 0;
}

int tw_groups_check(const struct tw_notify_config *config, struct tw_error *error)
{
    struct tw_groups *groups = NULL;
    const struct tw_groups_options options = {.receiver = "check", .config = config};
    int result = tw_groups_open(&groups, &options, error);
    tw_groups_close(groups);
    return result;
}

void tw_groups_close(struct tw_groups *groups)
{
    if (!groups)
        return;
    while (!TAILQ_EMPTY(&groups->known))
        free_known(groups, TAILQ_FIRST(&groups->known));
    while (!TAILQ_EMPTY(&groups->done))
        free_known(groups, TAILQ_FIRST(&groups->done));
    while (!LIST_EMPTY(&groups->all))
        free_group(groups, LIST_FIRST(&groups->all));
    tw_groups_outbox_release(groups);
    json_decref(groups->limits.full);
    json_decref(groups->feedback);
    free(groups);
}

bool tw_groups_has_failed(const struct tw_groups *groups)
{
    return groups->has_failed;
}

void tw_groups_counts(const struct tw_groups *groups, struct tw_groups_counts *ret)
{
    *ret = groups->counts;
    ret->alerts = groups->n_known;
    ret->groups = groups->n_groups;
}
