/* Two logs that tell of the same run: a job may write event files, a table and lines at once, and
 * would be told each advisory as often. They are known by their losses. */
#ifndef TW_TWIN_LOGS_H
#define TW_TWIN_LOGS_H

#include "telemetry/record.h"

#include <stdbool.h>
#include <stddef.h>

/* The first losses of a log. */
#define TW_TWIN_LOSSES 256
/* So many steps must be told by both, */
#define TW_TWIN_COMMON 8
/* and all their losses agree but for this share of what lies between the least and the most of
 * them: texts round, and two runs of one experiment differ by more than that from the first step
 * on. */
#define TW_TWIN_DIFFERENCE .01

struct tw_twin_losses {
    size_t n;
    struct {
        uint64_t step;
        double loss;
    } at[TW_TWIN_LOSSES];
};

/* Takes note of a record's loss; one that goes back in steps is left out. */
void tw_twin_take(struct tw_twin_losses *losses, const struct tw_record *record);

bool tw_twin_are_same(const struct tw_twin_losses *a, const struct tw_twin_losses *b);

#endif
