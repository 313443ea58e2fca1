/* A run's evaluations: the newest 32 with the training loss and a score of the same time, and the
 * best one. Flat; no NaN is stored. */
#ifndef TW_OVERFITTING_EVALS_H
#define TW_OVERFITTING_EVALS_H

#include "detectors/context.h"

#define TW_EVALS 32
/* Training losses since the last evaluation that their median is taken of. */
#define TW_EVALS_LOSSES 256

struct tw_eval {
    uint64_t step;
    double loss;
    double train; /* training loss of the same time, while has_train */
    double score; /* of a metric where more is better, while has_score */
    uint8_t has_train, has_score;
};

struct tw_evals {
    uint64_t count;    /* evaluations with a finite loss */
    uint32_t n;        /* of them in `at`, oldest first */
    uint8_t is_paired; /* evaluations bring a training loss of their own */
    uint8_t has_metric, has_top;
    char metric[48];     /* name of the score */
    double start;        /* median of the first three evaluations */
    struct tw_eval best; /* the lowest loss; its `train` is the lower of that evaluation's and of
                          * the median of 3 there */
    double around_best;  /* median of the best loss, the two before it and the two after it */
    int64_t best_time_ms;
    double samples;      /* that the newest evaluation was over; 0 when not told */
    double top_score;    /* highest of all, while has_top */
    uint64_t since_top;  /* evaluations after it */
    double best_score;   /* highest up to the best evaluation, while best.has_score */
    uint64_t since_best; /* evaluations after the best one */
    uint64_t rises;      /* times in a row that the median of 3 rose */
    double peak;         /* highest median of 3 since the best */
    /* Of the times without a new best that ended with one: the longest, in evaluations, and the
     * highest rise of the median of 3, as tw_evals_rise() tells it. */
    uint64_t longest_drought;
    double highest_rise;
    struct tw_eval at[TW_EVALS];
};

void tw_evals_start(struct tw_evals *evals);
/* Forgets the newest evaluations but not the best one: what follows is not their continuation. */
void tw_evals_break(struct tw_evals *evals);
/* Takes a record with an evaluation loss, finite and of magnitude below 1e30, before which there
 * were so many training losses since the last one. Returns true when it is a new best. */
bool tw_evals_take(struct tw_evals *evals, const struct tw_record *record,
                   const struct tw_context *context, uint64_t losses);

/* Rise of `loss` over the best evaluation: their ratio, or where losses are not positive 1 plus its
 * share of the progress from the first evaluations to the best. At most 1e6. */
double tw_evals_rise(const struct tw_evals *evals, double loss);
/* Median of the newest 3 evaluation losses, training losses or scores; of fewer while there are
 * fewer. 0 when there is none. */
double tw_evals_level(const struct tw_evals *evals);
double tw_evals_train(const struct tw_evals *evals);
double tw_evals_score(const struct tw_evals *evals);
/* The newest three evaluations told their training loss, or score. */
bool tw_evals_has_train(const struct tw_evals *evals);
bool tw_evals_has_score(const struct tw_evals *evals);

/* How many evaluations since the best one, itself included, are still in `at`. */
unsigned tw_evals_known_since_best(const struct tw_evals *evals);
/* Size of the noise of the newest `n` evaluation losses, at most 21 of them: 1.4826 times the
 * median absolute difference of neighbours / sqrt 2. */
double tw_evals_noise(const struct tw_evals *evals, unsigned n);
/* The same of the scores, and for a share of a known number of samples at least two standard errors
 * of it. */
double tw_evals_score_noise(const struct tw_evals *evals);
/* Median of the newest `n` evaluation losses. */
double tw_evals_median(const struct tw_evals *evals, unsigned n);
/* Probability that a line through the newest `n` evaluation losses rises. */
double tw_evals_rising(const struct tw_evals *evals, unsigned n);
/* How often the gap between evaluation and training loss rose over the newest 8 evaluations; 0
 * while it is not known for 9. */
unsigned tw_evals_gap_rises(const struct tw_evals *evals);

#endif
