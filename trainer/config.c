/* The option table of a training, and what its names stand for. */
#include "trainer/config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_MAX 65536

#define OPTION(member, type) #member, type, offsetof(struct tw_trainer_config, member)

static const char *const task_names[] = {"auto", "classification", "regression", NULL};
static const char *const standardize_names[] = {"auto", "none", "features", "all", NULL};

const struct tw_option tw_trainer_options[] = {
    {OPTION(dataset, TW_OPTION_TEXT), .initial_text = "digits", .help = "data set"},
    {OPTION(target, TW_OPTION_TEXT),
     .help = "of csv: the column to predict, by name or number from 1 [the last]"},
    {OPTION(task, TW_OPTION_CHOICE), .choices = task_names,
     .help = "of csv: auto takes words and up to 100 different whole numbers for classes"},
    {OPTION(validation_fraction, TW_OPTION_NUMBER), .initial = .2, .min = 1e-9, .max = .999,
     .help = "of csv and idx without a validation part: share of the samples that validates [0.2]"},
    {OPTION(train_samples, TW_OPTION_COUNT), .max = 4294967295.0,
     .help = "train with the first so many samples only; 0: with all"},
    {OPTION(label_noise, TW_OPTION_NUMBER), .max = 1,
     .help = "share of the training labels that is replaced by a class drawn at random"},
    {OPTION(standardize, TW_OPTION_CHOICE), .choices = standardize_names,
     .help = "make features, or numbers to predict too, mean 0 and deviation 1; auto: all but for "
             "images"},
    {OPTION(hidden, TW_OPTION_TEXT), .initial_text = "128,64",
     .help = "units of each hidden layer, or none"},
    {OPTION(activation, TW_OPTION_TEXT), .initial_text = "relu", .help = "of the hidden layers"},
    {OPTION(initializer, TW_OPTION_TEXT),
     .help = "how weights are drawn [he, xavier for tanh and sigmoid]"},
    {OPTION(init_gain, TW_OPTION_NUMBER), .initial = 1, .max = 1e6,
     .help = "factor on the hidden layers' first weights [1]"},
    {OPTION(init_std, TW_OPTION_NUMBER), .initial = NAN, .max = 1e6,
     .help = "standard deviation of the initializer normal [0.05, as Keras]"},
    {OPTION(init_bias, TW_OPTION_NUMBER), .min = -1e6, .max = 1e6,
     .help = "the hidden layers' first biases; far below 0 relu units are dead from the start [0]"},
    {OPTION(batch_norm, TW_OPTION_BOOL), .help = "batch normalisation before each activation"},
    {OPTION(dropout, TW_OPTION_NUMBER), .max = .99,
     .help = "share of each hidden layer's outputs that are 0 in a training step [0]"},
    {OPTION(feature_scale, TW_OPTION_NUMBER), .initial = 1, .min = 1e-30, .max = 1e30,
     .help = "factor on the inputs, which the data set has near 0 to 1 [1]"},
    {OPTION(precision, TW_OPTION_TEXT), .initial_text = "fp32",
     .help = "format of activations, gradients and the weights in use"},
    {OPTION(initial_loss_scale, TW_OPTION_NUMBER), .initial = NAN, .max = 1e30,
     .help = "first factor of dynamic loss scaling; 0: without it [65536 in fp16, else 0]"},
    {OPTION(loss_scale_window, TW_OPTION_COUNT), .initial = 2000, .min = 1, .max = 1e15,
     .help = "steps without overflow before the loss scale doubles"},
    {OPTION(min_loss_scale, TW_OPTION_NUMBER), .initial = 1, .max = 1e30,
     .help = "the loss scale is not halved below this [1]"},
    {OPTION(loss, TW_OPTION_TEXT), .help = "loss [softmax_cross_entropy, mse for regression]"},
    {OPTION(optimizer, TW_OPTION_TEXT), .initial_text = "adam", .help = "optimizer"},
    {OPTION(learning_rate, TW_OPTION_NUMBER), .initial = NAN, .max = 1e30,
     .help = "learning rate [0.001 for adam and adamw, 0.05 for sgd]"},
    {OPTION(momentum, TW_OPTION_NUMBER), .initial = NAN, .max = 1, .help = "of sgd [0.9]"},
    {OPTION(nesterov, TW_OPTION_BOOL), .help = "Nesterov's momentum, of sgd"},
    {OPTION(beta1, TW_OPTION_NUMBER), .initial = NAN, .max = .999999,
     .help = "decay of the first moment, of adam and adamw [0.9]"},
    {OPTION(beta2, TW_OPTION_NUMBER), .initial = NAN, .max = .999999999,
     .help = "decay of the second moment, of adam and adamw [0.999]"},
    {OPTION(epsilon, TW_OPTION_NUMBER), .initial = NAN, .max = 1,
     .help = "added to the root of the second moment, of adam and adamw [1e-8]"},
    {OPTION(weight_decay, TW_OPTION_NUMBER), .max = 1e6, .help = "weight decay"},
    {OPTION(max_grad_norm, TW_OPTION_NUMBER), .max = 1e30,
     .help = "gradients with a larger global norm are scaled down to it; 0: never"},
    {OPTION(schedule, TW_OPTION_TEXT), .initial_text = "cosine",
     .help = "the learning rate over the run"},
    {OPTION(warmup_steps, TW_OPTION_COUNT), .max = 1e15,
     .help = "steps over which the learning rate rises to its full height"},
    {OPTION(batch_size, TW_OPTION_COUNT), .initial = 32, .min = 1, .max = 1e6,
     .help = "samples a step; the last step of an epoch takes what is left"},
    {OPTION(epochs, TW_OPTION_COUNT), .initial = 30, .min = 1, .max = 1e9,
     .help = "passes over the training samples"},
    {OPTION(max_steps, TW_OPTION_COUNT), .max = 1e15,
     .help = "ends the run after so many steps; 0: after the last epoch"},
    {OPTION(seed, TW_OPTION_COUNT), .initial = 1, .max = 9007199254740992.0,
     .help = "of the weights and of the order of the samples; same seed, same losses"},
    {OPTION(threads, TW_OPTION_COUNT), .initial = 1, .min = 1, .max = 1024,
     .help = "threads of OpenBLAS"},
    {OPTION(eval_every, TW_OPTION_COUNT), .max = 1e15,
     .help = "steps between two validations, each with a checkpoint; 0: one at each epoch's end"},
    {OPTION(early_stopping_patience, TW_OPTION_COUNT), .max = 1e9,
     .help = "ends the run after so many validations in a row without a lower eval_loss; 0: never"},
    {OPTION(layers_every, TW_OPTION_COUNT), .initial = 10, .max = 1e15,
     .help = "steps between two records of each layer's figures; 0: none"},
    {OPTION(run_dir, TW_OPTION_TEXT), .help = "directory for telemetry and checkpoints"},
    {OPTION(keep_checkpoints, TW_OPTION_COUNT), .initial = 3, .max = 1e6,
     .help = "newest checkpoints to keep, beside the best; 0: write none"},
    {OPTION(resume, TW_OPTION_BOOL),
     .help = "go on with the run directory's newest checkpoint; what is not given is as it was"},
    {OPTION(resume_from, TW_OPTION_TEXT),
     .help = "go on with another checkpoint: best, step-N or a file"},
    {OPTION(reset_optimizer, TW_OPTION_BOOL),
     .help = "on a resume, forget the optimizer's state and keep the weights only"},
    {OPTION(name, TW_OPTION_TEXT), .help = "the run's name for people"},
    {OPTION(project, TW_OPTION_TEXT), .help = "the project that the run belongs to"},
    {OPTION(group, TW_OPTION_TEXT), .help = "the group of runs that it belongs to"},
};
const size_t tw_trainer_n_options = sizeof tw_trainer_options / sizeof *tw_trainer_options;

