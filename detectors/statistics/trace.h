/* A whole series in a fixed room: means of up to 128 blocks of equally many values. When the room
 * is full neighbours are put together, so that the blocks become twice as long: between 64 and 128
 * of them always tell the run from its start. The steps of some are kept, and those of the blocks
 * between lie on a line: exact where steps are evenly spaced. */
#ifndef TW_TRACE_H
#define TW_TRACE_H

#include <stdint.h>

#define TW_TRACE_BLOCKS 128
#define TW_TRACE_MARK_EVERY 16
#define TW_TRACE_MARKS (TW_TRACE_BLOCKS / TW_TRACE_MARK_EVERY)

struct tw_trace {
    uint32_t n;                     /* full blocks */
    uint32_t filled;                /* values in the block that fills */
    uint32_t per_block;             /* values a block; 1, 2, 4, ... */
    double sum;                     /* of the block that fills */
    uint64_t first_step;            /* of the block that fills */
    uint64_t newest_step;           /* of the newest full block's first value */
    uint64_t marks[TW_TRACE_MARKS]; /* of the first value of every 16th block */
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

/* The step that is `part` of `whole` on the way from `from` to `to`; part <= whole. */
uint64_t tw_step_between(uint64_t from, uint64_t to, unsigned part, unsigned whole);

#endif
