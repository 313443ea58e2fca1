/* Windows that find their medians when they are asked for, and what they stand on, against slow
 * reference computations. */
#include "detectors/statistics/course_marks.h"
#include "detectors/statistics/log_ratio.h"
#include "detectors/statistics/order.h"
#include "detectors/statistics/packed_log.h"
#include "detectors/statistics/packed_order.h"
#include "detectors/statistics/recent.h"
#include "tests/unit/detector_fixture.h"
#include "tests/unit/slow_statistics.h"

/* Rounded, so that equal values meet. */
static float next_value(uint64_t *seed, double repeats)
{
    return (float)(round(next_heavy(seed) * repeats) / repeats);
}

/* ---- the newest values ---- */

static void the_newest_values_have_their_median_and_deviation(void **state)
{
    TW_RECENT(5) five = {0};
    TW_RECENT(7) recent = {0};
    float all[300];
    uint64_t seed = 3;
    (void)state;
    assert_true(TW_RECENT_MEDIAN(&recent) == 0);
    for (size_t i = 0; i < 300; i++) {
        double values[7];
        all[i] = next_value(&seed, 3);
        TW_RECENT_PUSH(&recent, all[i]);
        TW_RECENT_PUSH(&five, all[i]);
        size_t n = i + 1 < 5 ? i + 1 : 5;
        for (size_t k = 0; k < n; k++)
            values[k] = (double)all[i - k];
        assert_true(fabs(TW_RECENT_MEDIAN(&five) - slow_median(values, n)) < 1e-12);
        n = i + 1 < 7 ? i + 1 : 7;
        for (size_t k = 0; k < n; k++)
            values[k] = (double)all[i - k];
        double median = slow_median(values, n);
        assert_true(fabs(TW_RECENT_MEDIAN(&recent) - median) < 1e-12);
        assert_true(fabs(TW_RECENT_MAD(&recent) - slow_deviation(values, n, median)) < 1e-12);
    }
    TW_RECENT_CLEAR(&recent);
    assert_int_equal(recent.count, 0);
}

/* ---- the k-th of many ---- */

static void check_order(const float *values, unsigned n, unsigned k, double guess, double width)
{
    double sorted[310];
    float two[2], some[2];
    for (unsigned i = 0; i < n; i++)
        sorted[i] = (double)values[i];
    qsort(sorted, n, sizeof *sorted, compare);
    double next = sorted[k + 1 < n ? k + 1 : k];
    tw_order_two_near(values, n, k, (float)guess, (float)width, two);
    assert_true((double)two[0] == sorted[k] && (double)two[1] == next);
    tw_order_two(values, n, k, two);
    assert_true((double)two[0] == sorted[k] && (double)two[1] == next);
    unsigned count = k + 1 < n ? 2 : 1;
    tw_order_some(values, n, k, count, (float)guess, (float)width, some);
    assert_true((double)some[0] == sorted[k] && (double)some[count - 1] == next);
}

static void the_kth_is_found_whatever_was_guessed(void **state)
{
    static const unsigned sizes[] = {1, 2, 3, 4, 5, 17, 64, 255, 256, 310};
    uint64_t seed = 9;
    (void)state;
    for (int round = 0; round < 50; round++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            float values[310];
            unsigned n = sizes[s];
            for (unsigned i = 0; i < n; i++)
                values[i] = next_value(&seed, round % 2 ? 2 : 1000);
            if (round % 5 == 4)
                values[n / 2] = -1e30F; /* a loss of 0 on a logarithmic scale */
            for (unsigned k = 0; k < n; k += 1 + n / 9) {
                check_order(values, n, k, 0, .2);  /* near, for those in the middle */
                check_order(values, n, k, 50, .2); /* far off */
                check_order(values, n, k, 0, 1e6); /* all are near */
                check_order(values, n, k, -.1, 0);
            }
        }
    }
}

/* ---- two bytes ---- */

static void a_packed_norm_comes_back_to_a_thousandth(void **state)
{
    int16_t before = INT16_MIN;
    (void)state;
    for (double y = -68; y < 68; y += .00137) {
        int16_t packed = tw_pack_log(y);
        float back;
        tw_unpack_logs(&packed, 1, &back);
        assert_true(fabs(exp((double)back - y) - 1) < 1.1e-3);
        assert_true(packed >= before); /* order stays */
        before = packed;
    }
    assert_int_equal(tw_pack_log(log(1e308)), INT16_MAX);
    assert_int_equal(tw_pack_log(log(5e-324)), -INT16_MAX);
    assert_int_equal(tw_pack_log(INFINITY), INT16_MAX);
    assert_int_equal(tw_pack_log(0), 0);
}

