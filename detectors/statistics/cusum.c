/* The cumulative sum, and where its present excursion began. */
#include "detectors/statistics/cusum.h"

void tw_cusum_start(struct tw_cusum *cusum)
{
    *cusum = (struct tw_cusum){0};
}

void tw_cusum_add(struct tw_cusum *cusum, double z, double drift, double line, uint64_t step,
                  int64_t time_ms)
{
    double sum = cusum->sum + z - drift;
    if (sum <= 0) {
        cusum->sum = 0;
        return;
    }
    if (cusum->sum <= 0) {
        cusum->onset_step = step;
        cusum->onset_time_ms = time_ms;
    }
    cusum->sum = sum < 3 * line ? sum : 3 * line;
}
