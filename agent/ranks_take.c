/* Taking a record of one of several ranks: where it stands, whether it is late, who takes part. */
#include "agent/ranks_state.h"

#include "telemetry/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of one step, so many records that are not finite of ranks that are not combined in full. */
#define NONFINITE_MAX 64
/* A rank is waited for again once it is no further behind. */
#define BACK_STEPS 8

static int count_only(struct tw_ranks *ranks)
{
    ranks->core.counted++;
    return TW_RANKS_COUNTED;
}

/* ---- where a record stands ---- */

static void flush_to(struct tw_ranks *ranks, const struct tw_rank_place *place)
{
    struct tw_ranks_core *core = &ranks->core;
    if (!core->has_flush || tw_rank_place_compare(place, &core->flush_to) > 0)
        core->flush_to = *place;
    core->has_flush = 1;
}

/* The lead's own generation begins: its old processes are gone, nobody of them is waited for. */
static void begin_generation(struct tw_ranks *ranks, uint32_t generation, uint64_t step)
{
    struct tw_rank_place before = {.generation = generation};
    struct tw_ranks_core *core = &ranks->core;
    flush_to(ranks, &before);
    core->foremost = core->generation_first = step;
    memset(core->has_extra, 0, sizeof core->has_extra);
    for (uint32_t i = 1; i < core->n_ranks; i++) {
        if (ranks->rank[i].generation == generation && ranks->rank[i].step > core->foremost)
            core->foremost = ranks->rank[i].step;
    }
}

/* `step` is the last one before what the rank tells now. */
static void go_back(struct tw_ranks *ranks, struct tw_rank *rank, uint64_t step, bool has_step)
{
    const struct tw_rank *lead = tw_ranks_lead(ranks);
    rank->step = step;
    rank->has_step = has_step;
    rank->is_over = 0;
    if (rank == lead) {
        rank->generation++;
        begin_generation(ranks, rank->generation, step);
    } else if (rank->generation <= lead->generation) {
        rank->generation++;
        rank->lead_step = lead->step;
    }
}

/* The lead trained on: a rank that went back alone belongs to it still. */
static void join_again(const struct tw_ranks *ranks, struct tw_rank *rank)
{
    const struct tw_rank *lead = tw_ranks_lead(ranks);
    if (rank->generation > lead->generation && lead->step >= rank->lead_step + TW_RANKS_ALONE_STEPS)
        rank->generation = lead->generation;
}

static bool is_resume(const struct tw_record *record)
{
    return record->kind == TW_KIND_EVENT && !strcmp(record->event, "resume");
}

static uint64_t step_of(const struct tw_rank *rank, const struct tw_record *record)
{
    return record->has & TW_HAS_STEP ? record->step : rank->step;
}

/* False for a record that is nothing but late: without numbers a small step back is a repeat, but
 * for the lead, whose repeats have been told before. */
static bool follow_back(struct tw_ranks *ranks, struct tw_rank *rank,
                        const struct tw_record *record)
{
    uint64_t step = step_of(rank, record);
    bool is_step = record->kind == TW_KIND_STEP;
    if (!rank->has_step || step > rank->step || !(is_step || is_resume(record)))
        return true;
    if (is_step && rank != tw_ranks_lead(ranks) && !(record->has & TW_HAS_SEQ) &&
        rank->step - step <= TW_RANKS_WINDOW)
        return false;
    if (step == rank->step)
        return true;
    go_back(ranks, rank, step ? step - 1 : 0, step > 0);
    return true;
}

