/* Whole trainings: what is learnt, what is told, what is kept, and that all of it is repeatable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trainer/checkpoint.h"
#include "trainer/checkpoint_list.h"
#include "trainer/recorder.h"
#include "trainer/trainer.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void set(struct tw_trainer_config *config, const char *name, const char *value)
{
    struct tw_error error = {0};
    const struct tw_option *option = tw_option_find(tw_trainer_options, tw_trainer_n_options, name);
    assert_non_null(option);
    if (tw_option_set(option, config, value, &error))
        fail_msg("%s", error.text);
}

static struct tw_trainer_config defaults(void)
{
    struct tw_trainer_config config = {0};
    assert_int_equal(tw_options_initialise(tw_trainer_options, tw_trainer_n_options, &config, NULL),
                     0);
    return config;
}

static void release(struct tw_trainer_config *config)
{
    tw_options_release(tw_trainer_options, tw_trainer_n_options, config);
}

/* ---- a hook that remembers ---- */

#define EVENTS_MAX 20000

struct seen {
    size_t n, of_kind[6];
    enum tw_kind kinds[EVENTS_MAX];
    uint64_t steps[EVENTS_MAX];
    double losses[EVENTS_MAX];
    double last_accuracy, train_loss, loss_sum;
    struct tw_record header, layers, step, eval, end;
    char first_event[32];
    uint64_t stop_at;
    enum tw_trainer_order order;
};

static void remember(void *closure, struct tw_record *record)
{
    struct seen *seen = closure;
    assert_true(record->has & TW_HAS_TIME && record->time_ms > 1600000000000);
    assert_true(seen->n < EVENTS_MAX);
    seen->kinds[seen->n] = record->kind;
    seen->steps[seen->n] = record->step;
    seen->losses[seen->n++] = record->signal[TW_SIGNAL_LOSS];
    seen->of_kind[record->kind]++;
    struct tw_record *copy = record->kind == TW_KIND_HEADER   ? &seen->header
                             : record->kind == TW_KIND_LAYERS ? &seen->layers
                             : record->kind == TW_KIND_STEP   ? &seen->step
                             : record->kind == TW_KIND_EVAL   ? &seen->eval
                             : record->kind == TW_KIND_END    ? &seen->end
                                                              : NULL;
    if (copy)
        assert_int_equal(tw_record_copy(copy, record), 0);
    if (record->kind == TW_KIND_EVENT && seen->of_kind[TW_KIND_EVENT] == 1)
        memcpy(seen->first_event, record->event, sizeof seen->first_event);
    if (record->kind == TW_KIND_EVAL) {
        seen->last_accuracy = record->metrics[0].value;
        seen->train_loss = record->signal[TW_SIGNAL_TRAIN_LOSS];
    }
}

static enum tw_trainer_order decide(void *closure)
{
    const struct seen *seen = closure;
    return seen->stop_at && seen->steps[seen->n - 1] >= seen->stop_at ? seen->order
                                                                      : TW_TRAINER_GO_ON;
}

static struct seen *train(const struct tw_trainer_config *config, struct tw_trainer_result *result,
                          uint64_t stop_at, enum tw_trainer_order order)
{
    struct seen *seen = calloc(1, sizeof *seen);
    struct tw_error error = {0};
    struct tw_trainer_hooks hooks = {remember, decide, seen};
    assert_non_null(seen);
    tw_record_init(&seen->header);
    tw_record_init(&seen->layers);
    tw_record_init(&seen->step);
    tw_record_init(&seen->eval);
    tw_record_init(&seen->end);
    seen->stop_at = stop_at;
    seen->order = order;
    if (tw_trainer_run(config, &hooks, result, &error))
        fail_msg("%s", error.text);
    return seen;
}

static void forget(struct seen *seen)
{
    tw_record_clear(&seen->header);
    tw_record_clear(&seen->layers);
    tw_record_clear(&seen->step);
    tw_record_clear(&seen->eval);
    tw_record_clear(&seen->end);
    free(seen);
}

/* ---- learning ---- */

static double number(const struct seen *seen, const char *name)
{
    const struct tw_hyperparameter *found = tw_header_find(seen->header.header, name);
    return found && !found->is_text ? found->number : -1;
}

static const char *text(const struct seen *seen, const char *name)
{
    const struct tw_hyperparameter *found = tw_header_find(seen->header.header, name);
    return found && found->is_text ? found->text : "";
}

static void the_defaults_learn_the_digits(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_trainer_result result;
    (void)state;
    struct seen *seen = train(&config, &result, 0, TW_TRAINER_GO_ON);
    assert_int_equal(result.status, TW_END_COMPLETED);
    assert_true(result.eval_accuracy >= .95);
    assert_true(result.eval_accuracy == seen->last_accuracy);
    forget(seen);
    release(&config);
}

static void every_optimizer_activation_and_schedule_learns(void **state)
{
    (void)state;
    for (size_t c = 0; c < tw_trainer_n_choices; c++) {
        if (!strcmp(tw_trainer_choices[c].option, "dataset"))
            continue; /* the digits have been learnt; the others are no digits */
        for (size_t i = 0; tw_trainer_choices[c].word(i).name; i++) {
            struct tw_trainer_config config = defaults();
            struct tw_trainer_result result;
            set(&config, tw_trainer_choices[c].option, tw_trainer_choices[c].word(i).name);
            forget(train(&config, &result, 0, TW_TRAINER_GO_ON));
            assert_true(result.eval_accuracy >= .9);
            release(&config);
        }
    }
}

/* A linear model explains about half of the variance (B. Efron et al., "Least Angle Regression",
 * table 1 and section 1: R^2 .52 on all rows); knowing nothing is 0. */
static void a_number_is_learnt_with_mean_squared_error(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    set(&config, "dataset", "diabetes");
    set(&config, "hidden", "none");
    set(&config, "learning_rate", "0.01");
    set(&config, "epochs", "60");
    struct seen *seen = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    assert_string_equal(text(seen, "loss"), "mse");
    assert_true(fabs(number(seen, "target_variance") - 1) < 1e-6); /* standardized */
    assert_null(tw_header_find(seen->header.header, "label_entropy"));
    assert_int_equal(seen->header.header->dataset_classes, 0);
    assert_int_equal(seen->eval.n_metrics, 2);
    assert_string_equal(seen->eval.metrics[0].name, "mae");
    assert_string_equal(seen->eval.metrics[1].name, "r2");
    double r2 = seen->eval.metrics[1].value;
    assert_true(r2 > .35 && r2 < .65);
    assert_true(seen->eval.metrics[0].value > .4 && seen->eval.metrics[0].value < .8);
    forget(seen);
    release(&config);
}

