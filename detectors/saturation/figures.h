/* Reading the figures of a layers record: what was not measured, or cannot be, is NaN. Shared by
 * saturation and dead-units. */
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

/* For state and evidence, which hold no NaN: 0 is "not known". */
static inline double tw_figure_or_zero(double figure)
{
    return isfinite(figure) ? figure : 0;
}

/* Whether a layer lets no gradient through: its norm is below `ratio` of the `reference`, a norm of
 * layers that do, or that of the `first` layer is below `least`. A norm that is NaN is no evidence.
 */
static inline bool tw_gradient_has_vanished(double norm, double reference, double ratio,
                                            double first, double least)
{
    return norm < ratio * reference || (!isnan(norm) && first < least);
}

#endif
