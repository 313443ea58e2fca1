/* How much of a run's state is there. Most runs send step records and nothing else, and what is
 * only of use with evaluations or layers is several times what they need: so a state is laid out in
 * this order, and its tail is added when the first record comes that it is for. */
#ifndef TW_EXTENT_H
#define TW_EXTENT_H

#include "telemetry/record.h"

#include <string.h>

/* Each holds those before it too. A state never shrinks. */
enum tw_extent {
    TW_EXTENT_STEPS,  /* what every run has */
    TW_EXTENT_EVALS,  /* from the first evaluation or checkpoint on */
    TW_EXTENT_LAYERS, /* from the first record with figures of layers on */
    TW_EXTENTS
};

/* What a state must have before it sees the record. */
static inline enum tw_extent tw_extent_of(const struct tw_record *record)
{
    if (record->layers)
        return TW_EXTENT_LAYERS;
    bool is_checkpoint = record->kind == TW_KIND_EVENT && !strcmp(record->event, "checkpoint");
    return is_checkpoint || record->kind == TW_KIND_EVAL ||
                   tw_record_has(record, TW_SIGNAL_EVAL_LOSS)
               ? TW_EXTENT_EVALS
               : TW_EXTENT_STEPS;
}

#endif
