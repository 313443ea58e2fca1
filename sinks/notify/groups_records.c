/* What of the groups is durable: a record for each episode, group and notification to be sent, and
 * one for all else. Keys: "episode/ID", "group/ID", "outbox/ID", "progress/ID" (who of a
 * notification's recipients is done), "state". */
#include "config.h"

#include "sinks/notify/groups_parts.h"

#include "advisories/json_text.h"

#include <stdlib.h>
#include <string.h>

#define KEY_SIZE 64

static void put(struct tw_groups *groups, const char *kind, const char *id, json_t *record)
{
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "%s/%s", kind, id);
    if (!record)
        groups->has_failed = true;
    else
        groups->options.put(groups->options.closure, key, record);
    json_decref(record);
}

static void drop(struct tw_groups *groups, const char *kind, const char *id)
{
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "%s/%s", kind, id);
    groups->options.put(groups->options.closure, key, NULL);
}

/* ---- episodes ---- */

void tw_groups_keep_known(struct tw_groups *groups, const struct tw_known *known)
{
    json_t *record = tw_alert_json(&known->alert), *members = json_object();
    const struct tw_member *member;
    LIST_FOREACH(member, &known->members, of_known)
    json_object_set_new(members, member->group->id,
                        json_pack("{s:i, s:i, s:b}", "told", (int)member->told, "severity",
                                  member->told_severity, "held", (int)member->is_held));
    if (record && members) {
        json_object_set(record, "groups", members);
        if (known->is_done)
            json_object_set_new(record, "done_ms", json_integer((json_int_t)known->done_ms));
        if (known->was_told)
            json_object_set_new(record, "was_told", json_true());
    }
    json_decref(members);
    put(groups, "episode", known->alert.episode, record);
}

void tw_groups_drop_known(struct tw_groups *groups, const struct tw_known *known)
{
    drop(groups, "episode", known->alert.episode);
}

static struct tw_group *group_for(struct tw_groups *groups, const char *id)
{
    struct tw_group *group = tw_group_find(groups, id);
    return group ? group : tw_group_add(groups, id);
}

static void restore_members(struct tw_groups *groups, struct tw_known *known, json_t *members)
{
    const char *id;
    json_t *value;
    json_object_foreach(members, id, value)
    {
        struct tw_group *group = strlen(id) < TW_EVENT_ID_SIZE ? group_for(groups, id) : NULL;
        struct tw_member *member = group ? tw_member_add(groups, known, group) : NULL;
        if (!member)
            continue;
        member->told =
            json_integer_value(json_object_get(value, "told")) ? TW_TOLD_FIRING : TW_TOLD_NOTHING;
        member->told_severity = (int)json_integer_value(json_object_get(value, "severity"));
        member->is_held = json_is_true(json_object_get(value, "held"));
    }
}

static void restore_known(struct tw_groups *groups, const char *id, const json_t *record)
{
    struct tw_alert alert;
    if (strlen(id) >= TW_EVENT_ID_SIZE || tw_known_find(groups, id) ||
        !tw_alert_from_json(&alert, id, record))
        return;
    struct tw_known *known = tw_known_add(groups, id);
    if (!known) {
        tw_alert_release(&alert);
        return;
    }
    known->alert = alert;
    known->done_ms = json_integer_value(json_object_get(record, "done_ms"));
    known->was_told = json_is_true(json_object_get(record, "was_told"));
    if (alert.subject)
        restore_members(groups, known, json_object_get(record, "groups"));
    if (!known->done_ms)
        return;
    TAILQ_REMOVE(&groups->known, known, in_order);
    groups->n_known--;
    TAILQ_INSERT_TAIL(&groups->done, known, in_order);
    groups->n_done++;
    known->is_done = true;
}

/* ---- groups ---- */

void tw_groups_keep_group(struct tw_groups *groups, const struct tw_group *group)
{
    put(groups, "group", group->id,
        json_pack("{s:s, s:s, s:O, s:s, s:I, s:I, s:I, s:I, s:i}", "route", group->route->name,
                  "thread", group->thread, "labels", group->labels, "key", group->key, "number",
                  (json_int_t)group->number, "created_ms", (json_int_t)group->created_ms, "told_ms",
                  (json_int_t)group->told_ms, "changed_ms", (json_int_t)group->changed_ms, "hold",
                  (int)group->hold));
}

