/* The runs of one partition that changed since their last snapshot, in the order of their first
 * unsaved record. What stands before the first one's is in snapshots, or needs none: so far the
 * partition's offset may be committed. */
#ifndef TW_UNSAVED_H
#define TW_UNSAVED_H

#include <stddef.h>
#include <stdint.h>

struct tw_run;

/* What a run keeps for it. */
struct tw_unsaved_mark {
    struct tw_run *earlier, *later;
    int64_t offset;     /* of the message with the first unsaved record */
    double since;       /* when that came, by the caller's clock */
    uint64_t documents; /* advisories appended to the log when this run had its newest record */
};

struct tw_unsaved {
    struct tw_run *first, *last;
    size_t n;
};

/* A run that is not in the queue gets in at its end; `is_dirty` of the run is set. */
void tw_unsaved_add(struct tw_unsaved *queue, struct tw_run *run, int64_t offset, double since);
/* Takes a run out of the queue; `is_dirty` is unset. One that is not in it is left alone. */
void tw_unsaved_remove(struct tw_unsaved *queue, struct tw_run *run);

#endif
