/* A multi-layer perceptron: layers one after the other over one array of parameters, and room for
 * what goes forward and back through them. */
#ifndef TW_MODEL_H
#define TW_MODEL_H

#include "trainer/initializers/initializer.h"
#include "trainer/layers/layer.h"

#include "telemetry/error.h"

#define TW_MODEL_HIDDEN_MAX 32
/* A linear layer and an activation for each hidden one, and the linear layer to the classes. */
#define TW_MODEL_LAYERS_MAX (2 * TW_MODEL_HIDDEN_MAX + 1)

struct tw_model {
    size_t n_inputs, n_outputs, batch_max;
    size_t n_layers;
    struct tw_layer layers[TW_MODEL_LAYERS_MAX];
    size_t n_parameters;
    float *parameters, *gradients; /* [n_parameters] */
    /* What each layer made of the newest batch, [n][units], and the loss's gradient by it. */
    float *outputs[TW_MODEL_LAYERS_MAX], *output_gradients[TW_MODEL_LAYERS_MAX];
    float *memory; /* all of the above; owned */
};

struct tw_model_shape {
    size_t n_inputs, n_outputs, batch_max;
    size_t n_hidden, hidden[TW_MODEL_HIDDEN_MAX];
    const struct tw_layer_type *activation;
};

/* Parameters are 0 until tw_model_initialise(). */
int tw_model_init(struct tw_model *model, const struct tw_model_shape *shape,
                  struct tw_error *error);
void tw_model_release(struct tw_model *model); /* a zeroed one is allowed */
void tw_model_initialise(struct tw_model *model, const struct tw_initializer *initializer,
                         struct tw_random *random);

/* input[n][n_inputs], n <= batch_max. Returns the outputs [n][n_outputs], the model's own. */
const float *tw_model_forward(struct tw_model *model, size_t n, const float *input);
/* Where the loss's gradient by the outputs goes before tw_model_backward(). */
float *tw_model_output_gradient(struct tw_model *model);
/* Sets the gradients; after tw_model_forward() of the same input. */
void tw_model_backward(struct tw_model *model, size_t n, const float *input);

/* Layers with parameters are what telemetry calls layers; the activation behind one belongs to it.
 * The index of the one after `layer` (start with -1), or -1 after the last. */
int tw_model_next_block(const struct tw_model *model, int layer);
/* The index of the activation behind the layer with parameters, or the layer's own without one. */
size_t tw_model_activation(const struct tw_model *model, size_t layer);

#endif
