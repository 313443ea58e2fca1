/* Telemetry records of a training. */
#include "trainer/recorder.h"

#include "trainer/vectors.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

/* A unit counts as dead once it was silent for so many samples: the contract's figure. */
#define DEAD_SAMPLES 1000

static void start_record(struct tw_record *record, enum tw_kind kind, uint64_t step)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    record->kind = kind;
    record->time_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    record->step = step;
    record->has |= TW_HAS_KIND | TW_HAS_TIME | TW_HAS_STEP;
}

static int set_optimizer(struct tw_header *header, const struct tw_training *training)
{
    const struct tw_optimizer *optimizer = training->plan.optimizer;
    const struct tw_optimizer_config *config = &training->plan.optimizer_config;
    int result = tw_header_set_text(header, "optimizer", optimizer->name);
    result |= tw_header_set_number(header, "learning_rate", training->plan.learning_rate);
    result |= tw_header_set_number(header, "weight_decay", config->weight_decay);
    /* A momentum that Adam does not have would only mislead whoever looks for one to change. */
    if (optimizer->uses & TW_USES_MOMENTUM) {
        result |= tw_header_set_number(header, "momentum", config->momentum);
        result |= tw_header_set_number(header, "nesterov", config->nesterov);
    }
    if (optimizer->uses & TW_USES_BETAS) {
        result |= tw_header_set_number(header, "beta1", config->beta1);
        result |= tw_header_set_number(header, "beta2", config->beta2);
        result |= tw_header_set_number(header, "epsilon", config->epsilon);
    }
    if (training->max_grad_norm > 0)
        result |= tw_header_set_number(header, "max_grad_norm", training->max_grad_norm);
    return result ? -ENOMEM : 0;
}

static int set_loss_scaling(struct tw_header *header, const struct tw_training *training)
{
    const struct tw_loss_scaler *scaler = &training->loss_scaler;
    if (!tw_loss_scaler_is_on(scaler))
        return 0;
    int result =
        tw_header_set_number(header, "initial_loss_scale", training->plan.initial_loss_scale);
    result |= tw_header_set_number(header, "loss_scale_window", (double)scaler->window);
    result |= tw_header_set_number(header, "min_loss_scale", scaler->min_scale);
    return result ? -ENOMEM : 0;
}

static int set_run(struct tw_header *header, const struct tw_training *training,
                   const struct tw_trainer_config *config)
{
    const struct tw_trainer_plan *plan = &training->plan;
    int result = tw_header_set_text(header, "schedule", plan->schedule->name);
    result |= tw_header_set_number(header, "warmup_steps", (double)training->warmup_steps);
    result |= tw_header_set_number(header, "batch_size", (double)training->batch_size);
    result |= tw_header_set_number(header, "micro_batches", 1);
    result |= tw_header_set_number(header, "dropout", training->dropout);
    result |= tw_header_set_number(header, "batch_norm", training->has_batch_norm);
    result |= tw_header_set_text(header, "precision", plan->precision->name);
    result |= tw_header_set_number(header, "feature_scale", config->feature_scale);
    result |= tw_header_set_number(header, "max_steps", (double)training->total_steps);
    result |= tw_header_set_number(header, "max_epochs", (double)training->epochs);
    if (config->early_stopping_patience)
        result |= tw_header_set_number(header, "early_stopping_patience",
                                       (double)config->early_stopping_patience);
    if (config->eval_every)
        result |= tw_header_set_number(header, "eval_every", (double)config->eval_every);
    if (config->reset_optimizer && training->resumed_from)
        result |= tw_header_set_number(header, "reset_optimizer", 1);
    result |= tw_header_set_number(header, "seed", (double)config->seed);
    result |= tw_header_set_text(header, "hidden", config->hidden);
    result |= tw_header_set_text(header, "activation", plan->activation->name);
    result |= tw_header_set_text(header, "initializer", plan->initializer->name);
    result |= tw_header_set_number(header, "init_gain", plan->initializer_config.gain);
    result |= tw_header_set_number(header, "init_bias", plan->initializer_config.bias);
    if (plan->initializer->uses_std)
        result |= tw_header_set_number(header, "init_std", plan->initializer_config.std);
    result |= tw_header_set_text(header, "loss", plan->loss->name);
    result |= tw_header_set_number(header, "threads", (double)config->threads);
    return result ? -ENOMEM : 0;
}

