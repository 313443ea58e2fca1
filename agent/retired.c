/* What is kept of runs whose memory was given back. */
#include "agent/retired.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <zlib.h>

#define MAGIC "TWGONE01"

struct entry {
    struct tw_retired_run run;
    UT_hash_handle hh;
};

struct tw_retired {
    struct entry *table; /* uthash keeps the order of insertion */
};

/* ---- one of them ---- */

static uint32_t checksum_of(const struct tw_retired_run *run)
{
    const size_t from = offsetof(struct tw_retired_run, id);
    return (uint32_t)crc32(0, (const unsigned char *)run + from, (uInt)(sizeof *run - from));
}

static uint32_t transitions_given(const struct tw_run *run)
{
    uint32_t most = run->core.first_transition;
    for (size_t i = 0; i < run->episodes.n; i++) {
        if (run->episodes.at[i].transition > most)
            most = run->episodes.at[i].transition;
    }
    return most;
}

void tw_retired_from_run(struct tw_retired_run *ret, const struct tw_run *run, int64_t now_ms)
{
    const struct tw_run_core *core = &run->core;
    memset(ret, 0, sizeof *ret);
    memcpy(ret->magic, MAGIC, sizeof ret->magic);
    ret->size = sizeof *ret;
    memcpy(ret->id, core->id, sizeof ret->id);
    memcpy(ret->attempt, core->attempt, sizeof ret->attempt);
    ret->position.partition = core->position.partition;
    ret->position.offset = core->position.offset;
    ret->position.index = core->position.index;
    ret->has_position = core->has_position;
    ret->status = core->status;
    ret->transition = core->transition;
    ret->first_transition = transitions_given(run);
    ret->n_attempts = core->n_attempts;
    memcpy(ret->attempts, core->attempts, sizeof ret->attempts);
    ret->time_ms = core->time_ms;
    ret->first_message = run->first_message;
    ret->retired_ms = now_ms;
    ret->checksum = checksum_of(ret);
}

int tw_retired_load(struct tw_retired_run *ret, const void *data, size_t size)
{
    if (size < sizeof ret->magic || memcmp(data, MAGIC, sizeof ret->magic))
        return -ENOMSG;
    if (size != sizeof *ret)
        return -EBADMSG;
    memcpy(ret, data, sizeof *ret);
    if (ret->size != sizeof *ret || ret->checksum != checksum_of(ret))
        return -EBADMSG;
    return 0;
}

struct tw_run *tw_retired_revive(const struct tw_retired_run *retired,
                                 const struct tw_settings *settings)
{
    struct tw_run *run = tw_run_new(retired->id, settings);
    if (!run)
        return NULL;
    struct tw_run_core *core = &run->core;
    memcpy(core->attempt, retired->attempt, sizeof core->attempt);
    core->position = retired->position;
    core->has_position = retired->has_position;
    core->ended = 1;
    core->status = retired->status;
    core->transition = retired->transition;
    core->first_transition = retired->first_transition;
    core->n_attempts = retired->n_attempts;
    memcpy(core->attempts, retired->attempts, sizeof core->attempts);
    core->time_ms = retired->time_ms;
    core->is_revived = 1;
    return run;
}

/* ---- the table ---- */

struct tw_retired *tw_retired_new(void)
{
    return calloc(1, sizeof(struct tw_retired));
}

static void drop(struct tw_retired *table, struct entry *entry)
{
    HASH_DEL(table->table, entry);
    free(entry);
}

void tw_retired_free(struct tw_retired *table)
{
    struct entry *entry, *next;
    if (!table)
        return;
    HASH_ITER(hh, table->table, entry, next)
    {
        drop(table, entry);
    }
    free(table);
}

size_t tw_retired_count(const struct tw_retired *table)
{
    return HASH_COUNT(table->table);
}

static struct entry *find(const struct tw_retired *table, const char *id)
{
    struct entry *entry;
    HASH_FIND_STR(table->table, id, entry);
    return entry;
}

int tw_retired_put(struct tw_retired *table, const struct tw_retired_run *run)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return -ENOMEM;
    tw_retired_drop(table, run->id);
    entry->run = *run;
    HASH_ADD_STR(table->table, run.id, entry);
    return 0;
}

const struct tw_retired_run *tw_retired_find(const struct tw_retired *table, const char *id)
{
    struct entry *entry = find(table, id);
    return entry ? &entry->run : NULL;
}

void tw_retired_drop(struct tw_retired *table, const char *id)
{
    struct entry *entry = find(table, id);
    if (entry)
        drop(table, entry);
}

const struct tw_retired_run *tw_retired_outdated(const struct tw_retired *table, size_t most,
                                                 double seconds, int64_t now_ms)
{
    /* The first is the oldest of those retired in this life; after a restore the order is any, and
     * an older one waits behind it no longer than a young one is kept. */
    const struct entry *first = table->table;
    if (!first)
        return NULL;
    double age = ((double)now_ms - (double)first->run.retired_ms) / 1000;
    return HASH_COUNT(table->table) > most || age > seconds || age < -seconds ? &first->run : NULL;
}
