/* Tables of any shape. What is expected is what RFC 4180 and a reader of the text would say. */
#include "sources/logs/table.h"
#include "tests/unit/log_text.h"

extern const struct tw_log_format tw_log_format_csv;
static const struct tw_log_format *const csv = &tw_log_format_csv;

static void separators_are_found(void **state)
{
    (void)state;
    const char *expected =
        "row: step=1 loss=0.5 val loss=0.25\nrow: step=2 loss=0.25 val loss=0.5\n";
    assert_reads(csv, "a.csv", "step,loss,val loss\n1,0.5,0.25\n2,0.25,0.5\n", expected);
    assert_reads(csv, "a.csv", "step\tloss\tval loss\n1\t0.5\t0.25\n2\t0.25\t0.5\n", expected);
    assert_reads(csv, "a.csv", "step;loss;val loss\n1;0.5;0.25\n2;0.25;0.5\n", expected);
    assert_reads(csv, "a.csv", "step|loss|val loss\n1|0.5|0.25\n2|0.25|0.5\n", expected);
    assert_reads(csv, "a.csv", "# step loss\n  1   0.5\n 20  1e-3\n",
                 "row: step=1 loss=0.5\nrow: step=20 loss=0.001\n");
    /* pandas' index has no name */
    assert_reads(csv, "a.csv", "\tstep\tloss\n0\t1\t0.5\n1\t2\t\n",
                 "row: step=1 loss=0.5\nrow: step=2\n");
    assert_reads(csv, "a.csv", ",step,loss\n0,1,0.5\n", "row: step=1 loss=0.5\n");
    assert_reads(csv, "a.csv", "loss\n0.5\n0.25\n", "row: loss=0.5\nrow: loss=0.25\n");
}

static void a_cost_alone_makes_no_training(void **state)
{
    (void)state;
    static const char sales[] = "region,units,revenue,cost\nnorth,3,12.5,7.5\nsouth,6,25,15\n";
    static const char training[] = "epoch,cost\n1,12.5\n2,7.5\n";
    assert_true(csv->probe(&(struct tw_log_sample){
                    .path = "a.csv", .bytes = sales, .size = sizeof sales - 1, .is_whole = true}) <
                20);
    assert_true(
        csv->probe(&(struct tw_log_sample){
            .path = "a.csv", .bytes = training, .size = sizeof training - 1, .is_whole = true}) >=
        40);
}

static void blanks_and_ends_of_lines_do_not_count(void **state)
{
    (void)state;
    assert_reads(csv, "a.csv", "   step ,  loss\t, lr  \r\n  1 , 0.5 , 1e-3 \r\n\r\n 2, ,1e-4\r\n",
                 "row: step=1 loss=0.5 lr=0.001\nrow: step=2 lr=0.0001\n");
}

static void quotes_hold_separators_and_quotes(void **state)
{
    (void)state;
    assert_reads(csv, "a.csv",
                 "\"step\",\"loss, total\",note,lr\n"
                 "\"1\",\"0.5\",\"a, \"\"b\"\", c\",0.1\n"
                 "2,\"nan\",\"[1, 2]\",0.2\n",
                 "row: step=1 loss, total=0.5 lr=0.1\n"
                 "row: step=2 loss, total=nan lr=0.2\n");
}

static void a_quoted_cell_may_have_several_lines(void **state)
{
    (void)state;
    assert_reads(csv, "a.csv",
                 "epoch,matrix,loss\n"
                 "0,\"[[1 2]\n [3 4]\n [5 6]]\",0.5\n"
                 "1,\"[[1 2]\n [3 4]]\",0.25\n",
                 "row: epoch=0 loss=0.5\nrow: epoch=1 loss=0.25\n");
}

static void a_quote_too_many_costs_its_own_row(void **state)
{
    (void)state;
    assert_reads(csv, "a.csv", "step,loss,lr\n1,0.5,0.1\n2,\"0.4,0.1\n3,0.3,0.1\n4,0.2,0.1\n",
                 "row: step=1 loss=0.5 lr=0.1\n"
                 "broken a quote that is not closed\n"
                 "row: step=2\n"
                 "row: step=3 loss=0.3 lr=0.1\n"
                 "row: step=4 loss=0.2 lr=0.1\n");
    /* ... and the last one ends with the log */
    assert_reads(csv, "a.csv", "step,loss,lr\n1,0.5,0.1\n2,\"0.4,0.1\n",
                 "row: step=1 loss=0.5 lr=0.1\nbroken a quote that is not closed\nrow: step=2\n");
}