/* What the data are, and what the losses of knowing nothing but them would be. */
static int set_data(struct tw_header *header, const struct tw_training *training)
{
    static const char *const kinds[] = {"auto", "none", "features", "all"};
    const struct tw_data_changes *changes = &training->plan.data_changes;
    const struct tw_data *data = &training->data;
    bool is_mse = training->plan.loss->evaluate_values != NULL;
    int result = tw_header_set_text(header, "standardize", kinds[changes->standardize]);
    if (changes->train_samples)
        result |= tw_header_set_number(header, "train_samples", (double)changes->train_samples);
    if (changes->label_noise > 0)
        result |= tw_header_set_number(header, "label_noise", changes->label_noise);
    if (is_mse)
        result |= tw_header_set_number(header, "target_variance", tw_data_target_variance(data));
    if (data->n_classes)
        result |= tw_header_set_number(header, "label_entropy", tw_data_label_entropy(data));
    return result ? -ENOMEM : 0;
}

/* Those of a block lie one after the other, from its first layer's on. */
static size_t block_parameters(const struct tw_model *model, size_t layer)
{
    size_t n = 0;
    for (size_t i = layer; i < tw_model_block_end(model, layer); i++)
        n += model->layers[i].n_parameters;
    return n;
}

static double block_sum(const struct tw_model *model, size_t layer, const double *squares)
{
    double sum = 0;
    for (size_t i = layer; i < tw_model_block_end(model, layer); i++)
        sum += squares[i];
    return sum;
}

static int add_layers(struct tw_header *header, const struct tw_model *model)
{
    for (int i = -1; (i = tw_model_next_block(model, i)) >= 0;) {
        const struct tw_layer *layer = &model->layers[i];
        const struct tw_layer *activation = &model->layers[tw_model_activation(model, (size_t)i)];
        struct tw_layer_info *info = tw_header_add_layer(header, layer->name);
        if (!info)
            return -ENOMEM;
        snprintf(info->kind, sizeof info->kind, "%s", layer->type->name);
        snprintf(info->activation, sizeof info->activation, "%s",
                 activation != layer ? activation->type->name : "none");
        info->units = layer->units;
        info->fan_in = layer->fan_in;
        info->parameters = block_parameters(model, (size_t)i);
    }
    return 0;
}

int tw_recorder_header(struct tw_record *record, const struct tw_training *training,
                       const struct tw_trainer_config *config)
{
    start_record(record, TW_KIND_HEADER, training->step);
    struct tw_header *header = tw_record_add_header(record);
    if (!header)
        return -ENOMEM;
    snprintf(header->name, sizeof header->name, "%s", config->name ? config->name : "");
    snprintf(header->project, sizeof header->project, "%s", config->project ? config->project : "");
    snprintf(header->group, sizeof header->group, "%s", config->group ? config->group : "");
    snprintf(header->framework, sizeof header->framework, TW_FRAMEWORK);
    snprintf(header->objective, sizeof header->objective, "supervised");
    header->world_size = 1;
    snprintf(header->dataset_name, sizeof header->dataset_name, "%s", config->dataset);
    header->dataset_samples = training->data.n_train;
    header->dataset_eval_samples = training->data.n_validation;
    header->dataset_classes = training->data.n_classes;
    header->resumed_from_step = training->resumed_from;
    if (set_optimizer(header, training) || set_run(header, training, config) ||
        set_data(header, training) || set_loss_scaling(header, training))
        return -ENOMEM;
    return add_layers(header, &training->model);
}

static double epochs_done(const struct tw_training *training)
{
    return (double)training->samples / (double)training->data.n_train;
}

