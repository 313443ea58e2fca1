/* The global gradient norm on a log scale, as the gradient-explosion detector sees it: its
 * baseline, its newest level, its growth, and whether it can be read at all. Flat state; norms
 * that are not finite or not above 0 do not come here. */
#ifndef TW_GRADIENT_EXPLOSION_NORM_H
#define TW_GRADIENT_EXPLOSION_NORM_H

#include "detectors/gradient_explosion/baseline.h"
#include "detectors/gradient_explosion/config.h"
#include "detectors/statistics/recent.h"

#include <stdbool.h>

#define TW_FIRST_NORMS 3

struct tw_norm_series {
    uint64_t count;
    double newest, before; /* logarithms: of the newest norm and of the one before it */
    TW_RECENT(5) recent;
    uint64_t growths;             /* newest norms in a row that grew by growth_ratio */
    double first[TW_FIRST_NORMS]; /* logarithms */
    double largest;               /* as it came, and how many were equal to it since */
    uint64_t at_largest;
    /* Gradients that the log forgot to unscale move with the loss scale. */
    double scale;
    uint32_t scaled_moves, unscaled_moves;
    uint8_t is_scaled;
    struct tw_norm_baseline baseline;
};

void tw_norm_series_start(struct tw_norm_series *series);

/* Takes a finite norm > 0; `scale` is the loss scale, 1 when there is none. Returns true when it
 * became known by this that norms are scaled: what was learned so far is forgotten then, and norms
 * are divided by the scale from now on. */
bool tw_norm_series_take(struct tw_norm_series *series,
                         const struct tw_gradient_explosion_config *config, double norm,
                         double scale);

/* Forgets the baseline and the newest level: another segment. */
void tw_norm_series_restart(struct tw_norm_series *series);

/* Log of the median of the newest 5 norms, or of fewer while there are fewer. */
double tw_norm_series_level(const struct tw_norm_series *series);

/* The norms were clipped before they were logged: the largest comes again and again. */
bool tw_norm_series_is_clipped(const struct tw_norm_series *series,
                               const struct tw_gradient_explosion_config *config);

#endif
