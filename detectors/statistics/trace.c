/* Block means that become coarser as the series grows. */
#include "detectors/statistics/trace.h"

#include <string.h>

void tw_trace_start(struct tw_trace *trace)
{
    memset(trace, 0, sizeof *trace);
    trace->per_block = 1;
}

uint64_t tw_step_between(uint64_t from, uint64_t to, unsigned part, unsigned whole)
{
    int64_t way = (int64_t)(to - from), parts = part, all = whole;
    if (!all)
        return from;
    return from + (uint64_t)(way / all * parts + (way % all * parts + all / 2) / all);
}

static uint64_t step_of(const struct tw_trace *trace, uint32_t block)
{
    uint32_t mark = block / TW_TRACE_MARK_EVERY, next = (mark + 1) * TW_TRACE_MARK_EVERY;
    uint32_t from = mark * TW_TRACE_MARK_EVERY;
    if (block + 1 == trace->n)
        return trace->newest_step;
    if (mark + 1 < TW_TRACE_MARKS && next < trace->n)
        return tw_step_between(trace->marks[mark], trace->marks[mark + 1], block - from,
                               TW_TRACE_MARK_EVERY);
    return tw_step_between(trace->marks[mark], trace->newest_step, block - from,
                           trace->n - 1 - from);
}

static void halve(struct tw_trace *trace)
{
    trace->newest_step = step_of(trace, TW_TRACE_BLOCKS - 2);
    for (uint32_t i = 0; i < TW_TRACE_BLOCKS / 2; i++)
        trace->means[i] = .5f * (trace->means[2 * i] + trace->means[2 * i + 1]);
    for (uint32_t i = 0; i < TW_TRACE_MARKS / 2; i++)
        trace->marks[i] = trace->marks[2 * i];
    trace->n = TW_TRACE_BLOCKS / 2;
    trace->per_block *= 2;
}

int tw_trace_push(struct tw_trace *trace, double x, uint64_t step)
{
    if (trace->n == TW_TRACE_BLOCKS && trace->filled == 0)
        halve(trace);
    if (trace->filled == 0)
        trace->first_step = step;
    trace->sum += x;
    if (++trace->filled < trace->per_block)
        return 0;
    if (trace->n % TW_TRACE_MARK_EVERY == 0)
        trace->marks[trace->n / TW_TRACE_MARK_EVERY] = trace->first_step;
    trace->newest_step = trace->first_step;
    trace->means[trace->n++] = (float)(trace->sum / trace->per_block);
    trace->sum = 0;
    trace->filled = 0;
    return 1;
}

void tw_trace_newest(const struct tw_trace *trace, unsigned n, double *ret)
{
    for (unsigned i = 0; i < n; i++)
        ret[i] = trace->means[trace->n - n + i];
}

uint64_t tw_trace_step(const struct tw_trace *trace, unsigned back)
{
    return step_of(trace, trace->n - back);
}
