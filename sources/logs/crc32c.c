/* CRC-32C: polynomial 0x1EDC6F41, bits reflected (RFC 3720, appendix B.4). */
#include "sources/logs/crc32c.h"

#include <string.h>
#include <threads.h>

#define POLYNOMIAL 0x82f63b78u /* 0x1EDC6F41 with its bits reflected */

static uint32_t tables[8][256]; /* [n][b]: byte b with n zero bytes behind it */
static once_flag tables_once = ONCE_FLAG_INIT;

static void make_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        tables[0][byte] = crc;
    }
    for (int n = 1; n < 8; n++)
        for (int byte = 0; byte < 256; byte++)
            tables[n][byte] = tables[n - 1][byte] >> 8 ^ tables[0][tables[n - 1][byte] & 0xff];
}

static uint32_t little_endian(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint32_t eight_bytes(uint32_t crc, const uint8_t *bytes)
{
    uint32_t low = crc ^ little_endian(bytes), high = little_endian(bytes + 4);
    return tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
           tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
           tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
}

uint32_t tw_crc32c_by_tables(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint32_t crc = ~0u;
    call_once(&tables_once, make_tables);
    for (; size >= 8; size -= 8, at += 8)
        crc = eight_bytes(crc, at);
    for (; size; size--, at++)
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(const uint8_t *at, size_t size)
{
    uint64_t crc = ~0u, eight;
    for (; size >= 8; size -= 8, at += 8) {
        memcpy(&eight, at, 8);
        crc = __builtin_ia32_crc32di(crc, eight);
    }
    uint32_t rest = (uint32_t)crc, four;
    if (size & 4) {
        memcpy(&four, at, 4);
        rest = __builtin_ia32_crc32si(rest, four);
        at += 4;
    }
    for (size &= 3; size; size--)
        rest = __builtin_ia32_crc32qi(rest, *at++);
    return ~rest;
}

uint32_t tw_crc32c(const void *bytes, size_t size)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction(bytes, size)
                                            : tw_crc32c_by_tables(bytes, size);
}
#else
uint32_t tw_crc32c(const void *bytes, size_t size)
{
    return tw_crc32c_by_tables(bytes, size);
}
#endif
