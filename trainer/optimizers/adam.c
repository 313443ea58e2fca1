/* Adam (D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm
 * 1) and AdamW (I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019),
 * with epsilon where PyTorch has it: w -= rate m^ / (sqrt(v^) + epsilon). */
#include "trainer/optimizers/optimizer.h"

#include <math.h>

/* `decay` joins the gradient, `shrink` is the factor on the weight itself. */
static double step(const struct tw_optimizer_config *config, float decay, float shrink,
                   double learning_rate, uint64_t t, size_t n, float *parameters,
                   const float *gradients, float *const *slots)
{
    float beta1 = (float)config->beta1, beta2 = (float)config->beta2;
    float rest1 = (float)(1 - config->beta1), rest2 = (float)(1 - config->beta2);
    float epsilon = (float)config->epsilon;
    float rate = (float)(learning_rate / (1 - pow(config->beta1, (double)t)));
    float root = (float)(1 / sqrt(1 - pow(config->beta2, (double)t)));
    float *first = slots[0], *second = slots[1];
    double changed = 0;
    for (size_t i = 0; i < n; i++) {
        float before = parameters[i];
        float gradient = gradients[i] + decay * before;
        first[i] = beta1 * first[i] + rest1 * gradient;
        second[i] = beta2 * second[i] + rest2 * gradient * gradient;
        parameters[i] = before * shrink - rate * first[i] / (sqrtf(second[i]) * root + epsilon);
        double change = (double)parameters[i] - before;
        changed += change * change;
    }
    return changed;
}

static double adam_step(const struct tw_optimizer_config *config, double learning_rate, uint64_t t,
                        size_t n, float *parameters, const float *gradients, float *const *slots)
{
    return step(config, (float)config->weight_decay, 1, learning_rate, t, n, parameters, gradients,
                slots);
}

static double adamw_step(const struct tw_optimizer_config *config, double learning_rate, uint64_t t,
                         size_t n, float *parameters, const float *gradients, float *const *slots)
{
    return step(config, 0, (float)(1 - learning_rate * config->weight_decay), learning_rate, t, n,
                parameters, gradients, slots);
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
