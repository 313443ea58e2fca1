/* CRC-32C (Castagnoli) as TFRecord files use it: by the processor's own instruction where it has
 * SSE4.2, else by tables, eight bytes at a time. */
#ifndef TW_CRC32C_H
#define TW_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `size` bytes. */
uint32_t tw_crc32c(const void *bytes, size_t size);

/* The same without the instruction, for tests and other processors. */
uint32_t tw_crc32c_by_tables(const void *bytes, size_t size);

/* TFRecord stores checksums rotated, and moved by a constant, so that a checksum of bytes which
 * hold checksums stays a good one (tensorflow/core/lib/hash/crc32c.h). */
static inline uint32_t tw_crc32c_masked(const void *bytes, size_t size)
{
    uint32_t crc = tw_crc32c(bytes, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

#endif
