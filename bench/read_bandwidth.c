/* Reading by exclusive-or into eight registers: one operation a vector. */
#include "bench/read_bandwidth.h"

#include <stdint.h>

/* 64 bytes: one register of AVX-512, two of AVX2, four of SSE2. */
typedef uint32_t vector __attribute__((vector_size(64), aligned(64)));

#define VALUES (sizeof(vector) / sizeof(float))
#define REGISTERS 8

static inline __attribute__((always_inline)) unsigned read_by(const vector *at, const vector *end,
                                                              size_t ahead)
{
    vector sums[REGISTERS] = {{0}};
    for (; at < end; at += REGISTERS) {
#pragma GCC unroll 8
        for (int i = 0; i < REGISTERS; i++) {
            if (ahead)
                __builtin_prefetch(at + ahead + i);
            sums[i] ^= at[i];
        }
    }
    vector all = (sums[0] ^ sums[1] ^ sums[2] ^ sums[3]) ^ (sums[4] ^ sums[5] ^ sums[6] ^ sums[7]);
    unsigned result = 0;
    for (size_t i = 0; i < VALUES; i++)
        result ^= all[i];
    return result;
}

/* Without `ahead`, all is left to the hardware's prefetcher. */
#define READ(name, attributes)                                                                     \
    attributes static unsigned name(const vector *at, const vector *end, size_t ahead)             \
    {                                                                                              \
        return ahead ? read_by(at, end, ahead) : read_by(at, end, 0);                              \
    }
READ(read_narrow, )
#if defined(__x86_64__)
READ(read_avx2, __attribute__((target("avx2"))))
READ(read_avx512, __attribute__((target("avx512f"))))
#endif

unsigned bench_read(const float *values, size_t n, size_t ahead)
{
    const vector *at = (const vector *)(const void *)values, *end = at + n / VALUES;
    ahead /= VALUES;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return read_avx512(at, end, ahead);
    if (__builtin_cpu_supports("avx2"))
        return read_avx2(at, end, ahead);
#endif
    return read_narrow(at, end, ahead);
}
