/* The leaky rectifier: x, or .01 x below 0. A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier
 * Nonlinearities Improve Neural Network Acoustic Models", ICML 2013; the slope is theirs, and
 * PyTorch's default. */
#include "trainer/layers/layer.h"

#define SLOPE .01f

static void leaky_relu_forward(const struct tw_layer *layer, size_t n, const float *input,
                               float *output)
{
    for (size_t i = 0; i < n * layer->units; i++)
        output[i] = input[i] < 0 ? SLOPE * input[i] : input[i];
}

static void leaky_relu_backward(const struct tw_layer *layer, size_t n, const float *input,
                                const float *output, const float *output_gradient,
                                float *input_gradient)
{
    (void)input;
    for (size_t i = 0; input_gradient && i < n * layer->units; i++)
        input_gradient[i] = output[i] <= 0 ? SLOPE * output_gradient[i] : output_gradient[i];
}

const struct tw_layer_type tw_layer_leaky_relu = {
    .name = "leaky_relu",
    .description = "leaky rectifier, x above 0 and .01 x below",
    .is_activation = true,
    .initializer = "he",
    .forward = leaky_relu_forward,
    .backward = leaky_relu_backward,
};
