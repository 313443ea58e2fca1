/* Block means: slope and swing of a series over hundreds of values in 200 bytes. */
#include "detectors/statistics/blocks.h"

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

struct line {
    double intercept, slope, standard_error;
};

static double residual_correlation(const struct tw_blocks *blocks, unsigned n,
                                   const struct line *line, double *ret_squares)
{
    double products = 0, squares = 0, before = 0;
    for (unsigned i = 0; i < n; i++) {
        double residual = mean_at(blocks, n, i) - line->intercept - line->slope * i;
        products += i ? residual * before : 0;
        squares += residual * residual;
        before = residual;
    }
    *ret_squares = squares;
    double r = squares > 0 ? products / squares : 0;
    return r < 0 ? 0 : r < .9 ? r : .9;
}

static struct line fit_line(const struct tw_blocks *blocks, unsigned n)
{
    double mean = 0, sxy = 0, sxx = 0, centre = (n - 1) / 2.;
    for (unsigned i = 0; i < n; i++)
        mean += mean_at(blocks, n, i) / n;
    for (unsigned i = 0; i < n; i++) {
        sxy += (i - centre) * (mean_at(blocks, n, i) - mean);
        sxx += (i - centre) * (i - centre);
    }
    struct line line = {.slope = sxy / sxx, .intercept = mean - sxy / sxx * centre};
    double squares, r = residual_correlation(blocks, n, &line, &squares);
    line.standard_error = sqrt(squares / (n - 2) / sxx * (1 + r) / (1 - r));
    return line;
}

double tw_blocks_rising_probability(const struct tw_blocks *blocks, unsigned n)
{
    if (n > blocks->count || n < 3)
        return .5;
    struct line line = fit_line(blocks, n);
    if (!(line.standard_error > 0))
        return line.slope > 0 ? 1 : line.slope < 0 ? 0 : .5;
    double t = line.slope / line.standard_error, freedom = n - 2;
    if (!(fabs(t) < 1e6)) /* t * t must stay finite */
        return t > 0 ? 1 : 0;
    /* Student's t as a normal deviate (Abramowitz and Stegun 26.7.8). */
    double z = t * (1 - .25 / freedom) / sqrt(1 + t * t / (2 * freedom));
    return .5 * erfc(-z / sqrt(2));
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
