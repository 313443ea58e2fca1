/* One training step: batch, forward, loss, back, clip, update. */
#include "trainer/training.h"

#include "trainer/compute_threads.h"
#include "trainer/vectors.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int allocate(struct tw_training *training)
{
    const struct tw_model *model = &training->model;
    const struct tw_data *data = &training->data;
    training->order = calloc(data->n_train, sizeof *training->order);
    training->batch_features =
        calloc(training->batch_size * data->n_features, sizeof *training->batch_features);
    training->batch_labels = calloc(training->batch_size, sizeof *training->batch_labels);
    if (!training->order || !training->batch_features || !training->batch_labels)
        return -ENOMEM;
    for (unsigned slot = 0; slot < training->plan.optimizer->n_slots; slot++) {
        training->slots[slot] = calloc(model->n_parameters, sizeof *training->slots[slot]);
        if (!training->slots[slot])
            return -ENOMEM;
    }
    for (size_t i = 0; i < model->n_layers; i++) {
        if (!model->layers[i].type->can_die)
            continue;
        training->silent[i] = calloc(model->layers[i].units, sizeof *training->silent[i]);
        if (!training->silent[i])
            return -ENOMEM;
    }
    return 0;
}

static int init_model(struct tw_training *training, uint64_t seed, struct tw_error *error)
{
    const struct tw_trainer_plan *plan = &training->plan;
    struct tw_model_shape shape = {training->data.n_features,
                                   training->data.n_classes,
                                   training->batch_size,
                                   plan->n_hidden,
                                   {0},
                                   plan->activation};
    memcpy(shape.hidden, plan->hidden, sizeof shape.hidden);
    int result = tw_model_init(&training->model, &shape, error);
    if (result)
        return result;
    struct tw_random random;
    tw_random_init(&random, seed, TW_RANDOM_WEIGHTS);
    tw_model_initialise(&training->model, plan->initializer, &random);
    return 0;
}

static void plan_steps(struct tw_training *training, const struct tw_trainer_config *config)
{
    uint64_t n_train = training->data.n_train;
    training->steps_per_epoch = (n_train + training->batch_size - 1) / training->batch_size;
    training->total_steps = training->steps_per_epoch * config->epochs;
    if (config->max_steps && config->max_steps < training->total_steps)
        training->total_steps = config->max_steps;
}

int tw_training_init(struct tw_training *training, const struct tw_trainer_config *config,
                     struct tw_error *error)
{
    return tw_training_init_with(training, config, NULL, error);
}

int tw_training_init_with(struct tw_training *training, const struct tw_trainer_config *config,
                          struct tw_data *data, struct tw_error *error)
{
    *training = (struct tw_training){.max_grad_norm = config->max_grad_norm,
                                     .measure = TW_MEASURE_LAYERS,
                                     .warmup_steps = config->warmup_steps,
                                     .epochs = config->epochs};
    if (data) {
        training->data = *data;
        *data = (struct tw_data){0};
    }
    tw_compute_threads_set((unsigned)config->threads);
    int result = tw_trainer_config_resolve(config, &training->plan, error);
    if (!result && !training->data.features)
        result = training->plan.dataset->load(&training->data, error);
    if (result) {
        tw_data_release(&training->data);
        return result;
    }
    /* A batch over all samples is as large as one can be. */
    training->batch_size =
        config->batch_size < training->data.n_train ? config->batch_size : training->data.n_train;
    result = init_model(training, config->seed, error);
    if (!result && allocate(training))
        result = tw_error_set(error, -ENOMEM, "out of memory");
    if (result) {
        tw_training_release(training);
        return result;
    }
    tw_random_init(&training->random, config->seed, TW_RANDOM_ORDER);
    plan_steps(training, config);
    return 0;
}

void tw_training_release(struct tw_training *training)
{
    for (size_t i = 0; i < TW_MODEL_LAYERS_MAX; i++)
        free(training->silent[i]);
    for (size_t slot = 0; slot < TW_OPTIMIZER_SLOTS_MAX; slot++)
        free(training->slots[slot]);
    free(training->order);
    free(training->batch_features);
    free(training->batch_labels);
    tw_model_release(&training->model);
    tw_data_release(&training->data);
    *training = (struct tw_training){0};
}

