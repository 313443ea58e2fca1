/* The loss as the divergence detector sees it: where it began, where it stood best and where it
 * stands, on the scale of scale.h. Flat state; only finite losses come here. */
#ifndef TW_DIVERGENCE_LOSS_H
#define TW_DIVERGENCE_LOSS_H

#include "detectors/divergence/scale.h"
#include "detectors/statistics/blocks.h"
#include "detectors/statistics/cusum.h"
#include "detectors/statistics/level.h"
#include "detectors/statistics/loss_baseline.h"

#define TW_FIRST_LOSSES 8

/* The first losses, until all have come: as they came, with their distances from the first one. */
struct tw_first_losses {
    double value[TW_FIRST_LOSSES];
    int32_t steps[TW_FIRST_LOSSES];
    int32_t times_ms[TW_FIRST_LOSSES];
};

struct tw_divergence_loss {
    struct tw_loss_scale scale;
    uint64_t count;
    uint8_t n_first;
    float lowest;         /* lowest median of 5, on the scale: the best while none is known yet */
    uint64_t normal_step; /* the step after which all losses were high */
    int64_t normal_time_ms;
    struct tw_cusum cusum;
    struct tw_level level;
    struct tw_loss_baseline baseline;
    struct tw_blocks blocks;
    double first,
        initial_value; /* the first loss, and that of doing nothing, as they came; see .c */
    uint64_t first_step;
    int64_t first_time_ms;
    double best, best_loss; /* the best level that was asked for last, on the scale and as a loss */
};

void tw_divergence_loss_start(struct tw_divergence_loss *loss);

/* Goes over to the linear scale, converting what is stored. */
void tw_divergence_loss_make_linear(struct tw_divergence_loss *loss,
                                    const struct tw_course *course);

/* What a model is worth before training, as losses come: the loss of a guess when it is known (else
 * NaN), or the first one if that is lower; else the initial one. NaN while the first losses are
 * coming in. */
double tw_divergence_loss_untrained(const struct tw_divergence_loss *loss, double guess);

/* Share of the progress from the `untrained` loss to the `best` that is lost at a level, all as
 * they came; large when no progress was made, or `untrained` is NaN. */
double tw_divergence_lost_progress(double untrained, double level, double best);

/* Takes the first losses until the initial one is known; `firsts` is where they are kept. */
void tw_divergence_loss_note_first(struct tw_divergence_loss *loss, struct tw_first_losses *firsts,
                                   double value, uint64_t step, int64_t time_ms);
bool tw_divergence_loss_has_initial(const struct tw_divergence_loss *loss);

#endif
