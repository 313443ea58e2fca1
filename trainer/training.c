/* One training step: batch, forward, loss, back, clip, update. */
#include "trainer/training.h"

#include "trainer/compute_threads.h"
#include "trainer/vectors.h"

#include "telemetry/clock.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int allocate(struct tw_training *training)
{
    const struct tw_model *model = &training->model;
    const struct tw_data *data = &training->data;
    size_t widest = 1;
    training->order = calloc(data->n_train, sizeof *training->order);
    training->batch_features =
        calloc(training->batch_size * data->n_features, sizeof *training->batch_features);
    training->batch_labels = calloc(training->batch_size, sizeof *training->batch_labels);
    training->batch_values = calloc(training->batch_size, sizeof *training->batch_values);
    if (!training->order || !training->batch_features || !training->batch_labels ||
        !training->batch_values)
        return -ENOMEM;
    for (unsigned slot = 0; slot < training->plan.optimizer->n_slots; slot++) {
        training->slots[slot] = calloc(model->n_parameters, sizeof *training->slots[slot]);
        if (!training->slots[slot])
            return -ENOMEM;
    }
    for (size_t i = 0; i < model->n_layers; i++) {
        widest = model->layers[i].units > widest ? model->layers[i].units : widest;
        if (!model->layers[i].type->can_die)
            continue;
        training->silent[i] = calloc(model->layers[i].units, sizeof *training->silent[i]);
        if (!training->silent[i])
            return -ENOMEM;
    }
    training->fired = calloc(widest, sizeof *training->fired);
    return training->fired ? 0 : -ENOMEM;
}

static int init_model(struct tw_training *training, uint64_t seed, struct tw_error *error)
{
    const struct tw_trainer_plan *plan = &training->plan;
    size_t n_classes = training->data.n_classes;
    struct tw_model_shape shape = {.n_inputs = training->data.n_features,
                                   .n_outputs = n_classes ? n_classes : 1,
                                   .batch_max = training->batch_size,
                                   .n_hidden = plan->n_hidden,
                                   .activation = plan->activation,
                                   .batch_norm = training->has_batch_norm,
                                   .dropout = training->dropout,
                                   .precision = plan->precision};
    memcpy(shape.hidden, plan->hidden, sizeof shape.hidden);
    int result = tw_model_init(&training->model, &shape, error);
    if (result)
        return result;
    struct tw_random random;
    tw_random_init(&random, seed, TW_RANDOM_WEIGHTS);
    tw_model_initialise(&training->model, plan->initializer, &plan->initializer_config, &random);
    return 0;
}

/* The inputs as the network gets them: scaled, and numbers of the precision. */
static void prepare_features(struct tw_training *training, double scale)
{
    struct tw_data *data = &training->data;
    size_t n = (data->n_train + data->n_validation) * data->n_features;
    for (size_t i = 0; scale != 1 && i < n; i++)
        data->features[i] *= (float)scale;
    if (training->plan.precision->round)
        training->plan.precision->round(n, data->features);
}

/* Batch norm has no deviation over one sample: a last batch of one is left out (PyTorch refuses
 * it), another sample in each epoch. */
static size_t samples_per_epoch(const struct tw_training *training)
{
    size_t n = training->data.n_train;
    bool leaves_one = training->has_batch_norm && n > 1 && n % training->batch_size == 1;
    return leaves_one && training->batch_size > 1 ? n - 1 : n;
}

static void plan_steps(struct tw_training *training, const struct tw_trainer_config *config)
{
    uint64_t n = samples_per_epoch(training);
    training->steps_per_epoch = (n + training->batch_size - 1) / training->batch_size;
    training->total_steps = training->steps_per_epoch * config->epochs;
    if (config->max_steps && config->max_steps < training->total_steps)
        training->total_steps = config->max_steps;
}

