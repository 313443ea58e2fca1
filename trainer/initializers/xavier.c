/* Uniform with variance 2 / (fan_in + units). X. Glorot and Y. Bengio, "Understanding the
 * Difficulty of Training Deep Feedforward Neural Networks", AISTATS 2010, equation 16. */
#include "trainer/initializers/initializer.h"

#include <math.h>

static void xavier_draw(const struct tw_initializer_config *config, const struct tw_layer *layer,
                        struct tw_random *random)
{
    (void)config;
    double limit = sqrt(6.0 / (double)(layer->fan_in + layer->units));
    for (size_t i = 0; i < layer->n_weights; i++)
        layer->parameters[i] = (float)(limit * (2 * tw_random_uniform(random) - 1));
}

const struct tw_initializer tw_initializer_xavier = {
    .name = "xavier",
    .description = "uniform, variance 2 / (fan-in + units); for tanh and sigmoid",
    .draw = xavier_draw,
};
