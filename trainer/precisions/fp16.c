/* binary16 of IEEE 754: 11 bits of precision from 2^-14 to 65504, multiples of 2^-24 below. */
#include "trainer/precisions/precision.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define FIRST_INFINITE                                                                             \
    0x477ff000u                  /* 65520: half way from 65504 to 65536, whose last place is even */
#define FIRST_NORMAL 0x38800000u /* 2^-14 */

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Of the bits of a float without its sign. */
static uint32_t round_magnitude(uint32_t bits)
{
    if (bits > 0x7f800000) /* NaN, made quiet as VCVTPS2PH does */
        return (bits | 0x00400000) & ~0x1fffu;
    if (bits >= FIRST_INFINITE)
        return 0x7f800000;
    if (bits >= FIRST_NORMAL)
        return (bits + 0xfff + ((bits >> 13) & 1)) & ~0x1fffu;
    /* Below, the places of a half are those of a float between .5 and 1: 2^-24 wide. */
    float rounded = (from_bits(bits) + .5f) - .5f;
    memcpy(&bits, &rounded, sizeof bits);
    return bits;
}

static void round_plain(size_t n, float *values)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        values[i] = from_bits((bits & 0x80000000) | round_magnitude(bits & 0x7fffffff));
    }
}

#if defined(__x86_64__)
__attribute__((target("avx,f16c"))) static void round_f16c(size_t n, float *values)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(values + i), _MM_FROUND_TO_NEAREST_INT);
        _mm256_storeu_ps(values + i, _mm256_cvtph_ps(halves));
    }
    round_plain(n - i, values + i);
}
#endif

static void fp16_round(size_t n, float *values)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx") && __builtin_cpu_supports("f16c")) {
        round_f16c(n, values);
        return;
    }
#endif
    round_plain(n, values);
}

const struct tw_precision tw_precision_fp16 = {
    .name = "fp16",
    .description = "half precision, to 65504, with dynamic loss scaling; weights kept in fp32",
    .initial_loss_scale = 65536,
    .round = fp16_round,
};
