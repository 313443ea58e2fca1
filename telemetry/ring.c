/* Frames are a head of 8 bytes and their bytes, rounded up to 8. One that does not fit before the
 * ring's end goes to its start, and what is left before the end becomes a gap. */
#include "telemetry/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GAP UINT32_MAX
#define HUGE_PAGE ((size_t)2 << 20)

struct head {
    uint32_t size; /* of the bytes behind; GAP: go to the start of the ring */
    uint32_t mark;
};

TW_HOT
static size_t frame_size(size_t size)
{
    return (sizeof(struct head) + size + 7) & ~(size_t)7;
}

int tw_ring_init(struct tw_ring *ring, size_t size)
{
    size_t rounded = 4096;
    while (rounded < size)
        rounded *= 2;
    ring->bytes = aligned_alloc(rounded < HUGE_PAGE ? 4096 : HUGE_PAGE, rounded);
    if (!ring->bytes)
        return -ENOMEM;
    /* Where the system gives huge pages, the ring's next place is in one whose address is known
     * more often than that of a small one. And no page is left to be made in the training loop. */
    madvise(ring->bytes, rounded, MADV_HUGEPAGE);
    memset(ring->bytes, 0, rounded);
    ring->size = rounded;
    ring->known_tail = ring->known_head = 0;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    return 0;
}

void tw_ring_release(struct tw_ring *ring)
{
    free(ring->bytes);
    ring->bytes = NULL;
}

TW_HOT
static uint64_t position(const struct tw_ring *ring, uint64_t index)
{
    return index & (ring->size - 1);
}

TW_HOT
static size_t free_bytes(const struct tw_ring *ring, uint64_t head)
{
    return ring->size - (size_t)(head - ring->known_tail);
}

TW_HOT
void *tw_ring_reserve(struct tw_ring *ring, bool at_start, size_t *ret_size)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t before_end = ring->size - position(ring, head);
    if (free_bytes(ring, head) < ring->size / 2)
        ring->known_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    size_t left = free_bytes(ring, head);
    unsigned char *at = ring->bytes + position(ring, head);
    if (at_start) {
        left = left > before_end ? left - before_end : 0;
        at = ring->bytes;
    } else if (left > before_end) {
        left = before_end;
    }
    if (left <= sizeof(struct head))
        return NULL;
    *ret_size = left - sizeof(struct head);
    return at + sizeof(struct head);
}

TW_HOT
static void write_head(struct tw_ring *ring, uint64_t index, uint32_t size, uint32_t mark)
{
    struct head head = {size, mark};
    memcpy(ring->bytes + position(ring, index), &head, sizeof head);
}

TW_HOT
void tw_ring_commit(struct tw_ring *ring, bool at_start, size_t size, uint32_t mark)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (at_start) {
        write_head(ring, head, GAP, 0);
        head += ring->size - position(ring, head);
    }
    write_head(ring, head, (uint32_t)size, mark);
    atomic_store_explicit(&ring->head, head + frame_size(size), memory_order_release);
}

void *tw_ring_peek(struct tw_ring *ring, size_t *ret_size, uint32_t *ret_mark)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    struct head head;
    if (tail == ring->known_head) {
        ring->known_head = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail == ring->known_head)
            return NULL;
    }
    memcpy(&head, ring->bytes + position(ring, tail), sizeof head);
    if (head.size == GAP) {
        tail += ring->size - position(ring, tail);
        atomic_store_explicit(&ring->tail, tail, memory_order_release);
        memcpy(&head, ring->bytes, sizeof head);
    }
    *ret_size = head.size;
    *ret_mark = head.mark;
    return ring->bytes + position(ring, tail) + sizeof head;
}

void tw_ring_drop(struct tw_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    struct head head;
    memcpy(&head, ring->bytes + position(ring, tail), sizeof head);
    atomic_store_explicit(&ring->tail, tail + frame_size(head.size), memory_order_release);
}
