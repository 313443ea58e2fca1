/* Logs that tell of the same run are known by their losses, and two runs of one experiment are not
 * taken for one. */
#include "agent/twin_logs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void take(struct tw_twin_losses *losses, uint64_t step, double loss)
{
    struct tw_record record;
    tw_record_init(&record);
    record.has = TW_HAS_STEP;
    record.step = step;
    tw_record_set(&record, TW_SIGNAL_LOSS, loss);
    tw_twin_take(losses, &record);
    tw_record_clear(&record);
}

static double falling(uint64_t step)
{
    return 0.8 + 2 * exp(-(double)step / 30);
}

/* As "%.3f" prints it. */
static double rounded(double loss)
{
    return round(loss * 1000) / 1000;
}

static void a_rounded_and_rarer_log_is_the_same(void **state)
{
    struct tw_twin_losses all = {0}, some = {0};
    (void)state;
    for (uint64_t step = 1; step <= 100; step++) {
        take(&all, step, falling(step));
        if (step % 10 == 0)
            take(&some, step, rounded(falling(step)));
        bool are_enough = some.n >= TW_TWIN_COMMON;
        assert_int_equal(tw_twin_are_same(&all, &some), are_enough);
        assert_int_equal(tw_twin_are_same(&some, &all), are_enough);
    }
}

static void another_seed_is_another_run(void **state)
{
    struct tw_twin_losses a = {0}, b = {0};
    (void)state;
    /* An untrained classifier of ten classes: ln 10 in both, and some noise. */
    for (uint64_t step = 1; step <= 20; step++) {
        take(&a, step, log(10) + 0.01 * sin((double)step));
        take(&b, step, log(10) + 0.01 * cos(3 * (double)step));
    }
    assert_false(tw_twin_are_same(&a, &b));
}

static void losses_of_other_steps_say_nothing(void **state)
{
    struct tw_twin_losses a = {0}, b = {0};
    (void)state;
    for (uint64_t step = 1; step <= 50; step++) {
        take(&a, 2 * step, falling(2 * step));
        take(&b, 2 * step + 1, falling(2 * step + 1));
    }
    assert_false(tw_twin_are_same(&a, &b));
}

static void nan_agrees_with_nan_alone(void **state)
{
    struct tw_twin_losses a = {0}, b = {0};
    (void)state;
    for (uint64_t step = 1; step <= 10; step++) {
        take(&a, step, falling(step));
        take(&b, step, falling(step));
    }
    take(&a, 11, NAN);
    take(&b, 11, NAN);
    assert_true(tw_twin_are_same(&a, &b));
    take(&a, 12, NAN);
    take(&b, 12, 1);
    assert_false(tw_twin_are_same(&a, &b));
}

static void what_goes_back_and_what_is_too_much_is_left_out(void **state)
{
    struct tw_twin_losses a = {0};
    (void)state;
    take(&a, 5, 1);
    take(&a, 5, 2);
    take(&a, 4, 3);
    assert_int_equal(a.n, 1);
    for (uint64_t step = 6; step < 6 + 2 * TW_TWIN_LOSSES; step++)
        take(&a, step, 1);
    assert_int_equal(a.n, TW_TWIN_LOSSES);
    assert_int_equal(a.at[a.n - 1].step, 5 + TW_TWIN_LOSSES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rounded_and_rarer_log_is_the_same),
        cmocka_unit_test(another_seed_is_another_run),
        cmocka_unit_test(losses_of_other_steps_say_nothing),
        cmocka_unit_test(nan_agrees_with_nan_alone),
        cmocka_unit_test(what_goes_back_and_what_is_too_much_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
