/* A ring of bytes between one thread that puts frames in and one that takes them out. No locks, no
 * system calls, no allocation after the start; each frame lies in one piece. */
#ifndef TW_RING_H
#define TW_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two lines, since processors fetch lines in pairs. */
#define TW_CACHE_LINE 128

/* What runs at each record in the training loop: linkers put it side by side, so that it is few
 * pages and lines to fetch after the loop's own work has filled the caches. */
#define TW_HOT __attribute__((hot))

struct tw_ring {
    unsigned char *bytes; /* owned */
    size_t size;          /* a power of two */
    /* Each side writes its own index and keeps a copy of the other's, so that a cache line moves
     * between them only when that copy no longer tells enough. Both only ever grow. */
    alignas(TW_CACHE_LINE) _Atomic uint64_t head; /* the producer's: where the next frame goes */
    uint64_t known_tail;
    alignas(TW_CACHE_LINE) _Atomic uint64_t tail; /* the consumer's: the oldest frame */
    uint64_t known_head;
};

/* `size` is rounded up to a power of two. 0 or -ENOMEM. */
int tw_ring_init(struct tw_ring *ring, size_t size);
void tw_ring_release(struct tw_ring *ring);

/* Where the producer may build a frame of up to `*ret_size` bytes, NULL when there is no room.
 * `at_start` asks for the room at the start of the ring, behind what is left before its end. */
void *tw_ring_reserve(struct tw_ring *ring, bool at_start, size_t *ret_size);
/* Hands over the frame that was built in the room of the same `at_start`. `mark` travels along. */
void tw_ring_commit(struct tw_ring *ring, bool at_start, size_t size, uint32_t mark);

/* The oldest frame, NULL when there is none. It stays in place until tw_ring_drop(). */
void *tw_ring_peek(struct tw_ring *ring, size_t *ret_size, uint32_t *ret_mark);
void tw_ring_drop(struct tw_ring *ring);

#endif
