/* Signs of an explosion beside the norm. */
#include "detectors/gradient_explosion/signs.h"

#include <math.h>
#include <string.h>

/* Beyond it, differences of floats overflow. */
#define VALUE_MAX 1e30
/* Fewer make no baseline. */
enum { NORMAL_MIN = 16 };

void tw_explosion_signs_start(struct tw_explosion_signs *signs)
{
    memset(signs, 0, sizeof *signs);
    tw_explosion_signs_restart(signs);
}

void tw_explosion_signs_restart(struct tw_explosion_signs *signs)
{
    TW_RECENT_CLEAR(&signs->loss);
    TW_RECENT_CLEAR(&signs->normal_loss);
    TW_RECENT_CLEAR(&signs->update);
    TW_RECENT_CLEAR(&signs->normal_update);
}

void tw_explosion_signs_take_loss(struct tw_explosion_signs *signs, double loss, bool is_normal)
{
    if (!isfinite(loss) || fabs(loss) > VALUE_MAX)
        return;
    if (!signs->losses++)
        signs->first_loss = loss;
    signs->newest_loss = loss;
    TW_RECENT_PUSH(&signs->loss, (float)loss);
    if (is_normal)
        TW_RECENT_PUSH(&signs->normal_loss, (float)loss);
}

void tw_explosion_signs_take_update(struct tw_explosion_signs *signs, double norm, bool is_normal)
{
    if (!isfinite(norm) || norm < 0 || norm > VALUE_MAX)
        return;
    TW_RECENT_PUSH(&signs->update, (float)norm);
    if (is_normal)
        TW_RECENT_PUSH(&signs->normal_update, (float)norm);
}

void tw_explosion_signs_add_spike(struct tw_explosion_signs *signs, uint64_t norms)
{
    signs->spike_at[signs->spikes++ % TW_EXPLOSION_SPIKES] = norms;
}

/* A ratio for losses of any sign: 1.05 is a twentieth of the baseline's size above it. */
double tw_explosion_signs_loss_ratio(const struct tw_explosion_signs *signs)
{
    double normal = TW_RECENT_MEDIAN(&signs->normal_loss);
    if (signs->normal_loss.count < NORMAL_MIN || normal == 0)
        return 0;
    return fmin(1 + (TW_RECENT_MEDIAN(&signs->loss) - normal) / fabs(normal), VALUE_MAX);
}

double tw_explosion_signs_update_ratio(const struct tw_explosion_signs *signs)
{
    double normal = TW_RECENT_MEDIAN(&signs->normal_update);
    if (signs->normal_update.count < NORMAL_MIN || !(normal > 0))
        return 0;
    return fmin(TW_RECENT_MEDIAN(&signs->update) / normal, VALUE_MAX);
}

bool tw_explosion_signs_loss_is_up(const struct tw_explosion_signs *signs,
                                   const struct tw_gradient_explosion_config *config)
{
    double rise = TW_RECENT_MEDIAN(&signs->loss) - TW_RECENT_MEDIAN(&signs->normal_loss);
    return tw_explosion_signs_loss_ratio(signs) >= config->loss_ratio &&
           rise >= TW_RECENT_MAD(&signs->normal_loss);
}

bool tw_explosion_signs_loss_is_above_first(const struct tw_explosion_signs *signs,
                                            const struct tw_gradient_explosion_config *config)
{
    double above = signs->newest_loss - signs->first_loss;
    return signs->losses >= 3 && above > 0 &&
           above >= (config->loss_ratio - 1) * fabs(signs->first_loss);
}

uint64_t tw_explosion_signs_spikes(const struct tw_explosion_signs *signs,
                                   const struct tw_gradient_explosion_config *config,
                                   uint64_t norms)
{
    uint64_t kept = signs->spikes < TW_EXPLOSION_SPIKES ? signs->spikes : TW_EXPLOSION_SPIKES,
             n = 0;
    for (uint64_t i = 0; i < kept; i++)
        n += signs->spike_at[i] < norms && norms - signs->spike_at[i] <= config->cluster_norms;
    return n;
}
