/* Gradient norms of the layers: which one is to blame, and whether one explodes alone. A decaying
 * mean and deviation of the log norm for each layer, since there is no room for windows. Flat
 * state. */
#ifndef TW_GRADIENT_EXPLOSION_LAYERS_H
#define TW_GRADIENT_EXPLOSION_LAYERS_H

#include "detectors/context.h"
#include "detectors/gradient_explosion/config.h"

struct tw_layer_norm {
    float mean, deviation; /* of the log norm; the deviation is a mean absolute one */
    float recent[5];       /* log norms, a ring */
    float z;               /* the newest: deviations over the mean, as of a normal distribution */
    uint32_t count, taken; /* learned into the mean; seen at all */
    uint32_t high;         /* newest records in a row that count as a spike */
    uint64_t crossed_step; /* first step of the present spike */
    int64_t crossed_time_ms;
};

struct tw_layer_norms {
    uint64_t header_hash;
    uint32_t n;
    uint64_t records;
    uint32_t exploding;     /* the layer that a finding is open of, or `n` */
    uint32_t calm;          /* its newest records in a row back at normal */
    double sum_of_squares;  /* of the newest record, of layers that have a norm */
    double first_over_last; /* of the newest record; 0 while not known */
    double quotient;        /* the largest between neighbours */
    struct tw_layer_norm layer[TW_CONTEXT_LAYERS_MAX];
};

struct tw_layer_blame {
    uint32_t index; /* n when nobody is to blame */
    double z, share;
};

void tw_layer_norms_start(struct tw_layer_norms *norms);

/* Judges a layers record and learns it afterwards. Returns false when it has no gradient norms. */
bool tw_layer_norms_take(struct tw_layer_norms *norms,
                         const struct tw_gradient_explosion_config *config,
                         const struct tw_layers *layers, uint64_t step, int64_t time_ms);

/* Of the layers that are in a spike, the one that got there first; of several, the largest z. */
struct tw_layer_blame tw_layer_norms_blame(const struct tw_layer_norms *norms);

/* Median of a layer's newest 5 norms over its mean: a ratio, and in deviations. */
double tw_layer_norm_ratio(const struct tw_layer_norm *layer);
double tw_layer_norm_sigma(const struct tw_layer_norm *layer,
                           const struct tw_gradient_explosion_config *config);
/* The share of a layer in the squared norms of the newest record. */
double tw_layer_norms_share(const struct tw_layer_norms *norms, uint32_t index);

#endif