static void start_epoch(struct tw_training *training)
{
    for (size_t i = 0; i < training->data.n_train; i++)
        training->order[i] = (uint32_t)i;
    tw_random_shuffle(&training->random, training->order, training->data.n_train);
    training->position = 0;
}

bool tw_training_epoch_is_over(const struct tw_training *training)
{
    return training->position == training->data.n_train;
}

static void next_batch(struct tw_training *training)
{
    const struct tw_data *data = &training->data;
    if (training->step == 0 || tw_training_epoch_is_over(training))
        start_epoch(training);
    size_t left = data->n_train - training->position, n = training->batch_size;
    training->n_batch = n < left ? n : left;
    for (size_t i = 0; i < training->n_batch; i++) {
        size_t row = training->order[training->position + i];
        memcpy(training->batch_features + i * data->n_features,
               data->features + row * data->n_features, data->n_features * sizeof(float));
        training->batch_labels[i] = data->labels[row];
    }
    training->position += training->n_batch;
}

/* Units that are looked at together. */
#define SILENCE_UNITS 64

/* Sets fired[i] to 1 where unit i had an output above 0; NaN is no silence. A few rows tell of most
 * networks that all of these units fired: then the rest is not read. */
TW_VECTOR_CLONES
static void mark_fired(const float *outputs, size_t rows, size_t stride, size_t units,
                       uint32_t *restrict fired)
{
    uint32_t n_fired = 0;
    for (size_t row = 0; row < rows && n_fired < units;) {
        size_t end = rows - row < 8 ? rows : row + 8;
        for (; row < end; row++) {
#pragma omp simd
            for (size_t unit = 0; unit < units; unit++)
                fired[unit] |= !(outputs[row * stride + unit] <= 0);
        }
        n_fired = 0;
#pragma omp simd reduction(+ : n_fired)
        for (size_t unit = 0; unit < units; unit++)
            n_fired += fired[unit];
    }
}

static void count_silence(struct tw_training *training)
{
    for (size_t layer = 0; layer < training->model.n_layers; layer++) {
        uint64_t *silent = training->silent[layer];
        size_t units = training->model.layers[layer].units;
        const float *outputs = training->model.outputs[layer];
        for (size_t done = 0, some; silent && done < units; done += some) {
            uint32_t fired[SILENCE_UNITS] = {0};
            some = units - done < SILENCE_UNITS ? units - done : SILENCE_UNITS;
            mark_fired(outputs + done, training->n_batch, units, some, fired);
            for (size_t i = 0; i < some; i++)
                silent[done + i] = fired[i] ? 0 : silent[done + i] + training->n_batch;
        }
    }
}

/* Right after they were computed, while they are in the cache; of what telemetry calls a layer's
 * activations. The last ones' mean is about theirs, too. */
static void measure_outputs(struct tw_training *training)
{
    const struct tw_model *model = &training->model;
    for (int i = -1; (i = tw_model_next_block(model, i)) >= 0;) {
        size_t behind = tw_model_activation(model, (size_t)i);
        struct tw_statistics *figures = &training->outputs[behind];
        struct tw_statistics_options options = {.shift = (float)figures->mean};
        *figures = tw_statistics_of(TW_FLOAT32, model->outputs[behind],
                                    training->n_batch * model->layers[behind].units, &options);
    }
}

/* NaN and infinities stay what they are. */
static double sum_of_squares(const float *values, size_t n)
{
    struct tw_statistics figures = tw_statistics_of(TW_FLOAT32, values, n, NULL);
    if (figures.nan)
        return NAN;
    return tw_statistics_nonfinite(&figures) ? INFINITY : figures.sum_of_squares;
}

static double gradient_norm(struct tw_training *training)
{
    double squares = 0;
    for (size_t i = 0; i < training->model.n_layers; i++) {
        const struct tw_layer *layer = &training->model.layers[i];
        training->gradient_squares[i] = sum_of_squares(layer->gradients, layer->n_parameters);
        squares += training->gradient_squares[i];
    }
    return sqrt(squares);
}

/* As PyTorch's clip_grad_norm_: with an infinite norm the gradients become 0, and NaN where they
 * were infinite. */
