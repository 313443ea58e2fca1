/* What detectors share of the loss and of the updates, against slow reference computations. */
#include "detectors/statistics/loss_baseline.h"
#include "detectors/statistics/order.h"
#include "detectors/update_sizes.h"
#include "tests/unit/detector_fixture.h"

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double slow_median(const float *values, size_t n)
{
    float sorted[1000];
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    return .5 * ((double)sorted[(n - 1) / 2] + (double)sorted[n / 2]);
}

/* ---- order ---- */

static void some_of_many_are_found_whatever_the_guess(void **state)
{
    static const float guesses[] = {0, 1, -3, 100};
    static const float widths[] = {0, .1F, 1, 1000};
    uint64_t seed = 5;
    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        float values[256], sorted[256], found[256];
        unsigned n = 1 + (unsigned)(next_random(&seed) % 256);
        for (unsigned i = 0; i < n; i++) /* rounded, so that equal values meet */
            sorted[i] = values[i] = rintf((float)next_heavy(&seed) * 20) / 20;
        qsort(sorted, n, sizeof *sorted, compare);
        unsigned first = (unsigned)(next_random(&seed) % n);
        unsigned some = 1 + (unsigned)(next_random(&seed) % (n - first));
        tw_order_some(values, n, first, some, guesses[round % 4], widths[round / 4 % 4], found);
        for (unsigned i = 0; i < some; i++)
            assert_true(found[i] == sorted[first + i]);
    }
}

static void a_middle_is_exact_while_values_come_and_go(void **state)
{
    struct tw_middle middle = {0};
    float values[200];
    unsigned n = 0, found = 0, changes = 0;
    uint64_t seed = 11;
    (void)state;
    for (int i = 0; i < 50000; i++, changes++) {
        unsigned at = n ? (unsigned)(next_random(&seed) % n) : 0;
        if (n == 200 || (n > 1 && next_random(&seed) % 4 == 0)) {
            tw_middle_remove(&middle, values[at]);
            values[at] = values[--n];
        } else {
            values[n] = rintf((float)next_heavy(&seed) * 50) / 50 + (float)i / 10000;
            tw_middle_add(&middle, values[n++]);
        }
        if (!tw_middle_is_known(&middle)) {
            tw_middle_find(&middle, values, n, 0, .1F);
            found++;
        }
        assert_true(tw_middle_median(&middle) == slow_median(values, n));
    }
    assert_true(found < changes / 20);
}

/* ---- the course ---- */

static void the_newest_losses_are_kept_on_their_scale(void **state)
{
    struct tw_course course;
    float values[TW_COURSE_LOSSES];
    (void)state;
    tw_course_start(&course);
    for (int i = 1; i <= 1000; i++)
        tw_course_push(&course, i, (uint64_t)i);
    assert_int_equal(tw_course_kept(&course), TW_COURSE_LOSSES);
    assert_true(fabs((double)tw_course_at(&course, 9) - log(991)) < 1e-6);
    assert_true(fabs(tw_course_median(&course, 2, 3) - 997) < .01);
    assert_true(fabs(tw_course_median(&course, 0, 4) - 998.5) < .01);
    /* A loss of 0 has no logarithm, and is one all the same. */
    tw_course_push(&course, 0, 1001);
    assert_int_equal(tw_course_scaled(&course, 2, values), 2);
    assert_true(fabs((double)values[0] - log(1000)) < 1e-6);
    assert_true(tw_course_median(&course, 0, 1) == 0);
    assert_true(fabs(tw_course_median(&course, 0, 2) - 500) < .01);
    /* One that is negative takes all to the linear scale. */
    tw_course_push(&course, -5, 1002);
    assert_true(course.is_linear);
    assert_int_equal(tw_course_scaled(&course, 3, values), 3);
    assert_true(values[0] == -5 && values[1] == 0 && fabsf(values[2] - 1000) < .01F);
}

static void steps_are_those_that_came(void **state)
{
    struct tw_course course;
    uint64_t steps[1000], step = (uint64_t)1 << 40;
    (void)state;
    tw_course_start(&course);
    for (unsigned i = 0; i < 1000; i++) {
        step += 50;
        if (i == 700 || i == 740) /* resumed, from further and further back */
            step -= 50 * 90;
        steps[i] = step;
        tw_course_push(&course, 1, step);
        for (unsigned age = 0; i >= 800 && age < TW_COURSE_LOSSES && age <= i; age++)
            assert_int_equal(tw_course_step(&course, age), steps[i - age]);
    }
}

