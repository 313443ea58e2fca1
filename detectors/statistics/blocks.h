/* A long, coarse memory of a series: means of the newest 40 blocks of 25 values. Its slope with a
 * probability, and whether it swings up and down. */
#ifndef TW_BLOCKS_H
#define TW_BLOCKS_H

#include <stdint.h>

#define TW_BLOCKS 40
#define TW_BLOCK_VALUES 25

struct tw_blocks {
    double sum; /* of the block that is filling */
    uint16_t filled;
    uint16_t count, next;
    float means[TW_BLOCKS];
};

void tw_blocks_start(struct tw_blocks *blocks);
/* Adds a finite value; returns 1 when that completed a block. */
int tw_blocks_push(struct tw_blocks *blocks, double x);

/* Probability that the slope over the newest `n` blocks (3..40) is above 0, by least squares with
 * Student's t and the standard error inflated by sqrt((1+r)/(1-r)) for lag-1 autocorrelation r of
 * the residuals. 0.5 when there are too few blocks. */
double tw_blocks_rising_probability(const struct tw_blocks *blocks, unsigned n);

/* Shares of the neighbouring blocks that rise and that fall by more than `edge`, and the range of
 * the block means; all 0 while fewer than 40 blocks are known. */
struct tw_swing {
    double rising, falling, range;
};
struct tw_swing tw_blocks_swing(const struct tw_blocks *blocks, double edge);

#endif
