/* One condition on many layers, followed over the layer records: in which layers it has held for
 * some records in a row, and since when. A record counts when it is some steps newer than the last
 * one that did, so that neighbouring steps of a dense log are not taken for persistence; a record
 * in between can only break a run. Flat state, shared by saturation and dead-units. */
#ifndef TW_SATURATION_TRACKS_H
#define TW_SATURATION_TRACKS_H

#include "detectors/context.h"

struct tw_track {
    uint32_t records; /* in a row */
    uint64_t first_step;
    int64_t first_time_ms;
};

/* Says whether the record of this step counts, and notes that it did. */
struct tw_track_clock {
    uint8_t has_counted;
    uint64_t counted_step;
};
bool tw_track_clock_counts(struct tw_track_clock *clock, uint64_t step, uint64_t apart);

/* Takes whether the condition holds at one record. `counts`: of tw_track_clock_counts(). */
void tw_track_add(struct tw_track *track, bool holds, bool counts, const struct tw_context *now);

#endif