static int choose_loss(struct tw_training *training, struct tw_error *error)
{
    struct tw_trainer_plan *plan = &training->plan;
    bool has_classes = training->data.n_classes > 0;
    if (!plan->loss)
        plan->loss = tw_loss_find(has_classes ? "softmax_cross_entropy" : "mse");
    if (!has_classes && !plan->loss->evaluate_values)
        return tw_error_set(error, -EINVAL, "loss: %s is for classes, and the data set has none",
                            plan->loss->name);
    return 0;
}

static int load_data(struct tw_training *training, struct tw_error *error)
{
    const struct tw_trainer_plan *plan = &training->plan;
    int result = plan->dataset->load(&training->data, &plan->dataset_config, error);
    if (!result)
        result = tw_data_change(&training->data, &plan->data_changes, error);
    return result ? result : choose_loss(training, error);
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
                                     .has_batch_norm = config->batch_norm,
                                     .dropout = config->dropout,
                                     .epochs = config->epochs};
    if (data) {
        training->data = *data;
        *data = (struct tw_data){0};
    }
    tw_compute_threads_set((unsigned)config->threads);
    int result = tw_trainer_config_resolve(config, &training->plan, error);
    if (!result)
        result =
            training->data.features ? choose_loss(training, error) : load_data(training, error);
    if (result) {
        tw_training_release(training);
        return result;
    }
    prepare_features(training, config->feature_scale);
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
    tw_random_init(&training->dropout_random, config->seed, TW_RANDOM_DROPOUT);
    training->loss_scaler = (struct tw_loss_scaler){.scale = training->plan.initial_loss_scale,
                                                    .window = config->loss_scale_window,
                                                    .min_scale = config->min_loss_scale};
    plan_steps(training, config);
    return 0;
}

void tw_training_release(struct tw_training *training)
{
    for (size_t i = 0; i < TW_MODEL_LAYERS_MAX; i++)
        free(training->silent[i]);
    for (size_t slot = 0; slot < TW_OPTIMIZER_SLOTS_MAX; slot++)
        free(training->slots[slot]);
    free(training->fired);
    free(training->order);
    free(training->batch_features);
    free(training->batch_labels);
    free(training->batch_values);
    tw_model_release(&training->model);
    tw_data_release(&training->data);
    *training = (struct tw_training){0};
}

static void start_epoch(struct tw_training *training)
{
    training->epoch_random = training->random;
    for (size_t i = 0; i < training->data.n_train; i++)
        training->order[i] = (uint32_t)i;
    tw_random_shuffle(&training->random, training->order, training->data.n_train);
    training->position = 0;
}

void tw_training_enter_epoch(struct tw_training *training, struct tw_random random, size_t position)
{
    training->random = random;
    training->silence_start = training->samples;
    if (position)
        start_epoch(training);
    training->position = position ? position : samples_per_epoch(training);
}

void tw_training_reset_optimizer(struct tw_training *training)
{
    for (unsigned slot = 0; slot < training->plan.optimizer->n_slots; slot++)
        memset(training->slots[slot], 0,
               training->model.n_parameters * sizeof *training->slots[slot]);
    training->n_updates = 0;
}

bool tw_training_epoch_is_over(const struct tw_training *training)
{
    return training->position == samples_per_epoch(training);
}

static void next_batch(struct tw_training *training)
{
    const struct tw_data *data = &training->data;
    if (training->step == 0 || tw_training_epoch_is_over(training))
        start_epoch(training);
    size_t left = samples_per_epoch(training) - training->position, n = training->batch_size;
    training->n_batch = n < left ? n : left;
    for (size_t i = 0; i < training->n_batch; i++) {
        size_t row = training->order[training->position + i];
        memcpy(training->batch_features + i * data->n_features,
               data->features + row * data->n_features, data->n_features * sizeof(float));
        if (data->labels)
            training->batch_labels[i] = data->labels[row];
        if (data->values)
            training->batch_values[i] = data->values[row];
    }
    training->position += training->n_batch;
}

/* Rows between two looks at whether all units have fired by now. */
#define SILENCE_ROWS 8

/* Sets fired[i] to 1 where unit i had an output above 0; NaN is no silence. A few rows tell of most
 * networks that all units fired: then the rest is not read. Whole rows, one after the other: parts
 * of rows that lie a power of two apart would fight for the same lines of the cache. */
