/* The kernel for AVX-512. Its `sums` is bound by the two vector ports: seven operations a vector of
 * 16 (six without a shift), and nothing that leaves the registers. What comes from memory is left
 * to the hardware's prefetcher: on Zen 4, prefetching 2 or 4 KiB ahead cost a tenth of the
 * bandwidth. */
#include "telemetry/statistics/plain.h"

#if defined(__x86_64__)
#include "telemetry/statistics/f16c.h"

#include <immintrin.h>

/* bw, dq and vl: for the passes of plain.h. */
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#define AVX512_INLINE static inline __attribute__((always_inline)) AVX512

/* Sums that do not wait for each other: an addition takes four cycles, two start in each. */
#define LANES 4
#define STRIDE ((size_t)16 * LANES)

static bool is_supported(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && tw_cpu_has_f16c();
}

struct lane {
    __m512 sum, squares, min, max;
    __m512i tiny;
};

struct totals {
    __m512d sum, squares;
};

AVX512_INLINE void clear(struct lane *lane)
{
    lane->sum = lane->squares = _mm512_setzero_ps();
    lane->min = _mm512_set1_ps(INFINITY);
    lane->max = _mm512_set1_ps(-INFINITY);
    lane->tiny = _mm512_setzero_si512();
}

AVX512_INLINE void take(struct lane *lane, __m512 values, __m512 shift, bool is_shifted)
{
    __m512 distance = is_shifted ? _mm512_sub_ps(values, shift) : values;
    __mmask16 tiny =
        _mm512_testn_epi32_mask(_mm512_castps_si512(values), _mm512_set1_epi32(TW_EXPONENT));
    lane->sum = _mm512_add_ps(lane->sum, distance);
    lane->squares = _mm512_fmadd_ps(distance, distance, lane->squares);
    /* The second operand is the answer where the first is NaN. */
    lane->min = _mm512_min_ps(values, lane->min);
    lane->max = _mm512_max_ps(values, lane->max);
    lane->tiny = _mm512_mask_sub_epi32(lane->tiny, tiny, lane->tiny, _mm512_set1_epi32(-1));
}

/* The last ones, fewer than a vector. */
AVX512_INLINE void take_some(struct lane *lane, const float *values, size_t n, __m512 shift)
{
    __mmask16 some = (__mmask16)((1u << n) - 1);
    __m512 loaded = _mm512_maskz_loadu_ps(some, values);
    __m512 distance = _mm512_maskz_sub_ps(some, loaded, shift);
    __mmask16 tiny = _mm512_mask_testn_epi32_mask(some, _mm512_castps_si512(loaded),
                                                  _mm512_set1_epi32(TW_EXPONENT));
    lane->sum = _mm512_add_ps(lane->sum, distance);
    lane->squares = _mm512_fmadd_ps(distance, distance, lane->squares);
    lane->min = _mm512_mask_min_ps(lane->min, some, loaded, lane->min);
    lane->max = _mm512_mask_max_ps(lane->max, some, loaded, lane->max);
    lane->tiny = _mm512_mask_sub_epi32(lane->tiny, tiny, lane->tiny, _mm512_set1_epi32(-1));
}

AVX512_INLINE __m512d add_floats(__m512d total, __m512 values)
{
    total = _mm512_add_pd(total, _mm512_cvtps_pd(_mm512_castps512_ps256(values)));
    return _mm512_add_pd(total, _mm512_cvtps_pd(_mm512_extractf32x8_ps(values, 1)));
}

/* Empties the lanes' sums. */
AVX512_INLINE void add_up(struct totals *totals, struct lane *lanes)
{
    for (int i = 0; i < LANES; i++) {
        totals->sum = add_floats(totals->sum, lanes[i].sum);
        totals->squares = add_floats(totals->squares, lanes[i].squares);
        lanes[i].sum = lanes[i].squares = _mm512_setzero_ps();
    }
}

AVX512_INLINE struct tw_statistics_sums join(const struct totals *totals, const struct lane *lanes)
{
    struct tw_statistics_sums sums = {
        .sum = _mm512_reduce_add_pd(totals->sum),
        .squares = _mm512_reduce_add_pd(totals->squares),
        .min = _mm512_reduce_min_ps(_mm512_min_ps(_mm512_min_ps(lanes[0].min, lanes[1].min),
                                                  _mm512_min_ps(lanes[2].min, lanes[3].min))),
        .max = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(lanes[0].max, lanes[1].max),
                                                  _mm512_max_ps(lanes[2].max, lanes[3].max))),
    };
    __m512i tiny = _mm512_add_epi32(_mm512_add_epi32(lanes[0].tiny, lanes[1].tiny),
                                    _mm512_add_epi32(lanes[2].tiny, lanes[3].tiny));
    sums.tiny = (uint32_t)_mm512_reduce_add_epi32(tiny);
    return sums;
}

AVX512_INLINE struct tw_statistics_sums sums_of(const float *values, size_t n, float shift,
                                                bool is_shifted)
{
    struct lane lanes[LANES];
    struct totals totals = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    __m512 shifts = _mm512_set1_ps(shift);
    size_t i = 0;
    for (int lane = 0; lane < LANES; lane++)
        clear(&lanes[lane]);
    while (i + STRIDE <= n) {
        size_t end = n - i > TW_STATISTICS_PIECE ? i + TW_STATISTICS_PIECE : n;
        for (; i + STRIDE <= end; i += STRIDE) {
#pragma GCC unroll 4
            for (int lane = 0; lane < LANES; lane++)
                take(&lanes[lane], _mm512_loadu_ps(values + i + 16 * lane), shifts, is_shifted);
        }
        add_up(&totals, lanes);
    }
    for (; i + 16 <= n; i += 16)
        take(&lanes[0], _mm512_loadu_ps(values + i), shifts, is_shifted);
    if (i < n)
        take_some(&lanes[1], values + i, n - i, shifts);
    add_up(&totals, lanes);
    return join(&totals, lanes);
}

AVX512 static struct tw_statistics_sums sums(const float *values, size_t n, float shift)
{
    return shift == 0 ? sums_of(values, n, 0, false) : sums_of(values, n, shift, true);
}

AVX512 static struct tw_statistics examine(const float *values, size_t n,
                                           const struct tw_statistics_options *options)
{
    return tw_plain_examine(values, n, options);
}

AVX512 static uint64_t zeros(const float *values, size_t n)
{
    return tw_plain_zeros(values, n);
}

AVX512 static uint64_t beyond(const float *values, size_t n, float low, float high)
{
    return tw_plain_beyond(values, n, low, high);
}

AVX512 static void widen_half(const uint16_t *values, size_t n, float *ret)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i halves = _mm256_loadu_si256((const __m256i *)(const void *)(values + i));
        _mm512_storeu_ps(ret + i, _mm512_cvtph_ps(halves));
    }
    for (; i < n; i++)
        ret[i] = tw_float_of_half(values[i]);
}

AVX512 static void widen_bfloat16(const uint16_t *values, size_t n, float *ret)
{
    tw_plain_widen_bfloat16(values, n, ret);
}

AVX512 static uint64_t denormal_halves(const uint16_t *values, size_t n)
{
    return tw_plain_denormal_halves(values, n);
}

const struct tw_statistics_kernel tw_statistics_avx512 = {
    .name = "avx512",
    .is_supported = is_supported,
    .sums = sums,
    .examine = examine,
    .zeros = zeros,
    .beyond = beyond,
    .widen_half = widen_half,
    .widen_bfloat16 = widen_bfloat16,
    .denormal_halves = denormal_halves,
};
#endif
