/* Rows that come again, of more rows than are remembered. */
#include "sources/logs/repeats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROWS (3 * TW_REPEATS_NEWEST)

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct tw_log_repeats));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static enum tw_log_row_news see_row(struct tw_log_repeats *repeats, struct tw_row row, double loss)
{
    struct tw_cell cells[] = {{"loss", loss, TW_MEANS_BY_NAME}, {"lr", 0.5, TW_MEANS_BY_NAME}};
    row.cells = cells;
    row.n_cells = 2;
    return tw_log_repeats_see(repeats, &row);
}

static enum tw_log_row_news see(struct tw_log_repeats *repeats, double step, double loss)
{
    return see_row(repeats, (struct tw_row){.step = step, .epoch = (double)NAN}, loss);
}

static void see_all(struct tw_log_repeats *repeats, int first, int last, enum tw_log_row_news news)
{
    for (int i = first; i <= last; i++)
        assert_int_equal(see(repeats, i, 1. / i), news);
}

static void what_was_told_comes_again_and_goes_on(void **state)
{
    see_all(*state, 1, ROWS, TW_ROW_NEW);
    tw_log_repeats_restart(*state);
    see_all(*state, 1, ROWS, TW_ROW_REPEATED);
    see_all(*state, ROWS + 1, ROWS + 10, TW_ROW_NEW);
    tw_log_repeats_restart(*state);
    see_all(*state, 1, ROWS + 10, TW_ROW_REPEATED);
}

static void a_file_of_less_is_no_change(void **state)
{
    see_all(*state, 1, 10, TW_ROW_NEW);
    tw_log_repeats_restart(*state);
    see_all(*state, 1, 5, TW_ROW_REPEATED);
    tw_log_repeats_restart(*state);
    see_all(*state, 1, 10, TW_ROW_REPEATED);
    see_all(*state, 11, 12, TW_ROW_NEW);
}

/* What follows a row that is another one is new, and is what is told from there on. */
static void from_the_row_that_differs_on_all_is_new(void **state)
{
    static const int places[] = {1, TW_REPEATS_FIRST, ROWS - TW_REPEATS_NEWEST + 1, ROWS};
    struct tw_log_repeats *repeats = *state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        *repeats = (struct tw_log_repeats){0};
        see_all(repeats, 1, ROWS, TW_ROW_NEW);
        tw_log_repeats_restart(repeats);
        see_all(repeats, 1, places[i] - 1, TW_ROW_REPEATED);
        assert_int_equal(see(repeats, places[i], 7), TW_ROW_CHANGED);
        see_all(repeats, places[i] + 1, places[i] + 5, TW_ROW_NEW);
        tw_log_repeats_restart(repeats);
        see_all(repeats, 1, places[i] - 1, TW_ROW_REPEATED);
        assert_int_equal(see(repeats, places[i], 7), TW_ROW_REPEATED);
        see_all(repeats, places[i] + 1, places[i] + 5, TW_ROW_REPEATED);
        assert_int_equal(see(repeats, 9, 9), TW_ROW_NEW);
    }
}

static void a_file_may_be_changed_twice(void **state)
{
    see_all(*state, 1, ROWS, TW_ROW_NEW);
    for (int place = ROWS - 100; place > ROWS - 120; place -= 10) {
        tw_log_repeats_restart(*state);
        see_all(*state, 1, place - 1, TW_ROW_REPEATED);
        assert_int_equal(see(*state, place, 7), TW_ROW_CHANGED);
    }
    tw_log_repeats_restart(*state);
    see_all(*state, 1, ROWS - 111, TW_ROW_REPEATED);
    assert_int_equal(see(*state, ROWS - 110, 7), TW_ROW_REPEATED);
}

