/* The multi-layer perceptron: shapes, memory, and the way forward and back. */
#include "trainer/model.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_layer(struct tw_model *model, const struct tw_layer_type *type, const char *kind,
                      size_t number, size_t fan_in, size_t units)
{
    struct tw_layer *layer = &model->layers[model->n_layers++];
    *layer = (struct tw_layer){.type = type, .fan_in = fan_in, .units = units};
    snprintf(layer->name, sizeof layer->name, number ? "%s%zu" : "%s", kind, number);
    if (type->shape)
        type->shape(layer);
    model->n_parameters += layer->n_parameters;
}

static void add_layers(struct tw_model *model, const struct tw_model_shape *shape)
{
    const struct tw_layer_type *linear = tw_layer_type_find("linear");
    size_t fan_in = shape->n_inputs;
    for (size_t i = 0; i < shape->n_hidden; i++) {
        add_layer(model, linear, "hidden", i + 1, fan_in, shape->hidden[i]);
        add_layer(model, shape->activation, shape->activation->name, i + 1, shape->hidden[i],
                  shape->hidden[i]);
        fan_in = shape->hidden[i];
    }
    add_layer(model, linear, "output", 0, fan_in, shape->n_outputs);
}

/* Slices begin at multiples of 64 bytes, so that the same sums run over the same vectors in every
 * run, wherever the memory lies. */
static size_t slice_floats(size_t n)
{
    return (n + 15) / 16 * 16;
}

static size_t memory_floats(const struct tw_model *model)
{
    size_t floats = 2 * slice_floats(model->n_parameters);
    for (size_t i = 0; i < model->n_layers; i++)
        floats += 2 * slice_floats(model->batch_max * model->layers[i].units);
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
    size_t offset = 0;
    for (size_t i = 0; i < model->n_layers; i++) {
        struct tw_layer *layer = &model->layers[i];
        size_t n = model->batch_max * layer->units;
        model->outputs[i] = take(&free_memory, n);
        model->output_gradients[i] = take(&free_memory, n);
        layer->parameters = model->parameters + offset;
        layer->gradients = model->gradients + offset;
        offset += layer->n_parameters;
    }
}

int tw_model_init(struct tw_model *model, const struct tw_model_shape *shape,
                  struct tw_error *error)
{
    *model = (struct tw_model){
        .n_inputs = shape->n_inputs, .n_outputs = shape->n_outputs, .batch_max = shape->batch_max};
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

void tw_model_initialise(struct tw_model *model, const struct tw_initializer *initializer,
                         struct tw_random *random)
{
    memset(model->parameters, 0, model->n_parameters * sizeof *model->parameters);
    for (size_t i = 0; i < model->n_layers; i++)
        initializer->draw(&model->layers[i], random);
}

const float *tw_model_forward(struct tw_model *model, size_t n, const float *input)
{
    for (size_t i = 0; i < model->n_layers; i++) {
        const struct tw_layer *layer = &model->layers[i];
        layer->type->forward(layer, n, input, model->outputs[i]);
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
        layer->type->backward(layer, n, i ? model->outputs[i - 1] : input, model->outputs[i],
                              model->output_gradients[i],
                              i ? model->output_gradients[i - 1] : NULL);
    }
}

int tw_model_next_block(const struct tw_model *model, int layer)
{
    for (size_t i = (size_t)(layer + 1); i < model->n_layers; i++) {
        if (model->layers[i].n_parameters)
            return (int)i;
    }
    return -1;
}

size_t tw_model_activation(const struct tw_model *model, size_t layer)
{
    size_t behind = layer + 1;
    return behind < model->n_layers && model->layers[behind].type->is_activation ? behind : layer;
}
