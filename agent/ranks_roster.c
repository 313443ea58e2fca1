/* Who the ranks are and how far each has come. */
#include "agent/ranks_state.h"
#include "agent/repeats.h"

#include <stdlib.h>
#include <string.h>

struct tw_rank *tw_ranks_lead(const struct tw_ranks *ranks)
{
    return ranks->core.n_ranks ? &ranks->rank[0] : NULL;
}

static size_t place_of(const struct tw_ranks *ranks, uint32_t number)
{
    size_t low = 0, high = ranks->core.n_ranks;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranks->rank[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t capacity(uint32_t n)
{
    uint32_t room = 4;
    while (room < n)
        room *= 2;
    return room;
}

static bool make_room(struct tw_ranks *ranks)
{
    uint32_t n = ranks->core.n_ranks;
    if (n && n + 1 <= capacity(n))
        return true;
    struct tw_rank *grown = realloc(ranks->rank, capacity(n + 1) * sizeof *grown);
    if (grown)
        ranks->rank = grown;
    return grown;
}

struct tw_rank *tw_ranks_find_or_add(struct tw_ranks *ranks, uint32_t number)
{
    size_t at = place_of(ranks, number);
    if (at < ranks->core.n_ranks && ranks->rank[at].number == number)
        return &ranks->rank[at];
    if (ranks->core.n_ranks >= TW_RANKS_MAX || !make_room(ranks))
        return NULL;
    uint32_t generation = ranks->core.n_ranks ? ranks->rank[0].generation : 0;
    struct tw_rank *rank = &ranks->rank[at];
    memmove(rank + 1, rank, (ranks->core.n_ranks - at) * sizeof *rank);
    memset(rank, 0, sizeof *rank);
    rank->number = number;
    rank->generation = generation;
    rank->interval = rank->old_interval = 1;
    ranks->core.n_ranks++;
    return rank;
}

static void begin_attempt(struct tw_rank *rank, uint64_t attempt)
{
    rank->old_attempt = rank->attempt;
    rank->has_old_seq = rank->has_seq;
    rank->attempt = attempt;
    rank->has_seq = 0;
    rank->is_over = 0;
}

bool tw_rank_has_come(struct tw_rank *rank, const struct tw_record *record)
{
    uint64_t attempt =
        record->has & TW_HAS_ATTEMPT ? tw_attempt_hash(record->attempt) : rank->attempt;
    if (attempt != rank->attempt && rank->has_old_seq && attempt == rank->old_attempt)
        return true; /* the last words of an earlier process */
    if (attempt != rank->attempt)
        begin_attempt(rank, attempt);
    if (!(record->has & TW_HAS_SEQ))
        return false;
    if (rank->has_seq && record->seq <= rank->last_seq && !tw_counts_anew(record, rank->time_ms))
        return true;
    rank->last_seq = record->seq;
    rank->has_seq = 1;
    return false;
}

/* The first of each of so many equal parts of the world. */
bool tw_ranks_is_sampled(const struct tw_ranks *ranks, uint32_t number)
{
    const struct tw_rank *lead = tw_ranks_lead(ranks);
    uint64_t world = ranks->core.world_size;
    if (world < ranks->core.n_ranks)
        world = ranks->core.n_ranks;
    if (world <= TW_RANKS_SAMPLED || number == 0 || (lead && lead->number == number))
        return true;
    return number < world && (uint64_t)number * TW_RANKS_SAMPLED / world !=
                                 ((uint64_t)number - 1) * TW_RANKS_SAMPLED / world;
}

uint32_t tw_rank_interval(const struct tw_rank *rank)
{
    return rank->interval < rank->old_interval ? rank->interval : rank->old_interval;
}

bool tw_rank_is_waited_for(const struct tw_rank *rank)
{
    return rank->has_step && !rank->has_ended && !rank->is_away && !rank->is_gone;
}

uint64_t tw_rank_step(const struct tw_ranks *ranks, const struct tw_rank *rank)
{
    const struct tw_rank *lead = tw_ranks_lead(ranks);
    uint64_t before = ranks->core.generation_first ? ranks->core.generation_first - 1 : 0;
    if (rank->generation > lead->generation)
        return UINT64_MAX;
    if (rank->generation == lead->generation)
        return rank->step;
    return rank->step < before ? rank->step : before;
}
