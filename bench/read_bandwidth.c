/* Reading by exclusive-or into eight registers: one operation a vector. */
#include "bench/read_bandwidth.h"

#include "trainer/vectors.h"

#include <stdint.h>
#include <string.h>

/* 64 bytes: one register of AVX-512, two of AVX2. */
typedef uint32_t vector __attribute__((vector_size(64), aligned(64)));

#define VALUES (sizeof(vector) / sizeof(float))
#define REGISTERS 8

/* By value and in line, so that the sums may stay in registers. */
#define JOIN(sums)                                                                                 \
    (((sums)[0] ^ (sums)[1] ^ (sums)[2] ^ (sums)[3]) ^                                             \
     ((sums)[4] ^ (sums)[5] ^ (sums)[6] ^ (sums)[7]))

/* The plain one: all else is the hardware's prefetcher. */
TW_VECTOR_CLONES
static unsigned read_plain(const vector *at, const vector *end)
{
    vector sums[REGISTERS] = {{0}};
    for (; at < end; at += REGISTERS) {
#pragma GCC unroll 8
        for (int i = 0; i < REGISTERS; i++)
            sums[i] ^= at[i];
    }
    vector all = JOIN(sums);
    unsigned result = 0;
    for (size_t i = 0; i < VALUES; i++)
        result ^= all[i];
    return result;
}

TW_VECTOR_CLONES
static unsigned read_ahead(const vector *at, const vector *end, size_t ahead)
{
    vector sums[REGISTERS] = {{0}};
    for (; at < end; at += REGISTERS) {
#pragma GCC unroll 8
        for (int i = 0; i < REGISTERS; i++) {
            __builtin_prefetch(at + ahead + i);
            sums[i] ^= at[i];
        }
    }
    vector all = JOIN(sums);
    unsigned result = 0;
    for (size_t i = 0; i < VALUES; i++)
        result ^= all[i];
    return result;
}

unsigned bench_read(const float *values, size_t n, size_t ahead)
{
    const vector *at = (const vector *)(const void *)values, *end = at + n / VALUES;
    return ahead ? read_ahead(at, end, ahead / VALUES) : read_plain(at, end);
}
