/* A precision is one file ending in one struct tw_precision, listed in precisions.c: the format
 * that activations, gradients and the weights in use are rounded to, as in mixed-precision training
 * on a GPU. Sums run in fp32 and the optimizer's own weights are fp32 (P. Micikevicius et al.,
 * "Mixed Precision Training", ICLR 2018); the loss is computed in double from the rounded outputs.
 */
#ifndef TW_PRECISION_H
#define TW_PRECISION_H

#include <stdbool.h>
#include <stddef.h>

struct tw_precision {
    const char *name;          /* "fp16": in the header, --precision */
    const char *description;   /* one line */
    double initial_loss_scale; /* of dynamic loss scaling, where the user gives none; 0: without */
    /* Rounds values[n] in place to the nearest number of the format, ties to the even one. What is
     * larger than the format's range becomes infinite; NaN stays NaN. NULL: fp32 as it is. */
    void (*round)(size_t n, float *values);
};

extern const struct tw_precision *const tw_precisions[]; /* NULL-terminated */
/* The one called `name`, or NULL. */
const struct tw_precision *tw_precision_find(const char *name);

#endif
