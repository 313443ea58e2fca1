/* The logistic function 1 / (1 + exp(-x)). */
#include "trainer/layers/layer.h"
#include "trainer/vector_math.h"
#include "trainer/vectors.h"

TW_VECTOR_CLONES
static void sigmoid_forward(const struct tw_layer *layer, size_t n, const float *input,
                            float *output)
{
    size_t values = n * layer->units;
#pragma omp simd
    for (size_t i = 0; i < values; i++)
        output[i] = 1 / (1 + expf(-input[i]));
}

TW_VECTOR_CLONES
static void sigmoid_backward(const struct tw_layer *layer, size_t n, const float *input,
                             const float *output, const float *output_gradient,
                             float *input_gradient)
{
    (void)input;
    size_t values = input_gradient ? n * layer->units : 0;
#pragma omp simd
    for (size_t i = 0; i < values; i++)
        input_gradient[i] = output_gradient[i] * output[i] * (1 - output[i]);
}

const struct tw_layer_type tw_layer_sigmoid = {
    .name = "sigmoid",
    .description = "logistic function, 0 to 1",
    .is_activation = true,
    .initializer = "xavier",
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
    .low = .05f,
    .high = .95f,
};
