/* The Gaussian error linear unit: x times the normal distribution function of x, with erf and not
 * its approximation by tanh. D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units (GELUs)",
 * arXiv:1606.08415, 2016. */
#include "trainer/layers/layer.h"
#include "trainer/vector_math.h"
#include "trainer/vectors.h"

static inline __attribute__((always_inline)) float distribution(float x)
{
    return .5f * (1 + erff(x * (float)M_SQRT1_2));
}

static inline __attribute__((always_inline)) float density(float x)
{
    return (float)(M_2_SQRTPI * M_SQRT1_2 / 2) * expf(-.5f * x * x);
}

TW_VECTOR_CLONES
static void gelu_forward(const struct tw_layer *layer, size_t n, const float *input, float *output)
{
    size_t values = n * layer->units;
#pragma omp simd
    for (size_t i = 0; i < values; i++)
        output[i] = input[i] * distribution(input[i]);
}

TW_VECTOR_CLONES
static void gelu_backward(const struct tw_layer *layer, size_t n, const float *input,
                          const float *output, const float *output_gradient, float *input_gradient)
{
    (void)output;
    size_t values = input_gradient ? n * layer->units : 0;
#pragma omp simd
    for (size_t i = 0; i < values; i++)
        input_gradient[i] =
            output_gradient[i] * (distribution(input[i]) + input[i] * density(input[i]));
}

const struct tw_layer_type tw_layer_gelu = {
    .name = "gelu",
    .description = "Gaussian error linear unit, x times the normal distribution function of x",
    .is_activation = true,
    .initializer = "he",
    .forward = gelu_forward,
    .backward = gelu_backward,
};
