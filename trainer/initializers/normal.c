/* Normal with a standard deviation that does not know the layer's size: what networks began with
 * before Xavier's, and too small or too large for most of them. */
#include "trainer/initializers/initializer.h"

static void normal_draw(const struct tw_initializer_config *config, const struct tw_layer *layer,
                        struct tw_random *random)
{
    for (size_t i = 0; i < layer->n_weights; i++)
        layer->parameters[i] = (float)(config->std * tw_random_normal(random));
}

const struct tw_initializer tw_initializer_normal = {
    .name = "normal",
    .description = "normal, the same standard deviation for every layer: --init-std",
    .uses_std = true,
    .draw = normal_draw,
};