static void absent_is_no_reading_and_nan_is_one(void **state)
{
    (void)state;
    assert_reads(
        csv, "a.csv",
        "step,a,b\n1,NA,nan\n2,,NaN\n3,None,-inf\n4,null,inf\n5,-,1.#QNAN\n6,N/A,Infinity\n",
        "row: step=1 b=nan\nrow: step=2 b=nan\nrow: step=3 b=-inf\nrow: step=4 b=inf\n"
        "row: step=5 b=nan\nrow: step=6 b=inf\n");
}

static void rows_may_be_short_or_long(void **state)
{
    (void)state;
    assert_reads(csv, "a.csv",
                 "step,loss,lr\n1,0.5,0.1\n2,0.4\n3,0.3,0.1,\n4,0.2,0.1,7\n5,0.1,0.1\n",
                 "row: step=1 loss=0.5 lr=0.1\n"
                 "row: step=2 loss=0.4\n"
                 "row: step=3 loss=0.3 lr=0.1\n"
                 "broken a row has more cells than the table has names\n"
                 "row: step=4 loss=0.2 lr=0.1\n"
                 "row: step=5 loss=0.1 lr=0.1\n");
}

static void names_may_come_again_or_change(void **state)
{
    (void)state;
    assert_reads(csv, "a.csv", "step,loss\n1,0.5\nstep,loss\n1,0.4\nstep,loss,lr\n2,0.3,0.1\n",
                 "row: step=1 loss=0.5\nrow: step=1 loss=0.4\nrow: step=2 loss=0.3 lr=0.1\n");
}

static void what_stands_before_the_names_is_passed_over(void **state)
{
    (void)state;
    assert_reads(
        csv, "a.csv",
        "# made by train.py\nRun of \"experiment 5\n\nstep,loss,lr\n# units: none\n1,0.5,0.1\n",
        "row: step=1 loss=0.5 lr=0.1\n");
    assert_reads(csv, "a.csv", "1,2,3\n4,5,6\n", "");
}

static void damage_is_told_and_the_rest_read(void **state)
{
    (void)state;
    assert_reads(csv, "a.csv", "step,loss\n1,0.5\n2,0.4x\n<<<<<<< HEAD\n3,0.3\n",
                 "row: step=1 loss=0.5\n"
                 "broken a cell is no number in a column of numbers\n"
                 "row: step=2\n"
                 "broken a line of a table without a number\n"
                 "row: step=3 loss=0.3\n");
}

static void the_comma_is_decimal_where_it_parts_nothing(void **state)
{
    (void)state;
    assert_reads(csv, "a.csv", "step;loss;n\n1;0,5;1.234,5\n2;1,125;12\n",
                 "row: step=1 loss=0.5 n=1234.5\nrow: step=2 loss=1.125 n=12\n");
}

static void a_column_may_tell_what_a_row_is_about(void **state)
{
    (void)state;
    assert_reads(
        csv, "a.csv",
        "epoch,phase,loss\n1,train,0.5\n1,val,0.6\n1,Validation,0.7\n1,test,0.8\n1,x,0.9\n",
        "row train: epoch=1 loss=0.5\nrow eval: epoch=1 loss=0.6\n"
        "row eval: epoch=1 loss=0.7\nrow: test/epoch=1 test/loss=0.8\n"
        "row: epoch=1 loss=0.9\n");
}

/* The milliseconds by `date -u -d '2026-01-02 03:04:05' +%s`: 1767323045. */
static void dates_are_times_and_words_are_not_numbers(void **state)
{
    (void)state;
    assert_reads(csv, "a.csv",
                 "time,step,overflow,optimizer\n"
                 "2026-01-02 03:04:05.250,1,True,adam\n"
                 "2026-01-02T04:04:05+01:00,2,False,sgd\n"
                 "2026-13-02 03:04:05,3,False,sgd\n",
                 "row time=1767323045250: step=1 overflow=1\n"
                 "row time=1767323045000: step=2 overflow=0\n"
                 "row: step=3 overflow=0\n");
}

/* `n` bytes "a,a,a,..." and what follows. */
static void assert_reads_wide(size_t n, const char *rest, const char *expected)
{
    char *text = malloc(n + strlen(rest) + 1);
    for (size_t i = 0; i < n; i += 2)
        memcpy(text + i, "a,", 2);
    strcpy(text + n, rest);
    assert_reads(csv, "a.csv", text, expected);
    free(text);
}

