/* The network of the benchmarks. */
#include "bench/perceptron.h"

#include "trainer/random.h"

#include <errno.h>
#include <stdlib.h>

#define SAMPLES 4096

static int set_options(struct tw_trainer_config *config, const char *activation,
                       const char *batch_size, bool is_smoke, struct tw_error *error)
{
    const char *const values[][2] = {{"hidden", is_smoke ? "16,16" : "1024,1024"},
                                     {"activation", activation},
                                     {"batch_size", batch_size},
                                     {"schedule", "constant"},
                                     {"threads", "1"}};
    int result = tw_options_initialise(tw_trainer_options, tw_trainer_n_options, config, error);
    for (size_t i = 0; !result && i < sizeof values / sizeof *values; i++)
        result =
            tw_option_set(tw_option_find(tw_trainer_options, tw_trainer_n_options, values[i][0]),
                          config, values[i][1], error);
    return result;
}

/* Four features in five are 0, as in MNIST (Y. LeCun et al., "Gradient-Based Learning Applied to
 * Document Recognition", 1998: 19 % of its pixels are ink); classes are even. */
static int make_data(struct tw_data *data, size_t n_features)
{
    struct tw_random random;
    *data = (struct tw_data){.n_features = n_features, .n_classes = 10, .n_train = SAMPLES};
    data->features = malloc(SAMPLES * n_features * sizeof *data->features);
    data->labels = malloc(SAMPLES);
    if (!data->features || !data->labels)
        return -ENOMEM;
    tw_random_init(&random, 1, TW_RANDOM_ORDER);
    for (size_t i = 0; i < SAMPLES * n_features; i++) {
        uint32_t bits = tw_random_next(&random);
        data->features[i] = bits % 5 ? 0 : (float)(bits >> 8) * 0x1p-24f;
    }
    for (size_t i = 0; i < SAMPLES; i++)
        data->labels[i] = (uint8_t)(tw_random_next(&random) % 10);
    return 0;
}

int bench_perceptron_init(struct bench_perceptron *perceptron,
                          const struct bench_settings *settings, struct tw_error *error)
{
    return bench_perceptron_init_as(perceptron, "relu", "128", settings, error);
}

int bench_perceptron_init_as(struct bench_perceptron *perceptron, const char *activation,
                             const char *batch_size, const struct bench_settings *settings,
                             struct tw_error *error)
{
    struct tw_data data;
    *perceptron = (struct bench_perceptron){0};
    int result =
        set_options(&perceptron->config, activation, batch_size, settings->is_smoke, error);
    if (!result && make_data(&data, settings->is_smoke ? 20 : 784)) {
        tw_data_release(&data);
        result = tw_error_set(error, -ENOMEM, "out of memory");
    }
    if (!result)
        result = tw_training_init_with(&perceptron->training, &perceptron->config, &data, error);
    if (result)
        bench_perceptron_release(perceptron);
    return result;
}

void bench_perceptron_release(struct bench_perceptron *perceptron)
{
    tw_training_release(&perceptron->training);
    tw_options_release(tw_trainer_options, tw_trainer_n_options, &perceptron->config);
}

double bench_perceptron_flop(const struct bench_perceptron *perceptron)
{
    const struct tw_model *model = &perceptron->training.model;
    double flop = 0;
    for (size_t i = 0; i < model->n_layers; i++)
        flop += (double)model->layers[i].n_weights * (i ? 6 : 4);
    return flop * (double)perceptron->training.batch_size;
}

void bench_perceptron_describe(const struct bench_perceptron *perceptron, json_t *raw)
{
    const struct tw_training *training = &perceptron->training;
    char model[64];
    snprintf(model, sizeof model, "%zu-%s-%zu", training->data.n_features,
             perceptron->config.hidden, training->data.n_classes);
    json_object_set_new(raw, "model", json_string(model));
    json_object_set_new(raw, "activation", json_string(training->plan.activation->name));
    json_object_set_new(raw, "optimizer", json_string(training->plan.optimizer->name));
    json_object_set_new(raw, "batch_size", json_integer((json_int_t)training->batch_size));
    json_object_set_new(raw, "parameters", json_integer((json_int_t)training->model.n_parameters));
    json_object_set_new(raw, "threads", json_integer(1));
}
