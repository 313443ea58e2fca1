/* Stochastic gradient descent with momentum, Nesterov's variant and L2 weight decay, as PyTorch's
 * torch.optim.SGD writes it (dampening 0): g += weight_decay w; v = momentum v + g;
 * w -= rate v, or rate (g + momentum v) with nesterov. */
#include "trainer/optimizers/optimizer.h"

static double sgd_step(const struct tw_optimizer_config *config, double learning_rate, uint64_t t,
                       size_t n, float *parameters, const float *gradients, float *const *slots)
{
    (void)t;
    float rate = (float)learning_rate, momentum = (float)config->momentum;
    float decay = (float)config->weight_decay;
    float *velocity = slots[0];
    double changed = 0;
    for (size_t i = 0; i < n; i++) {
        float gradient = gradients[i] + decay * parameters[i];
        velocity[i] = momentum * velocity[i] + gradient;
        float direction = config->nesterov ? gradient + momentum * velocity[i] : velocity[i];
        float before = parameters[i];
        parameters[i] = before - rate * direction;
        double change = (double)parameters[i] - before;
        changed += change * change;
    }
    return changed;
}

const struct tw_optimizer tw_optimizer_sgd = {
    .name = "sgd",
    .description = "stochastic gradient descent with momentum",
    .learning_rate = .05,
    .uses = TW_USES_MOMENTUM,
    .n_slots = 1,
    .step = sgd_step,
};
