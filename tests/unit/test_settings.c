/* Thresholds by name, and the digest over them. */
#include "agent/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    static struct tw_settings settings;
    *state = &settings;
    return tw_settings_init(&settings, NULL);
}

static int tear_down(void **state)
{
    tw_settings_release(*state);
    return 0;
}

static void every_threshold_starts_within_its_own_range_and_can_be_set(void **state)
{
    struct tw_settings *settings = *state;
    const char *names[TW_DETECTORS_MAX + 1];
    size_t n = tw_settings_names(names, TW_DETECTORS_MAX + 1);
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++) {
        struct tw_settings_table table;
        assert_true(tw_settings_find(settings, names[i], &table));
        for (size_t j = 0; j < table.n; j++) {
            const struct tw_option *option = &table.options[j];
            assert_true(option->help && *option->help);
            if (option->min != option->max)
                assert_true(option->initial >= option->min && option->initial <= option->max);
        }
    }
}

static void a_threshold_is_set_by_its_full_name(void **state)
{
    struct tw_settings *settings = *state;
    assert_int_equal(tw_settings_set(settings, "shared.cooldown_steps", "7", NULL), 0);
    assert_int_equal(settings->shared.cooldown_steps, 7);
}

static void what_is_unknown_is_told_with_the_nearest(void **state)
{
    struct tw_settings *settings = *state;
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"shraed.cooldown_steps", "no detector 'shraed'; did you mean 'shared'?"},
        {"divergense.x", "no detector 'divergense'; did you mean 'divergence'?"},
        {"kibana.x", "no detector 'kibana'"},
        {"shared.cooldown_step",
         "shared has no threshold 'cooldown_step'; did you mean 'cooldown_steps'?"},
        {"cooldown_steps", "'cooldown_steps' is not DETECTOR.THRESHOLD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tw_error error = {0};
        assert_true(tw_settings_set(settings, cases[i].name, "1", &error) < 0);
        assert_string_equal(error.text, cases[i].text);
    }
}

static void a_value_that_is_no_number_is_refused_and_changes_nothing(void **state)
{
    struct tw_settings *settings = *state;
    uint64_t before = settings->shared.cooldown_steps;
    struct tw_error error = {0};
    assert_true(tw_settings_set(settings, "shared.cooldown_steps", "many", &error) < 0);
    assert_string_equal(error.text, "cooldown_steps: 'many' is not a number");
    assert_int_equal(settings->shared.cooldown_steps, before);
}

static void the_digest_tells_any_two_sets_of_thresholds_apart(void **state)
{
    struct tw_settings *settings = *state;
    char first[17], again[17], other[17];
    char before[32];
    tw_settings_digest(settings, first);
    tw_settings_digest(settings, again);
    assert_int_equal(strlen(first), 16);
    assert_string_equal(first, again);
    snprintf(before, sizeof before, "%llu", (unsigned long long)settings->shared.cooldown_steps);
    assert_int_equal(tw_settings_set(settings, "shared.cooldown_steps", "12345", NULL), 0);
    tw_settings_digest(settings, other);
    assert_string_not_equal(first, other);
    assert_int_equal(tw_settings_set(settings, "shared.cooldown_steps", before, NULL), 0);
    tw_settings_digest(settings, other);
    assert_string_equal(first, other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_threshold_starts_within_its_own_range_and_can_be_set),
        TEST(a_threshold_is_set_by_its_full_name),
        TEST(what_is_unknown_is_told_with_the_nearest),
        TEST(a_value_that_is_no_number_is_refused_and_changes_nothing),
        TEST(the_digest_tells_any_two_sets_of_thresholds_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
