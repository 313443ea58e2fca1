/* Gradient norms of the layers. */
#include "detectors/gradient_explosion/layers.h"

#include <math.h>
#include <string.h>

/* The mean remembers about so many records. */
#define MEMORY 32.
/* Mean absolute deviation to standard deviation, of a normal distribution: sqrt(pi / 2). */
#define TO_SIGMA 1.2533141373155003
/* What one record may move the mean by, in deviations. */
#define LIMIT 3.
/* So long a spike is a new level. */
enum { NEW_LEVEL = 32, RECENT = 5 };

void tw_layer_norms_start(struct tw_layer_norms *norms)
{
    memset(norms, 0, sizeof *norms);
}

static double spread_of(const struct tw_layer_norm *layer,
                        const struct tw_gradient_explosion_config *config)
{
    return fmax(TO_SIGMA * (double)layer->deviation, config->spread_floor);
}

static double recent_median(const struct tw_layer_norm *layer)
{
    float sorted[RECENT];
    uint32_t n = layer->taken < RECENT ? layer->taken : RECENT;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > layer->recent[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = layer->recent[i];
    }
    return n ? (double)sorted[n / 2] : 0;
}

double tw_layer_norm_ratio(const struct tw_layer_norm *layer)
{
    return exp(fmin(recent_median(layer) - (double)layer->mean, 50));
}

double tw_layer_norm_sigma(const struct tw_layer_norm *layer,
                           const struct tw_gradient_explosion_config *config)
{
    return (recent_median(layer) - (double)layer->mean) / spread_of(layer, config);
}

static void learn(struct tw_layer_norm *layer, const struct tw_gradient_explosion_config *config,
                  double y)
{
    double weight = 1 / fmin(layer->count + 1., MEMORY);
    double limit = LIMIT * spread_of(layer, config);
    /* The first few settle where the layer is, however far that is from one of them. */
    double change = layer->count < config->layer_records
                        ? y - (double)layer->mean
                        : fmax(-limit, fmin(limit, y - (double)layer->mean));
    layer->mean += (float)(weight * change);
    if (layer->count)
        layer->deviation += (float)(weight * (fabs(change) - (double)layer->deviation));
    layer->count++;
}

static void take_norm(struct tw_layer_norm *layer,
                      const struct tw_gradient_explosion_config *config, double y, uint64_t step,
                      int64_t time_ms)
{
    bool has_baseline = layer->count >= config->layer_records;
    double above = y - (double)layer->mean;
    layer->z = (float)(has_baseline ? above / spread_of(layer, config) : 0);
    layer->recent[layer->taken++ % RECENT] = (float)y;
    bool is_high = has_baseline && (double)layer->z >= config->spike_sigma &&
                   above >= log(config->spike_ratio);
    if (is_high && !layer->high++) {
        layer->crossed_step = step;
        layer->crossed_time_ms = time_ms;
    }
    if (!is_high)
        layer->high = 0;
    if (layer->high > NEW_LEVEL)
        layer->count = 0;
    if (!is_high || layer->high > NEW_LEVEL)
        learn(layer, config, y);
}

/* Neighbours are the layers that have a norm; a frozen one has none. */
static void take_shape(struct tw_layer_norms *norms, const float *column, uint32_t n)
{
    double first = 0, last = 0;
    norms->sum_of_squares = norms->quotient = 0;
    for (uint32_t i = 0; i < n; i++) {
        double x = (double)column[i];
        if (!isfinite(x) || x <= 0)
            continue;
        if (first > 0)
            norms->quotient = fmax(norms->quotient, fmax(x / last, last / x));
        else
            first = x;
        last = x;
        norms->sum_of_squares += x * x;
    }
    norms->first_over_last = last > 0 ? first / last : 0;
}

static void begin_layers(struct tw_layer_norms *norms, const struct tw_layers *layers)
{
    tw_layer_norms_start(norms);
    norms->header_hash = layers->header_hash;
    norms->n = layers->n < TW_CONTEXT_LAYERS_MAX ? layers->n : TW_CONTEXT_LAYERS_MAX;
    norms->exploding = norms->n;
}

bool tw_layer_norms_take(struct tw_layer_norms *norms,
                         const struct tw_gradient_explosion_config *config,
                         const struct tw_layers *layers, uint64_t step, int64_t time_ms)
{
    const float *column = layers->column[TW_LAYER_GRAD_NORM];
    if (!column || !layers->n)
        return false;
    if (!norms->records || norms->header_hash != layers->header_hash)
        begin_layers(norms, layers);
    norms->records++;
    take_shape(norms, column, layers->n);
    for (uint32_t i = 0; i < norms->n && i < layers->n; i++) {
        double x = (double)column[i];
        if (isfinite(x) && x > 0)
            take_norm(&norms->layer[i], config, log(x), step, time_ms);
    }
    return true;
}

double tw_layer_norms_share(const struct tw_layer_norms *norms, uint32_t index)
{
    const struct tw_layer_norm *layer = &norms->layer[index];
    if (!layer->taken || !(norms->sum_of_squares > 0))
        return 0;
    double newest = (double)layer->recent[(layer->taken - 1) % RECENT];
    return fmin(exp(2 * newest) / norms->sum_of_squares, 1);
}

struct tw_layer_blame tw_layer_norms_blame(const struct tw_layer_norms *norms)
{
    struct tw_layer_blame blame = {.index = norms->n};
    uint64_t step = UINT64_MAX;
    for (uint32_t i = 0; i < norms->n; i++) {
        const struct tw_layer_norm *layer = &norms->layer[i];
        if (!layer->high || layer->crossed_step > step ||
            (layer->crossed_step == step && (double)layer->z <= blame.z))
            continue;
        blame = (struct tw_layer_blame){i, (double)layer->z, tw_layer_norms_share(norms, i)};
        step = layer->crossed_step;
    }
    return blame;
}
