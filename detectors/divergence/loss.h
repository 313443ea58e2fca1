/* The loss as the divergence detector sees it: on a log scale while all losses are positive (then
 * "1.10" means 10 % above the best), on its own scale once one was negative (then "1.10" means that
 * 10 % of the progress made since the start is lost). Flat state; only finite losses come here. */
#ifndef TW_DIVERGENCE_LOSS_H
#define TW_DIVERGENCE_LOSS_H

#include "detectors/statistics/baseline.h"
#include "detectors/statistics/blocks.h"
#include "detectors/statistics/cusum.h"
#include "detectors/statistics/level.h"

#include <stdbool.h>

#define TW_FIRST_LOSSES 8

struct tw_divergence_loss {
    uint8_t is_linear;
    uint8_t n_first;
    uint64_t count;
    double first[TW_FIRST_LOSSES]; /* as they came */
    uint64_t first_steps[TW_FIRST_LOSSES];
    int64_t first_times_ms[TW_FIRST_LOSSES];
    double initial;       /* the loss of doing nothing, on the scale; see .c */
    double initial_value; /* and as it came */
    double newest;        /* as it came */
    double newest_z;      /* unclipped */
    double lowest;        /* lowest median of 5, on the scale: the best while none is known yet */
    uint64_t newest_step;
    uint64_t normal_step; /* the step after which all losses were high */
    int64_t normal_time_ms;
    double spread; /* the newest spread that was known; baselines start anew */
    struct tw_baseline baseline;
    struct tw_cusum cusum;
    struct tw_level level;
    struct tw_blocks blocks;
};

void tw_divergence_loss_start(struct tw_divergence_loss *loss);

/* Goes over to the linear scale, converting what is stored. */
void tw_divergence_loss_make_linear(struct tw_divergence_loss *loss);

/* A loss on the scale in force, limited to what a float can hold. */
double tw_divergence_loss_scaled(const struct tw_divergence_loss *loss, double value);
/* And back. */
double tw_divergence_loss_unscaled(const struct tw_divergence_loss *loss, double scaled);

/* How far level `y` is above `best`, both on the scale: a ratio, 1 = equal; see above. */
double tw_divergence_loss_rise(const struct tw_divergence_loss *loss, double y, double best);

/* What a model is worth before training, as losses come: the loss of a guess when it is known (else
 * NaN), or the first one if that is lower; else the initial one. NaN while the first losses are
 * coming in. */
double tw_divergence_loss_untrained(const struct tw_divergence_loss *loss, double guess);

/* Share of the progress from the `untrained` loss to `best` that is lost at level `y`; large when
 * no progress was made, or `untrained` is NaN. */
double tw_divergence_loss_lost_progress(const struct tw_divergence_loss *loss, double untrained,
                                        double y, double best);

/* Takes the first losses until the initial one is known. */
void tw_divergence_loss_note_first(struct tw_divergence_loss *loss, double value, uint64_t step,
                                   int64_t time_ms);
bool tw_divergence_loss_has_initial(const struct tw_divergence_loss *loss);

#endif
