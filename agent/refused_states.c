/* A hash table by run, nearly always empty. */
#include "agent/refused_states.h"

#include "telemetry/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

/* A run that has shrunk to this is tried at once. */
#define SHRUNK .75

struct refused {
    char run[TW_RUN_ID_MAX + 1];
    int32_t partition;
    size_t bytes;
    double tried;
    uint64_t number; /* of the message with a newer snapshot; 0: none was sent */
    UT_hash_handle hh;
};

struct tw_refused_states {
    struct refused *table;
};

struct tw_refused_states *tw_refused_states_new(void)
{
    return calloc(1, sizeof(struct tw_refused_states));
}

static void drop(struct tw_refused_states *states, struct refused *refused)
{
    HASH_DEL(states->table, refused);
    free(refused);
}

void tw_refused_states_free(struct tw_refused_states *states)
{
    while (states && states->table)
        drop(states, states->table);
    free(states);
}

size_t tw_refused_states_count(const struct tw_refused_states *states)
{
    return HASH_COUNT(states->table);
}

static struct refused *find(const struct tw_refused_states *states, const char *run)
{
    struct refused *refused;
    HASH_FIND_STR(states->table, run, refused);
    return refused;
}

int tw_refused_states_put(struct tw_refused_states *states, const char *run, int32_t partition,
                          size_t bytes, double now, bool *ret_is_new)
{
    struct refused *refused = find(states, run);
    *ret_is_new = !refused;
    if (!refused) {
        refused = calloc(1, sizeof *refused);
        if (!refused)
            return -ENOMEM;
        snprintf(refused->run, sizeof refused->run, "%s", run);
        HASH_ADD_STR(states->table, run, refused);
    }
    refused->partition = partition;
    refused->bytes = bytes;
    refused->tried = now;
    refused->number = 0;
    return 0;
}

bool tw_refused_states_spare(struct tw_refused_states *states, const char *run, size_t bytes,
                             double now)
{
    struct refused *refused = states->table ? find(states, run) : NULL;
    if (!refused)
        return false;
    if (now < refused->tried + TW_REFUSED_RETRY_SECONDS &&
        (double)bytes > SHRUNK * (double)refused->bytes)
        return true;
    refused->tried = now;
    refused->bytes = bytes;
    return false;
}

void tw_refused_states_retry(struct tw_refused_states *states, const char *run)
{
    struct refused *refused = states->table ? find(states, run) : NULL;
    if (refused)
        refused->tried = -TW_REFUSED_RETRY_SECONDS;
}

void tw_refused_states_sent(struct tw_refused_states *states, const char *run, uint64_t number)
{
    struct refused *refused = states->table ? find(states, run) : NULL;
    if (refused)
        refused->number = number;
}

size_t tw_refused_states_saved(struct tw_refused_states *states, uint64_t durable)
{
    struct refused *refused, *next;
    size_t n = 0;
    HASH_ITER(hh, states->table, refused, next)
    {
        if (!refused->number || refused->number > durable)
            continue;
        drop(states, refused);
        n++;
    }
    return n;
}

void tw_refused_states_drop(struct tw_refused_states *states, const char *run)
{
    struct refused *refused = states->table ? find(states, run) : NULL;
    if (refused)
        drop(states, refused);
}

void tw_refused_states_drop_partition(struct tw_refused_states *states, int32_t partition)
{
    struct refused *refused, *next;
    HASH_ITER(hh, states->table, refused, next)
    {
        if (refused->partition == partition)
            drop(states, refused);
    }
}