static void clip(struct tw_training *training, double norm)
{
    if (norm <= training->max_grad_norm)
        return;
    float scale = (float)(training->max_grad_norm / norm);
#pragma omp simd
    for (size_t i = 0; i < training->model.n_parameters; i++)
        training->model.gradients[i] *= scale;
}

static void update_layer(struct tw_training *training, size_t index, double learning_rate,
                         struct tw_optimizer_squares *ret_squares)
{
    const struct tw_trainer_plan *plan = &training->plan;
    struct tw_layer *layer = &training->model.layers[index];
    size_t offset = (size_t)(layer->parameters - training->model.parameters);
    float *slots[TW_OPTIMIZER_SLOTS_MAX] = {0};
    for (unsigned slot = 0; slot < plan->optimizer->n_slots; slot++)
        slots[slot] = training->slots[slot] + offset;
    plan->optimizer->step(&plan->optimizer_config, learning_rate, training->step + 1,
                          layer->n_parameters, layer->parameters, layer->gradients, slots,
                          ret_squares);
}

/* Clips and updates. Where there is a limit the gradients' norm is needed first; otherwise the
 * update yields it on its way. */
static void update(struct tw_training *training, struct tw_step_figures *figures)
{
    bool has_limit = training->max_grad_norm > 0, measures = training->measure;
    struct tw_optimizer_squares all = {0};
    if (has_limit) {
        figures->grad_norm = gradient_norm(training);
        clip(training, figures->grad_norm);
    }
    for (size_t i = 0; i < training->model.n_layers; i++) {
        struct tw_optimizer_squares squares = {0};
        update_layer(training, i, figures->learning_rate, measures ? &squares : NULL);
        if (!has_limit)
            training->gradient_squares[i] = squares.gradients;
        training->update_squares[i] = squares.update;
        training->weight_squares[i] = squares.parameters;
        all.gradients += squares.gradients;
        all.update += squares.update;
        all.parameters += squares.parameters;
    }
    if (!has_limit)
        figures->grad_norm = measures ? sqrt(all.gradients) : NAN;
    figures->update_norm = measures ? sqrt(all.update) : NAN;
    figures->weight_norm = measures ? sqrt(all.parameters) : NAN;
}

struct tw_step_figures tw_training_step(struct tw_training *training)
{
    struct tw_step_figures figures = {0};
    struct tw_model *model = &training->model;
    double started = seconds_now();
    size_t correct = 0;

    next_batch(training);
    size_t n = training->n_batch;
    const float *outputs = tw_model_forward(model, n, training->batch_features);
    if (training->measure)
        count_silence(training);
    if (training->measure == TW_MEASURE_LAYERS)
        measure_outputs(training);
    figures.loss =
        training->plan.loss->evaluate(n, model->n_outputs, outputs, training->batch_labels,
                                      tw_model_output_gradient(model), &correct);
    tw_model_backward(model, n, training->batch_features);
    figures.learning_rate = training->plan.learning_rate *
                            tw_schedule_factor(training->plan.schedule, training->step,
                                               training->warmup_steps, training->total_steps);
    update(training, &figures);
    training->step++;
    training->samples += n;
    training->epoch += tw_training_epoch_is_over(training);
    figures.seconds = seconds_now() - started;
    return figures;
}

struct tw_validation tw_training_validate(struct tw_training *training)
{
    const struct tw_data *data = &training->data;
    const float *features = data->features + data->n_train * data->n_features;
    const uint8_t *labels = data->labels + data->n_train;
    double loss = 0;
    size_t correct = 0;
    for (size_t done = 0; done < data->n_validation;) {
        size_t left = data->n_validation - done;
        size_t n = left < training->batch_size ? left : training->batch_size;
        const float *outputs =
            tw_model_forward(&training->model, n, features + done * data->n_features);
        loss += (double)n * training->plan.loss->evaluate(n, data->n_classes, outputs,
                                                          labels + done, NULL, &correct);
        done += n;
    }
    double samples = (double)data->n_validation;
    return (struct tw_validation){loss / samples, (double)correct / samples, data->n_validation};
}

bool tw_training_is_finite(const struct tw_training *training)
{
    return isfinite(sum_of_squares(training->model.parameters, training->model.n_parameters));
}
