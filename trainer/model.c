/* The multi-layer perceptron: shapes, memory, and the way forward and back. */
#include "trainer/model.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tw_layer *add_layer(struct tw_model *model, const struct tw_layer_type *type,
                                  const char *kind, size_t number, size_t fan_in, size_t units)
{
    struct tw_layer *layer = &model->layers[model->n_layers++];
    *layer = (struct tw_layer){.type = type, .fan_in = fan_in, .units = units, .is_training = true};
    snprintf(layer->name, sizeof layer->name, number ? "%s%zu" : "%s", kind, number);
    if (type->shape)
        type->shape(layer, model->batch_max);
    model->n_parameters += layer->n_parameters;
    model->n_buffers += layer->n_buffers;
    return layer;
}

static void add_layers(struct tw_model *model, const struct tw_model_shape *shape)
{
    const struct tw_layer_type *linear = tw_layer_type_find("linear");
    const struct tw_layer_type *batch_norm = tw_layer_type_find("batch_norm");
    const struct tw_layer_type *dropout = tw_layer_type_find("dropout");
    size_t fan_in = shape->n_inputs;
    for (size_t i = 0; i < shape->n_hidden; i++) {
        size_t units = shape->hidden[i];
        add_layer(model, linear, "hidden", i + 1, fan_in, units);
        if (shape->batch_norm)
            add_layer(model, batch_norm, batch_norm->name, i + 1, units, units);
        add_layer(model, shape->activation, shape->activation->name, i + 1, units, units);
        if (shape->dropout > 0)
            add_layer(model, dropout, dropout->name, i + 1, units, units)->rate = shape->dropout;
        fan_in = units;
    }
    add_layer(model, linear, "output", 0, fan_in, shape->n_outputs);
}

/* Slices begin at multiples of 64 bytes, so that the same sums run over the same vectors in every
 * run, wherever the memory lies. */
static size_t slice_floats(size_t n)
{
    return (n + 15) / 16 * 16;
}

static bool is_rounded(const struct tw_model *model)
{
    return model->precision && model->precision->round;
}

static size_t memory_floats(const struct tw_model *model)
{
    size_t floats = (is_rounded(model) ? 3 : 2) * slice_floats(model->n_parameters);
    floats += slice_floats(model->n_buffers);
    for (size_t i = 0; i < model->n_layers; i++) {
        floats += 2 * slice_floats(model->batch_max * model->layers[i].units);
        floats += slice_floats(model->layers[i].n_kept);
    }
    return floats;
}

static float *take(float **free_memory, size_t n)
{
    float *slice = *free_memory;
    *free_memory += slice_floats(n);
    return slice;
}

static void share_memory(struct tw_model *model)
{
    float *free_memory = model->memory;
    model->parameters = take(&free_memory, model->n_parameters);
    model->gradients = take(&free_memory, model->n_parameters);
    if (is_rounded(model))
        model->rounded_parameters = take(&free_memory, model->n_parameters);
    model->buffers = take(&free_memory, model->n_buffers);
    size_t offset = 0, buffer_offset = 0;
    for (size_t i = 0; i < model->n_layers; i++) {
        struct tw_layer *layer = &model->layers[i];
        size_t n = model->batch_max * layer->units;
        model->outputs[i] = take(&free_memory, n);
        model->output_gradients[i] = take(&free_memory, n);
        layer->parameters = model->parameters + offset;
        layer->gradients = model->gradients + offset;
        /* Normalisation keeps its parameters in fp32, as PyTorch's autocast does. */
        layer->used = is_rounded(model) && layer->n_weights ? model->rounded_parameters + offset
                                                            : layer->parameters;
        layer->buffers = model->buffers + buffer_offset;
        layer->kept = take(&free_memory, layer->n_kept);
        offset += layer->n_parameters;
        buffer_offset += layer->n_buffers;
    }
}

