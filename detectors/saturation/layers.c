/* What one record tells of each layer. */
#include "detectors/saturation/state.h"

#include <math.h>
#include <string.h>

static double measured(const struct tw_layers *layers, enum tw_layer_column column, uint32_t index)
{
    const float *values = layers->column[column];
    return values && isfinite(values[index]) ? (double)values[index] : NAN;
}

static double share(const struct tw_layers *layers, enum tw_layer_column column, uint32_t index)
{
    double x = measured(layers, column, index);
    return x >= 0 && x <= 1 ? x : NAN;
}

/* The last layer near 0 or 1 is success, and gates are there to be open or shut. */
static bool is_watched(const struct tw_context *context, uint32_t index)
{
    enum tw_activation activation = (enum tw_activation)context->layer_activation[index];
    return context->layer_role[index] == TW_LAYER_HIDDEN &&
           (activation == TW_ACTIVATION_TANH || activation == TW_ACTIVATION_SIGMOID);
}

static double median(double *values, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        double x = values[i];
        uint32_t at = i;
        for (; at > 0 && values[at - 1] > x; at--)
            values[at] = values[at - 1];
        values[at] = x;
    }
    if (!n)
        return NAN;
    return n % 2 ? values[n / 2] : values[n / 2 - 1] / 2 + values[n / 2] / 2;
}

static bool is_saturated(const struct tw_saturation_view *view,
                         const struct tw_saturation_layer *layer)
{
    return layer->is_watched && (layer->units > view->config->critical_units ||
                                 layer->activations > view->config->critical_activations);
}

/* Where every hidden layer is saturated, the median of them all would be that of dead layers. */
static double reference_norm(const struct tw_saturation_view *view)
{
    double norms[TW_CONTEXT_LAYERS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < view->n; i++) {
        if (!is_saturated(view, &view->layer[i]) && !isnan(view->layer[i].gradient))
            norms[n++] = view->layer[i].gradient;
    }
    return median(norms, n);
}

void tw_saturation_read(struct tw_saturation_view *view, const struct tw_layers *layers)
{
    view->n = layers->n < TW_CONTEXT_LAYERS_MAX ? layers->n : TW_CONTEXT_LAYERS_MAX;
    for (uint32_t i = 0; i < view->n; i++) {
        struct tw_saturation_layer *layer = &view->layer[i];
        layer->activations = share(layers, TW_LAYER_SATURATED_FRACTION, i);
        layer->units = share(layers, TW_LAYER_SATURATED_UNITS_FRACTION, i);
        layer->gradient = fabs(measured(layers, TW_LAYER_GRAD_NORM, i));
        layer->is_watched =
            is_watched(view->context, i) && !(isnan(layer->activations) && isnan(layer->units));
    }
    view->reference = reference_norm(view);
}

bool tw_saturation_has_vanished(const struct tw_saturation_view *view, uint32_t index)
{
    double gradient = view->layer[index].gradient;
    return gradient < view->config->gradient_ratio * view->reference ||
           (!isnan(gradient) && view->layer[0].gradient < view->config->first_gradient);
}

/* The share of N(0, s) beyond +-x is erfc(x / s / sqrt 2): the ratio x / s by bisection. */
static double ratio_of(double share)
{
    double low = 0, high = 8;
    for (int i = 0; i < 50; i++) {
        double middle = (low + high) / 2;
        if (erfc(middle / sqrt(2)) > share)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double tw_saturation_init_factor(double share)
{
    return ratio_of(fmin(share, .99)) / ratio_of(.05);
}
