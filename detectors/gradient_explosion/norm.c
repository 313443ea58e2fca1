/* The global gradient norm as a series. */
#include "detectors/gradient_explosion/norm.h"

#include "detectors/statistics/log_ratio.h"

#include <math.h>
#include <string.h>

/* A step of the scale by two is .69 in logarithms; norms of neighbouring records differ by a third
 * of that. */
#define SCALE_STEP .35
/* Moves with the scale before norms count as scaled. */
enum { SCALED_MOVES = 3 };

void tw_norm_series_start(struct tw_norm_series *series)
{
    memset(series, 0, sizeof *series);
    series->scale = 1;
    tw_norm_series_restart(series);
}

void tw_norm_series_restart(struct tw_norm_series *series)
{
    tw_norm_baseline_start(&series->baseline);
    TW_RECENT_CLEAR(&series->recent);
    series->growths = 0;
}

static void note_largest(struct tw_norm_series *series,
                         const struct tw_gradient_explosion_config *config, double norm)
{
    double range = config->constant_range * series->largest;
    if (norm > series->largest + range) {
        series->largest = norm;
        series->at_largest = 1;
    } else if (norm >= series->largest - range) {
        series->at_largest++;
    }
}

/* When the scale jumps, a norm that jumps by the same factor is scaled and one that stays is not.
 */
static bool note_scale(struct tw_norm_series *series, double norm, double scale)
{
    double before = series->scale;
    series->scale = scale;
    if (scale == before || series->is_scaled || !series->count)
        return false;
    double jump = log(scale / before), move = log(norm) - series->newest;
    if (fabs(jump) < 2 * SCALE_STEP - .02)
        return false;
    series->scaled_moves += fabs(move - jump) < SCALE_STEP;
    series->unscaled_moves += fabs(move) < SCALE_STEP;
    if (series->scaled_moves < SCALED_MOVES || series->scaled_moves < 2 * series->unscaled_moves)
        return false;
    series->is_scaled = 1;
    return true;
}

static void note_growth(struct tw_norm_series *series,
                        const struct tw_gradient_explosion_config *config, double y)
{
    bool has_grown = series->count && tw_log_reaches(y - series->newest, config->growth_ratio);
    series->growths = has_grown ? series->growths + 1 : 0;
}

bool tw_norm_series_take(struct tw_norm_series *series,
                         const struct tw_gradient_explosion_config *config, double norm,
                         double scale)
{
    bool is_scaled_now = note_scale(series, norm, scale);
    double y = log(norm) - (series->is_scaled && scale != 1 ? log(scale) : 0);
    if (is_scaled_now) {
        series->count = 0;
        tw_norm_series_restart(series);
    }
    note_largest(series, config, norm);
    note_growth(series, config, y);
    if (series->count < TW_FIRST_NORMS)
        series->first[series->count] = y;
    series->before = series->newest;
    series->newest = y;
    series->count++;
    TW_RECENT_PUSH(&series->recent, (float)y);
    return is_scaled_now;
}

double tw_norm_series_level(const struct tw_norm_series *series)
{
    return TW_RECENT_MEDIAN(&series->recent);
}

bool tw_norm_series_is_clipped(const struct tw_norm_series *series,
                               const struct tw_gradient_explosion_config *config)
{
    return series->at_largest >= config->constant_norms;
}
