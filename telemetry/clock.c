/* The monotonic clock in seconds. */
#include "telemetry/clock.h"

#include <time.h>

double tw_now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
