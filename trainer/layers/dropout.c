/* Dropout, the inverted kind: in training each value is 0 with probability `rate` and else divided
 * by 1 - rate, so that evaluation takes values as they are. N. Srivastava, G. Hinton, A.
 * Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks
 * from Overfitting", JMLR 15, 2014. kept: each value's factor, [n][units]. */
#include "trainer/layers/layer.h"
#include "trainer/vectors.h"

#include <string.h>

static void dropout_shape(struct tw_layer *layer, size_t batch_max)
{
    layer->n_kept = batch_max * layer->units;
}

static void dropout_draw(const struct tw_layer *layer, size_t n, struct tw_random *random)
{
    float factor = (float)(1 / (1 - layer->rate));
    for (size_t i = 0; i < n * layer->units; i++)
        layer->kept[i] = tw_random_uniform(random) < layer->rate ? 0 : factor;
}

TW_VECTOR_CLONES
static void multiply(size_t n, const float *values, const float *factors, float *products)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        products[i] = values[i] * factors[i];
}

static void dropout_forward(const struct tw_layer *layer, size_t n, const float *input,
                            float *output)
{
    if (layer->is_training)
        multiply(n * layer->units, input, layer->kept, output);
    else
        memcpy(output, input, n * layer->units * sizeof *output);
}

static void dropout_backward(const struct tw_layer *layer, size_t n, const float *input,
                             const float *output, const float *output_gradient,
                             float *input_gradient)
{
    (void)input;
    (void)output;
    if (input_gradient)
        multiply(n * layer->units, output_gradient, layer->kept, input_gradient);
}

const struct tw_layer_type tw_layer_dropout = {
    .name = "dropout",
    .description = "in training, a share of the values is 0 and the others are scaled up",
    .shape = dropout_shape,
    .draw = dropout_draw,
    .forward = dropout_forward,
    .backward = dropout_backward,
};
