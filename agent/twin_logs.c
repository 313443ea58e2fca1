/* Compares the first losses of two logs, step by step. */
#include "agent/twin_logs.h"

#include <math.h>

void tw_twin_take(struct tw_twin_losses *losses, const struct tw_record *record)
{
    bool has_loss = tw_record_has(record, TW_SIGNAL_LOSS) && record->has & TW_HAS_STEP;
    bool goes_on = !losses->n || losses->at[losses->n - 1].step < record->step;
    if (!has_loss || !goes_on || losses->n == TW_TWIN_LOSSES)
        return;
    losses->at[losses->n].step = record->step;
    losses->at[losses->n++].loss = record->signal[TW_SIGNAL_LOSS];
}

struct comparison {
    size_t common;
    double least, most; /* of the losses that both tell */
    double difference;  /* the largest between the two */
};

static void compare(struct comparison *comparison, double a, double b)
{
    comparison->common++;
    if (isfinite(a) != isfinite(b))
        comparison->difference = INFINITY;
    if (!isfinite(a) || !isfinite(b))
        return;
    comparison->least = fmin(comparison->least, a);
    comparison->most = fmax(comparison->most, a);
    comparison->difference = fmax(comparison->difference, fabs(a - b));
}

bool tw_twin_are_same(const struct tw_twin_losses *a, const struct tw_twin_losses *b)
{
    struct comparison comparison = {.least = INFINITY, .most = -INFINITY};
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        if (a->at[i].step < b->at[j].step)
            i++;
        else if (a->at[i].step > b->at[j].step)
            j++;
        else
            compare(&comparison, a->at[i++].loss, b->at[j++].loss);
    }
    return comparison.common >= TW_TWIN_COMMON &&
           comparison.difference <= TW_TWIN_DIFFERENCE * (comparison.most - comparison.least);
}