#define WORD_FUNCTION(function, table)                                                             \
    static struct tw_trainer_word function(size_t index)                                           \
    {                                                                                              \
        if (!table[index])                                                                         \
            return (struct tw_trainer_word){0};                                                    \
        return (struct tw_trainer_word){table[index]->name, table[index]->description};            \
    }
WORD_FUNCTION(dataset_word, tw_datasets)
WORD_FUNCTION(initializer_word, tw_initializers)
WORD_FUNCTION(loss_word, tw_losses)
WORD_FUNCTION(optimizer_word, tw_optimizers)
WORD_FUNCTION(precision_word, tw_precisions)
WORD_FUNCTION(schedule_word, tw_schedules)

static struct tw_trainer_word activation_word(size_t index)
{
    for (size_t i = 0; tw_layer_types[i]; i++) {
        const struct tw_layer_type *type = tw_layer_types[i];
        if (type->is_activation && index-- == 0)
            return (struct tw_trainer_word){type->name, type->description};
    }
    return (struct tw_trainer_word){0};
}

const struct tw_trainer_choice tw_trainer_choices[] = {
    {"dataset", dataset_word},         {"activation", activation_word},
    {"initializer", initializer_word}, {"loss", loss_word},
    {"optimizer", optimizer_word},     {"schedule", schedule_word},
    {"precision", precision_word},
};
const size_t tw_trainer_n_choices = sizeof tw_trainer_choices / sizeof *tw_trainer_choices;

