/* Median and spread every eighth or sixteenth norm, autocorrelation by decay. */
#include "detectors/gradient_explosion/baseline.h"

#include "detectors/statistics/packed_log.h"
#include "detectors/statistics/packed_order.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* While there are few, both are found at each; of many, eight more change little. */
enum { REFRESH_EVERY = 8, REFRESH_MANY_EVERY = 16, MANY = 128, FEW = 16 };
/* Weight of a new product in the autocorrelation: remembers about as long as the ring does. */
#define CORRELATION_WEIGHT (1.F / TW_NORM_BASELINE_VALUES)

void tw_norm_baseline_start(struct tw_norm_baseline *baseline)
{
    memset(baseline, 0, offsetof(struct tw_norm_baseline, values));
}

/* Twice a packed logarithm, as a logarithm. */
static double unpack_twice(int twice)
{
    return .5 * twice / TW_PACKED_STEPS;
}

static void find_median(struct tw_norm_baseline *baseline)
{
    if (!baseline->count)
        return;
    baseline->median = unpack_twice(
        tw_packed_twice_median(baseline->values, baseline->count, tw_pack_log(baseline->median)));
    baseline->usual = (float)exp(baseline->median);
}

static void find_spread(struct tw_norm_baseline *baseline)
{
    unsigned n = baseline->count;
    int centre = (int)lrint(2 * TW_PACKED_STEPS * baseline->median);
    int guess = (int)(2 * TW_PACKED_STEPS / 1.4826 * baseline->spread);
    int distance = tw_packed_twice_distance(baseline->values, n, centre, (n + 1) / 2, guess);
    baseline->spread = 1.4826 * unpack_twice(distance);
}

void tw_norm_baseline_settle(struct tw_norm_baseline *baseline)
{
    if (baseline->is_stale)
        find_median(baseline);
    baseline->is_stale = 0;
}

void tw_norm_baseline_learn(struct tw_norm_baseline *baseline, double y, double z)
{
    float score = (float)z;
    baseline->values[baseline->next] = tw_pack_log(y);
    baseline->next = (uint16_t)((baseline->next + 1) % TW_NORM_BASELINE_VALUES);
    baseline->count += baseline->count < TW_NORM_BASELINE_VALUES;
    baseline->is_stale = 1;
    if (!baseline->until_refresh || baseline->count < FEW) {
        tw_norm_baseline_settle(baseline);
        find_spread(baseline);
        baseline->until_refresh = baseline->count < MANY ? REFRESH_EVERY : REFRESH_MANY_EVERY;
    }
    baseline->until_refresh--;
    baseline->autocovariance +=
        CORRELATION_WEIGHT * (score * baseline->last_z - baseline->autocovariance);
    baseline->variance += CORRELATION_WEIGHT * (score * score - baseline->variance);
    baseline->last_z = score;
}

double tw_norm_baseline_autocorrelation(const struct tw_norm_baseline *baseline)
{
    if (!(baseline->autocovariance > 0))
        return 0;
    double r = (double)baseline->autocovariance / (double)baseline->variance;
    return r < .5 ? r : .5;
}