TW_VECTOR_CLONES
static void mark_fired(const float *outputs, size_t rows, size_t units, uint32_t *restrict fired)
{
    uint32_t n_fired = 0;
    for (size_t row = 0; row < rows && n_fired < units;) {
        size_t end = rows - row < SILENCE_ROWS ? rows : row + SILENCE_ROWS;
        for (; row < end; row++) {
#pragma omp simd
            for (size_t unit = 0; unit < units; unit++)
                fired[unit] |= !(outputs[row * units + unit] <= 0);
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
        if (!silent)
            continue;
        memset(training->fired, 0, units * sizeof *training->fired);
        mark_fired(training->model.outputs[layer], training->n_batch, units, training->fired);
        for (size_t unit = 0; unit < units; unit++)
            silent[unit] = training->fired[unit] ? 0 : silent[unit] + training->n_batch;
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

static void multiply(size_t n, float *values, double factor)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (float)(values[i] * factor);
}

static void scale_loss_gradient(struct tw_training *training)
{
    struct tw_model *model = &training->model;
    if (tw_loss_scaler_is_on(&training->loss_scaler))
        multiply(training->n_batch * model->n_outputs, tw_model_output_gradient(model),
                 training->loss_scaler.scale);
}

static void unscale_gradients(struct tw_training *training)
{
    struct tw_model *model = &training->model;
    if (tw_loss_scaler_is_on(&training->loss_scaler))
        multiply(model->n_parameters, model->gradients, 1 / training->loss_scaler.scale);
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
    plan->optimizer->step(&plan->optimizer_config, learning_rate, training->n_updates + 1,
                          layer->n_parameters, layer->parameters, layer->gradients, slots,
                          ret_squares);
}

/* A limit and a loss scaler ask for the gradients' norm before the update; without them the update
 * yields it on its way. */
static bool needs_norm_first(const struct tw_training *training)
{
    return training->max_grad_norm > 0 || tw_loss_scaler_is_on(&training->loss_scaler);
}

static void update(struct tw_training *training, struct tw_step_figures *figures)
{
    bool has_norm = needs_norm_first(training), measures = training->measure;
    struct tw_optimizer_squares all = {0};
    for (size_t i = 0; i < training->model.n_layers; i++) {
        struct tw_optimizer_squares squares = {0};
        update_layer(training, i, figures->learning_rate, measures ? &squares : NULL);
        if (!has_norm)
            training->gradient_squares[i] = squares.gradients;
        training->update_squares[i] = squares.update;
        training->weight_squares[i] = squares.parameters;
        all.gradients += squares.gradients;
        all.update += squares.update;
        all.parameters += squares.parameters;
    }
    if (!has_norm)
        figures->grad_norm = measures ? sqrt(all.gradients) : NAN;
    figures->update_norm = measures ? sqrt(all.update) : NAN;
    figures->weight_norm = measures ? sqrt(all.parameters) : NAN;
}

/* The figures of a step that changes nothing. */
static void skip_update(struct tw_training *training, struct tw_step_figures *figures)
{
    double squares = 0;
    for (size_t i = 0; i < training->model.n_layers; i++) {
        const struct tw_layer *layer = &training->model.layers[i];
        training->update_squares[i] = 0;
        training->weight_squares[i] = sum_of_squares(layer->parameters, layer->n_parameters);
        squares += training->weight_squares[i];
    }
    figures->update_norm = 0;
    figures->weight_norm = sqrt(squares);
}

static double evaluate(const struct tw_training *training, size_t n, const float *outputs,
                       const uint8_t *labels, const float *values, float *gradient, size_t *correct)
{
    const struct tw_loss *loss = training->plan.loss;
    return training->data.n_classes
               ? loss->evaluate(n, training->data.n_classes, outputs, labels, gradient, correct)
               : loss->evaluate_values(n, outputs, values, gradient);
}

/* Clips and updates, unless the loss scaler finds gradients that are not finite. */
static void apply_gradients(struct tw_training *training, struct tw_step_figures *figures)
{
    bool is_scaled = tw_loss_scaler_is_on(&training->loss_scaler);
    if (needs_norm_first(training))
        figures->grad_norm = gradient_norm(training);
    figures->loss_scale = training->loss_scaler.scale;
    figures->has_overflowed = is_scaled && !isfinite(figures->grad_norm);
    tw_loss_scaler_update(&training->loss_scaler, figures->has_overflowed);
    if (figures->has_overflowed) {
        skip_update(training, figures);
        return;
    }
    if (training->max_grad_norm > 0)
        clip(training, figures->grad_norm);
    update(training, figures);
    training->n_updates++;
}

struct tw_step_figures tw_training_step(struct tw_training *training)
{
    struct tw_step_figures figures = {0};
    struct tw_model *model = &training->model;
    double started = tw_now_seconds();
    size_t correct = 0;

    next_batch(training);
    size_t n = training->n_batch;
    tw_model_draw(model, n, &training->dropout_random);
    const float *outputs = tw_model_forward(model, n, training->batch_features);
    if (training->measure)
        count_silence(training);
    if (training->measure == TW_MEASURE_LAYERS)
        measure_outputs(training);
    figures.loss = evaluate(training, n, outputs, training->batch_labels, training->batch_values,
                            tw_model_output_gradient(model), &correct);
    scale_loss_gradient(training);
    tw_model_backward(model, n, training->batch_features);
    unscale_gradients(training);
    figures.learning_rate = training->plan.learning_rate *
                            tw_schedule_factor(training->plan.schedule, training->step,
                                               training->warmup_steps, training->total_steps);
    apply_gradients(training, &figures);
    training->step++;
    training->samples += n;
    training->epoch += tw_training_epoch_is_over(training);
    figures.seconds = tw_now_seconds() - started;
    return figures;
}

/* Sums over the validation part. */
struct sums {
    double loss, absolute, squared;
    size_t correct;
};

static void add_errors(struct sums *sums, size_t n, const float *outputs, const float *values)
{
    for (size_t i = 0; i < n; i++) {
        double difference = (double)outputs[i] - values[i];
        sums->absolute += fabs(difference);
        sums->squared += difference * difference;
    }
}

static struct tw_validation validation_of(const struct tw_data *data, const struct sums *sums)
{
    double samples = (double)data->n_validation;
    struct tw_validation validation = {sums->loss / samples, NAN, NAN, NAN, data->n_validation};
    if (data->n_classes) {
        validation.accuracy = (double)sums->correct / samples;
        return validation;
    }
    validation.mae = sums->absolute / samples;
    validation.r2 = 1 - sums->squared / tw_data_squares_around_mean(data->values + data->n_train,
                                                                    data->n_validation);
    return validation;
}

struct tw_validation tw_training_validate(struct tw_training *training)
{
    const struct tw_data *data = &training->data;
    struct sums sums = {0};
    tw_model_set_training(&training->model, false);
    for (size_t row = data->n_train; row < data->n_train + data->n_validation;) {
        size_t left = data->n_train + data->n_validation - row;
        size_t n = left < training->batch_size ? left : training->batch_size;
        const uint8_t *labels = data->labels ? data->labels + row : NULL;
        const float *values = data->values ? data->values + row : NULL;
        const float *outputs =
            tw_model_forward(&training->model, n, data->features + row * data->n_features);
        sums.loss +=
            (double)n * evaluate(training, n, outputs, labels, values, NULL, &sums.correct);
        if (values)
            add_errors(&sums, n, outputs, values);
        row += n;
    }
    tw_model_set_training(&training->model, true);
    return validation_of(data, &sums);
}

bool tw_training_is_finite(const struct tw_training *training)
{
    const struct tw_model *model = &training->model;
    return isfinite(sum_of_squares(model->parameters, model->n_parameters)) &&
           isfinite(sum_of_squares(model->buffers, model->n_buffers));
}