static int unknown_word(const char *option, const char *typed, struct tw_error *error)
{
    char known[256] = "";
    for (size_t i = 0; i < tw_trainer_n_choices; i++) {
        const struct tw_trainer_choice *choice = &tw_trainer_choices[i];
        for (size_t j = 0; !strcmp(choice->option, option) && choice->word(j).name; j++) {
            size_t used = strlen(known);
            snprintf(known + used, sizeof known - used, "%s%s", j ? ", " : "",
                     choice->word(j).name);
        }
    }
    return tw_error_set(error, -EINVAL, "%s: '%s' is none of %s", option, typed, known);
}

static int resolve_names(const struct tw_trainer_config *config, struct tw_trainer_plan *plan,
                         struct tw_error *error)
{
    plan->dataset = tw_dataset_find(config->dataset);
    plan->activation = tw_layer_type_find(config->activation);
    plan->loss = config->loss ? tw_loss_find(config->loss) : NULL;
    plan->optimizer = tw_optimizer_find(config->optimizer);
    plan->precision = tw_precision_find(config->precision);
    plan->schedule = tw_schedule_find(config->schedule);
    if (!plan->dataset)
        return unknown_word("dataset", config->dataset, error);
    if (!plan->activation || !plan->activation->is_activation)
        return unknown_word("activation", config->activation, error);
    if (!plan->loss && config->loss)
        return unknown_word("loss", config->loss, error);
    if (!plan->optimizer)
        return unknown_word("optimizer", config->optimizer, error);
    if (!plan->precision)
        return unknown_word("precision", config->precision, error);
    if (!plan->schedule)
        return unknown_word("schedule", config->schedule, error);
    const char *initializer =
        config->initializer ? config->initializer : plan->activation->initializer;
    plan->initializer = tw_initializer_find(initializer);
    return plan->initializer ? 0 : unknown_word("initializer", initializer, error);
}

static int resolve_hidden(const char *text, struct tw_trainer_plan *plan, struct tw_error *error)
{
    plan->n_hidden = 0;
    if (!strcmp(text, "none"))
        return 0;
    for (const char *at = text;; at++) {
        char *end;
        unsigned long units = *at >= '0' && *at <= '9' ? strtoul(at, &end, 10) : 0;
        if (units < 1 || units > UNITS_MAX || (*end && *end != ','))
            return tw_error_set(error, -EINVAL,
                                "hidden: '%s' is no list of sizes from 1 to %d such as 64,32", text,
                                UNITS_MAX);
        if (plan->n_hidden == TW_MODEL_HIDDEN_MAX)
            return tw_error_set(error, -E2BIG, "hidden: more than %d layers", TW_MODEL_HIDDEN_MAX);
        plan->hidden[plan->n_hidden++] = units;
        at = end;
        if (!*at)
            return 0;
    }
}

/* A setting that the optimizer does not have is a mistake, not something to pass over: whoever sets
 * it expects an effect. */
