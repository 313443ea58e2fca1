/* Normal with variance 2 / fan_in, which keeps the variance of rectified activations from layer to
 * layer. K. He, X. Zhang, S. Ren and J. Sun, "Delving Deep into Rectifiers", ICCV 2015. */
#include "trainer/initializers/initializer.h"

#include <math.h>

static void he_draw(const struct tw_initializer_config *config, const struct tw_layer *layer,
                    struct tw_random *random)
{
    (void)config;
    double deviation = sqrt(2.0 / (double)layer->fan_in);
    for (size_t i = 0; i < layer->n_weights; i++)
        layer->parameters[i] = (float)(deviation * tw_random_normal(random));
}

const struct tw_initializer tw_initializer_he = {
    .name = "he",
    .description = "normal, variance 2 / fan-in; for relu",
    .draw = he_draw,
};
