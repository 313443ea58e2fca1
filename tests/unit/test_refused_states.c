/* Which runs are spared another snapshot, and for how long. */
#include "agent/refused_states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = tw_refused_states_new();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    tw_refused_states_free(*state);
    return 0;
}

static bool refuse(struct tw_refused_states *states, const char *run, int32_t partition,
                   size_t bytes, double now)
{
    bool is_new;
    assert_int_equal(tw_refused_states_put(states, run, partition, bytes, now, &is_new), 0);
    return is_new;
}

static void a_refused_run_is_tried_again_after_ten_minutes(void **state)
{
    struct tw_refused_states *states = *state;
    assert_false(tw_refused_states_spare(states, "a", 1000, 0));
    assert_true(refuse(states, "a", 0, 1000, 0));
    assert_false(refuse(states, "a", 0, 1000, 0));
    assert_true(tw_refused_states_spare(states, "a", 1000, 599));
    assert_false(tw_refused_states_spare(states, "b", 1000, 599));
    assert_false(tw_refused_states_spare(states, "a", 1000, 601));
    /* Once: how that ends is not known yet. */
    assert_true(tw_refused_states_spare(states, "a", 1000, 602));
    assert_false(tw_refused_states_spare(states, "a", 1000, 1202));
}

static void one_that_has_become_much_smaller_is_tried_at_once(void **state)
{
    struct tw_refused_states *states = *state;
    refuse(states, "a", 0, 1000, 0);
    assert_true(tw_refused_states_spare(states, "a", 5000, 1));
    assert_true(tw_refused_states_spare(states, "a", 800, 1));
    assert_false(tw_refused_states_spare(states, "a", 700, 1));
    assert_true(tw_refused_states_spare(states, "a", 700, 2));
}

static void what_was_refused_in_a_batch_is_sent_alone_in_any_case(void **state)
{
    struct tw_refused_states *states = *state;
    refuse(states, "a", 0, 1000, 0);
    assert_false(tw_refused_states_spare(states, "a", 1000, 601)); /* refused with its batch */
    tw_refused_states_retry(states, "a");
    assert_false(tw_refused_states_spare(states, "a", 1000, 601));
    assert_true(tw_refused_states_spare(states, "a", 1000, 602));
    tw_refused_states_retry(states, "b");
    assert_int_equal(tw_refused_states_count(states), 1);
}

static void one_that_was_taken_is_forgotten(void **state)
{
    struct tw_refused_states *states = *state;
    refuse(states, "a", 0, 1000, 0);
    refuse(states, "b", 0, 1000, 0);
    assert_int_equal(tw_refused_states_saved(states, 100), 0);
    tw_refused_states_sent(states, "a", 7);
    tw_refused_states_sent(states, "b", 8);
    tw_refused_states_sent(states, "nobody", 1);
    refuse(states, "b", 0, 1000, 700); /* once more */
    assert_int_equal(tw_refused_states_saved(states, 6), 0);
    assert_int_equal(tw_refused_states_saved(states, 8), 1);
    assert_int_equal(tw_refused_states_count(states), 1);
    assert_false(tw_refused_states_spare(states, "a", 1000, 701));
    assert_true(tw_refused_states_spare(states, "b", 1000, 701));
}

static void those_that_go_are_forgotten(void **state)
{
    struct tw_refused_states *states = *state;
    refuse(states, "a", 1, 1000, 0);
    refuse(states, "b", 2, 1000, 0);
    refuse(states, "c", 2, 1000, 0);
    refuse(states, "d", 3, 1000, 0);
    tw_refused_states_drop_partition(states, 2);
    assert_int_equal(tw_refused_states_count(states), 2);
    tw_refused_states_drop(states, "a");
    tw_refused_states_drop(states, "a");
    assert_int_equal(tw_refused_states_count(states), 1);
    assert_true(tw_refused_states_spare(states, "d", 1000, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_refused_run_is_tried_again_after_ten_minutes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_has_become_much_smaller_is_tried_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_was_refused_in_a_batch_is_sent_alone_in_any_case,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_was_taken_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_that_go_are_forgotten, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
