/* "did you mean": distances counted by hand. */
#include "telemetry/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[] = {"state_dir", "sources", "sinks", "log", "http", "rules"};

static const char *nearest(const char *typed)
{
    return tw_nearest(typed, words, sizeof words / sizeof *words);
}

static void a_letter_too_many_too_few_or_other_is_forgiven(void **state)
{
    (void)state;
    assert_string_equal(nearest("sinkss"), "sinks");
    assert_string_equal(nearest("sink"), "sinks");
    assert_string_equal(nearest("sinkz"), "sinks");
    assert_string_equal(nearest("stat_dri"), "state_dir"); /* an e is missing, ir swapped: 2 */
}

static void a_swap_of_neighbours_counts_once(void **state)
{
    static const char *const pair[] = {"log", "lgod"};
    (void)state;
    /* "lgo": one swap from "log", one letter from "lgod"; the first of the two wins. */
    assert_string_equal(tw_nearest("lgo", pair, 2), "log");
}

static void a_word_of_which_little_is_left_is_not_suggested(void **state)
{
    (void)state;
    assert_null(nearest("foo")); /* 2 edits from "log", but 2 of 3 letters */
    assert_null(nearest("kibana"));
    assert_null(nearest(""));
}

static void long_words_may_differ_in_a_third_of_their_letters(void **state)
{
    static const char *const one[] = {"gradient-explosion"};
    (void)state;
    assert_string_equal(tw_nearest("gradiant_explozion", one, 1), one[0]); /* 3 of 18 */
    assert_null(tw_nearest("gxxxxxxx-explosion", one, 1));                 /* 7 of 18, over 6 */
}

static void a_word_may_stand_inside_a_text(void **state)
{
    (void)state;
    assert_string_equal(tw_nearest_bytes("sinkz.name", 5, words, sizeof words / sizeof *words),
                        "sinks");
}

static void endless_words_are_harmless(void **state)
{
    char endless[5000];
    (void)state;
    memset(endless, 's', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    const char *const one[] = {endless};
    assert_null(nearest(endless));
    assert_null(tw_nearest("sss", one, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_too_many_too_few_or_other_is_forgiven),
        cmocka_unit_test(a_swap_of_neighbours_counts_once),
        cmocka_unit_test(a_word_of_which_little_is_left_is_not_suggested),
        cmocka_unit_test(a_word_may_stand_inside_a_text),
        cmocka_unit_test(long_words_may_differ_in_a_third_of_their_letters),
        cmocka_unit_test(endless_words_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