static void tumours_are_told_apart(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_trainer_result result;
    (void)state;
    set(&config, "dataset", "breast_cancer");
    forget(train(&config, &result, 0, TW_TRAINER_GO_ON));
    assert_true(result.eval_accuracy >= .93);
    release(&config);
}

static void a_loss_for_classes_is_refused_where_there_are_none(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_error error = {0};
    struct tw_trainer_hooks hooks = {remember, NULL, NULL};
    (void)state;
    set(&config, "dataset", "diabetes");
    set(&config, "loss", "softmax_cross_entropy");
    assert_true(tw_trainer_run(&config, &hooks, NULL, &error) < 0);
    assert_non_null(strstr(error.text, "is for classes"));
    release(&config);
}

static void a_network_without_hidden_layers_is_softmax_regression(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_trainer_result result;
    (void)state;
    set(&config, "hidden", "none");
    struct seen *seen = train(&config, &result, 0, TW_TRAINER_GO_ON);
    assert_int_equal(seen->header.header->n_layers, 1);
    assert_int_equal(seen->header.header->layers[0].parameters, 650);
    assert_true(result.eval_accuracy >= .85);
    forget(seen);
    release(&config);
}

/* ---- repeating ---- */

static void the_same_seed_gives_the_same_losses_bit_for_bit(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    set(&config, "epochs", "5");
    struct seen *first = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    struct seen *second = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    assert_int_equal(first->n, second->n);
    assert_memory_equal(first->losses, second->losses, first->n * sizeof *first->losses);
    set(&config, "seed", "2");
    struct seen *third = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    assert_true(memcmp(first->losses, third->losses, first->n * sizeof *first->losses) != 0);
    forget(first);
    forget(second);
    forget(third);
    release(&config);
}

/* Two at once cannot lie at the same addresses. */
static void dropout_batch_norm_and_halves_repeat_too(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    set(&config, "epochs", "3");
    set(&config, "dropout", "0.2");
    set(&config, "batch_norm", "true");
    set(&config, "precision", "fp16");
    struct seen *first = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    struct seen *second = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    assert_memory_equal(first->losses, second->losses, first->n * sizeof *first->losses);
    forget(first);
    forget(second);
    release(&config);
}

/* Dropout draws from a stream of its own: the weights and the order stay those of the seed. */
static void dropout_changes_neither_weights_nor_order(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_training plain, dropped;
    (void)state;
    assert_int_equal(tw_training_init(&plain, &config, NULL), 0);
    set(&config, "dropout", "0.5");
    assert_int_equal(tw_training_init(&dropped, &config, NULL), 0);
    assert_memory_equal(plain.model.parameters, dropped.model.parameters,
                        plain.model.n_parameters * sizeof(float));
    for (int i = 0; i < 50; i++) { /* into the second epoch */
        tw_training_step(&plain);
        tw_training_step(&dropped);
        assert_memory_equal(plain.batch_labels, dropped.batch_labels, plain.n_batch);
    }
    assert_true(tw_training_validate(&plain).loss != tw_training_validate(&dropped).loss);
    tw_training_release(&plain);
    tw_training_release(&dropped);
    release(&config);
}

/* 1,437 samples in batches of 359 are four and one sample, which has no deviation. */
static void batch_norm_takes_no_batch_of_one(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_training training;
    (void)state;
    set(&config, "batch_size", "359");
    assert_int_equal(tw_training_init(&training, &config, NULL), 0);
    assert_int_equal(training.steps_per_epoch, 5);
    tw_training_release(&training);
    set(&config, "batch_norm", "true");
    assert_int_equal(tw_training_init(&training, &config, NULL), 0);
    assert_int_equal(training.steps_per_epoch, 4);
    for (int i = 0; i < 8; i++) {
        tw_training_step(&training);
        assert_int_equal(training.n_batch, 359);
        assert_int_equal(tw_training_epoch_is_over(&training), i % 4 == 3);
    }
    assert_int_equal(training.epoch, 2);
    tw_training_release(&training);
    release(&config);
}

static void two_trainings_side_by_side_are_the_same(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_training first, second;
    (void)state;
    assert_int_equal(tw_training_init(&first, &config, NULL), 0);
    assert_int_equal(tw_training_init(&second, &config, NULL), 0);
    for (int i = 0; i < 100; i++) {
        struct tw_step_figures expected = tw_training_step(&first);
        struct tw_step_figures figures = tw_training_step(&second);
        assert_true(figures.loss == expected.loss);
        assert_true(figures.grad_norm == expected.grad_norm);
    }
    assert_memory_equal(first.model.parameters, second.model.parameters,
                        first.model.n_parameters * sizeof(float));
    tw_training_release(&first);
    tw_training_release(&second);
    release(&config);
}

/* ---- telling ---- */

static void records_come_in_the_order_of_a_run(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_trainer_result result;
    (void)state;
    set(&config, "epochs", "2");
    struct seen *seen = train(&config, &result, 0, TW_TRAINER_GO_ON);
    assert_int_equal(seen->kinds[0], TW_KIND_HEADER);
    assert_int_equal(seen->kinds[seen->n - 1], TW_KIND_END);
    assert_int_equal(seen->end.status, TW_END_COMPLETED);
    /* ceil(1437 / 32) = 45 steps an epoch; layers at 1, 10, 20, ... 90. */
    assert_int_equal(seen->of_kind[TW_KIND_HEADER], 1);
    assert_int_equal(seen->of_kind[TW_KIND_STEP], 90);
    assert_int_equal(seen->of_kind[TW_KIND_LAYERS], 10);
    assert_int_equal(seen->of_kind[TW_KIND_EVAL], 2);
    assert_int_equal(seen->of_kind[TW_KIND_EVENT], 0); /* no run directory, no checkpoints */
    assert_int_equal(seen->of_kind[TW_KIND_END], 1);
    assert_int_equal(result.samples, 2 * 1437);
    uint64_t last = 0;
    double sum = 0;
    for (size_t i = 0; i < seen->n; i++) {
        assert_true(seen->steps[i] >= last);
        last = seen->steps[i];
        if (seen->kinds[i] == TW_KIND_STEP && seen->steps[i] > 45)
            sum += seen->losses[i];
    }
    assert_true(fabs(seen->train_loss - sum / 45) < 1e-12);
    forget(seen);
    release(&config);
}