static void uneven_steps_are_nearly_those_that_came(void **state)
{
    struct tw_course course;
    uint64_t steps[1000], step = 0, seed = 1;
    (void)state;
    tw_course_start(&course);
    for (unsigned i = 0; i < 1000; i++) {
        step += 1 + next_random(&seed) % 20;
        steps[i] = step;
        tw_course_push(&course, 1, step);
        for (unsigned age = 0; age < TW_COURSE_LOSSES && age <= i; age++) {
            int64_t off = (int64_t)(tw_course_step(&course, age) - steps[i - age]);
            assert_true(age < TW_COURSE_STEPS ? off == 0 : llabs(off) < 20 * 8);
        }
    }
}

static void a_traces_steps_are_exact_where_they_are_even(void **state)
{
    struct tw_trace trace;
    (void)state;
    tw_trace_start(&trace);
    for (uint64_t i = 0; i < 20000; i++) {
        tw_trace_push(&trace, 1, 7 + 100 * i);
        for (unsigned back = 1; i % 97 == 0 && back <= trace.n; back++)
            assert_int_equal(tw_trace_step(&trace, back),
                             7 + 100 * (uint64_t)(trace.n - back) * trace.per_block);
    }
}

/* ---- baselines ---- */

/* Of every eleven losses, some are flagged: the newest 256 others are what is learned. */
static void a_baseline_is_that_of_the_newest_healthy_losses(void **state)
{
    struct tw_course course;
    struct tw_loss_baseline baseline;
    float healthy[3000];
    unsigned n = 0;
    uint64_t seed = 2;
    (void)state;
    tw_course_start(&course);
    tw_loss_baseline_start(&baseline);
    for (unsigned i = 0; i < 3000; i++) {
        tw_course_push(&course, exp(.3 * next_heavy(&seed) - (double)i / 2000), i);
        tw_loss_baseline_turn(&baseline, &course);
        if (i > 300 && i % 11 == 0)
            continue;
        tw_loss_baseline_learn(&baseline, &course, 0);
        healthy[n++] = (float)course.newest;
        unsigned kept = n < TW_LOSS_BASELINE_VALUES ? n : TW_LOSS_BASELINE_VALUES;
        assert_int_equal(baseline.count, kept);
        assert_true(baseline.median == slow_median(healthy + n - kept, kept));
        assert_true(fabs(baseline.spread - .3) < .1 || n < 64);
    }
}

static bool is_learned(unsigned which, unsigned i)
{
    return i < 500 || which == 0 ? i % 11 != 0 : i % 7 != 0;
}

static void a_second_run_in_the_same_memory_is_not_taken_for_the_first(void **state)
{
    struct tw_course course;
    struct tw_loss_baseline baseline;
    (void)state;
    for (unsigned run = 1; run < 4; run++) {
        tw_course_start(&course);
        tw_loss_baseline_start(&baseline);
        tw_course_push(&course, exp(run), 0);
        tw_loss_baseline_turn(&baseline, &course);
        tw_loss_baseline_learn(&baseline, &course, 0);
        assert_true(fabs(baseline.median - run) < 1e-6);
    }
}

/* Two of one course, which are equal for a while and then are not, against the same two alone. */
static void baselines_of_one_course_are_what_each_is_alone(void **state)
{
    struct tw_course shared, own[2];
    struct tw_loss_baseline together[2], alone[2];
    uint64_t seed = 3;
    (void)state;
    tw_course_start(&shared);
    for (unsigned which = 0; which < 2; which++) {
        tw_course_start(&own[which]);
        tw_loss_baseline_start(&together[which]);
        tw_loss_baseline_start(&alone[which]);
    }
    for (unsigned i = 0; i < 1500; i++) {
        double loss = exp(.3 * next_heavy(&seed) - (double)i / 2000);
        tw_course_push(&shared, loss, i);
        for (unsigned which = 0; which < 2; which++) {
            tw_loss_baseline_turn(&together[which], &shared);
            if (is_learned(which, i))
                tw_loss_baseline_learn(&together[which], &shared, which);
        }
        for (unsigned which = 0; which < 2; which++) {
            tw_course_push(&own[which], loss, i);
            tw_loss_baseline_turn(&alone[which], &own[which]);
            if (is_learned(which, i))
                tw_loss_baseline_learn(&alone[which], &own[which], which);
            assert_true(together[which].median == alone[which].median);
            assert_true(together[which].spread == alone[which].spread);
            assert_true(together[which].variance == alone[which].variance);
        }
    }
    assert_memory_not_equal(together[0].healthy, together[1].healthy, sizeof together[0].healthy);
}

