/* The detectors' statistics against slow reference computations and figures worked out by hand. */
#include "detectors/statistics/baseline.h"
#include "detectors/statistics/bernoulli.h"
#include "detectors/statistics/blocks.h"
#include "detectors/statistics/cusum.h"
#include "detectors/statistics/level.h"
#include "detectors/statistics/slope.h"
#include "detectors/statistics/trace.h"
#include "tests/unit/detector_fixture.h"
#include "tests/unit/slow_statistics.h"

static void check_window(unsigned size, unsigned repeats)
{
    TW_SORTED_WINDOW(256) window = {0};
    float ring[1000];
    uint64_t seed = size + repeats;
    window.head.capacity = (uint16_t)size;
    for (unsigned i = 0; i < 1000; i++) {
        /* Rounded, so that equal values meet. */
        ring[i] = (float)(round(next_heavy(&seed) * repeats) / repeats);
        TW_WINDOW_PUSH(&window, ring[i]);
        double values[256];
        size_t n = i + 1 < size ? i + 1 : size;
        for (size_t k = 0; k < n; k++)
            values[k] = (double)ring[i - k];
        assert_true(tw_window_at(&window.head, window.values, 0) == ring[i]);
        assert_true(tw_window_at(&window.head, window.values, (uint16_t)(n - 1)) ==
                    ring[i + 1 - n]);
        double median = slow_median(values, n);
        assert_true(fabs(TW_WINDOW_MEDIAN(&window) - median) < 1e-12);
        assert_true(fabs(TW_WINDOW_MAD(&window) - slow_deviation(values, n, median)) < 1e-6);
    }
}

static void a_window_knows_its_median_and_deviation_at_each_value(void **state)
{
    static const unsigned sizes[] = {1, 2, 3, 5, 16, 64, 255, 256};
    (void)state;
    for (int i = 0; i < 8; i++) {
        check_window(sizes[i], 1);
        check_window(sizes[i], 1000);
    }
}

static void a_value_that_left_the_window_leaves_no_trace(void **state)
{
    struct tw_baseline baseline;
    (void)state;
    tw_baseline_start(&baseline);
    tw_baseline_learn(&baseline, 1e9, 4);
    for (int i = 0; i < 300; i++)
        tw_baseline_learn(&baseline, i % 2 ? 3.001 : 2.999, 0);
    /* MAD .001, times 1.4826: (4 - 3) / .0014826 = 674.5 sigma. */
    assert_true(fabs(tw_baseline_score(&baseline, 4, 1e-9) - 674.5) < 1);
}

static void a_spread_has_a_floor(void **state)
{
    struct tw_baseline baseline;
    (void)state;
    tw_baseline_start(&baseline);
    for (int i = 0; i < 100; i++)
        tw_baseline_learn(&baseline, 2, 0);
    assert_true(fabs(tw_baseline_score(&baseline, 2.01, .005) - 2) < 1e-5);
}

static void autocorrelation_is_that_of_the_series(void **state)
{
    (void)state;
    for (int i = 0; i <= 5; i++) {
        struct tw_baseline baseline;
        double z = 0, r = .1 * i, sum = 0;
        uint64_t seed = 9;
        tw_baseline_start(&baseline);
        for (int k = 0; k < 20000; k++) {
            z = r * z + sqrt(1 - r * r) * next_normal(&seed);
            tw_baseline_learn(&baseline, z, z);
            sum += k >= 1000 ? tw_baseline_autocorrelation(&baseline) : 0;
        }
        /* Limited below by 0 and above by .5, which pulls the mean in at the ends. */
        assert_true(fabs(sum / 19000 - r) < .05);
    }
}

