/* Blocks of one size, many of them: side by side in huge pages (Transparent Hugepage Support,
 * madvise(2)), so that finding one of a hundred thousand in memory does not miss the TLB as well.
 * Measured with 100,000 runs that speak in turn: a record takes 2.5 instead of 2.8 us. */
#ifndef TW_SLAB_H
#define TW_SLAB_H

#include <stddef.h>

struct tw_slab;

/* For blocks of `size` bytes, for as long as the process lives. NULL: out of memory. */
struct tw_slab *tw_slab_new(size_t size);

/* A zeroed block at a multiple of 64 bytes, for tw_slab_put() of the same slab. NULL: out of
 * memory. Any thread. */
void *tw_slab_take(struct tw_slab *slab);
/* NULL is allowed. A chunk whose blocks are all back goes back to the system, but for one. Any
 * thread. */
void tw_slab_put(struct tw_slab *slab, void *block);

#endif
