/* A ring of ids with a hash table over it. */
#include "advisories/recent_ids.h"

#include <string.h>

#define SLOTS (2 * TW_RECENT_IDS)

/* FNV-1a. Ids are hashes already, but a log that was edited by hand may hold any text. */
static size_t first_slot(const char *id)
{
    uint32_t hash = 2166136261u;
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619u;
    return hash % SLOTS;
}

/* The slot that holds `id`, or the free one where it would go. */
static size_t find_slot(const struct tw_recent_ids *ids, const char *id)
{
    size_t slot = first_slot(id);
    while (ids->slot[slot] && strcmp(ids->id[ids->slot[slot] - 1], id))
        slot = (slot + 1) % SLOTS;
    return slot;
}

bool tw_recent_ids_has(const struct tw_recent_ids *ids, const char *id)
{
    return ids->slot[find_slot(ids, id)];
}

/* Frees a slot and moves back the ones behind it that a search would no longer reach. */
static void remove_id(struct tw_recent_ids *ids, const char *id)
{
    size_t hole = find_slot(ids, id);
    if (!ids->slot[hole])
        return;
    for (size_t at = (hole + 1) % SLOTS; ids->slot[at]; at = (at + 1) % SLOTS) {
        size_t home = first_slot(ids->id[ids->slot[at] - 1]);
        if ((at + SLOTS - home) % SLOTS >= (at + SLOTS - hole) % SLOTS) {
            ids->slot[hole] = ids->slot[at];
            hole = at;
        }
    }
    ids->slot[hole] = 0;
}

void tw_recent_ids_add(struct tw_recent_ids *ids, const char *id)
{
    if (strlen(id) >= TW_EVENT_ID_SIZE || tw_recent_ids_has(ids, id))
        return;
    if (ids->n == TW_RECENT_IDS)
        remove_id(ids, ids->id[ids->newest]);
    else
        ids->n++;
    strcpy(ids->id[ids->newest], id);
    ids->slot[find_slot(ids, id)] = (uint16_t)(ids->newest + 1);
    ids->newest = (ids->newest + 1) % TW_RECENT_IDS;
}

void tw_recent_ids_forget(struct tw_recent_ids *ids, size_t n)
{
    for (; n && ids->n; n--) {
        ids->newest = (ids->newest + TW_RECENT_IDS - 1) % TW_RECENT_IDS;
        remove_id(ids, ids->id[ids->newest]);
        ids->n--;
    }
}
