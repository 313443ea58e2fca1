/* A kind of layer is one file ending in one struct tw_layer_type, listed in layers.c. Tensors are
 * row-major: n samples (rows) by so many values. Everything is float; NaN goes through. */
#ifndef TW_LAYER_H
#define TW_LAYER_H

#include "trainer/random.h"

#include <stdbool.h>
#include <stddef.h>

struct tw_layer_type;

/* A layer of a model. parameters and gradients are slices of the model's two big arrays. */
struct tw_layer {
    const struct tw_layer_type *type;
    char name[64];
    size_t fan_in, units; /* values in and out, a sample */
    size_t n_weights;     /* of the parameters, the leading ones: what an initializer draws */
    size_t n_parameters;
    float *parameters, *gradients;
    const float *used; /* the parameters that forward() and backward() compute with: rounded where
                        * the precision does so, else `parameters` themselves */
    size_t n_buffers;
    float *buffers; /* statistics that training moves and no optimizer: saved in checkpoints */
    size_t n_kept;
    float *kept;      /* what forward() or draw() keeps for backward() */
    double rate;      /* (dropout) the share of values that become 0 */
    bool is_training; /* else the forward pass is one of evaluation */
};

struct tw_layer_type {
    const char *name;        /* "linear": in telemetry, --activation, checkpoints */
    const char *description; /* one line */
    bool is_activation;      /* as many units as values in, and no parameters */
    const char *initializer; /* (activations) what the weights before it are drawn with */
    bool can_die;            /* (activations) a unit whose output is 0 for every sample learns
                              * nothing any more */

    /* (optional) Sets n_weights, n_parameters, n_buffers and n_kept; without it there are none. */
    void (*shape)(struct tw_layer *layer, size_t batch_max);
    /* (optional) Sets buffers, and the parameters that no initializer draws; all are 0 before. */
    void (*initialise)(const struct tw_layer *layer);
    /* (optional) In training, before forward(): draws what chance decides about n samples. */
    void (*draw)(const struct tw_layer *layer, size_t n, struct tw_random *random);
    /* output[n][units] from input[n][fan_in]. */
    void (*forward)(const struct tw_layer *layer, size_t n, const float *input, float *output);
    /* From the loss's gradient by the output: sets layer->gradients, and input_gradient[n][fan_in]
     * unless it is NULL. `output` is what forward() made of `input`. */
    void (*backward)(const struct tw_layer *layer, size_t n, const float *input,
                     const float *output, const float *output_gradient, float *input_gradient);
    /* (activations) Outputs below `low` and above `high` lie where the slope is nearly 0. Both 0:
     * there are none such. */
    float low, high;
};

static inline bool tw_layer_type_saturates(const struct tw_layer_type *type)
{
    return type->low < type->high;
}

extern const struct tw_layer_type *const tw_layer_types[]; /* NULL-terminated */
/* The kind called `name`, or NULL. */
const struct tw_layer_type *tw_layer_type_find(const char *name);

#endif
