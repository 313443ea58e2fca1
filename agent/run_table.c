/* Linear probing with deletion by shifting back, at most half full. */
#include "agent/run_table.h"

#include "agent/run.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_SLOTS 64

/* ---- the hash ---- */

static uint64_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    if (getrandom(&key, sizeof key, GRND_NONBLOCK) != sizeof key)
        key = (uint64_t)(uintptr_t)&key;
    key |= 1;
}

static uint64_t process_key(void)
{
    pthread_once(&key_once, make_key);
    return key;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes a multiplication, folded: the way of wyhash. */
uint64_t tw_run_table_hash(const void *id, size_t size)
{
    const unsigned char *at = id;
    uint64_t hash = process_key() ^ size, word;
    for (; size >= 8; size -= 8, at += 8) {
        memcpy(&word, at, 8);
        hash = mix(hash ^ word, 0x9e3779b97f4a7c15u);
    }
    word = 0;
    memcpy(&word, at, size);
    return mix(hash ^ word, 0xd6e8feb86659fd93u);
}

/* ---- slots ---- */

static size_t home_of(const struct tw_run_table *table, uint64_t hash)
{
    return (size_t)hash & (table->n_slots - 1);
}

static size_t after(const struct tw_run_table *table, size_t slot)
{
    return (slot + 1) & (table->n_slots - 1);
}

static void put(struct tw_run_table *table, struct tw_run *run)
{
    size_t slot = home_of(table, run->links.hash);
    while (table->slots[slot].run)
        slot = after(table, slot);
    table->slots[slot] = (struct tw_run_slot){run->links.hash, run};
}

static int make_room(struct tw_run_table *table)
{
    struct tw_run_table grown = *table;
    if (2 * (table->n + 1) <= table->n_slots)
        return 0;
    grown.n_slots = table->n_slots ? 2 * table->n_slots : FIRST_SLOTS;
    grown.slots = calloc(grown.n_slots, sizeof *grown.slots);
    if (!grown.slots)
        return -ENOMEM;
    for (struct tw_run *run = table->first; run; run = run->links.later)
        put(&grown, run);
    free(table->slots);
    *table = grown;
    return 0;
}

/* ---- the table ---- */

struct tw_run *tw_run_table_find(const struct tw_run_table *table, const char *id)
{
    uint64_t hash = tw_run_table_hash(id, strlen(id));
    if (!table->n)
        return NULL;
    for (size_t slot = home_of(table, hash); table->slots[slot].run; slot = after(table, slot)) {
        if (table->slots[slot].hash == hash && !strcmp(table->slots[slot].run->core.id, id))
            return table->slots[slot].run;
    }
    return NULL;
}

int tw_run_table_add(struct tw_run_table *table, struct tw_run *run)
{
    if (make_room(table))
        return -ENOMEM;
    run->links.hash = tw_run_table_hash(run->core.id, strlen(run->core.id));
    run->links.earlier = table->last;
    run->links.later = NULL;
    *(table->last ? &table->last->links.later : &table->first) = run;
    table->last = run;
    table->n++;
    put(table, run);
    return 0;
}

/* Closes the gap at `slot`: what stands behind it and may stand there moves up. */
static void close_gap(struct tw_run_table *table, size_t slot)
{
    size_t mask = table->n_slots - 1, next = after(table, slot);
    for (; table->slots[next].run; next = after(table, next)) {
        size_t distance = (next - home_of(table, table->slots[next].hash)) & mask;
        if (distance < ((next - slot) & mask))
            continue;
        table->slots[slot] = table->slots[next];
        slot = next;
    }
    table->slots[slot] = (struct tw_run_slot){0};
}

void tw_run_table_remove(struct tw_run_table *table, struct tw_run *run)
{
    size_t slot = home_of(table, run->links.hash);
    while (table->slots[slot].run != run)
        slot = after(table, slot);
    close_gap(table, slot);
    *(run->links.earlier ? &run->links.earlier->links.later : &table->first) = run->links.later;
    *(run->links.later ? &run->links.later->links.earlier : &table->last) = run->links.earlier;
    table->n--;
}

void tw_run_table_release(struct tw_run_table *table)
{
    free(table->slots);
    *table = (struct tw_run_table){0};
}

/* ---- ahead ---- */

void tw_run_table_prefetch(const struct tw_run_table *table, uint64_t hash)
{
    if (table->n_slots)
        __builtin_prefetch(&table->slots[home_of(table, hash)]);
}

struct tw_run *tw_run_table_guess(const struct tw_run_table *table, uint64_t hash)
{
    if (!table->n_slots)
        return NULL;
    for (size_t slot = home_of(table, hash); table->slots[slot].run; slot = after(table, slot)) {
        if (table->slots[slot].hash == hash)
            return table->slots[slot].run;
    }
    return NULL;
}
