/* The checkpoints that a run's directory holds. */
#ifndef TW_CHECKPOINT_LIST_H
#define TW_CHECKPOINT_LIST_H

#include "telemetry/error.h"

#include <stddef.h>
#include <stdint.h>

struct tw_checkpoint_entry {
    uint64_t step;
    double eval_loss;   /* NaN where it was not finite */
    int64_t written_ns; /* when, since the epoch */
};

/* Reads the step-N.bin in DIR that are checkpoints of this version, in the order of their steps;
 * others are passed over. `*ret` is for free(), NULL with none. A directory that is not there has
 * none. */
int tw_checkpoint_list(struct tw_checkpoint_entry **ret, size_t *ret_n, const char *dir,
                       struct tw_error *error);

/* The path of one checkpoint of a run: `which` is NULL (the one written last: a run that went back
 * to an earlier step leaves later ones behind), "best" (lowest eval_loss), "step-N", or a file. New
 * string in `*ret`, for free(). -ENOENT: there is none. */
int tw_checkpoint_find(char **ret, const char *run_dir, const char *which, struct tw_error *error);

#endif