static void a_baseline_outlasts_a_trouble_that_pushes_it_out(void **state)
{
    struct tw_course course;
    struct tw_loss_baseline baseline;
    (void)state;
    tw_course_start(&course);
    tw_loss_baseline_start(&baseline);
    for (unsigned i = 0; i < 1400; i++) {
        bool is_trouble = i >= 400 && i < 1000;
        tw_course_push(&course, is_trouble ? 50 : .99 + .01 * (i % 3), i);
        tw_loss_baseline_turn(&baseline, &course);
        if (!is_trouble)
            tw_loss_baseline_learn(&baseline, &course, 0);
        if (i > 20) {
            assert_true(fabs(baseline.median) < .011);
            assert_true(fabs(baseline.spread - 1.4826 * .01) < .0003);
        }
    }
    assert_true(fabs(tw_loss_baseline_score(&baseline, baseline.median + 1, 2) - .5) < 1e-9);
}

static void a_baseline_goes_over_to_the_linear_scale(void **state)
{
    struct tw_course course;
    struct tw_loss_baseline baseline;
    (void)state;
    tw_course_start(&course);
    tw_loss_baseline_start(&baseline);
    for (unsigned i = 0; i < 300; i++) {
        tw_course_push(&course, 10 + (i % 3), i);
        tw_loss_baseline_turn(&baseline, &course);
        tw_loss_baseline_learn(&baseline, &course, 0);
    }
    assert_true(fabs(baseline.median - log(11)) < 1e-6);
    tw_course_push(&course, -1, 300);
    tw_loss_baseline_turn(&baseline, &course);
    tw_loss_baseline_make_linear(&baseline, &course);
    assert_true(fabs(baseline.median - 11) < 1e-4);
    assert_true(fabs(baseline.spread - 1.4826) < 1e-3);
}

/* ---- updates ---- */

static void sizes_of_updates_have_the_median_of_the_newest(void **state)
{
    struct tw_update_sizes sizes = {0};
    (void)state;
    assert_true(tw_update_sizes_median(&sizes) == 0);
    for (int i = 0; i < 1000; i++)
        tw_update_sizes_push(&sizes, pow(10, i < 936 ? 0 : -3 - (i % 2)), 100);
    /* The newest 64 are -5 and -6 by turns. */
    assert_true(fabs(tw_update_sizes_median(&sizes) + 5.5) < 1e-3);
    assert_true(fabs(tw_update_sizes_replaced(&sizes) + 2) < 1e-3);
    tw_update_sizes_push(&sizes, 0, 1);
    assert_true(tw_update_sizes_newest(&sizes) == TW_UPDATE_SIZE_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_of_many_are_found_whatever_the_guess),
        cmocka_unit_test(a_middle_is_exact_while_values_come_and_go),
        cmocka_unit_test(the_newest_losses_are_kept_on_their_scale),
        cmocka_unit_test(steps_are_those_that_came),
        cmocka_unit_test(uneven_steps_are_nearly_those_that_came),
        cmocka_unit_test(a_traces_steps_are_exact_where_they_are_even),
        cmocka_unit_test(a_baseline_is_that_of_the_newest_healthy_losses),
        cmocka_unit_test(a_second_run_in_the_same_memory_is_not_taken_for_the_first),
        cmocka_unit_test(baselines_of_one_course_are_what_each_is_alone),
        cmocka_unit_test(a_baseline_outlasts_a_trouble_that_pushes_it_out),
        cmocka_unit_test(a_baseline_goes_over_to_the_linear_scale),
        cmocka_unit_test(sizes_of_updates_have_the_median_of_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
