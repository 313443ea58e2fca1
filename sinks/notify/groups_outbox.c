/* The outbox: notifications that are made, and durable, and not sent yet. */
#include "config.h"

#include "sinks/notify/groups_parts.h"

#include "advisories/json_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Who of the recipients is done has a record of its own: the notification's is large. */
static void put(struct tw_groups *groups, const char *kind, const char *id, const json_t *record)
{
    char key[64];
    snprintf(key, sizeof key, "%s/%s", kind, id);
    groups->options.put(groups->options.closure, key, record);
}

static void free_entry(struct tw_outbox_entry *entry)
{
    json_decref(entry->own);
    json_decref(entry->done);
    free(entry);
}

/* Takes over the record. */
static struct tw_outbox_entry *append(struct tw_groups *groups, json_t *record)
{
    struct tw_outbox_entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        json_decref(record);
        groups->has_failed = true;
        return NULL;
    }
    entry->own = record;
    entry->notification = json_object_get(record, "notification");
    entry->number = (uint64_t)json_integer_value(json_object_get(record, "number"));
    snprintf(entry->id, sizeof entry->id, "%s", tw_document_text(entry->notification, "id"));
    if (entry->number > groups->outbox_number)
        groups->outbox_number = entry->number;
    struct tw_outbox_entry **at = &groups->outbox;
    while (*at && (*at)->number < entry->number)
        at = &(*at)->next;
    entry->next = *at;
    *at = entry;
    groups->counts.outbox++;
    return entry;
}

void tw_groups_post(struct tw_groups *groups, json_t *notification, json_t *ids)
{
    json_t *record = json_pack("{s:I, s:o, s:o}", "number", (json_int_t)groups->outbox_number + 1,
                               "groups", ids, "notification", notification);
    if (!record) {
        groups->has_failed = true;
        return;
    }
    struct tw_outbox_entry *entry = append(groups, record);
    if (!entry)
        return;
    groups->counts.notifications++;
    put(groups, "outbox", entry->id, record);
}

void tw_groups_post_again(struct tw_groups *groups, const json_t *record)
{
    if (json_is_object(json_object_get(record, "notification")))
        append(groups, json_deep_copy(record));
}

/* ---- progress ---- */

/* Takes over the outcome. */
static void note_progress(struct tw_groups *groups, struct tw_outbox_entry *entry,
                          const char *recipient, json_t *outcome)
{
    if (!entry->done)
        entry->done = json_object();
    if (json_object_set_new(entry->done, recipient, outcome))
        groups->has_failed = true;
    else
        put(groups, "progress", entry->id, entry->done);
}

void tw_groups_progress(struct tw_groups *groups, struct tw_outbox_entry *entry,
                        const char *recipient, const char *refusal)
{
    note_progress(groups, entry, recipient, refusal ? tw_json_string(refusal) : json_true());
}

bool tw_groups_put_off(struct tw_groups *groups, struct tw_outbox_entry *entry,
                       const char *recipient, int64_t now_ms)
{
    const json_t *since = json_object_get(entry->done, recipient);
    if (json_is_integer(since) && json_integer_value(since) <= now_ms)
        return now_ms - json_integer_value(since) >= TW_PUT_OFF_MAX_MS;
    note_progress(groups, entry, recipient, json_integer((json_int_t)now_ms));
    return false;
}

void tw_groups_progress_again(struct tw_groups *groups, const char *id, const json_t *done)
{
    if (!groups->progress)
        groups->progress = json_object();
    if (json_object_set_new(groups->progress, id, json_deep_copy(done)))
        groups->has_failed = true;
}

void tw_groups_outbox_restored(struct tw_groups *groups)
{
    for (struct tw_outbox_entry *entry = groups->outbox; entry; entry = entry->next)
        entry->done = json_incref(json_object_get(groups->progress, entry->id));
    json_decref(groups->progress);
    groups->progress = NULL;
}

/* ---- sending ---- */

struct tw_outbox_entry *tw_groups_outbox(struct tw_groups *groups)
{
    return groups->outbox;
}

static void unlink_entry(struct tw_groups *groups, const struct tw_outbox_entry *entry)
{
    struct tw_outbox_entry **at = &groups->outbox;
    while (*at && *at != entry)
        at = &(*at)->next;
    if (*at)
        *at = entry->next;
    groups->counts.outbox--;
}

/* Not durable: who is left has its turn soon after a start, and it comes to the same. */
void tw_groups_let_pass(struct tw_groups *groups, struct tw_outbox_entry *entry)
{
    size_t i;
    json_t *id;
    if (entry->lets_pass)
        return;
    entry->lets_pass = true;
    json_array_foreach(json_object_get(entry->own, "groups"), i, id)
    {
        struct tw_group *group = tw_group_find(groups, json_string_value(id));
        if (!group)
            continue;
        group->unsent -= group->unsent > 0;
        if (LIST_EMPTY(&group->members) && !group->unsent)
            tw_group_remove(groups, group);
    }
}

void tw_groups_sent(struct tw_groups *groups, struct tw_outbox_entry *entry)
{
    put(groups, "outbox", entry->id, NULL);
    if (entry->done)
        put(groups, "progress", entry->id, NULL);
    tw_groups_let_pass(groups, entry);
    unlink_entry(groups, entry);
    free_entry(entry);
}

void tw_groups_outbox_release(struct tw_groups *groups)
{
    while (groups->outbox) {
        struct tw_outbox_entry *entry = groups->outbox;
        groups->outbox = entry->next;
        free_entry(entry);
    }
    json_decref(groups->progress);
    groups->progress = NULL;
}
