/* What one record tells of each layer. */
#include "detectors/saturation/figures.h"
#include "detectors/saturation/state.h"

#include <math.h>

/* The last layer near 0 or 1 is success, and gates are there to be open or shut. */
static bool is_watched(const struct tw_context *context, uint32_t index)
{
    enum tw_activation activation = (enum tw_activation)context->layer_activation[index];
    return context->layer_role[index] == TW_LAYER_HIDDEN &&
           (activation == TW_ACTIVATION_TANH || activation == TW_ACTIVATION_SIGMOID);
}

static bool is_saturated(const struct tw_saturation_view *view,
                         const struct tw_saturation_layer *layer)
{
    return layer->is_watched && (layer->units > view->config->critical_units ||
                                 layer->activations > view->config->critical_activations);
}

/* Where every hidden layer is saturated, the median of them all would be that of dead layers, and a
 * layer below a saturated one gets no more than that lets through: what a living layer's gradient
 * looks like is told by the largest. */
static double reference_norm(const struct tw_saturation_view *view)
{
    double largest = NAN;
    for (uint32_t i = 0; i < view->n; i++) {
        if (!is_saturated(view, &view->layer[i]))
            largest =
                fmax(largest, view->layer[i].gradient); /* of a NaN and a number: the number */
    }
    return largest;
}

void tw_saturation_read(struct tw_saturation_view *view, const struct tw_layers *layers)
{
    view->n = layers->n < TW_CONTEXT_LAYERS_MAX ? layers->n : TW_CONTEXT_LAYERS_MAX;
    for (uint32_t i = 0; i < view->n; i++) {
        struct tw_saturation_layer *layer = &view->layer[i];
        layer->activations = tw_figure_share(layers, TW_LAYER_SATURATED_FRACTION, i);
        layer->units = tw_figure_share(layers, TW_LAYER_SATURATED_UNITS_FRACTION, i);
        layer->gradient = fabs(tw_figure(layers, TW_LAYER_GRAD_NORM, i));
        layer->is_watched =
            is_watched(view->context, i) && !(isnan(layer->activations) && isnan(layer->units));
    }
    view->reference = reference_norm(view);
}

bool tw_saturation_has_vanished(const struct tw_saturation_view *view, uint32_t index)
{
    const struct tw_saturation_config *config = view->config;
    return tw_gradient_has_vanished(view->layer[index].gradient, view->reference,
                                    config->gradient_ratio, view->layer[0].gradient,
                                    config->first_gradient);
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
