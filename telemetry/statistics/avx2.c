/* The kernel for AVX2, FMA and F16C: as avx512.c, with half the width and half the registers. */
#include "telemetry/statistics/plain.h"

#if defined(__x86_64__)
#include "telemetry/statistics/f16c.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX2_INLINE static inline __attribute__((always_inline)) AVX2

#define LANES 2
#define STRIDE ((size_t)8 * LANES)

static bool is_supported(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && tw_cpu_has_f16c();
}

struct lane {
    __m256 sum, squares, min, max;
    __m256i tiny;
};

struct totals {
    __m256d sum, squares;
};

AVX2_INLINE void clear(struct lane *lane)
{
    lane->sum = lane->squares = _mm256_setzero_ps();
    lane->min = _mm256_set1_ps(INFINITY);
    lane->max = _mm256_set1_ps(-INFINITY);
    lane->tiny = _mm256_setzero_si256();
}

AVX2_INLINE void take(struct lane *lane, __m256 values, __m256 shift, bool is_shifted)
{
    __m256 distance = is_shifted ? _mm256_sub_ps(values, shift) : values;
    __m256i exponent =
        _mm256_and_si256(_mm256_castps_si256(values), _mm256_set1_epi32(TW_EXPONENT));
    lane->sum = _mm256_add_ps(lane->sum, distance);
    lane->squares = _mm256_fmadd_ps(distance, distance, lane->squares);
    /* The second operand is the answer where the first is NaN. */
    lane->min = _mm256_min_ps(values, lane->min);
    lane->max = _mm256_max_ps(values, lane->max);
    /* A comparison that holds is -1. */
    lane->tiny = _mm256_sub_epi32(lane->tiny, _mm256_cmpeq_epi32(exponent, _mm256_setzero_si256()));
}

AVX2_INLINE void take_one(struct tw_statistics_sums *sums, float value, float shift)
{
    double distance = (double)(value - shift);
    sums->sum += distance;
    sums->squares += distance * distance;
    sums->min = value < sums->min ? value : sums->min;
    sums->max = value > sums->max ? value : sums->max;
    sums->tiny += (tw_float_bits(value) & TW_EXPONENT) == 0;
}

AVX2_INLINE __m256d add_floats(__m256d total, __m256 values)
{
    total = _mm256_add_pd(total, _mm256_cvtps_pd(_mm256_castps256_ps128(values)));
    return _mm256_add_pd(total, _mm256_cvtps_pd(_mm256_extractf128_ps(values, 1)));
}

/* Empties the lanes' sums. */
AVX2_INLINE void add_up(struct totals *totals, struct lane *lanes)
{
    for (int i = 0; i < LANES; i++) {
        totals->sum = add_floats(totals->sum, lanes[i].sum);
        totals->squares = add_floats(totals->squares, lanes[i].squares);
        lanes[i].sum = lanes[i].squares = _mm256_setzero_ps();
    }
}

AVX2_INLINE struct tw_statistics_sums join(const struct totals *totals, const struct lane *lanes)
{
    struct tw_statistics_sums sums = {.min = INFINITY, .max = -INFINITY};
    double sum[4], squares[4];
    float min[8], max[8];
    uint32_t tiny[8];
    _mm256_storeu_pd(sum, totals->sum);
    _mm256_storeu_pd(squares, totals->squares);
    _mm256_storeu_ps(min, _mm256_min_ps(lanes[0].min, lanes[1].min));
    _mm256_storeu_ps(max, _mm256_max_ps(lanes[0].max, lanes[1].max));
    _mm256_storeu_si256((__m256i *)(void *)tiny, _mm256_add_epi32(lanes[0].tiny, lanes[1].tiny));
    for (int i = 0; i < 4; i++) {
        sums.sum += sum[i];
        sums.squares += squares[i];
    }
    for (int i = 0; i < 8; i++) {
        sums.min = min[i] < sums.min ? min[i] : sums.min;
        sums.max = max[i] > sums.max ? max[i] : sums.max;
        sums.tiny += tiny[i];
    }
    return sums;
}

AVX2_INLINE struct tw_statistics_sums sums_of(const float *values, size_t n, float shift,
                                              bool is_shifted)
{
    struct lane lanes[LANES];
    struct totals totals = {_mm256_setzero_pd(), _mm256_setzero_pd()};
    __m256 shifts = _mm256_set1_ps(shift);
    size_t i = 0;
    for (int lane = 0; lane < LANES; lane++)
        clear(&lanes[lane]);
    while (i + STRIDE <= n) {
        size_t end = n - i > TW_STATISTICS_PIECE ? i + TW_STATISTICS_PIECE : n;
        for (; i + STRIDE <= end; i += STRIDE) {
#pragma GCC unroll 2
            for (int lane = 0; lane < LANES; lane++)
                take(&lanes[lane], _mm256_loadu_ps(values + i + 8 * lane), shifts, is_shifted);
        }
        add_up(&totals, lanes);
    }
    struct tw_statistics_sums sums = join(&totals, lanes);
    for (; i < n; i++)
        take_one(&sums, values[i], shift);
    return sums;
}

AVX2 static struct tw_statistics_sums sums(const float *values, size_t n, float shift)
{
    return shift == 0 ? sums_of(values, n, 0, false) : sums_of(values, n, shift, true);
}

AVX2 static struct tw_statistics examine(const float *values, size_t n,
                                         const struct tw_statistics_options *options)
{
    return tw_plain_examine(values, n, options);
}

AVX2 static uint64_t zeros(const float *values, size_t n)
{
    return tw_plain_zeros(values, n);
}

AVX2 static uint64_t beyond(const float *values, size_t n, float low, float high)
{
    return tw_plain_beyond(values, n, low, high);
}

AVX2 static void widen_half(const uint16_t *values, size_t n, float *ret)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m128i halves = _mm_loadu_si128((const __m128i *)(const void *)(values + i));
        _mm256_storeu_ps(ret + i, _mm256_cvtph_ps(halves));
    }
    for (; i < n; i++)
        ret[i] = tw_float_of_half(values[i]);
}

AVX2 static void widen_bfloat16(const uint16_t *values, size_t n, float *ret)
{
    tw_plain_widen_bfloat16(values, n, ret);
}

AVX2 static uint64_t denormal_halves(const uint16_t *values, size_t n)
{
    return tw_plain_denormal_halves(values, n);
}

const struct tw_statistics_kernel tw_statistics_avx2 = {
    .name = "avx2",
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
