/* Stochastic gradient descent with momentum, Nesterov's variant and L2 weight decay, as PyTorch's
 * torch.optim.SGD writes it (dampening 0): g += weight_decay w; v = momentum v + g;
 * w -= rate v, or rate (g + momentum v) with nesterov. */
#include "trainer/optimizers/squares.h"
#include "trainer/vectors.h"

struct factors {
    float rate, decay, momentum;
    /* The direction is direct * gradient + along * velocity: 0 and 1, or with nesterov 1 and the
     * momentum. */
    float direct, along;
};

static inline __attribute__((always_inline)) float step_of(const struct factors *by, float before,
                                                           float gradient, float *velocity)
{
    gradient += by->decay * before;
    *velocity = by->momentum * *velocity + gradient;
    return before - by->rate * (by->direct * gradient + by->along * *velocity);
}

TW_VECTOR_CLONES
static void step_alone(struct factors by, size_t n, float *restrict parameters,
                       const float *restrict gradients, float *restrict velocity)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        parameters[i] = step_of(&by, parameters[i], gradients[i], &velocity[i]);
}

TW_VECTOR_CLONES
static struct tw_squares_sums step_of_block(struct factors by, size_t n, float *restrict parameters,
                                            const float *restrict gradients,
                                            float *restrict velocity, float *restrict ret_before)
{
    float given = 0, changed = 0, left = 0;
#pragma omp simd reduction(+ : given, changed, left)
    for (size_t i = 0; i < n; i++) {
        float gradient = gradients[i], before = parameters[i];
        float after = step_of(&by, before, gradient, &velocity[i]);
        parameters[i] = after;
        ret_before[i] = before;
        given += gradient * gradient;
        changed += (after - before) * (after - before);
        left += after * after;
    }
    return (struct tw_squares_sums){given, changed, left};
}

static void step_with_squares(struct factors by, size_t n, float *parameters,
                              const float *gradients, float *velocity,
                              struct tw_optimizer_squares *ret)
{
    *ret = (struct tw_optimizer_squares){0};
    for (size_t done = 0, some; done < n; done += some) {
        float before[TW_SQUARES_BLOCK];
        some = n - done < TW_SQUARES_BLOCK ? n - done : TW_SQUARES_BLOCK;
        struct tw_squares_sums sums =
            step_of_block(by, some, parameters + done, gradients + done, velocity + done, before);
        tw_squares_add(ret, &sums, some, gradients + done, before, parameters + done);
    }
}

static void sgd_step(const struct tw_optimizer_config *config, double learning_rate, uint64_t t,
                     size_t n, float *parameters, const float *gradients, float *const *slots,
                     struct tw_optimizer_squares *ret_squares)
{
    struct factors by = {
        .rate = (float)learning_rate,
        .decay = (float)config->weight_decay,
        .momentum = (float)config->momentum,
        .direct = config->nesterov ? 1 : 0,
        .along = config->nesterov ? (float)config->momentum : 1,
    };
    (void)t;
    if (ret_squares)
        step_with_squares(by, n, parameters, gradients, slots[0], ret_squares);
    else
        step_alone(by, n, parameters, gradients, slots[0]);
}

const struct tw_optimizer tw_optimizer_sgd = {
    .name = "sgd",
    .description = "stochastic gradient descent with momentum",
    .learning_rate = .05,
    .uses = TW_USES_MOMENTUM,
    .n_slots = 1,
    .step = sgd_step,
};
