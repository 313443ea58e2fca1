/* Chunks are found from their blocks by their alignment. Each has a list of its free blocks, and
 * those that have any are in a list of their own; a new chunk is made when that is empty. */
#include "agent/slab.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* One huge page of x86-64 and of arm64 with pages of 4 KiB. */
#define CHUNK_BYTES ((size_t)2 << 20)
#define LINE 64

struct free_block {
    struct free_block *next;
};

struct chunk {
    struct chunk *previous, *next; /* of those with room */
    struct free_block *blocks;
    size_t n_taken;
};

struct tw_slab {
    pthread_mutex_t lock;
    size_t size;
    size_t per_chunk;
    struct chunk *with_room;
};

struct tw_slab *tw_slab_new(size_t size)
{
    struct tw_slab *slab = calloc(1, sizeof *slab);
    if (!slab)
        return NULL;
    pthread_mutex_init(&slab->lock, NULL);
    slab->size = (size + LINE - 1) / LINE * LINE;
    slab->per_chunk = (CHUNK_BYTES - LINE) / slab->size;
    return slab;
}

static void link_chunk(struct tw_slab *slab, struct chunk *chunk)
{
    chunk->previous = NULL;
    chunk->next = slab->with_room;
    if (chunk->next)
        chunk->next->previous = chunk;
    slab->with_room = chunk;
}

static void unlink_chunk(struct tw_slab *slab, struct chunk *chunk)
{
    if (chunk->next)
        chunk->next->previous = chunk->previous;
    if (chunk->previous)
        chunk->previous->next = chunk->next;
    else
        slab->with_room = chunk->next;
}

static struct chunk *make_chunk(struct tw_slab *slab)
{
    struct chunk *chunk = aligned_alloc(CHUNK_BYTES, CHUNK_BYTES);
    if (!chunk)
        return NULL;
    madvise(chunk, CHUNK_BYTES, MADV_HUGEPAGE); /* where it is refused, pages are small */
    *chunk = (struct chunk){0};
    unsigned char *at = (unsigned char *)chunk + LINE;
    for (size_t i = slab->per_chunk; i-- > 0;) {
        struct free_block *block = (struct free_block *)(void *)(at + i * slab->size);
        block->next = chunk->blocks;
        chunk->blocks = block;
    }
    link_chunk(slab, chunk);
    return chunk;
}

void *tw_slab_take(struct tw_slab *slab)
{
    struct free_block *block = NULL;
    pthread_mutex_lock(&slab->lock);
    struct chunk *chunk = slab->with_room ? slab->with_room : make_chunk(slab);
    if (chunk) {
        block = chunk->blocks;
        chunk->blocks = block->next;
        chunk->n_taken++;
        if (!chunk->blocks)
            unlink_chunk(slab, chunk);
    }
    pthread_mutex_unlock(&slab->lock);
    return block ? memset(block, 0, slab->size) : NULL;
}

void tw_slab_put(struct tw_slab *slab, void *block)
{
    if (!block)
        return;
    struct chunk *chunk = (struct chunk *)((uintptr_t)block & ~(uintptr_t)(CHUNK_BYTES - 1));
    struct free_block *back = block;
    pthread_mutex_lock(&slab->lock);
    if (!chunk->blocks)
        link_chunk(slab, chunk);
    back->next = chunk->blocks;
    chunk->blocks = back;
    /* The last one stays: where runs come and go one by one, each would have the kernel zero its
     * own. */
    if (--chunk->n_taken == 0 && (chunk->previous || chunk->next)) {
        unlink_chunk(slab, chunk);
        free(chunk);
    }
    pthread_mutex_unlock(&slab->lock);
}
