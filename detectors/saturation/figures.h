/* Reading the figures of a layers record: what was not measured, or cannot be, is NaN. */
#ifndef TW_SATURATION_FIGURES_H
#define TW_SATURATION_FIGURES_H

#include "telemetry/record.h"

#include <math.h>

/* A finite figure of layer `index` < layers->n, or NaN. */
static inline double tw_figure(const struct tw_layers *layers, enum tw_layer_column column,
                               uint32_t index)
{
    const float *values = layers->column[column];
    return values && isfinite(values[index]) ? (double)values[index] : NAN;
}

/* The same of a share, 0 to 1. */
static inline double tw_figure_share(const struct tw_layers *layers, enum tw_layer_column column,
                                     uint32_t index)
{
    double share = tw_figure(layers, column, index);
    return share >= 0 && share <= 1 ? share : NAN;
}

#endif
