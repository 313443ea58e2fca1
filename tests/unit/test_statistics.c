/* The statistics of tensors: every kernel that this processor has against sums taken one by one in
 * long double, on data that break naive ones, and against figures worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "telemetry/statistics/kernel.h"

#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* The length of the large cases: no multiple of anything. */
#define LARGE 1000003

static float values[LARGE];

/* A generator whose sequence is its definition: Marsaglia's xorshift64 (Journal of Statistical
 * Software 8(14), 2003), with the triple 13, 7, 17. */
static uint64_t random_state;

static double uniform(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return ((double)(random_state >> 11) + .5) * 0x1p-53;
}

/* Box and Muller (Annals of Mathematical Statistics 29, 1958). */
static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static struct tw_statistics one_by_one(const float *data, size_t n,
                                       const struct tw_statistics_options *options)
{
    struct tw_statistics figures = tw_statistics_none();
    long double sum = 0, squares = 0, about_mean = 0;
    figures.n = n;
    for (size_t i = 0; i < n; i++) {
        int kind = fpclassify(data[i]);
        figures.nan += kind == FP_NAN;
        figures.positive_infinite += kind == FP_INFINITE && data[i] > 0;
        figures.negative_infinite += kind == FP_INFINITE && data[i] < 0;
        figures.zeros += kind == FP_ZERO;
        figures.denormals += kind == FP_SUBNORMAL;
        if (!isfinite(data[i]))
            continue;
        figures.beyond +=
            options->low < options->high && (data[i] < options->low || data[i] > options->high);
        figures.min = fmin(figures.min, (double)data[i]);
        figures.max = fmax(figures.max, (double)data[i]);
        sum += data[i];
        squares += (long double)data[i] * data[i];
    }
    uint64_t finite = n - tw_statistics_nonfinite(&figures);
    long double mean = finite ? sum / finite : 0;
    for (size_t i = 0; i < n; i++)
        about_mean += isfinite(data[i]) ? (data[i] - mean) * (data[i] - mean) : 0;
    figures.sum = (double)sum;
    figures.sum_of_squares = (double)squares;
    figures.mean = (double)mean;
    figures.squares_about_mean = (double)about_mean;
    return figures;
}

static void expect_near(const char *what, double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance) && value != expected)
        fail_msg("%s: %.17g instead of %.17g, off by %g > %g", what, value, expected,
                 fabs(value - expected), tolerance);
}

/* Counts and extremes are exact. The sums: of 64 float additions a lane each is off by half a unit
 * of 2^-24 of at most the largest partial sum, and the errors do not point one way: 1e-7 of the
 * sum's terms. */
static void expect_same(const struct tw_statistics *figures, const struct tw_statistics *expected)
{
    double n = (double)expected->n, rms = n ? sqrt(expected->sum_of_squares / n) : 0;
    assert_int_equal(figures->n, expected->n);
    assert_int_equal(figures->nan, expected->nan);
    assert_int_equal(figures->positive_infinite, expected->positive_infinite);
    assert_int_equal(figures->negative_infinite, expected->negative_infinite);
    assert_int_equal(figures->zeros, expected->zeros);
    assert_int_equal(figures->denormals, expected->denormals);
    assert_int_equal(figures->beyond, expected->beyond);
    expect_near("min", figures->min, expected->min, 0);
    expect_near("max", figures->max, expected->max, 0);
    expect_near("sum", figures->sum, expected->sum, 1e-7 * n * rms);
    expect_near("mean", figures->mean, expected->mean, 1e-7 * rms);
    expect_near("sum of squares", figures->sum_of_squares, expected->sum_of_squares,
                2e-7 * expected->sum_of_squares);
    expect_near("squares about the mean", figures->squares_about_mean, expected->squares_about_mean,
                1e-6 * expected->squares_about_mean);
}

/* Each kernel, from each start within a vector, with and without the mean known. */
static void expect_kernels_agree(size_t n, float low, float high)
{
    size_t first_length = n > 64 ? n - 64 : n;
    for (size_t i = 0; tw_statistics_kernels[i]; i++) {
        const struct tw_statistics_kernel *kernel = tw_statistics_kernels[i];
        if (!kernel->is_supported())
            continue;
        for (size_t first = 0; first <= n - first_length && first < 4; first++) {
            struct tw_statistics_options options = {.low = low, .high = high};
            struct tw_statistics expected = one_by_one(values + first, first_length, &options);
            for (int known = 0; known < 2; known++) {
                struct tw_statistics figures = tw_statistics_none();
                options.shift = known ? (float)expected.mean : 0;
                tw_statistics_add_by(kernel, &figures, TW_FLOAT32, values + first, first_length,
                                     &options);
                expect_same(&figures, &expected);
            }
        }
    }
}

