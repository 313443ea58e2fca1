/* The arithmetic rate of whole training steps against that of one large matrix product, in the same
 * rounds. The steps are watched as they are by default: a record of each, every tenth one with the
 * figures of the layers. */
#include "bench/perceptron.h"

#include <cblas.h>
#include <errno.h>
#include <stdlib.h>

#define LAYERS_EVERY 10

struct product {
    int side;
    float *left, *right, *result;
};

struct steps {
    struct bench_perceptron perceptron;
    unsigned n; /* in one burst */
    volatile double loss;
};

static void multiply(void *closure)
{
    struct product *product = closure;
    int side = product->side;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, side, side, side, 1, product->left, side,
                product->right, side, 0, product->result, side);
}

static void take_steps(void *closure)
{
    struct steps *steps = closure;
    struct tw_training *training = &steps->perceptron.training;
    for (unsigned i = 0; i < steps->n; i++) {
        training->measure = training->step % LAYERS_EVERY ? TW_MEASURE_STEP : TW_MEASURE_LAYERS;
        steps->loss = tw_training_step(training).loss;
    }
}

static int make_product(struct product *product)
{
    size_t n = (size_t)product->side * (size_t)product->side;
    product->left = bench_memory(n * sizeof(float));
    product->right = bench_memory(n * sizeof(float));
    product->result = bench_memory(n * sizeof(float));
    if (!product->left || !product->right || !product->result)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        product->left[i] = (float)(i % 17) * .1f - .8f;
        product->right[i] = (float)(i % 13) * .1f - .6f;
    }
    return 0;
}

static void release_product(struct product *product)
{
    free(product->left);
    free(product->right);
    free(product->result);
}

static void judge(const struct bench_contestant *contestants, const struct bench_times *times,
                  const struct steps *steps, double side, struct bench_figure *ret)
{
    double product_flop = 2 * side * side * side;
    double steps_flop = bench_perceptron_flop(&steps->perceptron) * steps->n;
    double factor = steps_flop / product_flop;
    struct bench_quartiles cpu = bench_ratio(times->cpu[0], times->cpu[1], times->rounds, factor);
    struct bench_quartiles wall =
        bench_ratio(times->wall[0], times->wall[1], times->rounds, factor);
    ret->value = cpu.median;
    ret->raw = bench_json_times(contestants, times);
    json_object_set_new(ret->raw, "ratio_cpu", bench_json_quartiles(cpu));
    json_object_set_new(ret->raw, "ratio_wall", bench_json_quartiles(wall));
    json_object_set_new(ret->raw, "product_side", json_integer((json_int_t)side));
    json_object_set_new(ret->raw, "product_flop", json_real(product_flop));
    json_object_set_new(ret->raw, "steps_a_burst", json_integer(steps->n));
    json_object_set_new(ret->raw, "step_flop", json_real(steps_flop / steps->n));
    json_object_set_new(ret->raw, "signals",
                        json_string("the step's figures every step, the layers' every tenth"));
    bench_perceptron_describe(&steps->perceptron, ret->raw);
}

static int run(const struct bench_settings *settings, struct bench_figure *ret,
               struct tw_error *error)
{
    struct product product = {.side = settings->is_smoke ? 64 : 2048};
    struct steps steps = {.n = LAYERS_EVERY};
    const struct bench_contestant contestants[] = {{"product", multiply, &product},
                                                   {"steps", take_steps, &steps}};
    struct bench_times times;
    int result = bench_perceptron_init(&steps.perceptron, settings, error);
    if (result)
        return result;
    if (make_product(&product)) {
        result = tw_error_set(error, -ENOMEM, "out of memory");
    } else {
        bench_interleave(contestants, 2, settings->rounds ? settings->rounds : 31, &times);
        judge(contestants, &times, &steps, product.side, ret);
    }
    release_product(&product);
    bench_perceptron_release(&steps.perceptron);
    return result;
}

const struct bench_benchmark bench_gemm_share = {
    .name = "gemm_share_b128",
    .unit = "of a 2048^3 product's rate",
    .description = "arithmetic rate of watched training steps, MLP, batch 128, 1 thread",
    .goal = .7,
    .is_goal_a_minimum = true,
    .run = run,
};