void tw_recorder_step(struct tw_record *record, const struct tw_training *training,
                      const struct tw_step_figures *figures)
{
    start_record(record, TW_KIND_STEP, training->step);
    tw_record_set(record, TW_SIGNAL_EPOCH, epochs_done(training));
    tw_record_set(record, TW_SIGNAL_LOSS, figures->loss);
    tw_record_set(record, TW_SIGNAL_LEARNING_RATE, figures->learning_rate);
    tw_record_set(record, TW_SIGNAL_GRAD_NORM, figures->grad_norm);
    record->grad_norm_kind = TW_GRAD_NORM_PRE_CLIP;
    tw_record_set(record, TW_SIGNAL_UPDATE_NORM, figures->update_norm);
    tw_record_set(record, TW_SIGNAL_WEIGHT_NORM, figures->weight_norm);
    if (figures->loss_scale > 0) {
        tw_record_set(record, TW_SIGNAL_LOSS_SCALE, figures->loss_scale);
        tw_record_set(record, TW_SIGNAL_OVERFLOW, figures->has_overflowed);
        tw_record_set(record, TW_SIGNAL_SKIPPED_STEPS, figures->has_overflowed);
    }
    tw_record_set(record, TW_SIGNAL_SAMPLES, (double)training->samples);
    tw_record_set(record, TW_SIGNAL_STEP_SECONDS, figures->seconds);
}

/* A unit is saturated where this share of the samples is: the published lines speak of units. */
#define SATURATED_SAMPLES .9
/* Units are counted so many at a time: most layers' outputs are read in the order of memory. */
#define UNITS 1024

struct saturation {
    size_t activations, units;
};

/* Adds to samples[i] where unit i is saturated; NaN is not. */
TW_VECTOR_CLONES
static void count_saturated(float low, float high, const float *outputs, size_t rows, size_t stride,
                            size_t units, uint32_t *restrict samples)
{
    for (size_t row = 0; row < rows; row++, outputs += stride) {
#pragma omp simd
        for (size_t unit = 0; unit < units; unit++)
            samples[unit] += (outputs[unit] < low) | (outputs[unit] > high);
    }
}

static struct saturation saturation_of(const struct tw_layer_type *type, const float *outputs,
                                       size_t n, size_t units)
{
    struct saturation saturation = {0};
    for (size_t done = 0, some; done < units; done += some) {
        uint32_t samples[UNITS] = {0};
        some = units - done < UNITS ? units - done : UNITS;
        count_saturated(type->low, type->high, outputs + done, n, units, some, samples);
        for (size_t i = 0; i < some; i++) {
            saturation.activations += samples[i];
            saturation.units += (double)samples[i] >= SATURATED_SAMPLES * (double)n;
        }
    }
    return saturation;
}

static void record_saturation(float *const *column, uint32_t at, const struct tw_layer_type *type,
                              const float *outputs, size_t n, size_t units)
{
    struct saturation saturation = saturation_of(type, outputs, n, units);
    column[TW_LAYER_SATURATED_FRACTION][at] =
        (float)((double)saturation.activations / (double)(n * units));
    column[TW_LAYER_SATURATED_UNITS_FRACTION][at] =
        (float)((double)saturation.units / (double)units);
}

static double share_of_dead(const struct tw_training *training, size_t layer)
{
    size_t dead = 0, units = training->model.layers[layer].units;
    for (size_t unit = 0; unit < units; unit++)
        dead += training->silent[layer][unit] >= DEAD_SAMPLES;
    return (double)dead / (double)units;
}

/* In double the squares of finite values have a finite sum: only where it is not are they counted.
 */
static uint64_t nonfinite_of(const float *values, size_t n, double squares)
{
    if (isfinite(squares))
        return 0;
    struct tw_statistics figures = tw_statistics_of(TW_FLOAT32, values, n, NULL);
    return tw_statistics_nonfinite(&figures);
}

/* A norm over values that are not all finite is infinite: NaN would read as "not measured". */
static float norm_figure(double squares)
{
    return isfinite(squares) ? (float)sqrt(squares) : INFINITY;
}

