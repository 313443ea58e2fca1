/* An optimizer is one file ending in one struct tw_optimizer, listed in optimizers.c. */
#ifndef TW_OPTIMIZER_H
#define TW_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The hyper-parameters that only some optimizers have. */
enum tw_optimizer_uses {
    TW_USES_MOMENTUM = 1, /* and nesterov */
    TW_USES_BETAS = 2,    /* beta1, beta2, epsilon */
};

struct tw_optimizer_config {
    double weight_decay;
    double momentum;
    bool nesterov;
    double beta1, beta2, epsilon;
};

#define TW_OPTIMIZER_SLOTS_MAX 2

/* Sums of squares that fall out of a step while it has the values in its hands. In double: squares
 * of finite floats neither overflow nor vanish, and a sum that is not finite tells of a value that
 * is not. */
struct tw_optimizer_squares {
    double gradients;  /* as given, before weight decay joins them */
    double update;     /* of the change */
    double parameters; /* after it */
};

struct tw_optimizer {
    const char *name;        /* "adam" */
    const char *description; /* one line */
    double learning_rate;    /* where the user gives none */
    unsigned uses;           /* enum tw_optimizer_uses */
    unsigned n_slots;        /* floats of state that a parameter has */

    /* Changes parameters[n] by one step. `slots`: n_slots arrays of n, zero before the first step.
     * `t` counts the steps from 1. `ret_squares` may be NULL. */
    void (*step)(const struct tw_optimizer_config *config, double learning_rate, uint64_t t,
                 size_t n, float *parameters, const float *gradients, float *const *slots,
                 struct tw_optimizer_squares *ret_squares);
};

extern const struct tw_optimizer *const tw_optimizers[]; /* NULL-terminated */
/* The one called `name`, or NULL. */
const struct tw_optimizer *tw_optimizer_find(const char *name);

#endif
