/* Signs of an explosion beside the norm. */
#include "detectors/gradient_explosion/signs.h"

#include <math.h>
#include <string.h>

/* Beyond it, differences of floats overflow. */
#define VALUE_MAX 1e30
/* Fewer make no baseline. */
enum { NORMAL_MIN = 16, NORMAL_LOSSES = 64, LEVEL_LOSSES = 16 };

void tw_explosion_signs_start(struct tw_explosion_signs *signs)
{
    memset(signs, 0, sizeof *signs);
}

void tw_explosion_signs_restart(struct tw_explosion_signs *signs)
{
    signs->recent_losses = signs->is_held = 0;
    signs->held = (struct tw_normal_loss){0};
    signs->normal = (struct tw_course_marks){0};
    TW_RECENT_CLEAR(&signs->update);
    TW_RECENT_CLEAR(&signs->normal_update);
}

/* ---- losses ---- */

static struct tw_normal_loss measure_normal(const struct tw_explosion_signs *signs,
                                            const struct tw_course *course)
{
    float losses[NORMAL_LOSSES];
    unsigned n = tw_course_marked(&signs->normal, course, NORMAL_LOSSES, losses);
    for (unsigned i = 0; i < n; i++)
        losses[i] = (float)tw_course_loss(course, (double)losses[i]);
    return (struct tw_normal_loss){n, tw_recent_median(losses, n), tw_recent_deviation(losses, n)};
}

/* What was normal when it last was; while too few are again, too. */
static struct tw_normal_loss normal_loss(const struct tw_explosion_signs *signs,
                                         const struct tw_course *course)
{
    if (signs->is_held)
        return signs->held;
    struct tw_normal_loss now = measure_normal(signs, course);
    return now.n < NORMAL_MIN && signs->held.n > now.n ? signs->held : now;
}

static double recent_level(const struct tw_explosion_signs *signs, const struct tw_course *course)
{
    return tw_course_median(course, 0, signs->recent_losses);
}

void tw_explosion_signs_take_loss(struct tw_explosion_signs *signs, const struct tw_course *course,
                                  double loss, bool is_normal)
{
    bool is_usable = isfinite(loss) && fabs(loss) <= VALUE_MAX;
    if (course->is_new)
        tw_course_mark(&signs->normal, course, is_normal && is_usable);
    if (!is_normal && !signs->is_held)
        signs->held = normal_loss(signs, course);
    signs->is_held = !is_normal;
    if (!is_usable)
        return;
    if (!signs->losses++)
        signs->first_loss = loss;
    signs->newest_loss = loss;
    signs->recent_losses += signs->recent_losses < LEVEL_LOSSES;
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
static double ratio_of(double level, const struct tw_normal_loss *normal)
{
    if (normal->n < NORMAL_MIN || fabs(normal->median) <= 0)
        return 0;
    return fmin(1 + (level - normal->median) / fabs(normal->median), VALUE_MAX);
}

double tw_explosion_signs_loss_ratio(const struct tw_explosion_signs *signs,
                                     const struct tw_course *course)
{
    struct tw_normal_loss normal = normal_loss(signs, course);
    return ratio_of(recent_level(signs, course), &normal);
}

double tw_explosion_signs_update_ratio(const struct tw_explosion_signs *signs)
{
    double normal = TW_RECENT_MEDIAN(&signs->normal_update);
    if (signs->normal_update.count < NORMAL_MIN || !(normal > 0))
        return 0;
    return fmin(TW_RECENT_MEDIAN(&signs->update) / normal, VALUE_MAX);
}

bool tw_explosion_signs_loss_is_up(const struct tw_explosion_signs *signs,
                                   const struct tw_course *course,
                                   const struct tw_gradient_explosion_config *config)
{
    struct tw_normal_loss normal = normal_loss(signs, course);
    double level = recent_level(signs, course);
    return ratio_of(level, &normal) >= config->loss_ratio &&
           level - normal.median >= normal.deviation;
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
