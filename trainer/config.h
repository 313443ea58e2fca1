/* What a training is asked for: every setting in one option table, which the command line, the
 * documentation and the header record read. */
#ifndef TW_TRAINER_CONFIG_H
#define TW_TRAINER_CONFIG_H

#include "trainer/datasets/dataset.h"
#include "trainer/initializers/initializer.h"
#include "trainer/losses/loss.h"
#include "trainer/model.h"
#include "trainer/optimizers/optimizer.h"
#include "trainer/precisions/precision.h"
#include "trainer/schedules/schedule.h"

#include "telemetry/option.h"

/* Made by tw_options_initialise() with the table below. */
struct tw_trainer_config {
    char *dataset;
    int task; /* enum tw_task */
    char *target;
    double validation_fraction;
    uint64_t train_samples;
    double label_noise;
    int standardize; /* enum tw_standardize */
    char *hidden, *activation, *initializer, *loss;
    bool batch_norm;
    double dropout, init_gain, init_bias;
    double init_std; /* NaN: the value in the help */
    double feature_scale;
    char *precision;
    double initial_loss_scale; /* NaN: the precision's own */
    uint64_t loss_scale_window;
    double min_loss_scale;
    char *optimizer;
    double learning_rate; /* NaN: the optimizer's own */
    double momentum;      /* NaN: the value in the help; likewise the next three */
    double beta1, beta2, epsilon;
    bool nesterov;
    double weight_decay, max_grad_norm;
    char *schedule;
    uint64_t warmup_steps, batch_size, epochs, max_steps, seed, threads;
    uint64_t eval_every, early_stopping_patience;
    uint64_t layers_every;
    char *run_dir; /* NULL: no checkpoints */
    uint64_t keep_checkpoints;
    bool resume;
    char *resume_from; /* implies `resume` */
    bool reset_optimizer;
    char *name, *project, *group;
};

extern const struct tw_option tw_trainer_options[];
extern const size_t tw_trainer_n_options;

/* What the names in a configuration stand for. */
struct tw_trainer_plan {
    const struct tw_dataset *dataset;
    struct tw_dataset_config dataset_config;
    struct tw_data_changes data_changes;
    const struct tw_layer_type *activation;
    const struct tw_initializer *initializer;
    const struct tw_loss *loss; /* NULL: the one for the data set's kind of target */
    const struct tw_optimizer *optimizer;
    const struct tw_schedule *schedule;
    size_t n_hidden, hidden[TW_MODEL_HIDDEN_MAX];
    double learning_rate;
    struct tw_optimizer_config optimizer_config;
    struct tw_initializer_config initializer_config;
    const struct tw_precision *precision;
    double initial_loss_scale; /* 0: no loss scaling */
};

/* Looks the names up and checks what ranges alone do not tell. Errors name the option as the table
 * does. */
int tw_trainer_config_resolve(const struct tw_trainer_config *config, struct tw_trainer_plan *ret,
                              struct tw_error *error);

/* The words that a text option takes, for help and for "did you mean". */
struct tw_trainer_word {
    const char *name, *description; /* NULL behind the last */
};
struct tw_trainer_choice {
    const char *option; /* in tw_trainer_options */
    struct tw_trainer_word (*word)(size_t index);
};
extern const struct tw_trainer_choice tw_trainer_choices[];
extern const size_t tw_trainer_n_choices;

#endif
