/* Series in buckets, against what plain loops over the readings give. */
#include "agent/chart_buckets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void add(struct tw_chart_buckets *buckets, uint64_t step, double value)
{
    assert_int_equal(tw_chart_buckets_add(buckets, step, value), 0);
}

/* Some wave that no bucket's edges fit. */
static double wave(uint64_t step)
{
    return sin((double)step * .37) * (1 + (double)(step % 1009));
}

static void few_readings_stay_as_they_are(void **state)
{
    struct tw_chart_buckets buckets = {0};
    (void)state;
    for (uint64_t i = 0; i < TW_CHART_BUCKETS; i++)
        add(&buckets, 10000 * i, wave(i));
    assert_int_equal(buckets.n, TW_CHART_BUCKETS);
    for (uint64_t i = 0; i < TW_CHART_BUCKETS; i++) {
        assert_int_equal(buckets.at[i].first_step, 10000 * i);
        assert_int_equal(buckets.at[i].last_step, 10000 * i);
        assert_int_equal(buckets.at[i].n, 1);
        assert_true(buckets.at[i].min == wave(i) && buckets.at[i].mean == wave(i) &&
                    buckets.at[i].max == wave(i));
    }
    tw_chart_buckets_release(&buckets);
}

/* Steps 0 to 1023 with the step as the value: 512 buckets of two, 2k and 2k + 1. */
static void twice_as_many_become_pairs(void **state)
{
    struct tw_chart_buckets buckets = {0};
    (void)state;
    for (uint64_t step = 0; step < 2 * TW_CHART_BUCKETS; step++)
        add(&buckets, step, (double)step);
    assert_int_equal(buckets.width, 2);
    assert_int_equal(buckets.n, TW_CHART_BUCKETS);
    for (size_t k = 0; k < buckets.n; k++) {
        const struct tw_chart_bucket *bucket = &buckets.at[k];
        assert_int_equal(bucket->first_step, 2 * k);
        assert_int_equal(bucket->last_step, 2 * k + 1);
        assert_true(bucket->min == 2. * (double)k && bucket->max == 2. * (double)k + 1 &&
                    bucket->mean == 2. * (double)k + .5);
    }
    tw_chart_buckets_release(&buckets);
}

static void assert_like_a_loop(const struct tw_chart_bucket *bucket)
{
    double low = INFINITY, high = -INFINITY, sum = 0;
    for (uint64_t step = bucket->first_step; step <= bucket->last_step; step++) {
        low = fmin(low, wave(step));
        high = fmax(high, wave(step));
        sum += wave(step);
    }
    assert_int_equal(bucket->n, bucket->last_step - bucket->first_step + 1);
    assert_true(bucket->min == low && bucket->max == high);
    assert_true(fabs(bucket->mean - sum / (double)bucket->n) < 1e-9);
}

/* 1,000,000 steps in at most 512 buckets: 2,048 wide, 489 of them. */
static void a_long_series_has_the_same_figures_as_a_loop(void **state)
{
    struct tw_chart_buckets buckets = {0};
    (void)state;
    for (uint64_t step = 0; step < 1000000; step++)
        add(&buckets, step, wave(step));
    assert_int_equal(buckets.width, 2048);
    assert_int_equal(buckets.n, 489);
    for (size_t i = 0; i < buckets.n; i++) {
        assert_int_equal(buckets.at[i].first_step, i * 2048);
        assert_like_a_loop(&buckets.at[i]);
    }
    assert_int_equal(buckets.at[488].last_step, 999999);
    tw_chart_buckets_release(&buckets);
}

/* 7,919 is prime to 20,000: each step comes once, far from the one before. */
static void the_order_of_steps_does_not_show(void **state)
{
    struct tw_chart_buckets buckets = {0};
    (void)state;
    for (uint64_t i = 0; i < 20000; i++)
        add(&buckets, i * 7919 % 20000, wave(i * 7919 % 20000));
    assert_int_equal(buckets.width, 64);
    assert_int_equal(buckets.n, 313);
    for (size_t i = 0; i < buckets.n; i++) {
        assert_int_equal(buckets.at[i].first_step, i * 64);
        assert_like_a_loop(&buckets.at[i]);
    }
    tw_chart_buckets_release(&buckets);
}

static void what_is_not_finite_is_counted_and_in_no_figure(void **state)
{
    struct tw_chart_buckets buckets = {0};
    (void)state;
    add(&buckets, 1, NAN);
    add(&buckets, 1, 3);
    add(&buckets, 1, -INFINITY);
    add(&buckets, 1, 5);
    add(&buckets, 2, NAN);
    assert_int_equal(buckets.n, 2);
    assert_int_equal(buckets.at[0].n, 2);
    assert_int_equal(buckets.at[0].nonfinite, 2);
    assert_true(buckets.at[0].min == 3 && buckets.at[0].mean == 4 && buckets.at[0].max == 5);
    assert_int_equal(buckets.at[1].n, 0);
    assert_true(isnan(buckets.at[1].min) && isnan(buckets.at[1].mean));
    /* Pairs of a bucket with figures and one without have the figures of the former. */
    for (uint64_t step = 3; step < 2000; step++)
        add(&buckets, step, NAN);
    assert_true(buckets.at[0].min == 3 && buckets.at[0].mean == 4 && buckets.at[0].max == 5);
    assert_int_equal(buckets.at[0].nonfinite, 2 + buckets.at[0].last_step - 1);
    tw_chart_buckets_release(&buckets);
}

static void the_farthest_steps_and_largest_values_fit(void **state)
{
    struct tw_chart_buckets buckets = {0};
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        add(&buckets, UINT64_MAX, sign * 1.7e308);
        add(&buckets, 0, sign * 1.7e308);
    }
    assert_int_equal(buckets.n, 2);
    assert_int_equal(buckets.at[1].first_step, UINT64_MAX);
    assert_true(fabs(buckets.at[0].mean) < 1e293);
    for (uint64_t step = 1; step < 600; step++)
        add(&buckets, step * (UINT64_MAX / 600), 1.7e308);
    assert_in_range(buckets.n, 250, TW_CHART_BUCKETS);
    for (size_t i = 0; i < buckets.n; i++)
        assert_true(isfinite(buckets.at[i].mean));
    tw_chart_buckets_release(&buckets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_readings_stay_as_they_are),
        cmocka_unit_test(twice_as_many_become_pairs),
        cmocka_unit_test(a_long_series_has_the_same_figures_as_a_loop),
        cmocka_unit_test(the_order_of_steps_does_not_show),
        cmocka_unit_test(what_is_not_finite_is_counted_and_in_no_figure),
        cmocka_unit_test(the_farthest_steps_and_largest_values_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
