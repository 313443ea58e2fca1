/* Unpacks a stream that gzip (several members, too) or zstd (several frames) packed, piece by piece
 * in bounded memory. */
#ifndef TW_LOG_UNPACK_H
#define TW_LOG_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

enum tw_packing { TW_PACKED_NOT, TW_PACKED_GZIP, TW_PACKED_ZSTD };

/* By the magic number at the start of a file. */
enum tw_packing tw_packing_of(const void *bytes, size_t size);

struct tw_unpack;

/* NULL when out of memory. */
struct tw_unpack *tw_unpack_new(enum tw_packing packing);
void tw_unpack_free(struct tw_unpack *unpack); /* NULL is allowed */

/* Takes from `*in` as much as fits into `out`, and moves `*in` and `*n_in` behind it. Returns 0, or
 * -EBADMSG where the stream is damaged: nothing behind that place can be read. */
int tw_unpack_some(struct tw_unpack *unpack, const unsigned char **in, size_t *n_in, void *out,
                   size_t size, size_t *ret_n);

/* True between two members or frames, where a file may end. */
bool tw_unpack_is_complete(const struct tw_unpack *unpack);

#endif
