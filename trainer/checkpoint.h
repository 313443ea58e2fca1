/* Checkpoints: all that a training needs to go on, in one file `checkpoints/step-N.bin`. Integers
 * and floats are little-endian:
 *
 *   "TWCKPT" 0 0, u32 version (2), u32 n_layers, u32 n_slots, u32 position,
 *   u64 seed, step, samples, epoch, batch_size, random state, random increment, n_parameters,
 *   f64 eval_loss, 32 bytes data set's name, 32 bytes optimizer's name,
 *   u64 n_updates, dropout's random state, its random increment, n_buffers,
 *   f64 loss_scale (0: no loss scaling), u64 clean steps since it changed,
 *   for each layer: 32 bytes kind, u64 fan_in, u64 units,
 *   f32 parameters[n_parameters], n_slots times f32 state[n_parameters],
 *   f32 buffers[n_buffers],
 *   u32 CRC-32 (ISO-HDLC, zlib's) of everything before.
 *
 * `position` counts the samples of the epoch that are done; the random state is the one from which
 * the epoch's order was drawn. Where an epoch has ended, position is 0, and the random state the
 * one from which the next order is drawn.
 */
#ifndef TW_CHECKPOINT_H
#define TW_CHECKPOINT_H

#include "trainer/training.h"

#define TW_CHECKPOINT_VERSION 2

/* Which checkpoints of a run are kept: the newest few and the best. Files that this process did not
 * write are left alone. */
struct tw_checkpoints {
    char *dir; /* RUN/checkpoints, owned */
    uint64_t seed, keep, n;
    uint64_t *steps; /* the newest n, oldest first; owned */
    uint64_t best_step;
    double best_loss;
    bool has_best;
};

/* Makes RUN_DIR/checkpoints where missing. */
int tw_checkpoints_open(struct tw_checkpoints *checkpoints, const char *run_dir, uint64_t keep,
                        uint64_t seed, struct tw_error *error);
/* Writes step-N.bin (by rename) and removes those that are no longer kept. */
int tw_checkpoints_save(struct tw_checkpoints *checkpoints, const struct tw_training *training,
                        double eval_loss, struct tw_error *error);
/* Goes on with those in the directory up to `step`: which are the newest, and which is the best.
 * Later ones belong to steps that are taken again: they stay until they are written anew. */
int tw_checkpoints_continue(struct tw_checkpoints *checkpoints, uint64_t step,
                            struct tw_error *error);
void tw_checkpoints_close(struct tw_checkpoints *checkpoints); /* a zeroed one is allowed */

/* Reads a checkpoint into a training of the same layers, optimizer and data set: it then goes on
 * exactly as the one that wrote it. Precision and loss scaling may differ: a training with loss
 * scaling takes the file's scale where that has one. On failure the training is as before. */
int tw_checkpoint_read(const char *path, struct tw_training *training, struct tw_error *error);

/* The step and the eval_loss of a file, without checking the rest of it. */
int tw_checkpoint_peek(const char *path, uint64_t *ret_step, double *ret_eval_loss,
                       struct tw_error *error);

#endif