static void record_layer(float *const *column, uint32_t at, const struct tw_training *training,
                         size_t index)
{
    const struct tw_model *model = &training->model;
    const struct tw_layer *layer = &model->layers[index];
    size_t behind = tw_model_activation(model, index);
    const struct tw_layer_type *type = model->layers[behind].type;
    size_t n = training->n_batch * layer->units, parameters = block_parameters(model, index);
    const struct tw_statistics *activations = &training->outputs[behind];
    double gradient_squares = block_sum(model, index, training->gradient_squares);
    double weight_squares = block_sum(model, index, training->weight_squares);
    double update_squares = block_sum(model, index, training->update_squares);

    column[TW_LAYER_GRAD_NORM][at] = norm_figure(gradient_squares);
    column[TW_LAYER_WEIGHT_NORM][at] = norm_figure(weight_squares);
    column[TW_LAYER_UPDATE_NORM][at] = norm_figure(update_squares);
    column[TW_LAYER_ACTIVATION_MEAN][at] = (float)tw_statistics_mean(activations);
    column[TW_LAYER_ACTIVATION_STD][at] = (float)tw_statistics_std(activations);
    column[TW_LAYER_ACTIVATION_ABS_MAX][at] = (float)tw_statistics_abs_max(activations);
    column[TW_LAYER_ZERO_FRACTION][at] = (float)((double)activations->zeros / (double)n);
    if (column[TW_LAYER_SATURATED_FRACTION] && tw_layer_type_saturates(type))
        record_saturation(column, at, type, model->outputs[behind], training->n_batch,
                          layer->units);
    if (column[TW_LAYER_DEAD_FRACTION] && training->silent[behind])
        column[TW_LAYER_DEAD_FRACTION][at] = (float)share_of_dead(training, behind);
    column[TW_LAYER_NONFINITE][at] =
        (float)(tw_statistics_nonfinite(activations) +
                nonfinite_of(layer->parameters, parameters, weight_squares) +
                nonfinite_of(layer->gradients, parameters, gradient_squares));
}

/* A network of relu layers has nothing to say on saturation: such a column is not sent. */
static bool is_measured(const struct tw_training *training, enum tw_layer_column column)
{
    if (column == TW_LAYER_SATURATED_FRACTION || column == TW_LAYER_SATURATED_UNITS_FRACTION)
        return tw_layer_type_saturates(training->plan.activation) && training->plan.n_hidden;
    if (column == TW_LAYER_DEAD_FRACTION)
        return training->plan.activation->can_die && training->plan.n_hidden &&
               training->samples - training->silence_start >= DEAD_SAMPLES;
    return true;
}

int tw_recorder_layers(struct tw_record *record, const struct tw_training *training,
                       uint64_t header_hash)
{
    const struct tw_model *model = &training->model;
    uint32_t blocks = 0, at = 0;
    float *column[TW_LAYER_COLUMNS] = {0};

    start_record(record, TW_KIND_LAYERS, training->step);
    for (int i = -1; (i = tw_model_next_block(model, i)) >= 0;)
        blocks++;
    struct tw_layers *layers = tw_record_add_layers(record, blocks);
    if (!layers)
        return -ENOMEM;
    layers->header_hash = header_hash;
    for (int i = 0; i < TW_LAYER_COLUMNS; i++) {
        if (!is_measured(training, (enum tw_layer_column)i))
            continue;
        column[i] = tw_layers_add_column(layers, (enum tw_layer_column)i);
        if (!column[i])
            return -ENOMEM;
    }
    for (int i = -1; (i = tw_model_next_block(model, i)) >= 0;)
        record_layer(column, at++, training, (size_t)i);
    return 0;
}

void tw_recorder_eval(struct tw_record *record, const struct tw_training *training,
                      const struct tw_validation *validation, double train_loss)
{
    start_record(record, TW_KIND_EVAL, training->step);
    tw_record_set(record, TW_SIGNAL_EPOCH, epochs_done(training));
    tw_record_set(record, TW_SIGNAL_EVAL_LOSS, validation->loss);
    tw_record_set(record, TW_SIGNAL_EVAL_SAMPLES, (double)validation->samples);
    tw_record_set(record, TW_SIGNAL_TRAIN_LOSS, train_loss);
    if (!isnan(validation->accuracy))
        tw_record_add_metric(record, "accuracy", validation->accuracy);
    if (training->data.values) {
        tw_record_add_metric(record, "mae", validation->mae);
        tw_record_add_metric(record, "r2", validation->r2);
    }
}

void tw_recorder_event(struct tw_record *record, const struct tw_training *training,
                       const char *event)
{
    start_record(record, TW_KIND_EVENT, training->step);
    snprintf(record->event, sizeof record->event, "%s", event);
}

void tw_recorder_end(struct tw_record *record, const struct tw_training *training,
                     enum tw_end_status status)
{
    start_record(record, TW_KIND_END, training->step);
    record->status = status;
}
