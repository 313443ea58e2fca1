/* Is the run learning in spite of it? A network that has learned its task may have most of its tanh
 * units near +-1 or many silent ReLU units and be none the worse, so that what is seen in layers
 * only becomes a problem with a loss that has not come down. AUTOTRAINER (ICSE 2021) gates its
 * repairs in the same way, by the accuracy. Flat state; no NaN enters. */
#ifndef TW_SATURATION_OUTCOME_H
#define TW_SATURATION_OUTCOME_H

#include "detectors/context.h"
#include "detectors/statistics/sorted_window.h"

struct tw_outcome {
    TW_SORTED_WINDOW(16) window;
    uint8_t is_signed;        /* a loss was negative: levels are no ratios */
    uint32_t n_first;         /* losses that the two below were taken from, up to 8 */
    double smallest, initial; /* the second smallest: one lucky batch is no level */
};

void tw_outcome_start(struct tw_outcome *outcome);
void tw_outcome_observe(struct tw_outcome *outcome, const struct tw_record *record);
/* Median of the newest 16 losses as a share of the trivial loss, or of the first losses where that
 * is not declared. NaN when the log does not tell. */
double tw_outcome_level(const struct tw_outcome *outcome, const struct tw_context *context);

#endif