static void a_cusum_remembers_where_its_excursion_began(void **state)
{
    static const double z[] = {1, -2, .4, 2, 3, 1};
    /* S - .5 each: .5, 0, 0, 1.5, 4, 4.5 */
    static const double sums[] = {.5, 0, 0, 1.5, 4, 4.5};
    struct tw_cusum cusum;
    (void)state;
    tw_cusum_start(&cusum);
    for (int i = 0; i < 6; i++) {
        tw_cusum_add(&cusum, z[i], .5, 20, (uint64_t)i, 10 * i);
        assert_true(fabs(cusum.sum - sums[i]) < 1e-12);
    }
    assert_int_equal(cusum.onset_step, 3);
    assert_int_equal(cusum.onset_time_ms, 30);
    for (int i = 0; i < 100; i++)
        tw_cusum_add(&cusum, 4, .5, 20, 0, 0);
    assert_true(cusum.sum == 60);
    assert_true(tw_cusum_line(20, .5) == 60);
    /* (1 + .3) / (1 - .3) = 1.857 */
    assert_true(fabs(tw_cusum_line(20, .3) - 37.142857) < 1e-6);
}

/* Losses on the linear scale, so that they may be any numbers. */
static void push_level(struct tw_level *level, struct tw_course *course, double loss, uint64_t step)
{
    course->is_linear = 1;
    tw_course_push(course, loss, step);
    tw_level_push(level, course);
}

static void the_best_level_lags_behind_by_a_window(void **state)
{
    struct tw_level level;
    struct tw_course course;
    (void)state;
    tw_level_start(&level);
    tw_course_start(&course);
    assert_int_equal(tw_level_best_span(&level), TW_LEVEL_SPANS);
    for (int i = 1; i <= 9; i++)
        push_level(&level, &course, 10 - i, (uint64_t)i);
    assert_int_equal(tw_level_best_span(&level), TW_LEVEL_SPANS);
    push_level(&level, &course, 0, 10);
    /* The first five were 9 8 7 6 5: median 7, at step 5. */
    assert_int_equal(tw_level_best_span(&level), TW_LEVEL_5);
    assert_true(level.best[TW_LEVEL_5].best == 7);
    assert_int_equal(level.best[TW_LEVEL_5].best_step, 5);
    /* The newest five: 4 3 2 1 0. */
    assert_true(tw_level_now(&level, TW_LEVEL_5) == 2);
    for (int i = 11; i <= 96; i++)
        push_level(&level, &course, 100, (uint64_t)i);
    assert_int_equal(tw_level_best_span(&level), TW_LEVEL_64);
    assert_int_equal(tw_level_first_step(&level, &course, 16), 81);
    assert_int_equal(tw_level_first_step(&level, &course, 5), 92);
}

static void noise_is_indifferent_to_a_trend(void **state)
{
    struct tw_level level;
    struct tw_course course;
    uint64_t seed = 3;
    double sum = 0;
    (void)state;
    tw_level_start(&level);
    tw_course_start(&course);
    for (int i = 0; i < 6400; i++) {
        push_level(&level, &course, -.02 * i + .1 * next_normal(&seed), (uint64_t)i);
        if (i % 64 == 63)
            sum += tw_level_noise(&level, &course, 0) / 100;
    }
    assert_true(fabs(sum - .1) < .01);
    /* -.02 a value: the newer eight lie 8 x .02 = .16 below the older eight. */
    assert_true(tw_level_trend(&level) < -.02 && tw_level_trend(&level) > -.3);
}

static void push_block(struct tw_blocks *blocks, double mean)
{
    for (int i = 0; i < TW_BLOCK_VALUES; i++)
        assert_int_equal(tw_blocks_push(blocks, mean), i == TW_BLOCK_VALUES - 1);
}

