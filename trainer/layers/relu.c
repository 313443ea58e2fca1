/* The rectifier: max(0, x). */
#include "trainer/layers/layer.h"

static void relu_forward(const struct tw_layer *layer, size_t n, const float *input, float *output)
{
    /* Not `x > 0 ? x : 0`, which would turn NaN into a healthy 0. */
    for (size_t i = 0; i < n * layer->units; i++)
        output[i] = input[i] < 0 ? 0 : input[i];
}

static void relu_backward(const struct tw_layer *layer, size_t n, const float *input,
                          const float *output, const float *output_gradient, float *input_gradient)
{
    (void)input;
    for (size_t i = 0; input_gradient && i < n * layer->units; i++)
        input_gradient[i] = output[i] <= 0 ? 0 : output_gradient[i];
}

const struct tw_layer_type tw_layer_relu = {
    .name = "relu",
    .description = "rectifier, max(0, x)",
    .is_activation = true,
    .initializer = "he",
    .can_die = true,
    .forward = relu_forward,
    .backward = relu_backward,
};
