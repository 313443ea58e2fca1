/* What else tells of an explosion: the loss and the size of the updates beside their baselines,
 * and spikes of the norm before. Flat state. */
#ifndef TW_GRADIENT_EXPLOSION_SIGNS_H
#define TW_GRADIENT_EXPLOSION_SIGNS_H

#include "detectors/gradient_explosion/config.h"
#include "detectors/statistics/course_marks.h"
#include "detectors/statistics/recent.h"

#include <stdbool.h>

#define TW_EXPLOSION_SPIKES 8

/* Of the newest 64 losses that came while norms were normal. */
struct tw_normal_loss {
    uint32_t n;
    double median, deviation;
};

struct tw_explosion_signs {
    uint64_t losses;
    uint8_t recent_losses; /* since the segment began, at most 16 */
    uint8_t is_held;       /* norms are not normal: `held` is what was before */
    struct tw_normal_loss held;
    struct tw_course_marks normal; /* losses of the course that came while norms were normal */
    double first_loss, newest_loss;
    uint64_t spikes; /* so far */
    TW_RECENT(5) update;
    TW_RECENT(64) normal_update;
    uint64_t spike_at[TW_EXPLOSION_SPIKES]; /* counts of norms, a ring */
};

void tw_explosion_signs_start(struct tw_explosion_signs *signs);
/* Forgets what was normal: another segment. The first loss and the spikes stay. */
void tw_explosion_signs_restart(struct tw_explosion_signs *signs);

/* Take a value; NaN and infinities are ignored. `is_normal`: nothing is unusual about norms. */
void tw_explosion_signs_take_loss(struct tw_explosion_signs *signs, const struct tw_course *course,
                                  double loss, bool is_normal);
void tw_explosion_signs_take_update(struct tw_explosion_signs *signs, double norm, bool is_normal);
void tw_explosion_signs_add_spike(struct tw_explosion_signs *signs, uint64_t norms);

/* Median of the newest 16 losses over the baseline, of 5 update norms over theirs: a ratio; 0 while
 * it is not known. */
double tw_explosion_signs_loss_ratio(const struct tw_explosion_signs *signs,
                                     const struct tw_course *course);
double tw_explosion_signs_update_ratio(const struct tw_explosion_signs *signs);
/* The loss has risen by loss_ratio, and by more than one spread of single losses. */
bool tw_explosion_signs_loss_is_up(const struct tw_explosion_signs *signs,
                                   const struct tw_course *course,
                                   const struct tw_gradient_explosion_config *config);
/* The newest loss is above the first one. */
bool tw_explosion_signs_loss_is_above_first(const struct tw_explosion_signs *signs,
                                            const struct tw_gradient_explosion_config *config);
/* Spikes within cluster_norms before the norm number `norms`. */
uint64_t tw_explosion_signs_spikes(const struct tw_explosion_signs *signs,
                                   const struct tw_gradient_explosion_config *config,
                                   uint64_t norms);

#endif
