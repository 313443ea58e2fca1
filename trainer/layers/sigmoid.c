/* The logistic function 1 / (1 + exp(-x)). */
#include "trainer/layers/layer.h"

#include <math.h>

static void sigmoid_forward(const struct tw_layer *layer, size_t n, const float *input,
                            float *output)
{
    for (size_t i = 0; i < n * layer->units; i++)
        output[i] = 1 / (1 + expf(-input[i]));
}

static void sigmoid_backward(const struct tw_layer *layer, size_t n, const float *input,
                             const float *output, const float *output_gradient,
                             float *input_gradient)
{
    (void)input;
    for (size_t i = 0; input_gradient && i < n * layer->units; i++)
        input_gradient[i] = output_gradient[i] * output[i] * (1 - output[i]);
}

static bool sigmoid_is_saturated(float output)
{
    return output < .05f || output > .95f;
}

const struct tw_layer_type tw_layer_sigmoid = {
    .name = "sigmoid",
    .description = "logistic function, 0 to 1",
    .is_activation = true,
    .initializer = "xavier",
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
    .is_saturated = sigmoid_is_saturated,
};