static int check_optimizer_settings(const struct tw_trainer_config *config,
                                    const struct tw_optimizer *optimizer, struct tw_error *error)
{
    const struct {
        const char *option;
        bool is_set;
        unsigned uses;
    } settings[] = {
        {"momentum", !isnan(config->momentum), TW_USES_MOMENTUM},
        {"nesterov", config->nesterov, TW_USES_MOMENTUM},
        {"beta1", !isnan(config->beta1), TW_USES_BETAS},
        {"beta2", !isnan(config->beta2), TW_USES_BETAS},
        {"epsilon", !isnan(config->epsilon), TW_USES_BETAS},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (settings[i].is_set && !(optimizer->uses & settings[i].uses))
            return tw_error_set(error, -EINVAL, "%s: the optimizer %s has none", settings[i].option,
                                optimizer->name);
    }
    return 0;
}

static int resolve_data(const struct tw_trainer_config *config, struct tw_trainer_plan *plan,
                        struct tw_error *error)
{
    const struct tw_dataset *dataset = plan->dataset;
    plan->dataset_config = (struct tw_dataset_config){
        .path = tw_dataset_path(config->dataset),
        .target = config->target,
        .task = (enum tw_task)config->task,
        .validation_fraction = config->validation_fraction,
    };
    plan->data_changes = (struct tw_data_changes){
        .train_samples = config->train_samples,
        .label_noise = config->label_noise,
        .standardize =
            config->standardize ? (enum tw_standardize)config->standardize : dataset->standardize,
    };
    bool has_path = plan->dataset_config.path && *plan->dataset_config.path;
    if (dataset->needs_path && !has_path)
        return tw_error_set(error, -EINVAL, "dataset: %s needs a path behind it: %s:PATH",
                            dataset->name, dataset->name);
    if (!dataset->needs_path && has_path)
        return tw_error_set(error, -EINVAL, "dataset: %s is built in and takes no path",
                            dataset->name);
    if (!dataset->has_columns && (config->target || config->task != TW_TASK_AUTO))
        return tw_error_set(error, -EINVAL, "%s: this is of csv, and %s has no columns to choose",
                            config->target ? "target" : "task", dataset->name);
    return 0;
}

static int check_initializer_settings(const struct tw_trainer_config *config,
                                      const struct tw_initializer *initializer,
                                      struct tw_error *error)
{
    if (!isnan(config->init_std) && !initializer->uses_std)
        return tw_error_set(error, -EINVAL, "init_std: the initializer %s has none",
                            initializer->name);
    return 0;
}

static int check_resume_settings(const struct tw_trainer_config *config, struct tw_error *error)
{
    bool resumes = config->resume || config->resume_from;
    if (resumes && !config->run_dir)
        return tw_error_set(error, -EINVAL, "resume: this needs a run directory");
    if (config->reset_optimizer && !resumes)
        return tw_error_set(error, -EINVAL,
                            "reset_optimizer: there is nothing to reset without a "
                            "resume");
    return 0;
}

static double or_else(double value, double otherwise)
{
    return isnan(value) ? otherwise : value;
}

int tw_trainer_config_resolve(const struct tw_trainer_config *config, struct tw_trainer_plan *ret,
                              struct tw_error *error)
{
    struct tw_trainer_plan plan = {0};
    int result = resolve_names(config, &plan, error);
    if (!result)
        result = check_resume_settings(config, error);
    if (!result)
        result = resolve_data(config, &plan, error);
    if (!result)
        result = resolve_hidden(config->hidden, &plan, error);
    if (!result)
        result = check_optimizer_settings(config, plan.optimizer, error);
    if (!result)
        result = check_initializer_settings(config, plan.initializer, error);
    if (result)
        return result;
    plan.initializer_config = (struct tw_initializer_config){
        .std = or_else(config->init_std, .05),
        .gain = config->init_gain,
        .bias = config->init_bias,
    };
    plan.initial_loss_scale =
        or_else(config->initial_loss_scale, plan.precision->initial_loss_scale);
    plan.learning_rate = or_else(config->learning_rate, plan.optimizer->learning_rate);
    plan.optimizer_config = (struct tw_optimizer_config){
        .weight_decay = config->weight_decay,
        .momentum = or_else(config->momentum, .9),
        .nesterov = config->nesterov,
        .beta1 = or_else(config->beta1, .9),
        .beta2 = or_else(config->beta2, .999),
        .epsilon = or_else(config->epsilon, 1e-8),
    };
    *ret = plan;
    return 0;
}
