/* Median and spread every eighth norm, autocorrelation by decay. */
#include "detectors/gradient_explosion/baseline.h"

#include "detectors/statistics/order.h"
#include "detectors/statistics/packed_log.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* While there are few, both are found at each. */
enum { REFRESH_EVERY = 8, FEW = 16 };
/* Weight of a new product in the autocorrelation: remembers about as long as the ring does. */
#define CORRELATION_WEIGHT (1.F / TW_NORM_BASELINE_VALUES)

void tw_norm_baseline_start(struct tw_norm_baseline *baseline)
{
    memset(baseline, 0, offsetof(struct tw_norm_baseline, values));
}

static void find_median(struct tw_norm_baseline *baseline)
{
    float values[TW_NORM_BASELINE_VALUES], two[2];
    unsigned n = baseline->count;
    if (!n)
        return;
    tw_unpack_logs(baseline->values, n, values);
    tw_order_two_near(values, n, (n - 1) / 2, (float)baseline->median, (float)baseline->spread / 8,
                      two);
    baseline->median = n % 2 ? (double)two[0] : .5 * ((double)two[0] + (double)two[1]);
    baseline->usual = (float)exp(baseline->median);
}

static void find_spread(struct tw_norm_baseline *baseline)
{
    float distances[TW_NORM_BASELINE_VALUES], two[2], guess = (float)baseline->spread / 1.4826F;
    float median = (float)baseline->median;
    unsigned n = baseline->count;
    tw_unpack_logs(baseline->values, n, distances);
#pragma omp simd
    for (unsigned i = 0; i < n; i++)
        distances[i] = fabsf(distances[i] - median);
    tw_order_two_near(distances, n, (n + 1) / 2 - 1, guess, guess / 8, two);
    baseline->spread = 1.4826 * (double)two[0];
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
        baseline->until_refresh = REFRESH_EVERY;
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
