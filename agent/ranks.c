/* Records of several ranks, given out in the order of steps once nobody is waited for. */
#include "agent/ranks.h"

#include "agent/ranks_state.h"
#include "telemetry/wire.h"

#include <stdlib.h>

struct tw_ranks *tw_ranks_new(void)
{
    struct tw_ranks *ranks = calloc(1, sizeof *ranks);
    if (ranks)
        ranks->core.version = TW_RANKS_VERSION;
    return ranks;
}

void tw_ranks_free(struct tw_ranks *ranks)
{
    if (!ranks)
        return;
    tw_ranks_queue_release(&ranks->queue);
    free(ranks->header);
    free(ranks->rank);
    free(ranks);
}

uint64_t tw_ranks_counted(const struct tw_ranks *ranks)
{
    return ranks->core.counted;
}

uint32_t tw_ranks_nonfinite(const struct tw_ranks *ranks, uint32_t *ret_rank)
{
    *ret_rank = ranks->core.taken.nonfinite_rank;
    return ranks->core.taken.n_nonfinite;
}

void tw_ranks_flush(struct tw_ranks *ranks)
{
    ranks->core.flushes_all = 1;
}

void tw_ranks_note_judged(struct tw_ranks *ranks, const struct tw_rank_place *place,
                          const struct tw_record *record, const struct tw_ranks_taken *taken)
{
    struct tw_ranks_core *core = &ranks->core;
    if (!core->has_judged || tw_rank_place_compare(place, &core->judged) > 0)
        core->judged = *place;
    core->has_judged = 1;
    core->taken = *taken;
    if (place->phase == TW_RANK_STEP) {
        tw_ranks_note_step(ranks, place->step, taken->time_ms);
    } else if (place->phase != TW_RANK_HEADER) {
        if (!core->has_extra[place->kind] || record->step > core->extra_step[place->kind])
            core->extra_step[place->kind] = record->step;
        core->has_extra[place->kind] = 1;
    }
}

/* ---- giving records out ---- */

/* A rank that tells of every tenth step is not waited for in between. */
static bool has_passed(const struct tw_rank *rank, const struct tw_rank_place *place)
{
    if (rank->generation != place->generation)
        return rank->generation > place->generation;
    if (rank->step > place->step)
        return true;
    if (rank->step == place->step)
        return place->phase <= TW_RANK_STEP;
    uint64_t behind = place->step - rank->step;
    return behind < tw_rank_interval(rank) || (!rank->has_interval && behind > TW_RANKS_WINDOW);
}

static bool all_have_passed(const struct tw_ranks *ranks, const struct tw_rank_place *place)
{
    const struct tw_ranks_core *core = &ranks->core;
    if (!core->is_settled && core->world_size > core->n_ranks)
        return false;
    for (uint32_t i = 0; i < core->n_ranks; i++) {
        const struct tw_rank *rank = &ranks->rank[i];
        bool is_to_come = !core->is_settled && !rank->has_step && !rank->is_gone;
        if (is_to_come || (tw_rank_is_waited_for(rank) && !has_passed(rank, place)))
            return false;
    }
    return true;
}

static bool is_ready(const struct tw_ranks *ranks, const struct tw_rank_place *place)
{
    const struct tw_ranks_core *core = &ranks->core;
    const struct tw_rank *lead = tw_ranks_lead(ranks);
    if (core->flushes_all ||
        (core->has_flush && tw_rank_place_compare(place, &core->flush_to) <= 0))
        return true;
    if (core->is_over || (place->generation > lead->generation && !lead->is_away))
        return false;
    return ranks->queue.n_bytes > TW_RANKS_BYTES_MAX ||
           (place->generation <= lead->generation && core->foremost >= place->step &&
            core->foremost - place->step >= TW_RANKS_WINDOW) ||
           all_have_passed(ranks, place);
}

