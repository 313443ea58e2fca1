/* Records of several ranks in the order of their steps. */
#include "sources/merge_place.h"

#include <string.h>

#define WINDOW_STEPS 64

int tw_merge_place_compare(const struct tw_merge_place *a, const struct tw_merge_place *b)
{
    if (a->generation != b->generation)
        return a->generation < b->generation ? -1 : 1;
    if (a->step != b->step)
        return a->step < b->step ? -1 : 1;
    return (int)a->is_last - (int)b->is_last;
}

bool tw_merge_place_is_far_ahead(const struct tw_merge_place *a, const struct tw_merge_place *b)
{
    if (a->generation != b->generation)
        return a->generation < b->generation;
    return b->step > a->step && b->step - a->step > WINDOW_STEPS;
}

/* An evaluation may be of an earlier step; only training goes back. */
static bool is_training(const struct tw_record *record)
{
    return record->kind == TW_KIND_STEP ||
           (record->kind == TW_KIND_EVENT && !strcmp(record->event, "resume"));
}

void tw_merge_place_move(struct tw_merge_place *place, const struct tw_record *record)
{
    place->is_last = record->kind == TW_KIND_END && record->rank == 0;
    if (!(record->has & TW_HAS_STEP) || (record->step < place->step && !is_training(record)))
        return;
    place->generation += record->step < place->step;
    place->step = record->step;
}
