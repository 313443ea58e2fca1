/* Several ranks of one run: their records are combined before they are judged. */
#include "agent/watch_parts.h"

#include "agent/repeats.h"
#include "detectors/detectors.h"

#include <errno.h>
#include <string.h>

/* Which rank it was that told of what is not finite: the one to look at. */
void tw_watch_name_ranks(const struct tw_run *run, const struct tw_detector *detector,
                         struct tw_report *report)
{
    uint32_t rank, n = run->ranks ? tw_ranks_nonfinite(run->ranks, &rank) : 0;
    for (uint32_t i = 0; i < report->n && n && detector == &tw_detector_overflow; i++) {
        if (report->conditions[i].state != TW_STATE_OPEN)
            continue;
        tw_evidence_add(&report->conditions[i].evidence, "first_rank", rank);
        tw_evidence_add(&report->conditions[i].evidence, "ranks", n);
    }
}

static int judge_combined(struct tw_watch *watch, struct tw_run *run, struct tw_record *record,
                          struct tw_error *error)
{
    uint32_t index = tw_watch_stalled_run();
    struct tw_report report;
    report.n = report.n_dropped = 0;
    memcpy(record->run, run->core.id, sizeof record->run);
    if (record->kind == TW_KIND_HEADER)
        tw_run_take_header(run, record);
    int result = tw_watch_judge(watch, run, record, error);
    if (result || record->kind != TW_KIND_STEP)
        return result;
    tw_ranks_judge(run->ranks, watch->options.settings->detector[index], &report);
    return tw_watch_apply(watch, run, index, &report, error);
}

static int judge_ready(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    const void *config = watch->options.settings->detector[tw_watch_stalled_run()];
    struct tw_record record;
    int next, result = 0;
    tw_record_init(&record);
    while (!result && (next = tw_ranks_next(run->ranks, config, &record)) != 0)
        result = next < 0 ? tw_error_set(error, next, "out of memory")
                          : judge_combined(watch, run, &record, error);
    tw_record_clear(&record);
    return result;
}

bool tw_watch_has_ranks(const struct tw_run *run, const struct tw_record *record)
{
    return run->ranks || record->rank != 0 || (record->header && record->header->world_size > 1);
}

static int start_ranks(struct tw_run *run, struct tw_error *error)
{
    const struct tw_context *context = run->context;
    if (run->ranks)
        return 0;
    run->ranks = tw_ranks_new();
    if (!run->ranks)
        return tw_error_set(error, -ENOMEM, "out of memory");
    if (context->has_step)
        tw_ranks_start_at(run->ranks, context->newest_record_step, run->core.time_ms);
    return 0;
}

int tw_watch_judge_ranks(struct tw_watch *watch, struct tw_run *run, const struct tw_record *record,
                         struct tw_error *error)
{
    int result = start_ranks(run, error);
    if (result)
        return result;
    if (record->rank == 0 && tw_run_is_repeat(run, record)) {
        watch->counts.repeats += record->kind != TW_KIND_HEADER;
        return 0;
    }
    tw_watch_hear(watch, run); /* what waits for the other ranks has come, too */
    int use = tw_ranks_take(run->ranks, record, tw_watch_time_of(watch, run, record));
    if (use < 0)
        return tw_error_set(error, use, "out of memory");
    if (use == TW_RANKS_DIRECT)
        result = tw_watch_judge(watch, run, record, error);
    return result ? result : judge_ready(watch, run, error);
}

/* What waits for other ranks that will not come. */
int tw_watch_judge_waiting(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    if (!run->ranks)
        return 0;
    tw_ranks_flush(run->ranks);
    return judge_ready(watch, run, error);
}

int tw_watch_end(struct tw_watch *watch, struct tw_run *run, struct tw_error *error)
{
    int result = tw_watch_judge_waiting(watch, run, error);
    return result ? result : tw_watch_finish(watch, run, TW_END_INTERRUPTED, error);
}