typedef float (*draw)(size_t i);

static void expect_kernels_agree_on(draw one, float low, float high)
{
    random_state = 88172645463325252u;
    for (size_t i = 0; i < LARGE; i++)
        values[i] = one(i);
    expect_kernels_agree(LARGE, low, high);
}

static float draw_normal(size_t i)
{
    (void)i;
    return (float)normal();
}

static float draw_zero(size_t i)
{
    return i % 3 ? 0.f : -0.f;
}

static float draw_vanishing(size_t i)
{
    (void)i;
    return (float)(1e-22 * normal());
}

static float draw_huge(size_t i)
{
    (void)i;
    return (float)(1e25 * normal());
}

static float draw_log_normal(size_t i)
{
    (void)i;
    return (float)exp(3 * normal());
}

static float draw_far_from_zero(size_t i)
{
    (void)i;
    return (float)(1000 + normal());
}

static float draw_rectified(size_t i)
{
    (void)i;
    double value = normal();
    return value > 0 ? (float)value : 0;
}

static float draw_nan(size_t i)
{
    return i % 2 ? NAN : -NAN;
}

/* Everything anywhere: one in eight is drawn from the list. */
static float draw_mixed(size_t i)
{
    static const float special[] = {NAN, INFINITY, -INFINITY, 0.f, -0.f, 1e-40f, -1e-45f, 3e38f};
    double which = uniform() * 64;
    (void)i;
    return which < 8 ? special[(int)which] : (float)normal();
}

/* A clean tensor but for one value a block of its own. */
static float draw_rarely_special(size_t i)
{
    static const float special[] = {NAN, INFINITY, -INFINITY, 1e-40f};
    return i % 50021 == 50020 ? special[i / 50021 % 4] : (float)normal();
}

static void normal_data(void **state)
{
    (void)state;
    expect_kernels_agree_on(draw_normal, -3, 3);
}

static void zeros_of_both_signs(void **state)
{
    (void)state;
    expect_kernels_agree_on(draw_zero, 0, 0);
}

static void values_whose_squares_vanish(void **state)
{
    (void)state;
    expect_kernels_agree_on(draw_vanishing, 0, 1e-22f);
}

static void values_whose_squares_overflow(void **state)
{
    (void)state;
    expect_kernels_agree_on(draw_huge, -1e25f, INFINITY);
}

static void log_normal_data(void **state)
{
    (void)state;
    expect_kernels_agree_on(draw_log_normal, -INFINITY, 100);
}

static void a_mean_far_from_zero(void **state)
{
    (void)state;
    expect_kernels_agree_on(draw_far_from_zero, 998, 1002);
}

static void rectified_data(void **state)
{
    (void)state;
    expect_kernels_agree_on(draw_rectified, -1, 2);
}

static void nothing_but_nan(void **state)
{
    (void)state;
    expect_kernels_agree_on(draw_nan, -1, 1);
}

static void everything_anywhere(void **state)
{
    (void)state;
    expect_kernels_agree_on(draw_mixed, -1, 1);
}

static void a_clean_tensor_with_a_few_that_are_not(void **state)
{
    (void)state;
    expect_kernels_agree_on(draw_rarely_special, -4, 4);
}

/* Each length up to a few vectors, and each place for what is special. */
static void odd_tails(void **state)
{
    static const float special[] = {NAN, -INFINITY, 1e-40f, -0.f, 7};
    (void)state;
    for (size_t n = 1; n <= 150; n++) {
        for (size_t i = 0; i < n; i++)
            values[i] = (float)(i % 7) - 2.5f;
        expect_kernels_agree(n, -2, 2);
        for (size_t k = 0; k < 5; k++) {
            values[n - 1 - k * n / 5] = special[k];
            expect_kernels_agree(n, -2, 2);
        }
    }
}

/* (1, -2, 0, 4, NaN, inf): the sum is 3, of 4 numbers; 1 + 4 + 0 + 16 = 21;
 * .25^2 + 2.75^2 + .75^2 + 3.25^2 = 18.75. */
static void six_values_worked_out_by_hand(void **state)
{
    static const float data[] = {1, -2, 0, 4, NAN, INFINITY};
    struct tw_statistics_options options = {.low = -1.5f, .high = 1.5f};
    struct tw_statistics figures = tw_statistics_of(TW_FLOAT32, data, 6, &options);
    (void)state;
    assert_int_equal(figures.n, 6);
    assert_int_equal(figures.nan, 1);
    assert_int_equal(figures.positive_infinite, 1);
    assert_int_equal(figures.negative_infinite, 0);
    assert_int_equal(tw_statistics_nonfinite(&figures), 2);
    assert_int_equal(figures.zeros, 1);
    assert_int_equal(figures.beyond, 2);
    expect_near("sum", figures.sum, 3, 1e-12);
    expect_near("mean", tw_statistics_mean(&figures), .75, 1e-12);
    expect_near("variance", tw_statistics_variance(&figures), 18.75 / 4, 1e-12);
    expect_near("std", tw_statistics_std(&figures), 2.165063509461097, 1e-12);
    expect_near("l2", tw_statistics_l2(&figures), 4.58257569495584, 1e-12);
    expect_near("abs max", tw_statistics_abs_max(&figures), 4, 0);
}

