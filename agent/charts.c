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

static size_t index_of(const struct tw_charts *charts, const char *run)
{
    if (charts->newest < charts->n && !strcmp(charts->at[charts->newest]->run, run))
        return charts->newest;
    size_t i = 0;
    while (i < charts->n && strcmp(charts->at[i]->run, run))
        i++;
    return i;
}

const struct tw_run_charts *tw_charts_find(const struct tw_charts *charts, const char *run)
{
    size_t i = index_of(charts, run);
    return i < charts->n ? charts->at[i] : NULL;
}

static struct tw_run_charts *add_run(struct tw_charts *charts, const char *run)
{
    if (charts->n == charts->room) {
        size_t room = charts->room ? charts->room * 2 : 4;
        struct tw_run_charts **at = realloc(charts->at, room * sizeof *at);
        if (!at)
            return NULL;
        charts->at = at;
        charts->room = room;
    }
    struct tw_run_charts *added = calloc(1, sizeof *added);
    if (added) {
        snprintf(added->run, sizeof added->run, "%s", run);
        charts->at[charts->n++] = added;
    }
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
    size_t i = index_of(charts, run->core.id);
    struct tw_run_charts *taken = i < charts->n ? charts->at[i] : add_run(charts, run->core.id);
    if (!taken)
        return;
    uint64_t step = record->has & TW_HAS_STEP ? record->step : run->context->step;
    charts->newest = i;
    note_segment(taken, run->context);
    for (uint32_t left = record->signals; left; left &= left - 1) {
        int signal = __builtin_ctz(left);
        (void)tw_chart_buckets_add(&taken->signal[signal], step, record->signal[signal]);
    }
}

void tw_charts_release(struct tw_charts *charts)
{
    for (size_t i = 0; i < charts->n; i++) {
        for (int signal = 0; signal < TW_SIGNALS; signal++)
            tw_chart_buckets_release(&charts->at[i]->signal[signal]);
        free(charts->at[i]);
    }
    free(charts->at);
    *charts = (struct tw_charts){0};
}
