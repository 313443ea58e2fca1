/* The fully connected layer: output = input W' + b, with W[units][fan_in] followed by b[units]. */
#include "trainer/layers/layer.h"
#include "trainer/vectors.h"

#include <cblas.h>
#include <string.h>

static void linear_shape(struct tw_layer *layer, size_t batch_max)
{
    (void)batch_max;
    layer->n_weights = layer->units * layer->fan_in;
    layer->n_parameters = layer->n_weights + layer->units;
}

static void linear_forward(const struct tw_layer *layer, size_t n, const float *input,
                           float *output)
{
    int rows = (int)n, units = (int)layer->units, fan_in = (int)layer->fan_in;
    const float *bias = layer->used + layer->n_weights;
    for (size_t row = 0; row < n; row++)
        memcpy(output + row * layer->units, bias, layer->units * sizeof *bias);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, units, fan_in, 1, input, fan_in,
                layer->used, fan_in, 1, output, units);
}

TW_VECTOR_CLONES
static void bias_gradient(const struct tw_layer *layer, size_t n, const float *output_gradient)
{
    float *gradient = layer->gradients + layer->n_weights;
    memset(gradient, 0, layer->units * sizeof *gradient);
    for (size_t row = 0; row < n; row++) {
#pragma omp simd
        for (size_t unit = 0; unit < layer->units; unit++)
            gradient[unit] += output_gradient[row * layer->units + unit];
    }
}

static void linear_backward(const struct tw_layer *layer, size_t n, const float *input,
                            const float *output, const float *output_gradient,
                            float *input_gradient)
{
    (void)output;
    int rows = (int)n, units = (int)layer->units, fan_in = (int)layer->fan_in;
    /* dW[units][fan_in] = dY'[units][n] X[n][fan_in] */
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, units, fan_in, rows, 1, output_gradient,
                units, input, fan_in, 0, layer->gradients, fan_in);
    bias_gradient(layer, n, output_gradient);
    /* dX[n][fan_in] = dY[n][units] W[units][fan_in] */
    if (input_gradient)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, fan_in, units, 1,
                    output_gradient, units, layer->used, fan_in, 0, input_gradient, fan_in);
}

const struct tw_layer_type tw_layer_linear = {
    .name = "linear",
    .description = "fully connected: a weighted sum of all inputs and a bias",
    .shape = linear_shape,
    .forward = linear_forward,
    .backward = linear_backward,
};
