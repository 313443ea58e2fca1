/* Adam (D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm
 * 1) and AdamW (I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019),
 * with epsilon where PyTorch has it: w -= rate m^ / (sqrt(v^) + epsilon). */
#include "trainer/optimizers/squares.h"
#include "trainer/vectors.h"

#include <math.h>

/* A step's factors: what depends on the settings and on t alone. */
struct factors {
    float beta1, beta2, rest1, rest2, epsilon, rate, root;
    float decay;  /* joins the gradient */
    float shrink; /* is the factor on the weight itself */
};

static struct factors factors_of(const struct tw_optimizer_config *config, double learning_rate,
                                 uint64_t t)
{
    return (struct factors){
        .beta1 = (float)config->beta1,
        .beta2 = (float)config->beta2,
        .rest1 = (float)(1 - config->beta1),
        .rest2 = (float)(1 - config->beta2),
        .epsilon = (float)config->epsilon,
        .rate = (float)(learning_rate / (1 - pow(config->beta1, (double)t))),
        .root = (float)(1 / sqrt(1 - pow(config->beta2, (double)t))),
        .shrink = 1,
    };
}

static inline __attribute__((always_inline)) float
step_of(const struct factors *by, float before, float gradient, float *first, float *second)
{
    gradient += by->decay * before;
    *first = by->beta1 * *first + by->rest1 * gradient;
    *second = by->beta2 * *second + by->rest2 * gradient * gradient;
    return before * by->shrink - by->rate * *first / (sqrtf(*second) * by->root + by->epsilon);
}

TW_VECTOR_CLONES
static void step_alone(struct factors by, size_t n, float *restrict parameters,
                       const float *restrict gradients, float *restrict first,
                       float *restrict second)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        parameters[i] = step_of(&by, parameters[i], gradients[i], &first[i], &second[i]);
}

TW_VECTOR_CLONES
static struct tw_squares_sums step_of_block(struct factors by, size_t n, float *restrict parameters,
                                            const float *restrict gradients, float *restrict first,
                                            float *restrict second, float *restrict ret_before)
{
    float given = 0, changed = 0, left = 0;
#pragma omp simd reduction(+ : given, changed, left)
    for (size_t i = 0; i < n; i++) {
        float gradient = gradients[i], before = parameters[i];
        float after = step_of(&by, before, gradient, &first[i], &second[i]);
        parameters[i] = after;
        ret_before[i] = before;
        given += gradient * gradient;
        changed += (after - before) * (after - before);
        left += after * after;
    }
    return (struct tw_squares_sums){given, changed, left};
}

static void step_with_squares(struct factors by, size_t n, float *parameters,
                              const float *gradients, float *first, float *second,
                              struct tw_optimizer_squares *ret)
{
    *ret = (struct tw_optimizer_squares){0};
    for (size_t done = 0, some; done < n; done += some) {
        float before[TW_SQUARES_BLOCK];
        some = n - done < TW_SQUARES_BLOCK ? n - done : TW_SQUARES_BLOCK;
        struct tw_squares_sums sums = step_of_block(by, some, parameters + done, gradients + done,
                                                    first + done, second + done, before);
        tw_squares_add(ret, &sums, some, gradients + done, before, parameters + done);
    }
}

static void step(const struct factors *by, size_t n, float *parameters, const float *gradients,
                 float *const *slots, struct tw_optimizer_squares *ret)
{
    if (ret)
        step_with_squares(*by, n, parameters, gradients, slots[0], slots[1], ret);
    else
        step_alone(*by, n, parameters, gradients, slots[0], slots[1]);
}

static void adam_step(const struct tw_optimizer_config *config, double learning_rate, uint64_t t,
                      size_t n, float *parameters, const float *gradients, float *const *slots,
                      struct tw_optimizer_squares *ret_squares)
{
    struct factors by = factors_of(config, learning_rate, t);
    by.decay = (float)config->weight_decay;
    step(&by, n, parameters, gradients, slots, ret_squares);
}

static void adamw_step(const struct tw_optimizer_config *config, double learning_rate, uint64_t t,
                       size_t n, float *parameters, const float *gradients, float *const *slots,
                       struct tw_optimizer_squares *ret_squares)
{
    struct factors by = factors_of(config, learning_rate, t);
    by.shrink = (float)(1 - learning_rate * config->weight_decay);
    step(&by, n, parameters, gradients, slots, ret_squares);
}

const struct tw_optimizer tw_optimizer_adam = {
    .name = "adam",
    .description = "Adam; weight decay joins the gradient",
    .learning_rate = 1e-3,
    .uses = TW_USES_BETAS,
    .n_slots = 2,
    .step = adam_step,
};

const struct tw_optimizer tw_optimizer_adamw = {
    .name = "adamw",
    .description = "Adam with decoupled weight decay",
    .learning_rate = 1e-3,
    .uses = TW_USES_BETAS,
    .n_slots = 2,
    .step = adamw_step,
};
