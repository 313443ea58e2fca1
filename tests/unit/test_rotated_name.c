/* Which names are those of rotated logs. */
#include "agent/rotated_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *path, const char *name)
{
    char found[64];
    assert_int_equal(tw_rotated_name(found, sizeof found, path), name != NULL);
    if (name)
        assert_string_equal(found, name);
}

static void what_rotation_adds_is_known(void **state)
{
    (void)state;
    expect("a/train.log.1", "a/train.log");
    expect("train.log.12.gz", "train.log");
    expect("train.log-20260131", "train.log");
    expect("train.log-20260131.zst", "train.log");
    expect("train.log.2026-01-31_12-00", "train.log");
}

static void other_names_are_left_alone(void **state)
{
    static const char *const others[] = {"train.log", "run-1",    "a/.1", "1",    "a/20260131",
                                         "run_2",     "log.gz",   "a-b",  "log.", "log.-",
                                         "log.1.txt", "log.1.2x", ".gz",  "",     "-20260131"};
    char small[4];
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        expect(others[i], NULL);
    assert_false(tw_rotated_name(small, sizeof small, "abcd.1"));
    assert_true(tw_rotated_name(small, sizeof small, "abc.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rotation_adds_is_known),
        cmocka_unit_test(other_names_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