static void a_slope_is_as_sure_as_students_t_says(void **state)
{
    static const double means[] = {1, 3, 2, 4, 3, 5};
    struct tw_blocks blocks;
    (void)state;
    tw_blocks_start(&blocks);
    assert_true(tw_blocks_rising_probability(&blocks, 6) == .5);
    for (int i = 0; i < 6; i++)
        push_block(&blocks, means[i]);
    /* By hand: slope 22/35 = .62857, residuals -.4286 .9429 -.6857 .6857 -.9429 .4286, squares
     * 3.0857; their lag-1 sum is negative, so nothing is inflated. Standard error
     * sqrt(3.0857 / 4 / 17.5) = .20996, t = 2.9938 with 4 degrees of freedom; the normal deviate is
     * 2.9938 (1 - 1/16) / sqrt(1 + 8.963/8) = 1.9273, P = .97303 (Student's t itself: .9799). */
    assert_true(fabs(tw_blocks_rising_probability(&blocks, 6) - .97303) < 1e-4);
    /* Newest four: 2 4 3 5 rise too; reversed in sign they fall. */
    assert_true(tw_blocks_rising_probability(&blocks, 4) > .5);
    tw_blocks_start(&blocks);
    for (int i = 0; i < 6; i++)
        push_block(&blocks, -means[i]);
    assert_true(fabs(tw_blocks_rising_probability(&blocks, 6) - .02697) < 1e-4);
}

static void a_line_is_that_of_least_squares(void **state)
{
    static const double values[] = {5, 3, 4, 2, 3, 1};
    (void)state;
    /* The mirror image of the series above: slope -22/35, mean 3, so 3 - 2.5 x 22/35 = 1.42857 at
     * the newest value; P of falling .97303. */
    struct tw_slope line = tw_slope_fit(values, 6);
    assert_true(fabs(line.slope + 22. / 35) < 1e-12);
    assert_true(fabs(line.newest - 10. / 7) < 1e-12);
    assert_true(fabs(line.standard_error - .20996) < 1e-5);
    assert_true(fabs(line.falling - .97303) < 1e-4);
    assert_true(tw_slope_fit(values, 2).falling == .5);
}

static void a_slope_counts_for_less_when_neighbours_resemble_each_other(void **state)
{
    static const double values[] = {0, 0, 1, 1, 1, 0, 0};
    (void)state;
    /* By hand: slope 0; residuals -3/7 and 4/7, squares 12/7; the products of neighbours are 9/49,
     * -12/49, 16/49, 16/49, -12/49, 9/49, together 26/49, so r = 26/84 = .30952. Standard error
     * sqrt(12/7 / 5 / 28 x 1.30952 / .69048) = .15239. */
    struct tw_slope line = tw_slope_fit(values, 7);
    assert_true(fabs(line.slope) < 1e-12);
    assert_true(fabs(line.standard_error - .15239) < 1e-5);
    assert_true(fabs(line.falling - .5) < 1e-9);
}

static void steps_without_decrease_end_where_the_series_fell(void **state)
{
    double values[100];
    (void)state;
    for (int i = 0; i < 100; i++)
        values[i] = i < 60 ? 10 - .1 * i : 4 + .01 * (i % 2);
    /* Flat over the newest 40; a stretch that reaches further back falls. */
    assert_in_range(tw_slope_without_decrease(values, 100, .51, 0), 38, 41);
    for (int i = 0; i < 100; i++)
        values[i] = 10 - .1 * i;
    assert_int_equal(tw_slope_without_decrease(values, 100, .51, 0), 0);
    for (int i = 0; i < 100; i++)
        values[i] = 4 + .01 * (i % 2);
    values[50] = 40; /* a spike: all that follows lies below it */
    assert_in_range(tw_slope_without_decrease(values, 100, .51, .1), 98, 100);
    assert_int_equal(tw_slope_without_decrease(values, 2, .51, .1), 0);
}

static void a_trace_keeps_the_whole_series_in_equal_blocks(void **state)
{
    struct tw_trace trace;
    double newest[2];
    (void)state;
    tw_trace_start(&trace);
    for (uint64_t i = 0; i < 1000; i++)
        tw_trace_push(&trace, (double)i, 10 * i);
    /* 1000 values: halved at 129, 257 and 513, so 125 blocks of 8. */
    assert_int_equal(trace.per_block, 8);
    assert_int_equal(trace.n, 125);
    tw_trace_newest(&trace, 2, newest);
    assert_true(newest[1] == 995.5); /* mean of 992 to 999 */
    assert_true(newest[0] == 987.5);
    assert_int_equal(tw_trace_step(&trace, 1), 9920);
    assert_int_equal(tw_trace_step(&trace, 125), 0);
    assert_true(trace.means[0] == 3.5f);
}