static uint32_t word_of(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

static struct tw_rank_place place_of(const struct tw_ranks *ranks, const struct tw_rank *rank,
                                     const struct tw_record *record)
{
    uint64_t step = step_of(rank, record);
    bool is_new = !rank->has_step || step > rank->step;
    struct tw_rank_place place = {
        .generation = rank->generation,
        .step = is_new ? step : rank->step,
        .kind = (uint8_t)record->kind,
    };
    place.phase = !is_new                        ? TW_RANK_AFTER
                  : record->kind == TW_KIND_STEP ? TW_RANK_STEP
                                                 : TW_RANK_BEFORE;
    if (record->kind == TW_KIND_EVENT)
        place.which = word_of(record->event);
    else if (place.phase != TW_RANK_STEP)
        place.which = (uint32_t)tw_ranks_queue_count(&ranks->queue, &place, rank->number, true);
    return place;
}

/* What is judged already stays as it was judged. */
static bool is_late(const struct tw_ranks *ranks, const struct tw_rank *rank,
                    const struct tw_record *record, const struct tw_rank_place *place)
{
    const struct tw_ranks_core *core = &ranks->core;
    if (core->has_judged && tw_rank_place_compare(place, &core->judged) <= 0)
        return true;
    return rank != tw_ranks_lead(ranks) && record->kind != TW_KIND_STEP &&
           core->has_extra[record->kind] && place->generation == core->judged.generation &&
           step_of(rank, record) <= core->extra_step[record->kind];
}

/* ---- taking a record ---- */

/* Who takes part is clear: all have come, or they do not all come. */
static void settle(struct tw_ranks *ranks, const struct tw_record *record, int64_t time_ms)
{
    struct tw_ranks_core *core = &ranks->core;
    uint64_t present = 0;
    if (core->is_settled)
        return;
    for (uint32_t i = 0; i < core->n_ranks; i++)
        present += ranks->rank[i].has_step && !ranks->rank[i].has_ended && !ranks->rank[i].is_gone;
    core->is_settled = present >= core->world_size || !(record->has & TW_HAS_TIME) ||
                       core->foremost - core->first_step >= TW_RANKS_WINDOW ||
                       (double)time_ms - (double)core->first_time_ms >= TW_RANKS_JOIN_MS;
}

/* The lead tells something again after the run's end: it begins anew, and so do all that come. */
static void begin_anew(struct tw_ranks *ranks)
{
    struct tw_ranks_core *core = &ranks->core;
    core->is_over = core->lead_has_ended = core->failed = core->flushes_all = 0;
    core->has_ends = core->has_end_ms = 0;
    core->has_first = core->is_settled = 0;
    for (uint32_t i = 0; i < core->n_ranks; i++)
        ranks->rank[i].is_over = 0;
}

static void note_first(struct tw_ranks_core *core, uint64_t step, int64_t time_ms)
{
    if (core->has_first)
        return;
    core->first_step = step;
    core->first_time_ms = time_ms;
    core->has_first = 1;
    if (core->foremost < step)
        core->foremost = step;
}

static uint32_t interval_of(uint64_t before, uint64_t step)
{
    uint64_t interval = step > before ? step - before : 1;
    return interval < UINT32_MAX ? (uint32_t)interval : UINT32_MAX;
}

static void advance(struct tw_ranks *ranks, struct tw_rank *rank, uint64_t step)
{
    if (!rank->has_step) { /* how often it tells is not known, at the most as rarely as that */
        rank->old_interval = interval_of(ranks->core.first_step, step);
    } else if (step > rank->step) {
        uint32_t interval = interval_of(rank->step, step);
        rank->old_interval = rank->has_interval ? rank->interval : interval;
        rank->interval = interval;
        rank->has_interval = 1;
    }
    rank->step = step;
    rank->has_step = 1;
    join_again(ranks, rank);
    if (rank->generation == tw_ranks_lead(ranks)->generation && step > ranks->core.foremost)
        ranks->core.foremost = step;
    if (rank->is_away && step + BACK_STEPS >= ranks->core.judged_step)
        rank->is_away = 0;
}

static int keep(struct tw_ranks *ranks, const struct tw_rank *rank, const struct tw_record *record,
                const struct tw_rank_place *place, int64_t time_ms)
{
    bool is_sampled = tw_ranks_is_sampled(ranks, record->rank);
    if (!is_sampled && (!tw_record_is_nonfinite(record) ||
                        tw_ranks_queue_count(&ranks->queue, place, TW_RANK_ANY, false) >=
                            TW_RANKS_SAMPLED + NONFINITE_MAX))
        return TW_RANKS_WAITS;
    int result =
        tw_ranks_queue_add(&ranks->queue, place, record, time_ms, rank == tw_ranks_lead(ranks));
    return result ? result : TW_RANKS_WAITS;
}

static bool is_alone(const struct tw_ranks *ranks)
{
    return ranks->core.n_ranks == 1 && ranks->rank[0].number == 0 && ranks->core.is_settled &&
           !ranks->queue.n_bytes;
}

static int take_figures(struct tw_ranks *ranks, struct tw_rank *rank,
                        const struct tw_record *record, int64_t time_ms)
{
    bool is_lead = rank == tw_ranks_lead(ranks);
    if (is_lead && ranks->core.is_over)
        begin_anew(ranks);
    if (rank->is_over || !follow_back(ranks, rank, record))
        return count_only(ranks);
    struct tw_rank_place place = place_of(ranks, rank, record);
    if (time_ms > rank->time_ms || !rank->time_ms)
        rank->time_ms = time_ms;
    rank->has_ended = rank->has_completed = rank->is_gone = 0;
    note_first(&ranks->core, place.step, time_ms);
    if (record->kind == TW_KIND_STEP)
        advance(ranks, rank, place.step);
    place.generation = rank->generation;
    settle(ranks, record, time_ms);
    if (is_alone(ranks)) {
        tw_ranks_note_judged(ranks, &place, record, &(struct tw_ranks_taken){.time_ms = time_ms});
        return TW_RANKS_DIRECT;
    }
    if (is_late(ranks, rank, record, &place))
        return count_only(ranks);
    return keep(ranks, rank, record, &place, time_ms);
}

/* Of a rank for which there is no room in the roster. */
static int take_untracked(struct tw_ranks *ranks, const struct tw_record *record, int64_t time_ms)
{
    struct tw_rank rank = {.number = record->rank, .generation = tw_ranks_lead(ranks)->generation};
    struct tw_rank_place place = place_of(ranks, &rank, record);
    if (record->kind != TW_KIND_STEP || is_late(ranks, &rank, record, &place))
        return count_only(ranks);
    return keep(ranks, &rank, record, &place, time_ms);
}

static int take_end(struct tw_ranks *ranks, struct tw_rank *rank, const struct tw_record *record)
{
    struct tw_ranks_core *core = &ranks->core;
    if (rank->is_over)
        return count_only(ranks);
    rank->has_ended = core->has_ends = 1;
    bool is_lead = rank == tw_ranks_lead(ranks);
    if ((record->has & TW_HAS_TIME) &&
        (is_lead ||
         (!core->lead_has_ended && (!core->has_end_ms || record->time_ms > core->end_ms)))) {
        core->end_ms = record->time_ms;
        core->has_end_ms = 1;
    }
    rank->has_completed = record->status == TW_END_COMPLETED;
    core->failed |= record->status == TW_END_FAILED;
    if (is_lead) {
        core->lead_has_ended = 1;
        core->status = record->status;
    }
    return TW_RANKS_WAITS;
}

static int keep_header(struct tw_ranks *ranks, const struct tw_record *record)
{
    unsigned char *bytes = malloc(TW_RANKS_HEADER_MAX), *shrunk;
    if (!bytes)
        return -ENOMEM;
    long size = tw_cbor_encode(record, bytes, TW_RANKS_HEADER_MAX);
    if (size <= 0) {
        free(bytes);
        return TW_RANKS_WAITS;
    }
    shrunk = realloc(bytes, (size_t)size);
    free(ranks->header);
    ranks->header = shrunk ? shrunk : bytes;
    ranks->core.n_header = (uint32_t)size;
    return TW_RANKS_WAITS;
}

/* Ranks beyond a world that has become smaller have left it. */
static void declare_world(struct tw_ranks *ranks, uint64_t world_size)
{
    for (uint32_t i = 0; i < ranks->core.n_ranks && world_size < ranks->core.world_size; i++)
        ranks->rank[i].is_gone |= ranks->rank[i].number >= world_size;
    ranks->core.world_size = world_size;
}

/* Rank 0's is judged where it stands among what rank 0 tells; nobody is waited for before it, as
 * its process began anew, or only begins. */
static int take_header(struct tw_ranks *ranks, struct tw_rank *rank, const struct tw_record *record,
                       int64_t time_ms)
{
    struct tw_ranks_core *core = &ranks->core;
    uint64_t world_size = record->header ? record->header->world_size : 0;
    if (world_size && (record->rank == 0 || !core->world_size))
        declare_world(ranks, world_size);
    if (record->rank != 0)
        return core->has_header || rank != tw_ranks_lead(ranks) ? TW_RANKS_WAITS
                                                                : keep_header(ranks, record);
    if (core->is_over)
        begin_anew(ranks);
    rank->has_ended = rank->has_completed = 0;
    core->has_header = 1;
    if (!rank->has_step)
        return TW_RANKS_DIRECT;
    struct tw_rank_place place = {
        .generation = rank->generation, .step = rank->step, .phase = TW_RANK_HEADER};
    flush_to(ranks, &place);
    int result = tw_ranks_queue_add(&ranks->queue, &place, record, time_ms, true);
    return result ? result : TW_RANKS_WAITS;
}

int tw_ranks_take(struct tw_ranks *ranks, const struct tw_record *record, int64_t time_ms)
{
    struct tw_rank *rank = tw_ranks_find_or_add(ranks, record->rank);
    if (time_ms > ranks->core.newest_ms)
        ranks->core.newest_ms = time_ms;
    if (!rank && !ranks->core.n_ranks)
        return -ENOMEM;
    if (!rank)
        return take_untracked(ranks, record, time_ms);
    if (record->kind == TW_KIND_HEADER)
        return take_header(ranks, rank, record, time_ms);
    if (rank->number != 0 && tw_rank_has_come(rank, record))
        return count_only(ranks);
    return record->kind == TW_KIND_END ? take_end(ranks, rank, record)
                                       : take_figures(ranks, rank, record, time_ms);
}

void tw_ranks_start_at(struct tw_ranks *ranks, uint64_t step, int64_t time_ms)
{
    struct tw_rank *lead = tw_ranks_find_or_add(ranks, 0);
    if (!lead)
        return;
    lead->step = step;
    lead->time_ms = time_ms;
    lead->has_step = 1;
    ranks->core.judged =
        (struct tw_rank_place){.step = step, .phase = TW_RANK_STEP, .kind = TW_KIND_STEP};
    ranks->core.has_judged = ranks->core.has_header = ranks->core.is_settled = 1;
    note_first(&ranks->core, step, time_ms);
}
