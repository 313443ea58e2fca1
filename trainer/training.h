/* A training in memory: model, data, optimizer state, and one step or one validation at a time. No
 * I/O. */
#ifndef TW_TRAINING_H
#define TW_TRAINING_H

#include "trainer/config.h"
#include "trainer/loss_scaler.h"
#include "trainer/random.h"

#include "telemetry/statistics.h"

struct tw_step_figures {
    double loss, learning_rate;
    double grad_norm; /* before clipping */
    double update_norm, weight_norm, seconds;
    double loss_scale;   /* that this step's loss was multiplied by; 0: no loss scaling */
    bool has_overflowed; /* with loss scaling: a gradient was not finite, and nothing was updated */
};

/* What a step measures beside its loss: what it does not is NaN, or as it was. */
enum tw_measure {
    TW_MEASURE_NOTHING, /* for benchmarks: nothing but the loss */
    TW_MEASURE_STEP,    /* the figures of the whole model, and which units are silent */
    TW_MEASURE_LAYERS   /* those of every layer, too */
};

struct tw_validation {
    double loss;
    double accuracy; /* of classes; NaN without, and the next two with them */
    double mae, r2;  /* mean absolute error; 1 - squared error / that of the mean */
    uint64_t samples;
};

struct tw_training {
    struct tw_trainer_plan plan;
    double max_grad_norm, dropout;
    bool has_batch_norm;
    uint64_t batch_size, warmup_steps, epochs;
    struct tw_data data;
    struct tw_model model;
    float *slots[TW_OPTIMIZER_SLOTS_MAX]; /* each as long as the parameters */
    struct tw_random random;              /* draws the order of the samples */
    struct tw_random epoch_random;        /* as it was before this epoch's order was drawn */
    struct tw_random dropout_random;
    struct tw_loss_scaler loss_scaler;
    uint32_t *order; /* of this epoch */
    size_t position; /* samples of this epoch that are done */
    float *batch_features;
    uint8_t *batch_labels;   /* with classes */
    float *batch_values;     /* without */
    size_t n_batch;          /* samples of the newest step */
    enum tw_measure measure; /* of the coming steps [TW_MEASURE_LAYERS] */

    uint64_t step, samples, epoch; /* done so far; epoch: whole ones */
    uint64_t n_updates;            /* steps that changed the parameters: all but the skipped ones */
    uint64_t resumed_from;         /* the checkpoint's step; 0: from the start */
    uint64_t silence_start;        /* samples that were done when counting `silent` began */
    uint64_t steps_per_epoch, total_steps;

    /* Of the newest step, by layer of the model. */
    double gradient_squares[TW_MODEL_LAYERS_MAX], update_squares[TW_MODEL_LAYERS_MAX],
        weight_squares[TW_MODEL_LAYERS_MAX];
    struct tw_statistics outputs[TW_MODEL_LAYERS_MAX]; /* of the layers with TW_MEASURE_LAYERS */
    /* Samples since each unit's output was last above 0, by layer with an activation that can die;
     * NULL for others. */
    uint64_t *silent[TW_MODEL_LAYERS_MAX];
    uint32_t *fired; /* scratch, a unit each of the widest layer */
};

/* Loads the data and draws the weights. The denormal flush and OpenBLAS's threads are set too
 * (compute_threads.h). */
int tw_training_init(struct tw_training *training, const struct tw_trainer_config *config,
                     struct tw_error *error);
/* Likewise, on data that are there: the training takes them over, even where it fails. */
int tw_training_init_with(struct tw_training *training, const struct tw_trainer_config *config,
                          struct tw_data *data, struct tw_error *error);
void tw_training_release(struct tw_training *training); /* a zeroed one is allowed */

/* The next batch: forward, back, clip, update. Starts a new epoch where the last one is over. */
struct tw_step_figures tw_training_step(struct tw_training *training);
/* Goes to a place in an epoch: `random` is as it was before the epoch's order was drawn, `position`
 * the samples that are done. Position 0: the epoch before is over, and `random` draws the next
 * order. */
void tw_training_enter_epoch(struct tw_training *training, struct tw_random random,
                             size_t position);
/* As if the optimizer had never made a step: its averages are 0. */
void tw_training_reset_optimizer(struct tw_training *training);
/* True when the newest step ended an epoch. */
bool tw_training_epoch_is_over(const struct tw_training *training);
struct tw_validation tw_training_validate(struct tw_training *training);

/* True while every parameter and running statistic is finite. */
bool tw_training_is_finite(const struct tw_training *training);

#endif
