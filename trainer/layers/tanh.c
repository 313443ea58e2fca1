/* The hyperbolic tangent. */
#include "trainer/layers/layer.h"
#include "trainer/vector_math.h"
#include "trainer/vectors.h"

TW_VECTOR_CLONES
static void tanh_forward(const struct tw_layer *layer, size_t n, const float *input, float *output)
{
    size_t values = n * layer->units;
#pragma omp simd
    for (size_t i = 0; i < values; i++)
        output[i] = tanhf(input[i]);
}

TW_VECTOR_CLONES
static void tanh_backward(const struct tw_layer *layer, size_t n, const float *input,
                          const float *output, const float *output_gradient, float *input_gradient)
{
    (void)input;
    size_t values = input_gradient ? n * layer->units : 0;
#pragma omp simd
    for (size_t i = 0; i < values; i++)
        input_gradient[i] = output_gradient[i] * (1 - output[i] * output[i]);
}

const struct tw_layer_type tw_layer_tanh = {
    .name = "tanh",
    .description = "hyperbolic tangent, -1 to 1",
    .is_activation = true,
    .initializer = "xavier",
    .forward = tanh_forward,
    .backward = tanh_backward,
    .low = -.95f,
    .high = .95f,
};
