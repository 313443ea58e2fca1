/* Telemetry records of a training. */
#include "trainer/recorder.h"

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

static int set_run(struct tw_header *header, const struct tw_training *training,
                   const struct tw_trainer_config *config)
{
    const struct tw_trainer_plan *plan = &training->plan;
    int result = tw_header_set_text(header, "schedule", plan->schedule->name);
    result |= tw_header_set_number(header, "warmup_steps", (double)training->warmup_steps);
    result |= tw_header_set_number(header, "batch_size", (double)training->batch_size);
    result |= tw_header_set_number(header, "micro_batches", 1);
    result |= tw_header_set_number(header, "dropout", 0);
    result |= tw_header_set_text(header, "precision", "fp32");
    result |= tw_header_set_number(header, "max_steps", (double)training->total_steps);
    result |= tw_header_set_number(header, "max_epochs", (double)training->epochs);
    result |= tw_header_set_number(header, "seed", (double)config->seed);
    result |= tw_header_set_text(header, "hidden", config->hidden);
    result |= tw_header_set_text(header, "activation", plan->activation->name);
    result |= tw_header_set_text(header, "initializer", plan->initializer->name);
    result |= tw_header_set_text(header, "loss", plan->loss->name);
    result |= tw_header_set_number(header, "threads", (double)config->threads);
    return result ? -ENOMEM : 0;
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
        info->parameters = layer->n_parameters;
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
    snprintf(header->dataset_name, sizeof header->dataset_name, "%s", training->plan.dataset->name);
    header->dataset_samples = training->data.n_train;
    header->dataset_eval_samples = training->data.n_validation;
    header->dataset_classes = training->data.n_classes;
    if (set_optimizer(header, training) || set_run(header, training, config))
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
    tw_record_set(record, TW_SIGNAL_SAMPLES, (double)training->samples);
    tw_record_set(record, TW_SIGNAL_STEP_SECONDS, figures->seconds);
}

static double share_of_saturated(const struct tw_layer_type *type, const float *outputs, size_t n)
{
    size_t saturated = 0;
    for (size_t i = 0; i < n; i++)
        saturated += type->is_saturated(outputs[i]);
    return (double)saturated / (double)n;
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
    size_t n = training->n_batch * layer->units;
    const struct tw_statistics *activations = &training->outputs[behind];
    double gradient_squares = training->gradient_squares[index];
    double weight_squares = training->weight_squares[index];

    column[TW_LAYER_GRAD_NORM][at] = norm_figure(gradient_squares);
    column[TW_LAYER_WEIGHT_NORM][at] = norm_figure(weight_squares);
    column[TW_LAYER_UPDATE_NORM][at] = norm_figure(training->update_squares[index]);
    column[TW_LAYER_ACTIVATION_MEAN][at] = (float)tw_statistics_mean(activations);
    column[TW_LAYER_ACTIVATION_STD][at] = (float)tw_statistics_std(activations);
    column[TW_LAYER_ACTIVATION_ABS_MAX][at] = (float)tw_statistics_abs_max(activations);
    column[TW_LAYER_ZERO_FRACTION][at] = (float)((double)activations->zeros / (double)n);
    if (column[TW_LAYER_SATURATED_FRACTION] && type->is_saturated)
        column[TW_LAYER_SATURATED_FRACTION][at] =
            (float)share_of_saturated(type, model->outputs[behind], n);
    if (column[TW_LAYER_DEAD_FRACTION] && training->silent[behind])
        column[TW_LAYER_DEAD_FRACTION][at] = (float)share_of_dead(training, behind);
    column[TW_LAYER_NONFINITE][at] =
        (float)(tw_statistics_nonfinite(activations) +
                nonfinite_of(layer->parameters, layer->n_parameters, weight_squares) +
                nonfinite_of(layer->gradients, layer->n_parameters, gradient_squares));
}

/* A network of relu layers has nothing to say on saturation: such a column is not sent. */
static bool is_measured(const struct tw_training *training, enum tw_layer_column column)
{
    if (column == TW_LAYER_SATURATED_FRACTION)
        return training->plan.activation->is_saturated && training->plan.n_hidden;
    if (column == TW_LAYER_DEAD_FRACTION)
        return training->plan.activation->can_die && training->plan.n_hidden &&
               training->samples >= DEAD_SAMPLES;
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
    tw_record_add_metric(record, "accuracy", validation->accuracy);
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
