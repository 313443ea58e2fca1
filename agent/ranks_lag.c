/* Ranks that fall silent. */
#include "agent/ranks_state.h"

#include "detectors/statistics/order.h"

static double step_seconds(const struct tw_ranks *ranks)
{
    double seconds[TW_RANKS_INTERVALS];
    uint64_t known = ranks->core.n_intervals;
    unsigned n = known < TW_RANKS_INTERVALS ? (unsigned)known : TW_RANKS_INTERVALS;
    for (unsigned i = 0; i < n; i++)
        seconds[i] = ranks->core.seconds[i];
    return n < 3 ? 0 : tw_median(seconds, n);
}

void tw_ranks_note_step(struct tw_ranks *ranks, uint64_t step, int64_t time_ms)
{
    struct tw_ranks_core *core = &ranks->core;
    double seconds = ((double)time_ms - (double)core->judged_ms) / 1000;
    double steps = (double)step - (double)core->judged_step;
    if (core->has_judged_step && steps >= 1 && seconds >= 0 && seconds < 1e9)
        core->seconds[core->n_intervals++ % TW_RANKS_INTERVALS] = seconds / steps;
    core->judged_ms = time_ms;
    core->judged_step = step;
    core->has_judged_step = 1;
}

static struct tw_rank_lag lag_of(const struct tw_ranks *ranks, const struct tw_rank *rank,
                                 double seconds)
{
    uint32_t interval = rank->interval > rank->old_interval ? rank->interval : rank->old_interval;
    return (struct tw_rank_lag){
        .rank = rank->number,
        .ranks = ranks->core.n_ranks,
        .step = tw_rank_step(ranks, rank),
        .time_ms = rank->time_ms,
        .interval_steps = interval,
        .judged_step = ranks->core.judged_step,
        .judged_time_ms = ranks->core.judged_ms,
        .step_seconds = seconds,
        .is_told = rank->is_told,
    };
}

static uint64_t silent_from(const struct tw_ranks *ranks, const struct tw_rank_lag_config *config,
                            const struct tw_rank *rank)
{
    struct tw_rank_lag lag = lag_of(ranks, rank, 0);
    uint64_t from, steps = tw_rank_lag_steps(config, &lag);
    return __builtin_add_overflow(lag.step, steps, &from) ? UINT64_MAX : from;
}

/* How far all have come but for those that are behind the foremost by so much. */
static uint64_t front_of(const struct tw_ranks *ranks, const struct tw_rank_lag_config *config)
{
    uint64_t front = ranks->core.foremost;
    for (uint32_t i = 0; i < ranks->core.n_ranks; i++) {
        const struct tw_rank *rank = &ranks->rank[i];
        if (!tw_rank_is_waited_for(rank) ||
            silent_from(ranks, config, rank) <= ranks->core.foremost)
            continue;
        uint64_t step = tw_rank_step(ranks, rank);
        if (step < front)
            front = step;
    }
    return front;
}

void tw_ranks_find_away(struct tw_ranks *ranks, const struct tw_rank_lag_config *config)
{
    uint64_t front = front_of(ranks, config);
    double least = tw_rank_lag_seconds(config, step_seconds(ranks));
    for (uint32_t i = 0; i < ranks->core.n_ranks; i++) {
        struct tw_rank *rank = &ranks->rank[i];
        double seconds = ((double)ranks->core.newest_ms - (double)rank->time_ms) / 1000;
        if (tw_rank_is_waited_for(rank) && rank->has_interval &&
            silent_from(ranks, config, rank) <= front && seconds >= least)
            rank->is_away = 1;
    }
}

/* One that has told of a single step is not known to tell of more. */
static bool is_judged(const struct tw_rank *rank)
{
    return rank->is_told || (rank->has_interval && !rank->has_completed && !rank->is_gone);
}

void tw_ranks_judge(struct tw_ranks *ranks, const struct tw_rank_lag_config *config,
                    struct tw_report *report)
{
    double seconds = step_seconds(ranks);
    for (uint32_t i = 0; i < ranks->core.n_ranks && report->n < TW_REPORT_CONDITIONS; i++) {
        struct tw_rank *rank = &ranks->rank[i];
        if (!is_judged(rank))
            continue;
        struct tw_rank_lag lag = lag_of(ranks, rank, seconds);
        if (rank->is_gone)
            lag.step = lag.judged_step; /* what it was told of is over */
        enum tw_state state = tw_rank_lag_judge(config, &lag, report);
        if (state == TW_STATE_OPEN)
            rank->is_told = rank->is_away = 1;
        else if (state == TW_STATE_RECOVERED)
            rank->is_told = 0;
    }
}

void tw_ranks_failed(const struct tw_ranks *ranks, const struct tw_rank_lag_config *config,
                     struct tw_report *report)
{
    double seconds = step_seconds(ranks);
    for (uint32_t i = 0; i < ranks->core.n_ranks && report->n < TW_REPORT_CONDITIONS; i++) {
        struct tw_rank_lag lag = lag_of(ranks, &ranks->rank[i], seconds);
        if (ranks->rank[i].is_told)
            tw_rank_lag_failed(config, &lag, report);
    }
}
