/* Hashes of rows; those of cells are added, so that a new order of columns changes nothing. */
#include "sources/logs/repeats.h"

#include <math.h>
#include <string.h>

#define FNV_BASIS 14695981039346656037u
#define FNV_PRIME 1099511628211u

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * FNV_PRIME;
    return hash;
}

static uint64_t hash_number(uint64_t hash, double value)
{
    uint64_t bits;
    if (isnan(value))
        value = NAN; /* of whatever sign */
    memcpy(&bits, &value, sizeof bits);
    hash ^= bits;
    hash *= 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t hash_row(const struct tw_row *row)
{
    uint64_t sum = hash_number(hash_number(row->part, row->step), row->epoch);
    if (row->run)
        sum = hash_bytes(sum, row->run, strlen(row->run));
    for (size_t i = 0; i < row->n_cells; i++) {
        const struct tw_cell *cell = &row->cells[i];
        uint64_t name = hash_bytes(FNV_BASIS, cell->name, strlen(cell->name));
        sum += hash_number(name, cell->value);
    }
    return sum;
}

void tw_log_repeats_restart(struct tw_log_repeats *repeats)
{
    repeats->at = repeats->broken_at = 0;
    repeats->comes_again = repeats->told || repeats->events || repeats->broken;
}

static void note(struct tw_log_repeats *repeats, uint64_t hash)
{
    if (repeats->told < TW_REPEATS_FIRST)
        repeats->first[repeats->told] = hash;
    repeats->newest[repeats->told % TW_REPEATS_NEWEST] = hash;
    repeats->told++;
    repeats->events = 0;
    repeats->broken = repeats->broken_at = 0;
}

static bool differs(const struct tw_log_repeats *repeats, uint64_t hash)
{
    uint64_t at = repeats->at;
    if (at < TW_REPEATS_FIRST)
        return repeats->first[at] != hash;
    return at >= repeats->kept_from && at + TW_REPEATS_NEWEST >= repeats->told &&
           repeats->newest[at % TW_REPEATS_NEWEST] != hash;
}

/* The rows that were told from `at` on are no more. */
static void cut(struct tw_log_repeats *repeats)
{
    uint64_t oldest = repeats->told > TW_REPEATS_NEWEST ? repeats->told - TW_REPEATS_NEWEST : 0;
    if (oldest > repeats->kept_from)
        repeats->kept_from = oldest;
    repeats->told = repeats->at;
}

enum tw_log_row_news tw_log_repeats_see(struct tw_log_repeats *repeats, const struct tw_row *row)
{
    uint64_t hash = hash_row(row);
    if (repeats->comes_again && repeats->at == repeats->told)
        repeats->comes_again = false;
    if (!repeats->comes_again) {
        note(repeats, hash);
        return TW_ROW_NEW;
    }
    if (differs(repeats, hash)) {
        repeats->comes_again = false;
        cut(repeats);
        note(repeats, hash);
        return TW_ROW_CHANGED;
    }
    repeats->at++;
    return TW_ROW_REPEATED;
}

bool tw_log_repeats_see_event(struct tw_log_repeats *repeats, enum tw_log_event event)
{
    unsigned bit = 1u << event;
    if (repeats->comes_again && (repeats->at < repeats->told || repeats->events & bit))
        return true;
    repeats->events |= bit;
    return false;
}

bool tw_log_repeats_see_broken(struct tw_log_repeats *repeats)
{
    if (repeats->comes_again && repeats->at < repeats->told)
        return true;
    if (repeats->broken_at++ < repeats->broken)
        return true;
    repeats->broken++;
    return false;
}
