/* bfloat16: the upper half of a float, so its range with 8 bits of precision. Rounding to nearest
 * even adds half of the last place kept, less one where that place is even. */
#include "trainer/precisions/precision.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static float round_one(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) /* NaN: the sum below might make it infinite */
        bits |= 0x00400000;
    else
        bits += 0x7fff + ((bits >> 16) & 1);
    bits &= 0xffff0000;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void round_plain(size_t n, float *values)
{
    for (size_t i = 0; i < n; i++)
        values[i] = round_one(values[i]);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static __m256i round_eight(__m256i bits)
{
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));
    __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
    __m256i is_nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f800000));
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i half = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
    __m256i rounded = _mm256_blendv_epi8(_mm256_add_epi32(bits, half), quiet, is_nan);
    return _mm256_and_si256(rounded, _mm256_set1_epi32((int)0xffff0000));
}

__attribute__((target("avx2"))) static void round_avx2(size_t n, float *values)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i bits = _mm256_castps_si256(_mm256_loadu_ps(values + i));
        _mm256_storeu_ps(values + i, _mm256_castsi256_ps(round_eight(bits)));
    }
    round_plain(n - i, values + i);
}
#endif

static void bf16_round(size_t n, float *values)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        round_avx2(n, values);
        return;
    }
#endif
    round_plain(n, values);
}

const struct tw_precision tw_precision_bf16 = {
    .name = "bf16",
    .description = "bfloat16: fp32's range with 8 bits of precision; weights kept in fp32",
    .round = bf16_round,
};
