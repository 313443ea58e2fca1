/* The record log of Weights & Biases' .wandb files: LevelDB's (doc/log_format.md there) with two
 * departures: seven bytes at the beginning, which count as the first block's, and a checksum that
 * is zlib's CRC-32 and not masked (wandb/sdk/internal/datastore.py). */
#ifndef TW_WANDB_BLOCKS_H
#define TW_WANDB_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TW_WANDB_HEAD_BYTES 7u

/* True where these, TW_WANDB_HEAD_BYTES of them, begin a .wandb file. */
bool tw_wandb_is_head(const void *bytes);

/* Start with {0}. */
struct tw_wandb_blocks {
    uint64_t place;      /* in the file */
    size_t left_to_pass; /* of a block that was given up */
    uint8_t *record;     /* its fragments so far */
    size_t size, room;
    bool is_inside; /* fragments of a record have come, its last one has not */
};

/* What a step came upon. */
struct tw_wandb_step {
    const uint8_t *record; /* a whole record, valid until the next step; NULL: none */
    size_t size;
    const char *broken; /* why something was passed over; NULL: nothing was */
};

/* Takes one piece of `bytes`, and says how many bytes that was; 0 when more are needed, negative
 * for what is no .wandb file or when out of memory. */
long tw_wandb_step(struct tw_wandb_blocks *blocks, const uint8_t *bytes, size_t size,
                   struct tw_wandb_step *ret);

void tw_wandb_blocks_clear(struct tw_wandb_blocks *blocks);

#endif
