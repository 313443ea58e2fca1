/* The leaky rectifier: x, or .01 x below 0. A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier
 * Nonlinearities Improve Neural Network Acoustic Models", ICML 2013; the slope is theirs, and
 * PyTorch's default. */
#include "trainer/layers/layer.h"
#include "trainer/vectors.h"

#define SLOPE .01f

TW_VECTOR_CLONES
static void leaky_relu_forward(const struct tw_layer *layer, size_t n, const float *input,
                               float *output)
{
    size_t values = n * layer->units;
#pragma omp simd
    for (size_t i = 0; i < values; i++)
        output[i] = input[i] < 0 ? SLOPE * input[i] : input[i];
}

TW_VECTOR_CLONES
static void leaky_relu_backward(const struct tw_layer *layer, size_t n, const float *input,
                                const float *output, const float *output_gradient,
                                float *input_gradient)
{
    (void)input;
    size_t values = input_gradient ? n * layer->units : 0;
#pragma omp simd
    for (size_t i = 0; i < values; i++)
        input_gradient[i] = (output[i] <= 0 ? SLOPE : 1) * output_gradient[i];
}

const struct tw_layer_type tw_layer_leaky_relu = {
    .name = "leaky_relu",
    .description = "leaky rectifier, x above 0 and .01 x below",
    .is_activation = true,
    .initializer = "he",
    .forward = leaky_relu_forward,
    .backward = leaky_relu_backward,
};
