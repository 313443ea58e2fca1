/* An initializer is one file ending in one struct tw_initializer, listed in initializers.c: how the
 * weights are drawn before the first step. Biases start at 0. */
#ifndef TW_INITIALIZER_H
#define TW_INITIALIZER_H

#include "trainer/layers/layer.h"
#include "trainer/random.h"

struct tw_initializer {
    const char *name;        /* "he" */
    const char *description; /* one line */
    /* Sets layer->parameters[0 .. n_weights). */
    void (*draw)(const struct tw_layer *layer, struct tw_random *random);
};

extern const struct tw_initializer *const tw_initializers[]; /* NULL-terminated */
/* The one called `name`, or NULL. */
const struct tw_initializer *tw_initializer_find(const char *name);

#endif
