/* The list of layer kinds. */
#include "trainer/layers/layer.h"

#include <string.h>

extern const struct tw_layer_type tw_layer_linear, tw_layer_batch_norm, tw_layer_dropout,
    tw_layer_relu, tw_layer_leaky_relu, tw_layer_gelu, tw_layer_tanh, tw_layer_sigmoid;

const struct tw_layer_type *const tw_layer_types[] = {
    &tw_layer_linear, &tw_layer_batch_norm, &tw_layer_dropout,
    &tw_layer_relu,   &tw_layer_leaky_relu, &tw_layer_gelu,
    &tw_layer_tanh,   &tw_layer_sigmoid,    NULL};

const struct tw_layer_type *tw_layer_type_find(const char *name)
{
    for (size_t i = 0; tw_layer_types[i]; i++) {
        if (!strcmp(tw_layer_types[i]->name, name))
            return tw_layer_types[i];
    }
    return NULL;
}