static void of_columns_of_one_name_the_first_counts(void **state)
{
    (void)state;
    assert_reads(csv, "a.csv", "step,loss,lr,loss\n1,0.5,0.1,7\n2,,0.1,7\n",
                 "row: step=1 loss=0.5 lr=0.1\nrow: step=2 lr=0.1\n");
}

/* "step,loss,c2,c3..." and two rows. */
static char *make_wide(unsigned columns, const char *cell)
{
    char *text = malloc((size_t)columns * 40 + 100);
    size_t used = (size_t)sprintf(text, "step,loss");
    for (unsigned i = 2; i < columns; i++)
        used += (size_t)sprintf(text + used, ",%u_column", i);
    for (int row = 1; row <= 2; row++) {
        used += (size_t)sprintf(text + used, "\n%d,0.5", row);
        for (unsigned i = 2; i < columns; i++)
            used += (size_t)sprintf(text + used, ",%s", cell);
    }
    strcpy(text + used, "\n");
    return text;
}

static void columns_that_are_too_many_are_left_out(void **state)
{
    (void)state;
    char *text = make_wide(TW_TABLE_COLUMNS_MAX + 1, "");
    assert_reads(csv, "a.csv", text,
                 "broken more than 4096 columns; those behind are left out\n"
                 "row: step=1 loss=0.5\nrow: step=2 loss=0.5\n");
    assert_is("a.csv", text, "csv");
    free(text);
    text = make_wide(100000, "1");
    assert_is("a.csv", text, "csv");
    free(text);
    text = make_wide(TW_TABLE_COLUMNS_MAX, "");
    assert_reads(csv, "a.csv", text, "row: step=1 loss=0.5\nrow: step=2 loss=0.5\n");
    free(text);
}

static void a_hostile_line_is_no_trouble(void **state)
{
    (void)state;
    const char *expected = "broken more than 4096 columns; those behind are left out\n"
                           "row: a=1\nbroken a line of a table without a number\nrow: a=4\n";
    assert_reads_wide(100000, "z\n1,2,3\nb,c,d\n4,5,6\n", expected);
    assert_reads_wide(1000000, "z\n1,2,3\nb,c,d\n4,5,6\n", expected);
}

static void only_tables_of_trainings_are_taken_for_them(void **state)
{
    (void)state;
    assert_is("a.csv", "step,loss\n1,0.5\n", "csv");
    assert_is("a.txt", "iteration;train_loss\n1;0,5\n", "csv");
    assert_is("a.csv", "Epoch,TrainLoss,ValLoss,LR\n1,5,6,0.1\n", "csv");
    assert_is("a.csv", "step,loss\n", "csv"); /* it begins */
    assert_is("iris.csv", "sepal_length,sepal_width,species\n5.1,3.5,setosa\n", "none");
    assert_true(how_sure(csv, "iris.csv", "sepal_length,sepal_width\n5.1,3.5\n4.9,3\n") > 0);
    assert_is("a.c", "int main(void)\n{\n    return 1, 2;\n}\n", "none");
    assert_is("a.txt", "Dear loss, dear step,\nI write to you.\n", "none");
    assert_int_equal(how_sure(csv, "a", ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separators_are_found),
        cmocka_unit_test(a_cost_alone_makes_no_training),
        cmocka_unit_test(blanks_and_ends_of_lines_do_not_count),
        cmocka_unit_test(quotes_hold_separators_and_quotes),
        cmocka_unit_test(a_quoted_cell_may_have_several_lines),
        cmocka_unit_test(a_quote_too_many_costs_its_own_row),
        cmocka_unit_test(absent_is_no_reading_and_nan_is_one),
        cmocka_unit_test(rows_may_be_short_or_long),
        cmocka_unit_test(names_may_come_again_or_change),
        cmocka_unit_test(what_stands_before_the_names_is_passed_over),
        cmocka_unit_test(damage_is_told_and_the_rest_read),
        cmocka_unit_test(the_comma_is_decimal_where_it_parts_nothing),
        cmocka_unit_test(a_column_may_tell_what_a_row_is_about),
        cmocka_unit_test(dates_are_times_and_words_are_not_numbers),
        cmocka_unit_test(of_columns_of_one_name_the_first_counts),
        cmocka_unit_test(columns_that_are_too_many_are_left_out),
        cmocka_unit_test(a_hostile_line_is_no_trouble),
        cmocka_unit_test(only_tables_of_trainings_are_taken_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
