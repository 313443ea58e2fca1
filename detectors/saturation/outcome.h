/* Is the run learning in spite of it? A network that has learned its task may have most of its tanh
 * units near +-1 or many silent ReLU units and be none the worse, so that what is seen in layers
 * only becomes a problem with a loss that has not come down. AUTOTRAINER (ICSE 2021) gates its
 * repairs in the same way, by the accuracy. Flat state, zeroed in the
 * beginning; no NaN enters. */
#ifndef TW_SATURATION_OUTCOME_H
#define TW_SATURATION_OUTCOME_H

#include "detectors/context.h"

struct tw_outcome {
    uint8_t has_stall;
    double stall_level; /* the level that has not been improved on by a tenth */
    uint64_t stall_step;
};

/* Median of the newest 16 losses as a share of the trivial loss, or of the first losses where that
 * is not declared. NaN when the log does not tell. */
double tw_outcome_level(const struct tw_context *context);

/* Takes the level at a step. */
void tw_outcome_note(struct tw_outcome *outcome, double level, uint64_t step);
/* Since `first_step` the level has not come down by a tenth, for `steps` steps and `share` of the
 * declared budget (for those steps alone where none is declared). A level that is not known has
 * not come down. */
bool tw_outcome_has_stalled(const struct tw_outcome *outcome, const struct tw_context *context,
                            uint64_t first_step, uint64_t steps, double share);

#endif