static void a_flat_series_neither_rises_nor_falls_for_sure(void **state)
{
    struct tw_blocks blocks;
    uint64_t seed = 77;
    int sure = 0;
    (void)state;
    tw_blocks_start(&blocks);
    for (int i = 0; i < 20000; i++) {
        push_block(&blocks, next_normal(&seed));
        sure += tw_blocks_rising_probability(&blocks, 10) > .999;
    }
    assert_true(sure < 60); /* 20 expected of independent tests */
}

static void swings_are_counted_both_ways(void **state)
{
    struct tw_blocks blocks;
    (void)state;
    tw_blocks_start(&blocks);
    for (int i = 0; i < TW_BLOCKS; i++) {
        assert_true(tw_blocks_swing(&blocks, .1).range == 0);
        push_block(&blocks, i % 4 < 2 ? 1 : 2);
    }
    /* 1 1 2 2 1 1 ...: of 39 neighbours 10 rise and 9 fall. */
    struct tw_swing swing = tw_blocks_swing(&blocks, .5);
    assert_true(fabs(swing.rising - 10. / 39) < 1e-12);
    assert_true(fabs(swing.falling - 9. / 39) < 1e-12);
    assert_true(fabs(swing.range - 1) < 1e-6);
    assert_true(tw_blocks_swing(&blocks, 1.5).rising == 0);
}

static void an_e_process_keeps_its_promise(void **state)
{
    struct tw_bernoulli process = {0};
    (void)state;
    /* ln(.02 / .001) = 2.995732, ln(.98 / .999) = -.0192022 */
    tw_bernoulli_add(&process, 1, 1, .001, .02);
    assert_true(fabs(process.log_e - 2.995732) < 1e-6);
    tw_bernoulli_add(&process, 1, 11, .001, .02);
    assert_true(fabs(process.log_e - (2 * 2.995732 - 10 * .0192022)) < 1e-5);
    /* At the normal rate alarms at E >= 1e4 come at most once in 1e4 trials on average. */
    uint64_t seed = 1, alarms = 0;
    process.log_e = 0;
    for (int i = 0; i < 2000000; i++) {
        tw_bernoulli_add(&process, next_uniform(&seed) < .001, 1, .001, .02);
        if (process.log_e >= log(1e4)) {
            alarms++;
            process.log_e = 0;
        }
    }
    assert_true(alarms <= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_knows_its_median_and_deviation_at_each_value),
        cmocka_unit_test(a_value_that_left_the_window_leaves_no_trace),
        cmocka_unit_test(a_spread_has_a_floor),
        cmocka_unit_test(autocorrelation_is_that_of_the_series),
        cmocka_unit_test(a_cusum_remembers_where_its_excursion_began),
        cmocka_unit_test(the_best_level_lags_behind_by_a_window),
        cmocka_unit_test(noise_is_indifferent_to_a_trend),
        cmocka_unit_test(a_slope_is_as_sure_as_students_t_says),
        cmocka_unit_test(a_line_is_that_of_least_squares),
        cmocka_unit_test(a_slope_counts_for_less_when_neighbours_resemble_each_other),
        cmocka_unit_test(steps_without_decrease_end_where_the_series_fell),
        cmocka_unit_test(a_trace_keeps_the_whole_series_in_equal_blocks),
        cmocka_unit_test(a_flat_series_neither_rises_nor_falls_for_sure),
        cmocka_unit_test(swings_are_counted_both_ways),
        cmocka_unit_test(an_e_process_keeps_its_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