static void rows_between_are_taken_as_they_were(void **state)
{
    see_all(*state, 1, ROWS, TW_ROW_NEW);
    tw_log_repeats_restart(*state);
    see_all(*state, 1, TW_REPEATS_FIRST, TW_ROW_REPEATED);
    assert_int_equal(see(*state, 0, 7), TW_ROW_REPEATED);
    see_all(*state, TW_REPEATS_FIRST + 2, ROWS, TW_ROW_REPEATED);
}

/* One row, then one that differs from it in one thing. */
static enum tw_log_row_news after(struct tw_log_repeats *repeats, double first_loss,
                                  struct tw_row row, double loss)
{
    *repeats = (struct tw_log_repeats){0};
    const struct tw_row first = {.run = "r", .step = 1, .epoch = 2, .part = TW_PART_TRAIN};
    assert_int_equal(see_row(repeats, first, first_loss), TW_ROW_NEW);
    tw_log_repeats_restart(repeats);
    return see_row(repeats, row, loss);
}

static void all_of_a_row_counts(void **state)
{
    struct tw_row row = {.run = "r", .step = 1, .epoch = 2, .part = TW_PART_TRAIN};
    assert_int_equal(after(*state, 3, row, 3), TW_ROW_REPEATED);
    assert_int_equal(after(*state, 3, row, 4), TW_ROW_CHANGED);
    row.time_ms = 5; /* a log that is copied may tell another time */
    assert_int_equal(after(*state, 3, row, 3), TW_ROW_REPEATED);
    row.run = "s";
    assert_int_equal(after(*state, 3, row, 3), TW_ROW_CHANGED);
    row = (struct tw_row){.run = "r", .step = 2, .epoch = 2, .part = TW_PART_TRAIN};
    assert_int_equal(after(*state, 3, row, 3), TW_ROW_CHANGED);
    row = (struct tw_row){.run = "r", .step = 1, .epoch = 3, .part = TW_PART_TRAIN};
    assert_int_equal(after(*state, 3, row, 3), TW_ROW_CHANGED);
    row = (struct tw_row){.run = "r", .step = 1, .epoch = 2, .part = TW_PART_EVAL};
    assert_int_equal(after(*state, 3, row, 3), TW_ROW_CHANGED);
}

static void a_nan_is_a_nan(void **state)
{
    const struct tw_row row = {.run = "r", .step = 1, .epoch = 2, .part = TW_PART_TRAIN};
    assert_int_equal(after(*state, (double)NAN, row, -(double)NAN), TW_ROW_REPEATED);
    assert_int_equal(after(*state, (double)NAN, row, (double)INFINITY), TW_ROW_CHANGED);
}

static void a_new_order_of_columns_changes_nothing(void **state)
{
    struct tw_cell cells[] = {{"loss", 3, TW_MEANS_BY_NAME}, {"lr", 4, TW_MEANS_BY_NAME}};
    struct tw_row row = {.step = 1, .epoch = 2, .cells = cells, .n_cells = 2};
    assert_int_equal(tw_log_repeats_see(*state, &row), TW_ROW_NEW);
    tw_log_repeats_restart(*state);
    struct tw_cell turned[] = {cells[1], cells[0]};
    row.cells = turned;
    assert_int_equal(tw_log_repeats_see(*state, &row), TW_ROW_REPEATED);
    tw_log_repeats_restart(*state);
    struct tw_cell exchanged[] = {{"loss", 4, TW_MEANS_BY_NAME}, {"lr", 3, TW_MEANS_BY_NAME}};
    row.cells = exchanged;
    assert_int_equal(tw_log_repeats_see(*state, &row), TW_ROW_CHANGED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_told_comes_again_and_goes_on),
        TEST(a_file_of_less_is_no_change),
        TEST(from_the_row_that_differs_on_all_is_new),
        TEST(a_file_may_be_changed_twice),
        TEST(rows_between_are_taken_as_they_were),
        TEST(all_of_a_row_counts),
        TEST(a_nan_is_a_nan),
        TEST(a_new_order_of_columns_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
