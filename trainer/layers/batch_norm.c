/* Batch normalisation: each unit less its mean over the batch, divided by its deviation, times
 * gamma and plus beta. S. Ioffe and C. Szegedy, "Batch Normalization: Accelerating Deep Network
 * Training by Reducing Internal Covariate Shift", ICML 2015, algorithms 1 and 2; epsilon, the
 * momentum of the running statistics and their unbiased variance are those of PyTorch's
 * BatchNorm1d.
 *
 * parameters: gamma[units], beta[units]; buffers: running mean[units] and variance[units]; kept:
 * the newest batch's mean[units] and 1 / deviation[units]. */
#include "trainer/layers/layer.h"
#include "trainer/vectors.h"

#include <math.h>

#define EPSILON 1e-5
#define MOMENTUM .1

static void batch_norm_shape(struct tw_layer *layer, size_t batch_max)
{
    (void)batch_max;
    layer->n_parameters = 2 * layer->units;
    layer->n_buffers = 2 * layer->units;
    layer->n_kept = 2 * layer->units;
}

static void batch_norm_initialise(const struct tw_layer *layer)
{
    for (size_t unit = 0; unit < layer->units; unit++) {
        layer->parameters[unit] = 1;
        layer->parameters[layer->units + unit] = 0;
        layer->buffers[unit] = 0;
        layer->buffers[layer->units + unit] = 1;
    }
}

/* Units are taken so many at a time: the values of a row lie side by side. */
#define LANES 16

static size_t lanes_from(const struct tw_layer *layer, size_t first)
{
    return layer->units - first < LANES ? layer->units - first : LANES;
}

static void update_running(const struct tw_layer *layer, size_t unit, size_t n, double mean,
                           double variance)
{
    float *running_mean = layer->buffers + unit;
    float *running_variance = layer->buffers + layer->units + unit;
    if (n < 2) /* one sample has no variance: an epoch's last batch may be that small */
        return;
    double unbiased = variance * (double)n / (double)(n - 1);
    *running_mean = (float)((1 - MOMENTUM) * *running_mean + MOMENTUM * mean);
    *running_variance = (float)((1 - MOMENTUM) * *running_variance + MOMENTUM * unbiased);
}

/* Sets the mean and 1 / deviation of the units from `first` over the batch, and moves the running
 * ones. */
TW_VECTOR_CLONES
static void measure(const struct tw_layer *layer, size_t first, size_t n, const float *input)
{
    size_t units = layer->units, lanes = lanes_from(layer, first);
    double mean[LANES] = {0}, squares[LANES] = {0};
    for (size_t row = 0; row < n; row++) {
#pragma omp simd
        for (size_t i = 0; i < lanes; i++)
            mean[i] += input[row * units + first + i];
    }
    for (size_t i = 0; i < lanes; i++)
        mean[i] /= (double)n;
    for (size_t row = 0; row < n; row++) {
#pragma omp simd
        for (size_t i = 0; i < lanes; i++) {
            double distance = input[row * units + first + i] - mean[i];
            squares[i] += distance * distance;
        }
    }
    for (size_t i = 0; i < lanes; i++) {
        double variance = squares[i] / (double)n;
        layer->kept[first + i] = (float)mean[i];
        layer->kept[units + first + i] = (float)(1 / sqrt(variance + EPSILON));
        update_running(layer, first + i, n, mean[i], variance);
    }
}

static void take_running(const struct tw_layer *layer, size_t unit)
{
    layer->kept[unit] = layer->buffers[unit];
    layer->kept[layer->units + unit] =
        (float)(1 / sqrt((double)layer->buffers[layer->units + unit] + EPSILON));
}

/* One sample. */
TW_VECTOR_CLONES
static void normalise(const struct tw_layer *layer, const float *input, float *output)
{
    size_t units = layer->units;
    const float *gamma = layer->used, *beta = layer->used + units;
    const float *mean = layer->kept, *inverse = layer->kept + units;
#pragma omp simd
    for (size_t unit = 0; unit < units; unit++)
        output[unit] = (input[unit] - mean[unit]) * inverse[unit] * gamma[unit] + beta[unit];
}

static void batch_norm_forward(const struct tw_layer *layer, size_t n, const float *input,
                               float *output)
{
    size_t units = layer->units;
    for (size_t first = 0; layer->is_training && first < units; first += LANES)
        measure(layer, first, n, input);
    for (size_t unit = 0; !layer->is_training && unit < units; unit++)
        take_running(layer, unit);
    for (size_t i = 0; i < n; i++, input += units, output += units)
        normalise(layer, input, output);
}

/* With x^ = (x - mean) / deviation: dgamma = sum dy x^, dbeta = sum dy. */
TW_VECTOR_CLONES
static void sum_gradients(const struct tw_layer *layer, size_t first, size_t n, const float *input,
                          const float *output_gradient)
{
    size_t units = layer->units, lanes = lanes_from(layer, first);
    const float *mean = layer->kept + first, *inverse = layer->kept + units + first;
    double by_gamma[LANES] = {0}, by_beta[LANES] = {0};
    for (size_t row = 0; row < n; row++) {
        const float *x = input + row * units + first, *dy = output_gradient + row * units + first;
#pragma omp simd
        for (size_t i = 0; i < lanes; i++) {
            by_gamma[i] += (double)dy[i] * ((x[i] - mean[i]) * inverse[i]);
            by_beta[i] += dy[i];
        }
    }
    for (size_t i = 0; i < lanes; i++) {
        layer->gradients[first + i] = (float)by_gamma[i];
        layer->gradients[units + first + i] = (float)by_beta[i];
    }
}

/* dx = gamma / deviation (dy - dbeta / n - x^ dgamma / n). */
TW_VECTOR_CLONES
static void row_gradient(const struct tw_layer *layer, size_t n, const float *x, const float *dy,
                         float *dx)
{
    size_t units = layer->units;
    const float *gamma = layer->used, *mean = layer->kept, *inverse = layer->kept + units;
    const float *by_gamma = layer->gradients, *by_beta = layer->gradients + units;
    float share = 1 / (float)n;
#pragma omp simd
    for (size_t i = 0; i < units; i++) {
        float normal = (x[i] - mean[i]) * inverse[i];
        dx[i] = gamma[i] * inverse[i] * (dy[i] - by_beta[i] * share - normal * by_gamma[i] * share);
    }
}

static void batch_norm_backward(const struct tw_layer *layer, size_t n, const float *input,
                                const float *output, const float *output_gradient,
                                float *input_gradient)
{
    (void)output;
    size_t units = layer->units;
    for (size_t first = 0; first < units; first += LANES)
        sum_gradients(layer, first, n, input, output_gradient);
    for (size_t row = 0; input_gradient && row < n; row++)
        row_gradient(layer, n, input + row * units, output_gradient + row * units,
                     input_gradient + row * units);
}

const struct tw_layer_type tw_layer_batch_norm = {
    .name = "batch_norm",
    .description = "each unit's mean over the batch becomes 0 and its deviation 1, then trained",
    .shape = batch_norm_shape,
    .initialise = batch_norm_initialise,
    .forward = batch_norm_forward,
    .backward = batch_norm_backward,
};