void tw_groups_drop_group(struct tw_groups *groups, const struct tw_group *group)
{
    drop(groups, "group", group->id);
}

static int64_t integer(const json_t *record, const char *name)
{
    return json_integer_value(json_object_get(record, name));
}

static void restore_group(struct tw_groups *groups, const char *id, const json_t *record)
{
    struct tw_group *group = strlen(id) < TW_EVENT_ID_SIZE ? group_for(groups, id) : NULL;
    if (!group || group->labels)
        return;
    group->route = tw_routes_find(&groups->routes, tw_document_text(record, "route"));
    snprintf(group->thread, sizeof group->thread, "%.32s", tw_document_text(record, "thread"));
    group->labels = json_deep_copy(json_object_get(record, "labels"));
    group->key = strdup(tw_document_text(record, "key"));
    group->number = (uint64_t)integer(record, "number");
    group->created_ms = integer(record, "created_ms");
    group->told_ms = integer(record, "told_ms");
    group->changed_ms = integer(record, "changed_ms");
    int64_t hold = integer(record, "hold");
    group->hold = hold >= TW_HOLD_NOT && hold <= TW_HOLD_LIMIT ? (enum tw_hold)hold : TW_HOLD_NOT;
    if (!group->labels)
        group->labels = json_object();
    if (!group->labels || !group->key)
        groups->has_failed = true;
}

/* ---- the rest ---- */

void tw_groups_keep_state(struct tw_groups *groups)
{
    json_t *record =
        json_pack("{s:I, s:s, s:I, s:I}", "digests", (json_int_t)groups->n_digests, "summary_day",
                  groups->summary_day, "opened", (json_int_t)groups->n_opened, "closed",
                  (json_int_t)groups->n_closed);
    if (record && groups->limits.full)
        json_object_set(record, "limits", groups->limits.full);
    if (record)
        groups->options.put(groups->options.closure, "state", record);
    else
        groups->has_failed = true;
    json_decref(record);
    groups->is_changed = false;
}

static void restore_state(struct tw_groups *groups, const json_t *record)
{
    const json_t *limits = json_object_get(record, "limits");
    groups->n_digests = (uint64_t)integer(record, "digests");
    groups->n_opened = (uint64_t)integer(record, "opened");
    groups->n_closed = (uint64_t)integer(record, "closed");
    snprintf(groups->summary_day, sizeof groups->summary_day, "%s",
             tw_document_text(record, "summary_day"));
    if (json_is_object(limits))
        groups->limits.full = json_deep_copy(limits);
}

/* ---- back ---- */

void tw_groups_restore(struct tw_groups *groups, const char *key, const json_t *value)
{
    const char *slash = strchr(key, '/'), *id = slash ? slash + 1 : "";
    if (!json_is_object(value))
        return;
    if (!strncmp(key, "episode/", 8))
        restore_known(groups, id, value);
    else if (!strncmp(key, "group/", 6))
        restore_group(groups, id, value);
    else if (!strncmp(key, "outbox/", 7))
        tw_groups_post_again(groups, value);
    else if (!strncmp(key, "progress/", 9))
        tw_groups_progress_again(groups, id, value);
    else if (!strcmp(key, "state"))
        restore_state(groups, value);
}

/* A group whose record is gone was told for the last time, or never kept: whoever is in it begins
 * a new one. */
static void begin_lost_group(struct tw_groups *groups, struct tw_group *group)
{
    group->route = &groups->routes.at[groups->routes.n - 1];
    group->labels = json_object();
    group->key = strdup("{}");
    tw_fields_id(group->thread, 2, (const char *[]){group->id, "lost"});
    if (!group->labels || !group->key)
        groups->has_failed = true;
}

void tw_groups_restored(struct tw_groups *groups)
{
    struct tw_group *group, *next;
    tw_groups_outbox_restored(groups);
    for (struct tw_outbox_entry *entry = groups->outbox; entry; entry = entry->next) {
        size_t i;
        json_t *id;
        json_array_foreach(json_object_get(entry->own, "groups"), i, id)
        {
            group = tw_group_find(groups, json_string_value(id));
            if (group)
                group->unsent++;
        }
    }
    for (group = LIST_FIRST(&groups->all); group; group = next) {
        next = LIST_NEXT(group, in_all);
        if (!group->labels)
            begin_lost_group(groups, group);
        if (LIST_EMPTY(&group->members) && !group->unsent)
            tw_group_remove(groups, group);
    }
}
