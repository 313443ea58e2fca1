/* The hyperbolic tangent. */
#include "trainer/layers/layer.h"

#include <math.h>

static void tanh_forward(const struct tw_layer *layer, size_t n, const float *input, float *output)
{
    for (size_t i = 0; i < n * layer->units; i++)
        output[i] = tanhf(input[i]);
}

static void tanh_backward(const struct tw_layer *layer, size_t n, const float *input,
                          const float *output, const float *output_gradient, float *input_gradient)
{
    (void)input;
    for (size_t i = 0; input_gradient && i < n * layer->units; i++)
        input_gradient[i] = output_gradient[i] * (1 - output[i] * output[i]);
}

static bool tanh_is_saturated(float output)
{
    return fabsf(output) > .95f;
}

const struct tw_layer_type tw_layer_tanh = {
    .name = "tanh",
    .description = "hyperbolic tangent, -1 to 1",
    .is_activation = true,
    .initializer = "xavier",
    .forward = tanh_forward,
    .backward = tanh_backward,
    .is_saturated = tanh_is_saturated,
};