static void the_header_tells_what_was_asked_for(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    set(&config, "optimizer", "sgd");
    set(&config, "momentum", "0.8");
    set(&config, "learning_rate", "0.04");
    set(&config, "hidden", "20,12");
    set(&config, "activation", "tanh");
    set(&config, "max_grad_norm", "1.5");
    set(&config, "warmup_steps", "7");
    set(&config, "schedule", "linear");
    set(&config, "max_steps", "12");
    set(&config, "dropout", "0.25");
    set(&config, "batch_norm", "true");
    set(&config, "precision", "bf16");
    set(&config, "initializer", "normal");
    set(&config, "init_std", "0.3");
    set(&config, "init_gain", "1.25");
    set(&config, "init_bias", "-0.5");
    set(&config, "feature_scale", "16");
    struct seen *seen = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    const struct tw_header *header = seen->header.header;
    assert_string_equal(text(seen, "optimizer"), "sgd");
    assert_string_equal(text(seen, "schedule"), "linear");
    assert_string_equal(text(seen, "precision"), "bf16");
    assert_string_equal(text(seen, "initializer"), "normal");
    assert_true(number(seen, "dropout") == .25 && number(seen, "batch_norm") == 1);
    assert_true(number(seen, "init_std") == .3 && number(seen, "init_gain") == 1.25);
    assert_true(number(seen, "init_bias") == -.5 && number(seen, "feature_scale") == 16);
    assert_null(tw_header_find(header, "initial_loss_scale")); /* bf16 needs no loss scaling */
    assert_true(number(seen, "momentum") == .8);
    assert_true(number(seen, "learning_rate") == .04);
    assert_true(number(seen, "max_grad_norm") == 1.5);
    assert_true(number(seen, "warmup_steps") == 7);
    assert_true(number(seen, "batch_size") == 32);
    assert_true(number(seen, "max_steps") == 12);
    assert_true(number(seen, "weight_decay") == 0);
    assert_null(tw_header_find(header, "beta1")); /* sgd has none */
    assert_string_equal(header->framework, "trainward-train");
    assert_string_equal(header->objective, "supervised");
    assert_string_equal(header->dataset_name, "digits");
    assert_int_equal(header->dataset_samples, 1437);
    assert_int_equal(header->dataset_eval_samples, 360);
    assert_int_equal(header->dataset_classes, 10);
    assert_string_equal(text(seen, "standardize"), "none");
    assert_int_equal(header->n_layers, 3);
    assert_string_equal(header->layers[0].activation, "tanh");
    assert_string_equal(header->layers[2].activation, "none");
    assert_int_equal(header->layers[1].fan_in, 20);
    assert_int_equal(header->layers[1].units, 12);
    assert_int_equal(header->layers[1].parameters, 20 * 12 + 12 + 2 * 12); /* gamma, beta */
    forget(seen);
    release(&config);
}

static void a_step_tells_its_figures(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    set(&config, "optimizer", "sgd");
    set(&config, "momentum", "0");
    set(&config, "learning_rate", "0.01");
    set(&config, "warmup_steps", "8");
    set(&config, "max_steps", "4");
    struct seen *seen = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    const double *signal = seen->step.signal;
    assert_int_equal(seen->step.step, 4);
    assert_true(fabs(signal[TW_SIGNAL_LEARNING_RATE] - .005) < 1e-15);
    /* Plain gradient descent: the update is the learning rate times the gradient. */
    assert_true(fabs(signal[TW_SIGNAL_UPDATE_NORM] / (.005 * signal[TW_SIGNAL_GRAD_NORM]) - 1) <
                1e-4);
    assert_int_equal(seen->step.grad_norm_kind, TW_GRAD_NORM_PRE_CLIP);
    assert_true(signal[TW_SIGNAL_SAMPLES] == 128);
    assert_true(fabs(signal[TW_SIGNAL_EPOCH] - 128. / 1437) < 1e-12);
    assert_true(signal[TW_SIGNAL_STEP_SECONDS] > 0 && signal[TW_SIGNAL_STEP_SECONDS] < 1);
    assert_true(signal[TW_SIGNAL_WEIGHT_NORM] > 1);
    forget(seen);
    release(&config);
}

static void clipping_limits_the_update_and_not_the_norm_that_is_told(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    set(&config, "optimizer", "sgd");
    set(&config, "momentum", "0");
    set(&config, "learning_rate", "0.5");
    set(&config, "schedule", "constant");
    set(&config, "max_grad_norm", "0.001");
    set(&config, "max_steps", "3");
    struct seen *seen = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    assert_true(seen->step.signal[TW_SIGNAL_GRAD_NORM] > .1);
    assert_true(fabs(seen->step.signal[TW_SIGNAL_UPDATE_NORM] / .0005 - 1) < .01);
    forget(seen);
    release(&config);
}

static double norm_of_layers(const struct seen *seen, enum tw_layer_column column)
{
    double squares = 0;
    for (uint32_t i = 0; i < seen->layers.layers->n; i++)
        squares += pow((double)seen->layers.layers->column[column][i], 2);
    return sqrt(squares);
}

static void layers_add_up_to_the_run(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    set(&config, "layers_every", "1");
    set(&config, "max_steps", "44");
    struct seen *seen = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    const struct tw_layers *layers = seen->layers.layers;
    const double *signal = seen->step.signal;
    assert_true(layers->header_hash == tw_header_hash(seen->header.header));
    assert_int_equal(layers->n, 3);
    assert_true(fabs(norm_of_layers(seen, TW_LAYER_GRAD_NORM) / signal[TW_SIGNAL_GRAD_NORM] - 1) <
                1e-6);
    assert_true(fabs(norm_of_layers(seen, TW_LAYER_UPDATE_NORM) / signal[TW_SIGNAL_UPDATE_NORM] -
                     1) < 1e-6);
    assert_true(fabs(norm_of_layers(seen, TW_LAYER_WEIGHT_NORM) / signal[TW_SIGNAL_WEIGHT_NORM] -
                     1) < 1e-6);
    /* Rectified: some zeros, never below 0. The output layer is not rectified and cannot die. */
    assert_true(layers->column[TW_LAYER_ZERO_FRACTION][0] > .05f);
    assert_true(layers->column[TW_LAYER_ZERO_FRACTION][0] < .95f);
    assert_true(layers->column[TW_LAYER_ACTIVATION_MEAN][0] > 0);
    assert_true(layers->column[TW_LAYER_DEAD_FRACTION][0] < .5f); /* measured: 1,408 samples */
    assert_true(isnan(layers->column[TW_LAYER_DEAD_FRACTION][2]));
    assert_null(layers->column[TW_LAYER_SATURATED_FRACTION]); /* relu has none */
    assert_true(layers->column[TW_LAYER_NONFINITE][0] == 0);
    forget(seen);
    release(&config);
}

static void dead_units_are_told_after_a_thousand_samples(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    /* One step of this rate drives nearly all rectifiers to 0 for good. */
    set(&config, "optimizer", "sgd");
    set(&config, "learning_rate", "5");
    set(&config, "max_steps", "31"); /* 992 samples */
    set(&config, "layers_every", "1");
    struct seen *early = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    assert_null(early->layers.layers->column[TW_LAYER_DEAD_FRACTION]);
    set(&config, "max_steps", "60");
    struct seen *late = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    assert_true(late->layers.layers->column[TW_LAYER_DEAD_FRACTION][1] > .9f);
    forget(early);
    forget(late);
    release(&config);
}

