/* Block means that become coarser as the series grows. */
#include "detectors/statistics/trace.h"

#include <string.h>

void tw_trace_start(struct tw_trace *trace)
{
    memset(trace, 0, sizeof *trace);
    trace->per_block = 1;
}

static void halve(struct tw_trace *trace)
{
    for (uint32_t i = 0; i < TW_TRACE_BLOCKS / 2; i++) {
        trace->means[i] = .5f * (trace->means[2 * i] + trace->means[2 * i + 1]);
        trace->steps[i] = trace->steps[2 * i];
    }
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
    trace->steps[trace->n] = trace->first_step;
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
    return trace->steps[trace->n - back];
}
