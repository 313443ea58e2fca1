/* The rectifier: max(0, x). */
#include "trainer/layers/layer.h"
#include "trainer/vectors.h"

TW_VECTOR_CLONES
static void relu_forward(const struct tw_layer *layer, size_t n, const float *input, float *output)
{
    /* Not `x > 0 ? x : 0`, which would turn NaN into a healthy 0. */
    size_t values = n * layer->units;
#pragma omp simd
    for (size_t i = 0; i < values; i++)
        output[i] = input[i] < 0 ? 0 : input[i];
}

TW_VECTOR_CLONES
static void relu_backward(const struct tw_layer *layer, size_t n, const float *input,
                          const float *output, const float *output_gradient, float *input_gradient)
{
    (void)input;
    size_t values = input_gradient ? n * layer->units : 0;
#pragma omp simd
    for (size_t i = 0; i < values; i++) {
        float gradient = output_gradient[i]; /* read in any case: a vector has no branches */
        input_gradient[i] = output[i] <= 0 ? 0 : gradient;
    }
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