static void saturated_activations_are_told(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    set(&config, "activation", "tanh");
    set(&config, "optimizer", "sgd");
    set(&config, "learning_rate", "3");
    set(&config, "max_steps", "20");
    struct seen *seen = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    assert_true(seen->layers.layers->column[TW_LAYER_SATURATED_FRACTION][0] > .8f);
    assert_true(isnan(seen->layers.layers->column[TW_LAYER_SATURATED_FRACTION][2]));
    forget(seen);
    release(&config);
}

static void train_measuring(struct tw_training *training, const char *optimizer,
                            const char *activation, enum tw_measure measure)
{
    struct tw_trainer_config config = defaults();
    set(&config, "optimizer", optimizer);
    set(&config, "activation", activation);
    set(&config, "hidden", "37,19");
    assert_int_equal(tw_training_init(training, &config, NULL), 0);
    training->measure = measure;
    for (int i = 0; i < 60; i++)
        tw_training_step(training);
    release(&config);
}

static void measuring_changes_no_bit_of_the_training(void **state)
{
    static const char *const optimizers[] = {"adam", "adamw", "sgd"};
    static const char *const activations[] = {"relu", "tanh", "gelu"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct tw_training watched, unwatched;
        train_measuring(&watched, optimizers[i], activations[i], TW_MEASURE_LAYERS);
        train_measuring(&unwatched, optimizers[i], activations[i], TW_MEASURE_NOTHING);
        assert_memory_equal(watched.model.parameters, unwatched.model.parameters,
                            watched.model.n_parameters * sizeof(float));
        tw_training_release(&watched);
        tw_training_release(&unwatched);
    }
}

/* 29 of 32 samples are 90.6 %, 28 are 87.5 %: the first unit counts, the second does not. */
static void a_unit_is_saturated_where_nine_tenths_of_the_samples_are(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_training training;
    struct tw_record record;
    (void)state;
    set(&config, "activation", "sigmoid");
    set(&config, "hidden", "2");
    assert_int_equal(tw_training_init(&training, &config, NULL), 0);
    tw_training_step(&training);
    for (size_t i = 0; i < 32; i++) {
        training.model.outputs[1][2 * i] = i < 29 ? .99f : .5f;
        training.model.outputs[1][2 * i + 1] = i < 28 ? .01f : .5f;
    }
    tw_record_init(&record);
    assert_int_equal(tw_recorder_layers(&record, &training, 0), 0);
    float *const *column = record.layers->column;
    assert_true(column[TW_LAYER_SATURATED_UNITS_FRACTION][0] == .5f);
    assert_true(column[TW_LAYER_SATURATED_FRACTION][0] == 57.f / 64);
    assert_true(isnan(column[TW_LAYER_SATURATED_UNITS_FRACTION][1]));
    tw_record_clear(&record);
    tw_training_release(&training);
    release(&config);
}

static const struct tw_layers *start(struct seen **seen, const char *activation, const char *option,
                                     const char *value)
{
    struct tw_trainer_config config = defaults();
    set(&config, "activation", activation);
    set(&config, option, value);
    set(&config, "epochs", "1");
    *seen = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    release(&config);
    return (*seen)->layers.layers;
}

static void a_bad_start_saturates_tanh_and_kills_relu(void **state)
{
    struct seen *seen;
    (void)state;
    const struct tw_layers *layers = start(&seen, "tanh", "init_gain", "100");
    assert_true(layers->column[TW_LAYER_SATURATED_UNITS_FRACTION][1] > .5f);
    forget(seen);
    layers = start(&seen, "tanh", "init_gain", "1");
    assert_true(layers->column[TW_LAYER_SATURATED_UNITS_FRACTION][1] < .1f);
    forget(seen);
    layers = start(&seen, "relu", "init_bias", "-5");
    assert_true(layers->column[TW_LAYER_DEAD_FRACTION][0] == 1);
    assert_true(layers->column[TW_LAYER_DEAD_FRACTION][1] == 1);
    assert_true(layers->column[TW_LAYER_GRAD_NORM][0] == 0);
    forget(seen);
    layers = start(&seen, "leaky_relu", "init_bias", "-5");
    assert_null(layers->column[TW_LAYER_DEAD_FRACTION]); /* it still learns */
    assert_true(layers->column[TW_LAYER_GRAD_NORM][0] > 0);
    forget(seen);
}

/* A unit that dropout drops has fired all the same: with .9 dropped, one of 32 samples keeps any
 * given unit with probability 1 - .9^32, and no unit is dead. */
static void dropout_is_no_death(void **state)
{
    struct seen *plain, *dropped;
    (void)state;
    float expected = start(&plain, "relu", "dropout", "0")->column[TW_LAYER_DEAD_FRACTION][0];
    float figure = start(&dropped, "relu", "dropout", "0.9")->column[TW_LAYER_DEAD_FRACTION][0];
    assert_true(fabsf(figure - expected) < .05f);
    forget(plain);
    forget(dropped);
}

static void nan_is_told_and_does_not_stop_the_run(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_trainer_result result;
    (void)state;
    set(&config, "hidden", "64,64,64,64");
    set(&config, "optimizer", "sgd");
    set(&config, "learning_rate", "1e6");
    set(&config, "max_steps", "50");
    struct seen *seen = train(&config, &result, 0, TW_TRAINER_GO_ON);
    assert_int_equal(result.status, TW_END_COMPLETED);
    assert_int_equal(result.steps, 50);
    assert_true(isnan(seen->step.signal[TW_SIGNAL_LOSS]));
    assert_true(isnan(seen->step.signal[TW_SIGNAL_GRAD_NORM]));
    assert_true(seen->layers.layers->column[TW_LAYER_NONFINITE][4] > 0);
    assert_true(isinf(seen->layers.layers->column[TW_LAYER_WEIGHT_NORM][4]));
    assert_true(tw_record_is_nonfinite(&seen->step));
    forget(seen);
    release(&config);
}

static void an_order_stops_the_run_after_the_step(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_trainer_result result;
    (void)state;
    struct seen *seen = train(&config, &result, 17, TW_TRAINER_INTERRUPT);
    assert_int_equal(result.status, TW_END_INTERRUPTED);
    assert_int_equal(result.steps, 17);
    assert_int_equal(seen->end.status, TW_END_INTERRUPTED);
    assert_int_equal(seen->end.step, 17);
    forget(seen);
    seen = train(&config, &result, 18, TW_TRAINER_FAIL);
    assert_int_equal(seen->end.status, TW_END_FAILED);
    forget(seen);
    release(&config);
}

