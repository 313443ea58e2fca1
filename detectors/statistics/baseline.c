/* Robust baseline: median exact at each value, spread every eighth, autocorrelation by decay. */
#include "detectors/statistics/baseline.h"

#include <string.h>

enum { REFRESH_EVERY = 8 };
/* Weight of a new product in the autocorrelation: remembers about as long as the window does. */
#define CORRELATION_WEIGHT (1. / TW_BASELINE_VALUES)

void tw_baseline_start(struct tw_baseline *baseline)
{
    memset(baseline, 0, sizeof *baseline);
    TW_WINDOW_START(&baseline->window);
}

double tw_baseline_median(const struct tw_baseline *baseline)
{
    return TW_WINDOW_MEDIAN(&baseline->window);
}

double tw_baseline_score(const struct tw_baseline *baseline, double x, double floor)
{
    double spread = baseline->spread > floor ? baseline->spread : floor;
    return (x - tw_baseline_median(baseline)) / spread;
}

void tw_baseline_learn(struct tw_baseline *baseline, double x, double z)
{
    TW_WINDOW_PUSH(&baseline->window, (float)x);
    if (!baseline->until_refresh || tw_baseline_count(baseline) < 2 * REFRESH_EVERY) {
        baseline->spread = TW_WINDOW_MAD(&baseline->window);
        baseline->until_refresh = REFRESH_EVERY;
    }
    baseline->until_refresh--;
    baseline->autocovariance +=
        CORRELATION_WEIGHT * (z * baseline->last_z - baseline->autocovariance);
    baseline->variance += CORRELATION_WEIGHT * (z * z - baseline->variance);
    baseline->last_z = z;
}

double tw_baseline_autocorrelation(const struct tw_baseline *baseline)
{
    if (!(baseline->autocovariance > 0))
        return 0;
    double r = baseline->autocovariance / baseline->variance;
    return r < .5 ? r : .5;
}