static void no_values_have_no_mean(void **state)
{
    static const float data[] = {NAN};
    (void)state;
    for (size_t n = 0; n < 2; n++) {
        struct tw_statistics figures = tw_statistics_of(TW_FLOAT32, data, n, NULL);
        assert_int_equal(figures.n, n);
        assert_int_equal(figures.nan, n);
        assert_true(isnan(tw_statistics_mean(&figures)));
        assert_true(isnan(tw_statistics_std(&figures)));
        assert_true(isnan(tw_statistics_abs_max(&figures)));
        expect_near("l2", tw_statistics_l2(&figures), 0, 0);
        assert_true(figures.min == INFINITY && figures.max == -INFINITY);
    }
}

/* 2^23 + {0, 1, 2, 3}: variance 1.25. Two sums of squares near 7e13 would leave little of it. */
static void a_small_spread_around_a_large_mean_is_measured(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100000; i++)
        values[i] = 8388608.f + (float)(i % 4);
    struct tw_statistics figures = tw_statistics_of(TW_FLOAT32, values, 100000, NULL);
    expect_near("mean", tw_statistics_mean(&figures), 8388609.5, 1e-9);
    expect_near("std", tw_statistics_std(&figures), sqrt(1.25), 1e-9);
}

static void one_value_repeated_has_no_spread(void **state)
{
    (void)state;
    for (size_t i = 0; i < 10000; i++)
        values[i] = .1f;
    struct tw_statistics figures = tw_statistics_of(TW_FLOAT32, values, 10000, NULL);
    assert_true(tw_statistics_mean(&figures) == (double).1f);
    assert_true(tw_statistics_std(&figures) == 0);
}

/* Whatever mean the caller expects. */
static void a_wrong_shift_costs_no_digits(void **state)
{
    static const float shifts[] = {1e30f, -1e6f, 1000, NAN, INFINITY, 1e-30f};
    (void)state;
    random_state = 1;
    for (size_t i = 0; i < 5000; i++)
        values[i] = (float)normal();
    struct tw_statistics_options options = {0};
    struct tw_statistics expected = one_by_one(values, 5000, &options);
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
        options.shift = shifts[i];
        struct tw_statistics figures = tw_statistics_of(TW_FLOAT32, values, 5000, &options);
        expect_same(&figures, &expected);
    }
}

static void pieces_add_up_to_the_whole(void **state)
{
    struct tw_statistics_options options = {.low = -1, .high = 1};
    struct tw_statistics pieces = tw_statistics_none(), merged = tw_statistics_none();
    (void)state;
    random_state = 2;
    for (size_t i = 0; i < 20000; i++)
        values[i] = draw_mixed(i);
    struct tw_statistics expected = one_by_one(values, 20000, &options);
    for (size_t done = 0, n = 1; done < 20000; done += n, n = 3 * n + 1) {
        n = n < 20000 - done ? n : 20000 - done;
        tw_statistics_add(&pieces, TW_FLOAT32, values + done, n, &options);
        struct tw_statistics piece = tw_statistics_of(TW_FLOAT32, values + done, n, &options);
        tw_statistics_merge(&merged, &piece);
    }
    expect_same(&pieces, &expected);
    expect_same(&merged, &expected);
}

/* IEEE 754-2008, table 3.5: a half is (-1)^s 2^(e - 15) (1 + f / 1024), with e = 0 for
 * f 2^-24. All 65,536 of them, by ldexp(). */
static void every_half_is_the_number_it_stands_for(void **state)
{
    static uint16_t halves[65536];
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        int exponent = (int)(i >> 10 & 31), fraction = (int)(i & 1023);
        double magnitude = exponent == 0   ? ldexp(fraction, -24)
                           : exponent < 31 ? ldexp(1024 + fraction, exponent - 25)
                           : fraction      ? (double)NAN
                                           : (double)INFINITY;
        halves[i] = (uint16_t)i;
        values[i] = (float)(i >> 15 ? -magnitude : magnitude);
    }
    struct tw_statistics_options options = {.low = -100, .high = 1000};
    struct tw_statistics expected = one_by_one(values, 65536, &options);
    expected.denormals = 2 * 1023;
    for (size_t i = 0; tw_statistics_kernels[i]; i++) {
        const struct tw_statistics_kernel *kernel = tw_statistics_kernels[i];
        if (!kernel->is_supported())
            continue;
        struct tw_statistics figures = tw_statistics_none();
        tw_statistics_add_by(kernel, &figures, TW_FLOAT16, halves, 65536, &options);
        expect_same(&figures, &expected);
        for (uint32_t one = 0; one < 65536; one++) { /* the place of each, too */
            float wide[3];
            uint16_t three[] = {halves[one], 0, halves[one]};
            kernel->widen_half(three, 3, wide);
            assert_true(isnan(values[one]) ? isnan(wide[2]) : wide[2] == values[one]);
        }
    }
}

