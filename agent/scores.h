/* The metrics of a run's evaluations: the best of each, where more or less is better, and the
 * newest. For people who compare runs; nothing is judged by it. */
#ifndef TW_SCORES_H
#define TW_SCORES_H

#include "sources/logs/names.h"

#include "telemetry/record.h"

struct tw_score {
    char name[sizeof(((struct tw_metric *)0)->name)]; /* "accuracy" */
    enum tw_direction direction;
    uint64_t n;    /* readings, those that are not finite included */
    double newest; /* NaN without a sign */
    bool has_best; /* a finite one was read, and it has a direction */
    double best;   /* of the first where several are equal */
    uint64_t best_step;
};

/* In the order in which they were first read; further ones are left out. Zeroed to begin with. */
struct tw_scores {
    size_t n;
    struct tw_score at[TW_METRICS_MAX];
};

void tw_scores_take(struct tw_scores *scores, const struct tw_record *record, uint64_t step);
/* NULL where there is none of this name. */
const struct tw_score *tw_scores_find(const struct tw_scores *scores, const char *name);

#endif
