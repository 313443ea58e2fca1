/* What is normal for the loss: median and spread of the newest 256 that their owner took for
 * healthy among those that the course keeps. Which these are is a bit each; while too few are (a
 * trouble that lasts), what was known last holds. The owner judges a loss first and lets the
 * baseline learn it afterwards. The median is exact, the spread found anew every eighth loss, and
 * every sixteenth once there are many. */
#ifndef TW_LOSS_BASELINE_H
#define TW_LOSS_BASELINE_H

#include "course.h"
#include "middle.h"

#define TW_LOSS_BASELINE_VALUES 256
/* A bit for each place of the course's ring, 62 a word: no word looks like a number that is none.
 */
#define TW_HEALTHY_BITS 62
#define TW_HEALTHY_WORDS (TW_COURSE_LOSSES / TW_HEALTHY_BITS)

struct tw_loss_baseline {
    uint16_t count;       /* learned since the start, at most 256 */
    uint8_t until_spread; /* losses until it is found anew */
    float last_z, autocovariance, variance;
    double median, spread;   /* on the course's scale */
    struct tw_middle middle; /* of the healthy ones */
    uint64_t healthy[TW_HEALTHY_WORDS];
};

void tw_loss_baseline_start(struct tw_loss_baseline *baseline);
/* A new loss has come, which is not known to be healthy: for each of them, before anything else. */
void tw_loss_baseline_turn(struct tw_loss_baseline *baseline, const struct tw_course *course);
/* Learns the newest loss, which was judged before, with its clipped score. */
void tw_loss_baseline_learn(struct tw_loss_baseline *baseline, const struct tw_course *course,
                            double z);
/* The course went over to the linear scale: so does what is known. */
void tw_loss_baseline_make_linear(struct tw_loss_baseline *baseline,
                                  const struct tw_course *course);
/* How many spreads `x` lies above the median; the spread counts as at least `floor` > 0. */
double tw_loss_baseline_score(const struct tw_loss_baseline *baseline, double x, double floor);
/* Lag-1 autocorrelation of the scores learned, limited to 0..0.5. */
double tw_loss_baseline_autocorrelation(const struct tw_loss_baseline *baseline);

#endif