/* A bfloat16 is the upper half of a float (Intel, "BFLOAT16 - Hardware Numerics Definition",
 * 2018). */
static void every_bfloat16_is_the_upper_half_of_a_float(void **state)
{
    static uint16_t shorts[65536];
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        shorts[i] = (uint16_t)i;
        values[i] = float_of(i << 16);
    }
    struct tw_statistics_options options = {.low = -1, .high = 1};
    struct tw_statistics expected = one_by_one(values, 65536, &options);
    for (size_t i = 0; tw_statistics_kernels[i]; i++) {
        const struct tw_statistics_kernel *kernel = tw_statistics_kernels[i];
        struct tw_statistics figures = tw_statistics_none();
        if (!kernel->is_supported())
            continue;
        tw_statistics_add_by(kernel, &figures, TW_BFLOAT16, shorts, 65536, &options);
        expect_same(&figures, &expected);
    }
}

/* 1 = 2^0: bin 127; 3 lies from 2 to 4: 128; .1 from 2^-4 to 2^-3: 123. */
static void the_histogram_is_by_powers_of_two(void **state)
{
    static const float data[] = {1, -1, 3, .1f, 0, 1e-40f, NAN, INFINITY};
    uint64_t histogram[TW_STATISTICS_BINS] = {0};
    struct tw_statistics_options options = {.histogram = histogram};
    uint64_t counted = 0;
    (void)state;
    tw_statistics_of(TW_FLOAT32, data, 8, &options);
    assert_int_equal(histogram[127], 2);
    assert_int_equal(histogram[128], 1);
    assert_int_equal(histogram[123], 1);
    assert_int_equal(histogram[0], 2);
    for (size_t i = 0; i < TW_STATISTICS_BINS; i++)
        counted += histogram[i];
    assert_int_equal(counted, 6);
}

#if defined(__SSE2__)
/* Flushed, 1e-40 would be a zero; with traps, NaN a signal. */
static void the_callers_floating_point_mode_is_no_matter(void **state)
{
    static const float data[] = {1e-40f, -2e-40f, 0, NAN};
    (void)state;
    unsigned before = _mm_getcsr();
    for (unsigned mode = 0; mode < 2; mode++) {
        unsigned set = mode ? before | 0x8040 : before & ~(unsigned)_MM_MASK_INVALID;
        _mm_setcsr(set);
        struct tw_statistics figures = tw_statistics_of(TW_FLOAT32, data, 4, NULL);
        unsigned after = _mm_getcsr();
        _mm_setcsr(before);
        assert_int_equal(after, set);
        assert_int_equal(figures.zeros, 1);
        assert_int_equal(figures.denormals, 2);
        assert_int_equal(figures.nan, 1);
        assert_true(figures.min < 0 && figures.max > 0);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_data),
        cmocka_unit_test(zeros_of_both_signs),
        cmocka_unit_test(values_whose_squares_vanish),
        cmocka_unit_test(values_whose_squares_overflow),
        cmocka_unit_test(log_normal_data),
        cmocka_unit_test(a_mean_far_from_zero),
        cmocka_unit_test(rectified_data),
        cmocka_unit_test(nothing_but_nan),
        cmocka_unit_test(everything_anywhere),
        cmocka_unit_test(a_clean_tensor_with_a_few_that_are_not),
        cmocka_unit_test(odd_tails),
        cmocka_unit_test(six_values_worked_out_by_hand),
        cmocka_unit_test(no_values_have_no_mean),
        cmocka_unit_test(a_small_spread_around_a_large_mean_is_measured),
        cmocka_unit_test(one_value_repeated_has_no_spread),
        cmocka_unit_test(a_wrong_shift_costs_no_digits),
        cmocka_unit_test(pieces_add_up_to_the_whole),
        cmocka_unit_test(every_half_is_the_number_it_stands_for),
        cmocka_unit_test(every_bfloat16_is_the_upper_half_of_a_float),
        cmocka_unit_test(the_histogram_is_by_powers_of_two),
#if defined(__SSE2__)
        cmocka_unit_test(the_callers_floating_point_mode_is_no_matter),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
