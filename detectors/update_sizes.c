/* Sizes of the updates, and their median. */
#include "detectors/update_sizes.h"

#include "detectors/statistics/order.h"

void tw_update_sizes_push(struct tw_update_sizes *sizes, double update, double weights)
{
    int16_t *place = &sizes->sizes[sizes->count % TW_UPDATE_SIZES];
    double size = log10(fmax(update / weights, 1e-12));
    sizes->replaced = *place;
    *place = (int16_t)lrint(TW_UPDATE_SIZE_UNIT * fmin(size, 16));
    sizes->count++;
    sizes->is_new = 1;
}

double tw_update_sizes_median(const struct tw_update_sizes *sizes)
{
    double values[TW_UPDATE_SIZES];
    unsigned n = tw_update_sizes_kept(sizes);
    for (unsigned i = 0; i < n; i++)
        values[i] = (double)sizes->sizes[i] / TW_UPDATE_SIZE_UNIT;
    return tw_median(values, n);
}
