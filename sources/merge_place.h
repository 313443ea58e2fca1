/* Where a record of one rank stands among those of the others, for merging files of one run. */
#ifndef TW_MERGE_PLACE_H
#define TW_MERGE_PLACE_H

#include "telemetry/record.h"

/* Zeroed: before the first record. */
struct tw_merge_place {
    uint32_t generation; /* counts how often the rank went back to an earlier step */
    uint64_t step;
    bool is_last; /* rank 0's end: behind what the others say of its last step */
};

/* Less than, equal to or more than 0. */
int tw_merge_place_compare(const struct tw_merge_place *a, const struct tw_merge_place *b);

/* `b` is ahead of `a` by more steps than whoever judges them waits for the one behind: 64. */
bool tw_merge_place_is_far_ahead(const struct tw_merge_place *a, const struct tw_merge_place *b);

/* Moves on to the next record of the same rank. */
void tw_merge_place_move(struct tw_merge_place *place, const struct tw_record *record);

#endif
