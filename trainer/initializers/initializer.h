/* An initializer is one file ending in one struct tw_initializer, listed in initializers.c: how the
 * weights are drawn before the first step. */
#ifndef TW_INITIALIZER_H
#define TW_INITIALIZER_H

#include "trainer/layers/layer.h"
#include "trainer/random.h"

/* std: of an initializer that uses_std, for every layer. gain: factor on the weights of the hidden
 * layers; bias: where their biases start. The output layer has neither: a recipe that spoils the
 * hidden layers leaves the first loss near ln(classes). */
struct tw_initializer_config {
    double std, gain, bias;
};

struct tw_initializer {
    const char *name;        /* "he" */
    const char *description; /* one line */
    bool uses_std;           /* of the configuration */
    /* Sets layer->parameters[0 .. n_weights), before gain. */
    void (*draw)(const struct tw_initializer_config *config, const struct tw_layer *layer,
                 struct tw_random *random);
};

extern const struct tw_initializer *const tw_initializers[]; /* NULL-terminated */
/* The one called `name`, or NULL. */
const struct tw_initializer *tw_initializer_find(const char *name);

#endif
