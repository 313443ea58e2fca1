/* Batch normalisation: each unit less its mean over the batch, divided by its deviation, times
 * gamma and plus beta. S. Ioffe and C. Szegedy, "Batch Normalization: Accelerating Deep Network
 * Training by Reducing Internal Covariate Shift", ICML 2015, algorithms 1 and 2; epsilon, the
 * momentum of the running statistics and their unbiased variance are those of PyTorch's
 * BatchNorm1d.
 *
 * parameters: gamma[units], beta[units]; buffers: running mean[units] and variance[units]; kept:
 * the newest batch's mean[units] and 1 / deviation[units]. */
#include "trainer/layers/layer.h"

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

/* Sets the unit's mean and 1 / deviation over the batch, and moves the running ones. */
static void measure(const struct tw_layer *layer, size_t unit, size_t n, const float *input)
{
    double sum = 0, squares = 0;
    for (size_t row = 0; row < n; row++)
        sum += input[row * layer->units + unit];
    double mean = sum / (double)n;
    for (size_t row = 0; row < n; row++) {
        double distance = input[row * layer->units + unit] - mean;
        squares += distance * distance;
    }
    double variance = squares / (double)n;
    layer->kept[unit] = (float)mean;
    layer->kept[layer->units + unit] = (float)(1 / sqrt(variance + EPSILON));
    update_running(layer, unit, n, mean, variance);
}

static void take_running(const struct tw_layer *layer, size_t unit)
{
    layer->kept[unit] = layer->buffers[unit];
    layer->kept[layer->units + unit] =
        (float)(1 / sqrt((double)layer->buffers[layer->units + unit] + EPSILON));
}

static void batch_norm_forward(const struct tw_layer *layer, size_t n, const float *input,
                               float *output)
{
    size_t units = layer->units;
    const float *gamma = layer->used, *beta = layer->used + units;
    const float *mean = layer->kept, *inverse = layer->kept + units;
    for (size_t unit = 0; unit < units; unit++) {
        if (layer->is_training)
            measure(layer, unit, n, input);
        else
            take_running(layer, unit);
    }
    for (size_t i = 0; i < n; i++, input += units, output += units) {
        for (size_t unit = 0; unit < units; unit++)
            output[unit] = (input[unit] - mean[unit]) * inverse[unit] * gamma[unit] + beta[unit];
    }
}

/* With x^ = (x - mean) / deviation: dgamma = sum dy x^, dbeta = sum dy, and
 * dx = gamma / deviation (dy - dbeta / n - x^ dgamma / n). */
static void unit_backward(const struct tw_layer *layer, size_t unit, size_t n, const float *input,
                          const float *output_gradient, float *input_gradient)
{
    size_t units = layer->units;
    float mean = layer->kept[unit], inverse = layer->kept[units + unit];
    double by_gamma = 0, by_beta = 0;
    for (size_t at = unit; at < n * units; at += units) {
        by_gamma += (double)output_gradient[at] * ((input[at] - mean) * inverse);
        by_beta += output_gradient[at];
    }
    layer->gradients[unit] = (float)by_gamma;
    layer->gradients[units + unit] = (float)by_beta;
    float scale = layer->used[unit] * inverse;
    float gamma_share = (float)(by_gamma / (double)n), beta_share = (float)(by_beta / (double)n);
    for (size_t at = unit; input_gradient && at < n * units; at += units)
        input_gradient[at] =
            scale * (output_gradient[at] - beta_share - (input[at] - mean) * inverse * gamma_share);
}

static void batch_norm_backward(const struct tw_layer *layer, size_t n, const float *input,
                                const float *output, const float *output_gradient,
                                float *input_gradient)
{
    (void)output;
    for (size_t unit = 0; unit < layer->units; unit++)
        unit_backward(layer, unit, n, input, output_gradient, input_gradient);
}

const struct tw_layer_type tw_layer_batch_norm = {
    .name = "batch_norm",
    .description = "each unit's mean over the batch becomes 0 and its deviation 1, then trained",
    .shape = batch_norm_shape,
    .initialise = batch_norm_initialise,
    .forward = batch_norm_forward,
    .backward = batch_norm_backward,
};
