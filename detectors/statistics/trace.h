/* A whole series in a fixed room: means of up to 128 blocks of equally many values. When the room
 * is full neighbours are put together, so that the blocks become twice as long: between 64 and 128
 * of them always tell the run from its start. Steps are kept beside them. */
#ifndef TW_TRACE_H
#define TW_TRACE_H

#include <stdint.h>

#define TW_TRACE_BLOCKS 128

struct tw_trace {
    uint32_t n;                      /* full blocks */
    uint32_t filled;                 /* values in the block that fills */
    uint32_t per_block;              /* values a block; 1, 2, 4, ... */
    double sum;                      /* of the block that fills */
    uint64_t first_step;             /* of the block that fills */
    uint64_t steps[TW_TRACE_BLOCKS]; /* of each block's first value */
    float means[TW_TRACE_BLOCKS];
};

void tw_trace_start(struct tw_trace *trace);
/* Adds a finite value of magnitude below 1e30; returns 1 when that completed a block. */
int tw_trace_push(struct tw_trace *trace, double x, uint64_t step);
/* Writes the newest `n` <= trace->n block means, oldest first. */
void tw_trace_newest(const struct tw_trace *trace, unsigned n, double *ret);
/* Step of the first value of the block that is `back` blocks from the end; 1 is the newest full
 * one; 1 <= back <= trace->n. */
uint64_t tw_trace_step(const struct tw_trace *trace, unsigned back);

#endif
