/* Runs of records in which a condition holds. */
#include "detectors/saturation/tracks.h"

#include <string.h>

bool tw_track_clock_counts(struct tw_track_clock *clock, uint64_t step, uint64_t apart)
{
    /* A resumed run starts again from an earlier step. */
    bool is_apart = step < clock->counted_step || step - clock->counted_step >= apart;
    if (clock->has_counted && !is_apart)
        return false;
    clock->has_counted = 1;
    clock->counted_step = step;
    return true;
}

void tw_track_add(struct tw_track *track, bool holds, bool counts, const struct tw_context *now)
{
    if (!holds) {
        memset(track, 0, sizeof *track);
        return;
    }
    if (!counts && track->records)
        return;
    if (!track->records) {
        track->first_step = now->step;
        track->first_time_ms = now->time_ms;
    }
    track->records += track->records < UINT32_MAX;
}