static int give_header(struct tw_ranks *ranks, struct tw_record *ret)
{
    size_t used;
    int result = tw_cbor_decode(ranks->header, ranks->core.n_header, ret, &used, NULL);
    free(ranks->header);
    ranks->header = NULL;
    ranks->core.n_header = 0;
    ranks->core.has_header = 1;
    ret->rank = 0;
    ret->has &= ~(TW_HAS_SEQ | TW_HAS_RANK);
    ranks->core.taken = (struct tw_ranks_taken){0};
    return result;
}

static int give_first(struct tw_ranks *ranks, struct tw_record *ret)
{
    struct tw_ranks_taken taken;
    struct tw_rank_place place = ranks->queue.first;
    if (!ranks->core.has_header && ranks->header && give_header(ranks, ret) == 1)
        return 1;
    int result = tw_ranks_queue_take(&ranks->queue, ret, &taken);
    if (result)
        return result;
    tw_ranks_note_judged(ranks, &place, ret, &taken);
    return 1;
}

static bool end_is_due(const struct tw_ranks *ranks)
{
    const struct tw_ranks_core *core = &ranks->core;
    const struct tw_rank *lead = tw_ranks_lead(ranks);
    bool have_all_ended = true, have_all_come = true;
    if (core->is_over || !core->has_ends)
        return false;
    for (uint32_t i = 0; i < core->n_ranks; i++) {
        const struct tw_rank *rank = &ranks->rank[i];
        bool is_gone = !tw_rank_is_waited_for(rank);
        have_all_ended &= is_gone;
        have_all_come &= is_gone || rank->generation > lead->generation ||
                         (rank->generation == lead->generation && rank->step >= lead->step) ||
                         tw_rank_step(ranks, rank) + TW_RANKS_WINDOW <= lead->step;
    }
    return have_all_ended || (core->lead_has_ended && (core->flushes_all || have_all_come ||
                                                       core->status == TW_END_FAILED));
}

static enum tw_end_status end_status(const struct tw_ranks_core *core)
{
    if (core->failed)
        return TW_END_FAILED;
    return core->lead_has_ended ? core->status : TW_END_COMPLETED;
}

static void give_end(struct tw_ranks *ranks, struct tw_record *ret)
{
    struct tw_ranks_core *core = &ranks->core;
    tw_record_clear(ret);
    ret->kind = TW_KIND_END;
    ret->status = end_status(core);
    ret->has = TW_HAS_KIND | (core->has_end_ms ? TW_HAS_TIME : 0);
    ret->time_ms = core->has_end_ms ? core->end_ms : 0;
    core->is_over = 1;
    core->flushes_all = core->has_ends = core->has_end_ms = 0;
    core->taken = (struct tw_ranks_taken){0};
    for (uint32_t i = 0; i < core->n_ranks; i++)
        ranks->rank[i].is_over = ranks->rank[i].has_ended = 1;
}

int tw_ranks_next(struct tw_ranks *ranks, const struct tw_rank_lag_config *config,
                  struct tw_record *ret)
{
    struct tw_ranks_core *core = &ranks->core;
    const struct tw_rank_place *first = &ranks->queue.first;
    while (ranks->queue.n_bytes) {
        if (core->foremost >= first->step && core->foremost - first->step + 1 >= config->rank_steps)
            tw_ranks_find_away(ranks, config);
        if (is_ready(ranks, first))
            return give_first(ranks, ret);
        if (ranks->queue.n_bytes <= TW_RANKS_BYTES_MAX)
            break;
        core->counted += tw_ranks_queue_drop(&ranks->queue); /* of a future that does not begin */
    }
    if (!core->n_ranks || !end_is_due(ranks)) {
        core->flushes_all = 0;
        return 0;
    }
    if (ranks->queue.n_bytes) {
        core->flushes_all = 1;
        return give_first(ranks, ret);
    }
    give_end(ranks, ret);
    return 1;
}
