/* A layer that explodes by itself: it makes up most of the gradient, and leaves its own baseline.
 * Layers whose gradients start near zero (biases, branches that begin at zero) grow by decades in
 * good health, but are small. */
#include "detectors/gradient_explosion/state.h"

/* Records that a layer has to be calm for. */
enum { CALM_RECORDS = 5 };

static void judge_open(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    struct tw_layer_norms *layers = &explosion->layers;
    bool is_calm =
        tw_layer_norm_ratio(&layers->layer[layers->exploding]) < view->config->recovered_ratio;
    layers->calm = is_calm ? layers->calm + 1 : 0;
    if (layers->calm < CALM_RECORDS)
        return;
    tw_explosion_say_layer(explosion, view, TW_STATE_RECOVERED, TW_SEVERITY_WARNING,
                           view->config->recovered_ratio);
    layers->exploding = layers->n;
}

void tw_explosion_judge_layers(struct tw_explosion *explosion, const struct tw_explosion_view *view)
{
    const struct tw_gradient_explosion_config *config = view->config;
    struct tw_layer_norms *layers = &explosion->layers;
    if (layers->exploding < layers->n) {
        judge_open(explosion, view);
        return;
    }
    struct tw_layer_blame blame = tw_layer_norms_blame(layers);
    if (explosion->cause != TW_EXPLOSION_BY_NONE || view->is_muted || view->is_warmup ||
        view->is_strict || blame.index >= layers->n || blame.share < config->layer_share)
        return;
    const struct tw_layer_norm *layer = &layers->layer[blame.index];
    double ratio = tw_layer_norm_ratio(layer);
    bool is_up = tw_explosion_signs_loss_is_up(&explosion->signs, &view->context->course, config);
    double threshold = is_up ? config->warning_ratio : config->critical_ratio;
    if (ratio < threshold || tw_layer_norm_sigma(layer, config) < config->sustained_sigma)
        return;
    layers->exploding = blame.index;
    layers->calm = 0;
    explosion->ever_opened++;
    tw_explosion_say_layer(explosion, view, TW_STATE_OPEN,
                           is_up && ratio >= config->critical_ratio ? TW_SEVERITY_CRITICAL
                                                                    : TW_SEVERITY_WARNING,
                           threshold);
}
