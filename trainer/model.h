/* A multi-layer perceptron: layers one after the other over one array of parameters, and room for
 * what goes forward and back through them. */
#ifndef TW_MODEL_H
#define TW_MODEL_H

#include "trainer/initializers/initializer.h"
#include "trainer/layers/layer.h"
#include "trainer/precisions/precision.h"

#include "telemetry/error.h"

#define TW_MODEL_HIDDEN_MAX 32
/* A linear layer, batch normalisation, an activation and dropout for each hidden one, and the
 * linear layer to the classes. */
#define TW_MODEL_LAYERS_MAX (4 * TW_MODEL_HIDDEN_MAX + 1)

struct tw_model {
    size_t n_inputs, n_outputs, batch_max;
    size_t n_layers;
    struct tw_layer layers[TW_MODEL_LAYERS_MAX];
    size_t n_parameters;
    float *parameters, *gradients; /* [n_parameters] */
    const struct tw_precision *precision;
    float *rounded_parameters; /* [n_parameters]; NULL in fp32 */
    size_t n_buffers;
    float *buffers; /* [n_buffers], of all layers */
    /* What each layer made of the newest batch, [n][units], and the loss's gradient by it. */
    float *outputs[TW_MODEL_LAYERS_MAX], *output_gradients[TW_MODEL_LAYERS_MAX];
    float *memory; /* all of the above; owned */
};

struct tw_model_shape {
    size_t n_inputs, n_outputs, batch_max;
    size_t n_hidden, hidden[TW_MODEL_HIDDEN_MAX];
    const struct tw_layer_type *activation;
    bool batch_norm;                      /* between each hidden linear layer and its activation */
    double dropout;                       /* behind each activation; 0: without */
    const struct tw_precision *precision; /* NULL: fp32 */
};

/* Parameters are 0 until tw_model_initialise(). */
int tw_model_init(struct tw_model *model, const struct tw_model_shape *shape,
                  struct tw_error *error);
void tw_model_release(struct tw_model *model); /* a zeroed one is allowed */
void tw_model_initialise(struct tw_model *model, const struct tw_initializer *initializer,
                         const struct tw_initializer_config *config, struct tw_random *random);

/* Whether forward passes are of training (as after tw_model_init()) or of evaluation: batch
 * statistics and dropout, or running statistics and none. */
void tw_model_set_training(struct tw_model *model, bool is_training);
/* Before a tw_model_forward() of training: draws which values n samples lose to dropout. Without it
 * they lose the same as last time. */
void tw_model_draw(struct tw_model *model, size_t n, struct tw_random *random);

/* input[n][n_inputs], n <= batch_max, in numbers of the precision. Returns the outputs
 * [n][n_outputs], the model's own. */
const float *tw_model_forward(struct tw_model *model, size_t n, const float *input);
/* Where the loss's gradient by the outputs goes before tw_model_backward(). */
float *tw_model_output_gradient(struct tw_model *model);
/* Sets the gradients; after tw_model_forward() of the same input, in training. */
void tw_model_backward(struct tw_model *model, size_t n, const float *input);

/* Layers with weights are what telemetry calls layers: blocks, of one and all behind it up to the
 * next (normalisation, activation, dropout). The index of the first layer of the block after that
 * of `layer` (start with -1), or -1 after the last. */
int tw_model_next_block(const struct tw_model *model, int layer);
/* The index of the activation in the block that begins with the layer, or the layer's own without
 * one. */
size_t tw_model_activation(const struct tw_model *model, size_t layer);
/* The index behind the last layer of the block that begins with the layer. */
size_t tw_model_block_end(const struct tw_model *model, size_t layer);

#endif
