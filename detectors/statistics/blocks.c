/* Block means: slope and swing of a series over hundreds of values in 200 bytes. */
#include "detectors/statistics/blocks.h"
#include "detectors/statistics/slope.h"

#include <math.h>
#include <string.h>

void tw_blocks_start(struct tw_blocks *blocks)
{
    memset(blocks, 0, sizeof *blocks);
}

int tw_blocks_push(struct tw_blocks *blocks, double x)
{
    blocks->sum += x;
    if (++blocks->filled < TW_BLOCK_VALUES)
        return 0;
    blocks->means[blocks->next] = (float)(blocks->sum / TW_BLOCK_VALUES);
    blocks->next = (uint16_t)((blocks->next + 1) % TW_BLOCKS);
    if (blocks->count < TW_BLOCKS)
        blocks->count++;
    blocks->sum = 0;
    blocks->filled = 0;
    return 1;
}

/* The i-th oldest of the newest n means. */
static double mean_at(const struct tw_blocks *blocks, unsigned n, unsigned i)
{
    return blocks->means[(blocks->next + TW_BLOCKS - n + i) % TW_BLOCKS];
}

double tw_blocks_rising_probability(const struct tw_blocks *blocks, unsigned n)
{
    double means[TW_BLOCKS];
    if (n > blocks->count || n < 3)
        return .5;
    for (unsigned i = 0; i < n; i++)
        means[i] = mean_at(blocks, n, i);
    return 1 - tw_slope_fit(means, n).falling;
}

struct tw_swing tw_blocks_swing(const struct tw_blocks *blocks, double edge)
{
    struct tw_swing swing = {0};
    if (blocks->count < TW_BLOCKS)
        return swing;
    double before = mean_at(blocks, TW_BLOCKS, 0), lowest = before, highest = before;
    for (unsigned i = 1; i < TW_BLOCKS; i++) {
        double mean = mean_at(blocks, TW_BLOCKS, i);
        swing.rising += mean > before + edge;
        swing.falling += mean < before - edge;
        lowest = fmin(lowest, mean);
        highest = fmax(highest, mean);
        before = mean;
    }
    swing.rising /= TW_BLOCKS - 1;
    swing.falling /= TW_BLOCKS - 1;
    swing.range = highest - lowest;
    return swing;
}
