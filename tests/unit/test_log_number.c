/* Numbers in logs. What they come to is written by the compiler, or is what strtod makes of them.
 */
#include "sources/logs/number.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* In exactly as much memory as it has, so that sanitizers see its end. */
static int number(const char *text, double *ret)
{
    size_t size = strlen(text);
    char *exact = malloc(size + !size);
    memcpy(exact, text, size);
    *ret = 77;
    int result = tw_log_number(exact, size, ret);
    free(exact);
    return result;
}

static void ordinary_numbers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"0", 0},
        {"42", 42},
        {"-0.5", -0.5},
        {"+3", 3},
        {".25", .25},
        {"7.", 7},
        {"1.5E-04", 1.5e-4},
        {"2.198845E+00", 2.198845},
        {"1e22", 1e22},
        {"1e23", 1e23},
        {"9007199254740993", 9007199254740993.0},
        {"1e400", (double)INFINITY},
        {"4.9e-324", 4.9e-324},
        {"0.1000000000000000055511151231257827", 0.1},
        {"  0.5\t", 0.5},
        {"'0.1773'", 0.1773},
        {"\"7.018e-07\"", 7.018e-07},
        {"1,234", 1234},
        {"-12,345,678.25", -12345678.25},
        {"0.00000000000000000000000000000000000001", 1e-38},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value;
        assert_int_equal(number(cases[i].text, &value), 1);
        if (value != cases[i].value)
            fail_msg("%s: %.17g", cases[i].text, value);
    }
}

static void readings_that_are_no_numbers_are_readings(void **state)
{
    (void)state;
    static const char *const nans[] = {"nan",     "NaN",       "NAN",       "-nan",
                                       "+NaN",    "nan(ind)",  "-nan(ind)", "nan(snan)",
                                       "'nan'",   "\"NaN\"",   "1.#QNAN",   "-1.#IND",
                                       "1.#SNAN", "-1.#IND00", "1.#QNAN0",  "nan(0x8000)"};
    static const char *const infinities[] = {"inf",  "Inf",     "INF",         "Infinity",
                                             "+inf", "1.#INF",  "1.#INF00",    "\"Infinity\"",
                                             "-inf", "-1.#INF", "'-Infinity'", "-INFINITY"};
    double value;
    for (size_t i = 0; i < COUNT(nans); i++) {
        assert_int_equal(number(nans[i], &value), 1);
        assert_true(isnan(value));
    }
    for (size_t i = 0; i < COUNT(infinities); i++) {
        assert_int_equal(number(infinities[i], &value), 1);
        assert_true(isinf(value));
        assert_true((value < 0) == (i >= 8));
    }
}

static void absent_cells_are_told_from_broken_ones(void **state)
{
    (void)state;
    static const char *const absent[] = {"",     " ",    "NA",   "na",       "N/A",
                                         "null", "None", "<NA>", "\"null\"", "''"};
    static const char *const broken[] = {
        "x",       "1.2.3",  "12:30", "0x1f",    "1e",       "e5",         "-",    ".",    "1 2",
        "1,23",    "0,123",  ",123",  "1,2345",  "1,234,56", "1,234x",     "nanx", "info", "'1",
        "nan(ind", "1.#FOO", "--1",   "infinit", "1_000",    "2024-01-02", "'",    "+",    "5%"};
    double value;
    for (size_t i = 0; i < COUNT(absent); i++) {
        assert_int_equal(number(absent[i], &value), 0);
        assert_true(isnan(value));
    }
    for (size_t i = 0; i < COUNT(broken); i++) {
        if (number(broken[i], &value) != -1 || value != 77)
            fail_msg("%s is a number", broken[i]);
    }
}

static void a_number_ends_where_it_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {{"12/50", 2},   {"0.5,0.6", 3}, {"1e-3]", 4}, {"1e", 1},    {"3e+", 1},
                 {"nan)", 3},    {"nano", 0},    {"inf_", 0},  {"-5|", 2},   {"1.2.3", 3},
                 {"1.#INF|", 6}, {" 5", 0},      {"'5'", 0},   {"1,234", 1}, {"nan(5)x", 0}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value;
        assert_int_equal(tw_log_number_at(cases[i].text, strlen(cases[i].text), &value),
                         cases[i].length);
    }
}

/* strtod rounds to nearest: any text must come to the same bits. */
static void many_numbers_are_what_strtod_makes_of_them(void **state)
{
    uint64_t random = 88172645463325252;
    (void)state;
    for (unsigned i = 0; i < 60000; i++) {
        char text[400];
        double drawn, value;
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        memcpy(&drawn, &random, sizeof drawn);
        if (i % 2 || !isfinite(drawn))
            drawn = (double)(int64_t)random * 1e-16;
        if (i % 3 == 0)
            snprintf(text, sizeof text, "%.6g", drawn);
        else if (i % 3 == 1)
            snprintf(text, sizeof text, "%.*e", (int)(i % 18), drawn);
        else
            snprintf(text, sizeof text, "%.*f", (int)(i % 16), drawn);
        assert_int_equal(number(text, &value), 1);
        double wanted = strtod(text, NULL);
        if (memcmp(&value, &wanted, sizeof value))
            fail_msg("%s: %.17g", text, value);
    }
}

static void a_very_long_number_is_none(void **state)
{
    char text[1000];
    double value;
    (void)state;
    memset(text, '9', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(number(text, &value), -1);
    text[400] = '\0';
    assert_int_equal(number(text, &value), 1);
    assert_true(isinf(value));
}

static void a_decimal_comma_elsewhere_changes_nothing(void **state)
{
    static const char *const places[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "pl_PL.UTF-8"};
    double value;
    size_t i = 0;
    (void)state;
    while (i < COUNT(places) && !setlocale(LC_ALL, places[i]))
        i++;
    assert_int_equal(number("0.1000000000000000055511151231257827", &value), 1);
    setlocale(LC_ALL, "C");
    assert_true(value == 0.1);
    if (i == COUNT(places))
        print_message("no locale with a decimal comma is installed\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_numbers_are_read),
        cmocka_unit_test(readings_that_are_no_numbers_are_readings),
        cmocka_unit_test(absent_cells_are_told_from_broken_ones),
        cmocka_unit_test(a_number_ends_where_it_ends),
        cmocka_unit_test(many_numbers_are_what_strtod_makes_of_them),
        cmocka_unit_test(a_very_long_number_is_none),
        cmocka_unit_test(a_decimal_comma_elsewhere_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
