#include "sources/logs/wandb_blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define BLOCK_BYTES 32768u
#define CHUNK_HEAD_BYTES 7u /* checksum, length (u16), type (u8) */

/* A history record is some KB, one with histograms of all layers some hundred. */
#define RECORD_BYTES_MAX (16u << 20)

enum chunk_type { FULL = 1, FIRST = 2, MIDDLE = 3, LAST = 4 };

struct chunk {
    enum chunk_type type;
    const uint8_t *data;
    size_t size;
};

bool tw_wandb_is_head(const void *bytes)
{
    static const uint8_t head[TW_WANDB_HEAD_BYTES] = {':', 'W', '&', 'B', 0xe1, 0xbe, 0};
    return !memcmp(bytes, head, sizeof head);
}

static size_t left_in_block(const struct tw_wandb_blocks *blocks)
{
    return BLOCK_BYTES - (size_t)(blocks->place % BLOCK_BYTES);
}

static void drop_record(struct tw_wandb_blocks *blocks)
{
    blocks->size = 0;
    blocks->is_inside = false;
}

/* The next chunk begins with the next block: nothing in between can be found. */
static void give_up_block(struct tw_wandb_blocks *blocks, const char *reason,
                          struct tw_wandb_step *ret)
{
    drop_record(blocks);
    blocks->left_to_pass = left_in_block(blocks);
    ret->broken = reason;
}

static int append(struct tw_wandb_blocks *blocks, const struct chunk *chunk)
{
    if (!blocks->record || blocks->room - blocks->size < chunk->size) {
        size_t room = 2 * blocks->room + chunk->size + 1;
        uint8_t *more = realloc(blocks->record, room);
        if (!more)
            return -ENOMEM;
        blocks->record = more;
        blocks->room = room;
    }
    memcpy(blocks->record + blocks->size, chunk->data, chunk->size);
    blocks->size += chunk->size;
    return 0;
}

static int take_fragment(struct tw_wandb_blocks *blocks, const struct chunk *chunk,
                         struct tw_wandb_step *ret)
{
    bool is_first = chunk->type == FIRST;
    if (is_first == blocks->is_inside) {
        ret->broken = is_first ? "a record has no end" : "a record has no beginning";
        drop_record(blocks);
        if (!is_first)
            return 0;
    }
    if (blocks->size + chunk->size > RECORD_BYTES_MAX) {
        ret->broken = "a record is longer than 16 MiB";
        drop_record(blocks);
        return 0;
    }
    blocks->is_inside = chunk->type != LAST;
    int result = append(blocks, chunk);
    if (result || blocks->is_inside)
        return result;
    ret->record = blocks->record;
    ret->size = blocks->size;
    blocks->size = 0;
    return 0;
}

static int take_chunk(struct tw_wandb_blocks *blocks, const struct chunk *chunk,
                      struct tw_wandb_step *ret)
{
    if (chunk->type != FULL)
        return take_fragment(blocks, chunk, ret);
    if (blocks->is_inside)
        ret->broken = "a record has no end";
    drop_record(blocks);
    ret->record = chunk->data;
    ret->size = chunk->size;
    return 0;
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static long read_chunk(struct tw_wandb_blocks *blocks, const uint8_t *bytes, size_t size,
                       struct tw_wandb_step *ret)
{
    size_t length = bytes[4] | (size_t)bytes[5] << 8, whole = CHUNK_HEAD_BYTES + length;
    struct chunk chunk = {bytes[6], bytes + CHUNK_HEAD_BYTES, length};
    if (whole > left_in_block(blocks) || chunk.type < FULL || chunk.type > LAST) {
        give_up_block(blocks, "a block holds what is no record", ret);
        return 0;
    }
    if (whole > size)
        return 0;
    if (crc32(0, bytes + 6, (uInt)length + 1) != read_u32(bytes)) {
        give_up_block(blocks, "a record has a wrong checksum", ret);
        return 0;
    }
    int result = take_chunk(blocks, &chunk, ret);
    return result ? result : (long)whole;
}

static long take_some(struct tw_wandb_blocks *blocks, const uint8_t *bytes, size_t size,
                      struct tw_wandb_step *ret)
{
    if (!blocks->place) {
        if (size < TW_WANDB_HEAD_BYTES)
            return 0;
        return tw_wandb_is_head(bytes) ? (long)TW_WANDB_HEAD_BYTES : -EBADMSG;
    }
    if (!blocks->left_to_pass && left_in_block(blocks) < CHUNK_HEAD_BYTES)
        blocks->left_to_pass = left_in_block(blocks);
    if (blocks->left_to_pass) {
        size_t taken = blocks->left_to_pass < size ? blocks->left_to_pass : size;
        blocks->left_to_pass -= taken;
        return (long)taken;
    }
    return size < CHUNK_HEAD_BYTES ? 0 : read_chunk(blocks, bytes, size, ret);
}

long tw_wandb_step(struct tw_wandb_blocks *blocks, const uint8_t *bytes, size_t size,
                   struct tw_wandb_step *ret)
{
    *ret = (struct tw_wandb_step){0};
    long taken = take_some(blocks, bytes, size, ret);
    if (!taken && blocks->left_to_pass && size) { /* a block was given up just now */
        taken = (long)(blocks->left_to_pass < size ? blocks->left_to_pass : size);
        blocks->left_to_pass -= (size_t)taken;
    }
    if (taken > 0)
        blocks->place += (uint64_t)taken;
    return taken;
}

void tw_wandb_blocks_clear(struct tw_wandb_blocks *blocks)
{
    free(blocks->record);
    *blocks = (struct tw_wandb_blocks){0};
}
