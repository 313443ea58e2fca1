/* The network that is trained: a multi-layer perceptron 784-1024-1024-10 with Adam and random
 * samples of MNIST's shape; relu and batches of 128 but where told otherwise. One thread. */
#ifndef TW_BENCH_PERCEPTRON_H
#define TW_BENCH_PERCEPTRON_H

#include "bench/harness.h"

#include "trainer/training.h"

struct bench_perceptron {
    struct tw_trainer_config config;
    struct tw_training training;
};

/* Smaller by far for a smoke test. */
int bench_perceptron_init(struct bench_perceptron *perceptron,
                          const struct bench_settings *settings, struct tw_error *error);
int bench_perceptron_init_as(struct bench_perceptron *perceptron, const char *activation,
                             const char *batch_size, const struct bench_settings *settings,
                             struct tw_error *error);
void bench_perceptron_release(struct bench_perceptron *perceptron);

/* Multiplications and additions of the matrix products of one step: 2 a weight and sample forward,
 * 2 for the weight's gradient, and 2 for the inputs' but in the first layer. */
double bench_perceptron_flop(const struct bench_perceptron *perceptron);

/* Sets what the step was of: model, optimizer, batch, parameters. */
void bench_perceptron_describe(const struct bench_perceptron *perceptron, json_t *raw);

#endif
