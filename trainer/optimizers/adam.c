/* Adam (D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm
 * 1) and AdamW (I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019),
 * with epsilon where PyTorch has it: w -= rate m^ / (sqrt(v^) + epsilon). */
#include "trainer/optimizers/optimizer.h"
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
static void step_with_squares(struct factors by, size_t n, float *restrict parameters,
                              const float *restrict gradients, float *restrict first,
                              float *restrict second, struct tw_optimizer_squares *ret)
{
    double given = 0, changed = 0, left = 0;
#pragma omp simd reduction(+ : given, changed, left)
    for (size_t i = 0; i < n; i++) {
        double gradient = gradients[i], before = parameters[i];
        parameters[i] = step_of(&by, parameters[i], gradients[i], &first[i], &second[i]);
        double after = parameters[i];
        given += gradient * gradient;
        changed += (after - before) * (after - before);
        left += after * after;
    }
    *ret = (struct tw_optimizer_squares){given, changed, left};
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