/* ---- ranks of packed logarithms ---- */

static void check_packed(const int16_t *values, unsigned n, int guess)
{
    double doubles[310], centre;
    for (unsigned i = 0; i < n; i++)
        doubles[i] = values[i];
    int twice = tw_packed_twice_median(values, n, guess);
    centre = slow_median(doubles, n);
    assert_true(.5 * twice == centre);
    int distance = tw_packed_twice_distance(values, n, twice, (n + 1) / 2, guess);
    assert_true(fabs(1.4826 * .5 * distance - slow_deviation(doubles, n, centre)) < 1e-9);
}

static void the_middle_of_packed_logarithms_is_exact(void **state)
{
    static const unsigned sizes[] = {1, 2, 3, 7, 8, 9, 100, 255, 256, 310};
    uint64_t seed = 21;
    (void)state;
    for (int round = 0; round < 300; round++) {
        int16_t values[310];
        unsigned n = sizes[round % 10];
        double width = round % 3 == 0 ? 3 : round % 3 == 1 ? 200 : 20000;
        for (unsigned i = 0; i < n; i++)
            values[i] = (int16_t)fmax(-INT16_MAX, fmin(INT16_MAX, width * next_heavy(&seed)));
        if (round % 7 == 0)
            memset(values, round, n * sizeof *values); /* all the same */
        check_packed(values, n, 0);
        check_packed(values, n, (int)width);
        check_packed(values, n, INT16_MAX);
        check_packed(values, n, -INT16_MAX);
        check_packed(values, n, 1000000);
    }
}

static void a_difference_of_logarithms_reaches_a_ratio_as_its_logarithm_says(void **state)
{
    static const double ratios[] = {.5, 1, 1.01, 1.1, 2, 10, 1e6};
    (void)state;
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        for (double difference = -2; difference < 16; difference += .0101)
            assert_int_equal(tw_log_reaches(difference, ratios[i]), difference >= log(ratios[i]));
        assert_true(tw_log_reaches(log(ratios[i]), ratios[i]));
        assert_false(tw_log_reaches((double)NAN, ratios[i]));
    }
}

/* ---- marks on the course ---- */

/* The newest `max` marked of the newest 310 losses. */
static size_t slow_marked(const double *losses, const bool *marks, size_t n, size_t max,
                          double *ret)
{
    size_t found = 0;
    for (size_t age = 0; age < n && age < TW_COURSE_LOSSES && found < max; age++) {
        if (marks[n - 1 - age])
            ret[found++] = losses[n - 1 - age];
    }
    return found;
}

static void check_marks(double share, size_t negative_from)
{
    enum { LOSSES = 1500, MOST = 64 };
    static double losses[LOSSES];
    static bool marks[LOSSES];
    struct tw_course course;
    struct tw_course_marks marked = {0};
    uint64_t seed = 5;
    tw_course_start(&course);
    for (size_t i = 0; i < LOSSES; i++) {
        double expected[MOST];
        float values[MOST];
        losses[i] = healthy_loss(i, .1, &seed) - (i >= negative_from ? 4 : 0);
        marks[i] = next_uniform(&seed) < share;
        tw_course_push(&course, losses[i], i);
        tw_course_mark(&marked, &course, marks[i]);
        size_t n = slow_marked(losses, marks, i + 1, MOST, expected);
        assert_int_equal(tw_course_marked(&marked, &course, MOST, values), n);
        double median = n ? slow_median(expected, n) : 0;
        assert_true(fabs(tw_course_scaled_median(&course, values, (unsigned)n) - median) < 2e-6);
    }
}

static void marked_losses_are_the_newest_that_were_marked(void **state)
{
    (void)state;
    check_marks(1, SIZE_MAX);
    check_marks(.5, SIZE_MAX);
    check_marks(.05, SIZE_MAX); /* fewer than are asked for */
    check_marks(0, SIZE_MAX);
    check_marks(.5, 700); /* a loss is negative: the scale changes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_values_have_their_median_and_deviation),
        cmocka_unit_test(the_kth_is_found_whatever_was_guessed),
        cmocka_unit_test(a_packed_norm_comes_back_to_a_thousandth),
        cmocka_unit_test(the_middle_of_packed_logarithms_is_exact),
        cmocka_unit_test(a_difference_of_logarithms_reaches_a_ratio_as_its_logarithm_says),
        cmocka_unit_test(marked_losses_are_the_newest_that_were_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