/* ---- settings ---- */

static void impossible_settings_are_refused_before_anything_runs(void **state)
{
    static const struct {
        const char *name, *value, *words;
    } wrong[] = {
        {"optimizer", "adan", "optimizer: 'adan' is none of adam, adamw, sgd"},
        {"activation", "linear",
         "activation: 'linear' is none of relu, leaky_relu, gelu, tanh, "
         "sigmoid"},
        {"precision", "fp8", "precision: 'fp8' is none of fp32, bf16, fp16"},
        {"init_std", "0.5", "init_std: the initializer he has none"},
        {"momentum", "0.5", "momentum: the optimizer adam has none"},
        {"hidden", "64,,32", "hidden: '64,,32' is no list"},
        {"hidden", "0", "hidden: '0' is no list"},
        {"hidden", "", "hidden: '' is no list"},
        {"hidden", "64,", "hidden: '64,' is no list"},
        {"hidden", "1000000", "hidden: '1000000' is no list"},
        {"hidden", "99999999999999999999", "is no list"},
        {"hidden", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
         "hidden: more than 32 layers"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct tw_trainer_config config = defaults();
        struct tw_trainer_plan plan;
        struct tw_error error = {0};
        set(&config, wrong[i].name, wrong[i].value);
        assert_true(tw_trainer_config_resolve(&config, &plan, &error) < 0);
        if (!strstr(error.text, wrong[i].words))
            fail_msg("'%s' instead of '%s'", error.text, wrong[i].words);
        release(&config);
    }
}

static void a_network_too_large_is_an_error(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_error error = {0};
    struct tw_trainer_hooks hooks = {remember, NULL, NULL};
    (void)state;
    set(&config, "hidden", "65536,65536,65536");
    assert_true(tw_trainer_run(&config, &hooks, NULL, &error) < 0);
    assert_non_null(strstr(error.text, "too many"));
    release(&config);
}

/* ---- checkpoints ---- */

static char *new_directory(void)
{
    char *dir = strdup("/tmp/trainward-test-XXXXXX");
    assert_non_null(dir);
    assert_non_null(mkdtemp(dir));
    return dir;
}

static void remove_directory(char *dir)
{
    char path[600];
    snprintf(path, sizeof path, "%s/checkpoints", dir);
    DIR *listing = opendir(path);
    struct dirent *entry;
    while (listing && (entry = readdir(listing))) {
        snprintf(path, sizeof path, "%s/checkpoints/%s", dir, entry->d_name);
        unlink(path);
    }
    if (listing)
        closedir(listing);
    snprintf(path, sizeof path, "%s/checkpoints", dir);
    rmdir(path);
    rmdir(dir);
    free(dir);
}

static bool has_checkpoint(const char *dir, unsigned step)
{
    char path[300];
    snprintf(path, sizeof path, "%s/checkpoints/step-%u.bin", dir, step);
    return !access(path, F_OK);
}

static size_t count_checkpoints(const char *dir)
{
    char path[300];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/checkpoints", dir);
    DIR *listing = opendir(path);
    assert_non_null(listing);
    for (struct dirent *entry; (entry = readdir(listing));)
        n += entry->d_name[0] != '.';
    closedir(listing);
    return n;
}

/* The directory goes after the first validation, and comes back before the third. */
struct moving {
    char from[300], to[310];
    unsigned validations, checkpoints;
};

static void move_checkpoints(void *closure, struct tw_record *record)
{
    struct moving *moving = closure;
    moving->checkpoints += record->kind == TW_KIND_EVENT && !strcmp(record->event, "checkpoint");
    if (record->kind != TW_KIND_EVAL)
        return;
    moving->validations++;
    if (moving->validations == 2)
        assert_int_equal(rename(moving->from, moving->to), 0);
    if (moving->validations == 4)
        assert_int_equal(rename(moving->to, moving->from), 0);
}

static void checkpoints_that_cannot_be_written_cost_no_training(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_trainer_result result;
    struct tw_error error = {0};
    struct moving moving = {0};
    struct tw_trainer_hooks hooks = {move_checkpoints, NULL, &moving};
    char *dir = new_directory();
    (void)state;
    snprintf(moving.from, sizeof moving.from, "%s/checkpoints", dir);
    snprintf(moving.to, sizeof moving.to, "%s/elsewhere", dir);
    set(&config, "run_dir", dir);
    set(&config, "max_steps", "50");
    set(&config, "eval_every", "10");
    assert_int_equal(tw_trainer_run(&config, &hooks, &result, &error), 0);
    assert_int_equal(result.status, TW_END_COMPLETED);
    assert_true(result.steps == 50 && moving.validations == 5 && moving.checkpoints == 3);
    assert_true(result.checkpoints_lost == 2);
    assert_non_null(strstr(result.why_lost.place, "step-20.bin"));
    assert_non_null(strstr(result.why_lost.text, "No such file"));
    assert_true(has_checkpoint(dir, 10) && has_checkpoint(dir, 40) && has_checkpoint(dir, 50));
    assert_false(has_checkpoint(dir, 20));
    release(&config);
    remove_directory(dir);
}

static void the_newest_checkpoints_and_the_best_are_kept(void **state)
{
    struct tw_training training;
    struct tw_checkpoints checkpoints;
    struct tw_trainer_config config = defaults();
    char *dir = new_directory();
    static const double losses[] = {.9, .5, .7, .8, NAN, .6, .4, .45, .47, .48};
    (void)state;
    assert_int_equal(tw_training_init(&training, &config, NULL), 0);
    assert_int_equal(tw_checkpoints_open(&checkpoints, dir, 2, 1, NULL), 0);
    for (unsigned i = 0; i < 10; i++) {
        training.step = i + 1;
        assert_int_equal(tw_checkpoints_save(&checkpoints, &training, losses[i], NULL), 0);
        if (i == 5) { /* best so far: step 2 */
            assert_true(has_checkpoint(dir, 2) && has_checkpoint(dir, 5) && has_checkpoint(dir, 6));
            assert_int_equal(count_checkpoints(dir), 3);
        }
    }
    assert_true(has_checkpoint(dir, 7) && has_checkpoint(dir, 9) && has_checkpoint(dir, 10));
    assert_int_equal(count_checkpoints(dir), 3);
    tw_checkpoints_close(&checkpoints);
    tw_training_release(&training);
    release(&config);
    remove_directory(dir);
}

static void a_run_with_a_directory_saves_at_each_epochs_end(void **state)
{
    struct tw_trainer_config config = defaults();
    char *dir = new_directory();
    (void)state;
    set(&config, "run_dir", dir);
    set(&config, "epochs", "2");
    struct seen *seen = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    assert_true(has_checkpoint(dir, 45) && has_checkpoint(dir, 90));
    assert_int_equal(seen->of_kind[TW_KIND_EVENT], 2);
    forget(seen);
    release(&config);
    remove_directory(dir);
}

static void parameters_with_nan_are_not_saved(void **state)
{
    struct tw_trainer_config config = defaults();
    char *dir = new_directory();
    (void)state;
    set(&config, "run_dir", dir);
    set(&config, "hidden", "64,64,64,64");
    set(&config, "optimizer", "sgd");
    set(&config, "learning_rate", "1e6");
    set(&config, "epochs", "1");
    struct seen *seen = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    assert_int_equal(count_checkpoints(dir), 0);
    assert_int_equal(seen->of_kind[TW_KIND_EVENT], 0);
    forget(seen);
    release(&config);
    remove_directory(dir);
}

static void check_resume(struct tw_trainer_config *config)
{
    struct tw_training first, second;
    struct tw_checkpoints checkpoints;
    char *dir = new_directory(), path[300];
    assert_int_equal(tw_training_init(&first, config, NULL), 0);
    while (first.epoch < 2)
        tw_training_step(&first);
    assert_int_equal(tw_checkpoints_open(&checkpoints, dir, 1, 1, NULL), 0);
    assert_int_equal(tw_checkpoints_save(&checkpoints, &first, .5, NULL), 0);
    snprintf(path, sizeof path, "%s/checkpoints/step-90.bin", dir);

    set(config, "seed", "99"); /* other weights and another order, were they not restored */
    assert_int_equal(tw_training_init(&second, config, NULL), 0);
    assert_int_equal(tw_checkpoint_read(path, &second, NULL), 0);
    assert_int_equal(second.step, 90);
    assert_int_equal(second.loss_scaler.n_clean, first.loss_scaler.n_clean);
    for (int i = 0; i < 60; i++) {
        struct tw_step_figures expected = tw_training_step(&first);
        struct tw_step_figures figures = tw_training_step(&second);
        assert_true(figures.loss == expected.loss);
        assert_true(figures.update_norm == expected.update_norm);
        assert_true(figures.loss_scale == expected.loss_scale);
    }
    assert_true(tw_training_validate(&second).loss == tw_training_validate(&first).loss);
    tw_checkpoints_close(&checkpoints);
    tw_training_release(&first);
    tw_training_release(&second);
    release(config);
    remove_directory(dir);
}

static void a_training_goes_on_from_a_checkpoint_as_if_never_stopped(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    check_resume(&config);
}

/* 2^40 overflows: the first steps are skipped, so that Adam's count of updates is not the step; and
 * the scale doubles at every 13th clean step, so that the count of these is seen too. */
static void masks_running_statistics_and_the_loss_scale_go_on_too(void **state)
{
    struct tw_trainer_config config = defaults();
    (void)state;
    set(&config, "dropout", "0.3");
    set(&config, "batch_norm", "true");
    set(&config, "precision", "fp16");
    set(&config, "initial_loss_scale", "1099511627776");
    set(&config, "loss_scale_window", "13");
    check_resume(&config);
}

static bool tells_dead_units(const struct tw_training *training)
{
    struct tw_record record;
    tw_record_init(&record);
    assert_int_equal(tw_recorder_layers(&record, training, 0), 0);
    bool tells = record.layers->column[TW_LAYER_DEAD_FRACTION] != NULL;
    tw_record_clear(&record);
    return tells;
}

/* 31 steps are 992 samples: what was silent before the checkpoint, the new process cannot know. */
static void dead_units_are_told_a_thousand_samples_after_a_resume(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_training first, second;
    struct tw_checkpoints checkpoints;
    char *dir = new_directory(), path[300];
    (void)state;
    assert_int_equal(tw_training_init(&first, &config, NULL), 0);
    while (first.epoch < 1)
        tw_training_step(&first);
    assert_true(tells_dead_units(&first));
    assert_int_equal(tw_checkpoints_open(&checkpoints, dir, 1, 1, NULL), 0);
    assert_int_equal(tw_checkpoints_save(&checkpoints, &first, .5, NULL), 0);
    snprintf(path, sizeof path, "%s/checkpoints/step-45.bin", dir);
    assert_int_equal(tw_training_init(&second, &config, NULL), 0);
    assert_int_equal(tw_checkpoint_read(path, &second, NULL), 0);
    for (int i = 0; i < 31; i++)
        tw_training_step(&second);
    assert_false(tells_dead_units(&second));
    tw_training_step(&second);
    assert_true(tells_dead_units(&second));
    tw_checkpoints_close(&checkpoints);
    tw_training_release(&first);
    tw_training_release(&second);
    release(&config);
    remove_directory(dir);
}

/* bf16 instead of fp16 is what a rule may ask for: the weights are fp32 in either. */
static void a_checkpoint_is_read_in_another_precision(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_training first, second;
    struct tw_checkpoints checkpoints;
    char *dir = new_directory(), path[300];
    (void)state;
    set(&config, "precision", "fp16");
    assert_int_equal(tw_training_init(&first, &config, NULL), 0);
    tw_training_step(&first);
    assert_int_equal(tw_checkpoints_open(&checkpoints, dir, 1, 1, NULL), 0);
    assert_int_equal(tw_checkpoints_save(&checkpoints, &first, .5, NULL), 0);
    snprintf(path, sizeof path, "%s/checkpoints/step-1.bin", dir);
    set(&config, "precision", "bf16");
    assert_int_equal(tw_training_init(&second, &config, NULL), 0);
    assert_int_equal(tw_checkpoint_read(path, &second, NULL), 0);
    assert_memory_equal(first.model.parameters, second.model.parameters,
                        first.model.n_parameters * sizeof(float));
    assert_true(tw_training_step(&second).loss_scale == 0);
    tw_checkpoints_close(&checkpoints);
    tw_training_release(&first);
    tw_training_release(&second);
    release(&config);
    remove_directory(dir);
}

/* ---- resuming ---- */

/* In the middle of an epoch, with an optimizer that has a state: 45 steps an epoch, checkpoints at
 * 20, 40, ...; interrupted at 47 and resumed at 40. */
static void a_resumed_run_gives_the_losses_of_one_that_never_stopped(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_trainer_result result;
    char *dir = new_directory();
    size_t compared = 0;
    (void)state;
    set(&config, "max_steps", "100");
    set(&config, "eval_every", "20");
    set(&config, "dropout", "0.1");
    struct seen *whole = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    set(&config, "run_dir", dir);
    forget(train(&config, NULL, 47, TW_TRAINER_INTERRUPT));
    set(&config, "resume", "true");
    struct seen *rest = train(&config, &result, 0, TW_TRAINER_GO_ON);
    assert_int_equal(result.resumed_from, 40);
    assert_int_equal(result.steps, 100);
    assert_int_equal(rest->header.header->resumed_from_step, 40);
    assert_int_equal(rest->kinds[1], TW_KIND_EVENT);
    assert_string_equal(rest->first_event, "resume");
    for (size_t i = 0; i < rest->n; i++) {
        for (size_t j = 0; j < whole->n && rest->kinds[i] == TW_KIND_STEP; j++) {
            if (whole->kinds[j] != TW_KIND_STEP || whole->steps[j] != rest->steps[i])
                continue;
            assert_true(whole->losses[j] == rest->losses[i]);
            compared++;
        }
    }
    assert_int_equal(compared, 60);
    assert_true(whole->last_accuracy == rest->last_accuracy);
    assert_true(whole->train_loss == rest->train_loss);
    forget(whole);
    forget(rest);
    release(&config);
    remove_directory(dir);
}

/* Adam's first update is rate * sign(gradient) whatever the gradients' size (its paper, section
 * 2.1): after a reset the update's norm is rate * sqrt(parameters that have a gradient), and before
 * one it is smaller. */
static void a_reset_makes_the_optimizers_first_step_again(void **state)
{
    struct tw_trainer_config config = defaults();
    char *dir = new_directory();
    (void)state;
    set(&config, "run_dir", dir);
    set(&config, "schedule", "constant");
    set(&config, "activation", "tanh"); /* every weight has a gradient, but for blank pixels */
    set(&config, "epochs", "2");
    forget(train(&config, NULL, 0, TW_TRAINER_GO_ON));
    set(&config, "resume_from", "step-45");
    set(&config, "max_steps", "46");
    struct seen *kept = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    set(&config, "reset_optimizer", "true");
    struct seen *reset = train(&config, NULL, 0, TW_TRAINER_GO_ON);
    const double first = .001 * sqrt(64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10);
    assert_true(kept->step.signal[TW_SIGNAL_UPDATE_NORM] < .7 * first);
    assert_true(reset->step.signal[TW_SIGNAL_UPDATE_NORM] > .85 * first);
    assert_true(reset->step.signal[TW_SIGNAL_UPDATE_NORM] < 1.001 * first);
    assert_true(kept->step.signal[TW_SIGNAL_LOSS] == reset->step.signal[TW_SIGNAL_LOSS]);
    assert_true(number(reset, "reset_optimizer") == 1);
    forget(kept);
    forget(reset);
    release(&config);
    remove_directory(dir);
}

static void expect_found(const char *dir, const char *which, const char *name)
{
    char *path, expected[300];
    struct tw_error error = {0};
    if (tw_checkpoint_find(&path, dir, which, &error))
        fail_msg("%s", error.text);
    snprintf(expected, sizeof expected, "%s/checkpoints/%s", dir, name);
    assert_string_equal(path, expected);
    free(path);
}

static void the_newest_and_the_best_checkpoint_are_found(void **state)
{
    struct tw_training training;
    struct tw_checkpoints checkpoints;
    struct tw_trainer_config config = defaults();
    char *dir = new_directory(), *path;
    struct tw_error error = {0};
    (void)state;
    assert_true(tw_checkpoint_find(&path, dir, NULL, &error) < 0);
    assert_non_null(strstr(error.text, "no checkpoint"));
    assert_int_equal(tw_training_init(&training, &config, NULL), 0);
    assert_int_equal(tw_checkpoints_open(&checkpoints, dir, 9, 1, NULL), 0);
    static const struct {
        unsigned step;
        double loss;
    } saved[] = {{100, .5}, {9, .3}, {300, NAN}, {200, .7}};
    for (size_t i = 0; i < 4; i++) {
        training.step = saved[i].step;
        assert_int_equal(tw_checkpoints_save(&checkpoints, &training, saved[i].loss, NULL), 0);
        usleep(20000); /* a file system's clock may tick that slowly */
    }
    expect_found(dir, NULL, "step-200.bin"); /* written last */
    expect_found(dir, "best", "step-9.bin");
    expect_found(dir, "step-100", "step-100.bin");
    assert_int_equal(tw_checkpoint_find(&path, dir, "elsewhere/x.bin", NULL), 0);
    assert_string_equal(path, "elsewhere/x.bin");
    free(path);
    tw_checkpoints_close(&checkpoints);
    /* Going on at 200 with two to keep: 100 and 200; 9 is the best, and stays when more come. */
    assert_int_equal(tw_checkpoints_open(&checkpoints, dir, 2, 1, NULL), 0);
    assert_int_equal(tw_checkpoints_continue(&checkpoints, 200, NULL), 0);
    training.step = 210;
    assert_int_equal(tw_checkpoints_save(&checkpoints, &training, .4, NULL), 0);
    assert_false(has_checkpoint(dir, 100));
    assert_true(has_checkpoint(dir, 9) && has_checkpoint(dir, 200) && has_checkpoint(dir, 210));
    assert_true(has_checkpoint(dir, 300));
    tw_checkpoints_close(&checkpoints);
    tw_training_release(&training);
    release(&config);
    remove_directory(dir);
}

static void a_run_that_is_over_cannot_be_resumed(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_error error = {0};
    struct tw_trainer_hooks hooks = {remember, NULL, NULL};
    char *dir = new_directory();
    (void)state;
    set(&config, "run_dir", dir);
    set(&config, "epochs", "1");
    forget(train(&config, NULL, 0, TW_TRAINER_GO_ON));
    set(&config, "resume", "true");
    assert_true(tw_trainer_run(&config, &hooks, NULL, &error) < 0);
    assert_non_null(strstr(error.text, "the run is over"));
    set(&config, "epochs", "2");
    forget(train(&config, NULL, 0, TW_TRAINER_GO_ON));
    release(&config);
    remove_directory(dir);
}

/* Without a step that helps (rate 0) no validation is better than the first: it ends after the
 * fourth. */
static void patience_ends_a_run_that_gets_no_better(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_trainer_result result;
    (void)state;
    set(&config, "learning_rate", "0");
    set(&config, "eval_every", "10");
    set(&config, "early_stopping_patience", "3");
    struct seen *seen = train(&config, &result, 0, TW_TRAINER_GO_ON);
    assert_true(result.has_stopped_early);
    assert_int_equal(result.status, TW_END_COMPLETED);
    assert_int_equal(result.steps, 40);
    assert_int_equal(result.best_step, 10);
    assert_int_equal(seen->of_kind[TW_KIND_EVAL], 4);
    assert_string_equal(seen->first_event, "early_stop");
    assert_true(number(seen, "early_stopping_patience") == 3);
    forget(seen);
    release(&config);
}

/* Interrupted after the third validation and resumed, it still ends after the fourth. */
static void patience_is_remembered_over_a_resume(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_trainer_result result;
    char *dir = new_directory();
    (void)state;
    set(&config, "run_dir", dir);
    set(&config, "learning_rate", "0");
    set(&config, "eval_every", "10");
    set(&config, "early_stopping_patience", "3");
    forget(train(&config, NULL, 33, TW_TRAINER_INTERRUPT));
    set(&config, "resume", "true");
    forget(train(&config, &result, 0, TW_TRAINER_GO_ON));
    assert_true(result.has_stopped_early);
    assert_int_equal(result.steps, 40);
    assert_int_equal(result.best_step, 10);
    release(&config);
    remove_directory(dir);
}

/* Every byte of the start, and bytes all over, turned; every length cut: all refused. */
static void a_damaged_checkpoint_is_refused_and_changes_nothing(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_training training;
    struct tw_checkpoints checkpoints;
    char *dir = new_directory(), path[300];
    static unsigned char bytes[20000];
    (void)state;
    set(&config, "hidden", "4");
    assert_int_equal(tw_training_init(&training, &config, NULL), 0);
    assert_int_equal(tw_checkpoints_open(&checkpoints, dir, 1, 1, NULL), 0);
    assert_int_equal(tw_checkpoints_save(&checkpoints, &training, .5, NULL), 0);
    snprintf(path, sizeof path, "%s/checkpoints/step-0.bin", dir);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_in_range(size, 1000, sizeof bytes - 1);
    training.model.parameters[0] = 42;
    for (size_t at = 0; at < size; at += at < 400 ? 1 : 97) {
        for (int cut = 0; cut < 2; cut++) {
            struct tw_error error = {0};
            file = fopen(path, "wb");
            assert_non_null(file);
            bytes[at] ^= cut ? 0 : 0x10;
            fwrite(bytes, 1, cut ? at : size, file);
            bytes[at] ^= cut ? 0 : 0x10;
            fclose(file);
            assert_true(tw_checkpoint_read(path, &training, &error) < 0);
            assert_string_equal(error.place, path);
            assert_true(training.model.parameters[0] == 42);
        }
    }
    tw_checkpoints_close(&checkpoints);
    tw_training_release(&training);
    release(&config);
    remove_directory(dir);
}

static void a_checkpoint_of_another_network_is_refused(void **state)
{
    struct tw_trainer_config config = defaults();
    struct tw_training training, other;
    struct tw_checkpoints checkpoints;
    struct tw_error error = {0};
    char *dir = new_directory(), path[300];
    (void)state;
    set(&config, "activation", "tanh");
    assert_int_equal(tw_training_init(&training, &config, NULL), 0);
    assert_int_equal(tw_checkpoints_open(&checkpoints, dir, 1, 1, NULL), 0);
    assert_int_equal(tw_checkpoints_save(&checkpoints, &training, .5, NULL), 0);
    snprintf(path, sizeof path, "%s/checkpoints/step-0.bin", dir);
    set(&config, "activation", "relu"); /* as many bytes */
    assert_int_equal(tw_training_init(&other, &config, NULL), 0);
    assert_true(tw_checkpoint_read(path, &other, &error) < 0);
    assert_non_null(strstr(error.text, "another model"));
    tw_checkpoints_close(&checkpoints);
    tw_training_release(&training);
    tw_training_release(&other);
    release(&config);
    remove_directory(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_learn_the_digits),
        cmocka_unit_test(every_optimizer_activation_and_schedule_learns),
        cmocka_unit_test(a_number_is_learnt_with_mean_squared_error),
        cmocka_unit_test(tumours_are_told_apart),
        cmocka_unit_test(a_loss_for_classes_is_refused_where_there_are_none),
        cmocka_unit_test(a_network_without_hidden_layers_is_softmax_regression),
        cmocka_unit_test(the_same_seed_gives_the_same_losses_bit_for_bit),
        cmocka_unit_test(dropout_batch_norm_and_halves_repeat_too),
        cmocka_unit_test(dropout_changes_neither_weights_nor_order),
        cmocka_unit_test(batch_norm_takes_no_batch_of_one),
        cmocka_unit_test(two_trainings_side_by_side_are_the_same),
        cmocka_unit_test(records_come_in_the_order_of_a_run),
        cmocka_unit_test(the_header_tells_what_was_asked_for),
        cmocka_unit_test(a_step_tells_its_figures),
        cmocka_unit_test(clipping_limits_the_update_and_not_the_norm_that_is_told),
        cmocka_unit_test(layers_add_up_to_the_run),
        cmocka_unit_test(dead_units_are_told_after_a_thousand_samples),
        cmocka_unit_test(saturated_activations_are_told),
        cmocka_unit_test(measuring_changes_no_bit_of_the_training),
        cmocka_unit_test(a_unit_is_saturated_where_nine_tenths_of_the_samples_are),
        cmocka_unit_test(a_bad_start_saturates_tanh_and_kills_relu),
        cmocka_unit_test(dropout_is_no_death),
        cmocka_unit_test(nan_is_told_and_does_not_stop_the_run),
        cmocka_unit_test(an_order_stops_the_run_after_the_step),
        cmocka_unit_test(impossible_settings_are_refused_before_anything_runs),
        cmocka_unit_test(a_network_too_large_is_an_error),
        cmocka_unit_test(checkpoints_that_cannot_be_written_cost_no_training),
        cmocka_unit_test(the_newest_checkpoints_and_the_best_are_kept),
        cmocka_unit_test(a_run_with_a_directory_saves_at_each_epochs_end),
        cmocka_unit_test(parameters_with_nan_are_not_saved),
        cmocka_unit_test(a_training_goes_on_from_a_checkpoint_as_if_never_stopped),
        cmocka_unit_test(masks_running_statistics_and_the_loss_scale_go_on_too),
        cmocka_unit_test(dead_units_are_told_a_thousand_samples_after_a_resume),
        cmocka_unit_test(a_checkpoint_is_read_in_another_precision),
        cmocka_unit_test(a_resumed_run_gives_the_losses_of_one_that_never_stopped),
        cmocka_unit_test(a_reset_makes_the_optimizers_first_step_again),
        cmocka_unit_test(the_newest_and_the_best_checkpoint_are_found),
        cmocka_unit_test(a_run_that_is_over_cannot_be_resumed),
        cmocka_unit_test(patience_ends_a_run_that_gets_no_better),
        cmocka_unit_test(patience_is_remembered_over_a_resume),
        cmocka_unit_test(a_damaged_checkpoint_is_refused_and_changes_nothing),
        cmocka_unit_test(a_checkpoint_of_another_network_is_refused),
    };
    return cmocka_run_group_tests_name("trainer_run", tests, NULL, NULL);
}
