/* The signals of each run in buckets. */
#include "agent/charts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tw_segment_text(enum tw_segment_cause cause)
{
    static const char *const texts[] = {
        [TW_SEGMENT_START] = "start",
        [TW_SEGMENT_RESUME] = "resume",
        [TW_SEGMENT_LR_UP] = "learning rate up",
        [TW_SEGMENT_LR_DOWN] = "learning rate down",
        [TW_SEGMENT_DATA_CHANGE] = "data change",
        [TW_SEGMENT_BATCH_CHANGE] = "batch change",
    };
    return texts[cause];
}

/* Records of one run come together, mostly. */
static struct tw_run_charts *find(const struct tw_charts *charts, const char *run)
{
    struct tw_run_charts *found = charts->newest;
    if (!found || strcmp(found->run, run))
        HASH_FIND_STR(charts->runs, run, found);
    return found;
}

const struct tw_run_charts *tw_charts_find(const struct tw_charts *charts, const char *run)
{
    return find(charts, run);
}

static struct tw_run_charts *add_run(struct tw_charts *charts, const char *run)
{
    struct tw_run_charts *added = calloc(1, sizeof *added);
    if (!added)
        return NULL;
    snprintf(added->run, sizeof added->run, "%s", run);
    HASH_ADD_STR(charts->runs, run, added);
    return added;
}

static void note_segment(struct tw_run_charts *charts, const struct tw_context *context)
{
    if (context->segment_is_new && context->segment_cause != TW_SEGMENT_START &&
        charts->n_segments < TW_CHART_SEGMENTS_MAX)
        charts->segments[charts->n_segments++] =
            (struct tw_chart_segment){context->segment_first_step, context->segment_cause};
}

void tw_charts_take(struct tw_charts *charts, const struct tw_run *run,
                    const struct tw_record *record)
{
    struct tw_run_charts *taken = find(charts, run->core.id);
    if (!taken && !(taken = add_run(charts, run->core.id)))
        return;
    uint64_t step = record->has & TW_HAS_STEP ? record->step : run->context->step;
    charts->newest = taken;
    note_segment(taken, run->context);
    tw_scores_take(&taken->scores, record, step);
    taken->has |= record->signals;
    for (uint32_t left = record->signals; left; left &= left - 1) {
        int signal = __builtin_ctz(left);
        taken->newest[signal] = record->signal[signal];
        if (charts->drawn >> signal & 1u)
            (void)tw_chart_buckets_add(&taken->signal[signal], step, record->signal[signal]);
    }
}

void tw_charts_release(struct tw_charts *charts)
{
    struct tw_run_charts *run, *next;
    HASH_ITER(hh, charts->runs, run, next)
    {
        HASH_DEL(charts->runs, run);
        for (int signal = 0; signal < TW_SIGNALS; signal++)
            tw_chart_buckets_release(&run->signal[signal]);
        free(run);
    }
    charts->newest = NULL;
}