int tw_model_init(struct tw_model *model, const struct tw_model_shape *shape,
                  struct tw_error *error)
{
    *model = (struct tw_model){.n_inputs = shape->n_inputs,
                               .n_outputs = shape->n_outputs,
                               .batch_max = shape->batch_max,
                               .precision = shape->precision};
    add_layers(model, shape);
    size_t floats = memory_floats(model);
    if (floats > INT_MAX)
        return tw_error_set(error, -EFBIG, "%zu parameters and their batches are too many",
                            model->n_parameters);
    model->memory = aligned_alloc(64, floats * sizeof *model->memory);
    if (!model->memory)
        return tw_error_set(error, -ENOMEM, "out of memory");
    memset(model->memory, 0, floats * sizeof *model->memory);
    share_memory(model);
    return 0;
}

void tw_model_release(struct tw_model *model)
{
    free(model->memory);
    *model = (struct tw_model){0};
}

static void scale_and_shift(const struct tw_initializer_config *config,
                            const struct tw_layer *layer)
{
    for (size_t i = 0; i < layer->n_weights; i++)
        layer->parameters[i] *= (float)config->gain;
    for (size_t i = layer->n_weights; layer->n_weights && i < layer->n_parameters; i++)
        layer->parameters[i] = (float)config->bias;
}

void tw_model_initialise(struct tw_model *model, const struct tw_initializer *initializer,
                         const struct tw_initializer_config *config, struct tw_random *random)
{
    memset(model->parameters, 0, model->n_parameters * sizeof *model->parameters);
    memset(model->buffers, 0, model->n_buffers * sizeof *model->buffers);
    for (size_t i = 0; i < model->n_layers; i++) {
        const struct tw_layer *layer = &model->layers[i];
        initializer->draw(config, layer, random);
        if (i + 1 < model->n_layers)
            scale_and_shift(config, layer);
        if (layer->type->initialise)
            layer->type->initialise(layer);
    }
}

void tw_model_set_training(struct tw_model *model, bool is_training)
{
    for (size_t i = 0; i < model->n_layers; i++)
        model->layers[i].is_training = is_training;
}

void tw_model_draw(struct tw_model *model, size_t n, struct tw_random *random)
{
    for (size_t i = 0; i < model->n_layers; i++) {
        if (model->layers[i].type->draw)
            model->layers[i].type->draw(&model->layers[i], n, random);
    }
}

static void round_values(const struct tw_model *model, size_t n, float *values)
{
    if (is_rounded(model))
        model->precision->round(n, values);
}

/* Anew at each pass, so that no change of the parameters can be missed. */
static void round_parameters(const struct tw_model *model)
{
    if (!is_rounded(model))
        return;
    memcpy(model->rounded_parameters, model->parameters,
           model->n_parameters * sizeof *model->parameters);
    model->precision->round(model->n_parameters, model->rounded_parameters);
}

const float *tw_model_forward(struct tw_model *model, size_t n, const float *input)
{
    round_parameters(model);
    for (size_t i = 0; i < model->n_layers; i++) {
        const struct tw_layer *layer = &model->layers[i];
        layer->type->forward(layer, n, input, model->outputs[i]);
        round_values(model, n * layer->units, model->outputs[i]);
        input = model->outputs[i];
    }
    return input;
}

float *tw_model_output_gradient(struct tw_model *model)
{
    return model->output_gradients[model->n_layers - 1];
}

void tw_model_backward(struct tw_model *model, size_t n, const float *input)
{
    for (size_t i = model->n_layers; i-- > 0;) {
        const struct tw_layer *layer = &model->layers[i];
        round_values(model, n * layer->units, model->output_gradients[i]);
        layer->type->backward(layer, n, i ? model->outputs[i - 1] : input, model->outputs[i],
                              model->output_gradients[i],
                              i ? model->output_gradients[i - 1] : NULL);
        if (layer->n_weights)
            round_values(model, layer->n_parameters, layer->gradients);
    }
}

int tw_model_next_block(const struct tw_model *model, int layer)
{
    for (size_t i = (size_t)(layer + 1); i < model->n_layers; i++) {
        if (model->layers[i].n_weights)
            return (int)i;
    }
    return -1;
}

size_t tw_model_block_end(const struct tw_model *model, size_t layer)
{
    int next = tw_model_next_block(model, (int)layer);
    return next < 0 ? model->n_layers : (size_t)next;
}

size_t tw_model_activation(const struct tw_model *model, size_t layer)
{
    for (size_t i = layer; i < tw_model_block_end(model, layer); i++) {
        if (model->layers[i].type->is_activation)
            return i;
    }
    return layer;
}
