/* Which run is worst, and which hyper-parameters differ between the healthy and the sick. */
#include "agent/compare_runs.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RUNS_MAX 16
#define PARAMETERS_MAX 4

static struct tw_run_summary runs[RUNS_MAX];
static struct tw_hyperparameter parameters[RUNS_MAX][PARAMETERS_MAX];
static struct tw_run_summaries summaries;
static struct tw_parameter_difference differences[TW_DIFFERENCES_MAX];

static int forget_runs(void **state)
{
    (void)state;
    memset(runs, 0, sizeof runs);
    memset(parameters, 0, sizeof parameters);
    summaries = (struct tw_run_summaries){.at = runs};
    return 0;
}

static struct tw_run_summary *add_run(const char *name, const char *verdict)
{
    struct tw_run_summary *run = &runs[summaries.n];
    snprintf(run->run, sizeof run->run, "%s", name);
    run->verdict = verdict;
    run->section = summaries.n;
    run->hyperparameters = parameters[summaries.n++];
    return run;
}

static struct tw_hyperparameter *set(struct tw_run_summary *run, const char *name)
{
    struct tw_hyperparameter *parameter = &run->hyperparameters[run->n_hyperparameters++];
    snprintf(parameter->name, sizeof parameter->name, "%s", name);
    return parameter;
}

static void set_number(struct tw_run_summary *run, const char *name, double value)
{
    set(run, name)->number = value;
}

static void set_text(struct tw_run_summary *run, const char *name, const char *value)
{
    struct tw_hyperparameter *parameter = set(run, name);
    parameter->is_text = true;
    snprintf(parameter->text, sizeof parameter->text, "%s", value);
}

static void assert_difference(size_t i, const char *name, const char *healthy, const char *sick,
                              bool is_apart)
{
    assert_string_equal(differences[i].name, name);
    assert_string_equal(differences[i].healthy, healthy);
    assert_string_equal(differences[i].sick, sick);
    assert_int_equal(differences[i].is_apart, is_apart);
}

static void only_parameters_that_differ_are_told(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct tw_run_summary *run = add_run("r", i < 2 ? "healthy" : "problem");
        set_number(run, "learning_rate", i < 2 ? .001 * (i + 1) : .1 * i);
        set_text(run, "optimizer", i == 1 ? "sgd" : "adam");
        set_number(run, "batch_size", 64);
        set_number(run, "a_seed", i);
    }
    assert_int_equal(tw_compare_parameters(&summaries, differences), 3);
    assert_difference(0, "a_seed", "0 to 1", "2 to 3", true);
    assert_difference(1, "learning_rate", "0.001 to 0.002", "0.2 to 0.3", true);
    assert_difference(2, "optimizer", "adam, sgd", "adam", false);
}

static void ranges_that_meet_are_not_apart(void **state)
{
    static const double values[] = {1, 3, 3, 4};
    (void)state;
    for (int i = 0; i < 4; i++)
        set_number(add_run("r", i < 2 ? "healthy" : "problem"), "width", values[i]);
    assert_int_equal(tw_compare_parameters(&summaries, differences), 1);
    assert_difference(0, "width", "1 to 3", "3 to 4", false);
}

static void without_two_sides_nothing_differs(void **state)
{
    (void)state;
    set_number(add_run("a", "problem"), "width", 1);
    set_number(add_run("b", "problem"), "width", 2);
    set_number(add_run("c", "unknown"), "width", 3);
    assert_int_equal(tw_compare_parameters(&summaries, differences), 0);
    set_number(add_run("d", "healthy"), "depth", 3); /* the others do not tell theirs */
    assert_int_equal(tw_compare_parameters(&summaries, differences), 0);
}

static void many_texts_end_in_dots(void **state)
{
    char text[16];
    (void)state;
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "t%d", i);
        set_text(add_run("r", "problem"), "kind", text);
    }
    set_text(add_run("r", "healthy"), "kind", "none");
    assert_int_equal(tw_compare_parameters(&summaries, differences), 1);
    assert_difference(0, "kind", "none", "t0, t1, t2, t3, t4, t5, t6, t7, ...", false);
}

static void the_worst_comes_first(void **state)
{
    static const char *const expected[] = {"critical", "two", "one", "also one", "unknown", "fine"};
    (void)state;
    add_run("fine", "healthy");
    add_run("one", "problem")->severity = TW_SEVERITY_WARNING;
    add_run("unknown", "unknown");
    add_run("critical", "problem")->severity = TW_SEVERITY_CRITICAL;
    add_run("also one", "problem")->severity = TW_SEVERITY_WARNING;
    add_run("two", "problem")->severity = TW_SEVERITY_WARNING;
    for (int i = 1; i < 6; i++)
        runs[i].n_findings = i == 2 ? 0 : i == 5 ? 2 : 1;
    tw_run_summaries_sort(&summaries);
    for (int i = 0; i < 6; i++)
        assert_string_equal(runs[i].run, expected[i]);
}

static struct tw_score *add_score(struct tw_run_summary *run, const char *name, double best)
{
    static struct tw_score scores[RUNS_MAX][3];
    run->scores = scores[run - runs];
    struct tw_score *score = &run->scores[run->n_scores++];
    *score = (struct tw_score){.has_best = true, .best = best};
    snprintf(score->name, sizeof score->name, "%s", name);
    return score;
}

static void the_metric_that_most_runs_have_is_compared(void **state)
{
    (void)state;
    add_run("none", "healthy");
    assert_null(tw_compare_metric(&summaries));
    struct tw_run_summary *a = add_run("a", "healthy"), *b = add_run("b", "problem");
    add_score(a, "top5", 0.9);
    assert_string_equal(tw_compare_metric(&summaries), "top5");
    add_score(a, "balanced_accuracy", 0.5);
    add_score(a, "accuracy", 0.75);
    add_score(b, "accuracy", 0.25);
    add_score(b, "balanced_accuracy", 0.5);
    assert_string_equal(tw_compare_metric(&summaries), "accuracy");
    assert_true(tw_compare_score(a, "accuracy")->best == 0.75);
    assert_null(tw_compare_score(b, "top5"));
    assert_null(tw_compare_score(&runs[0], "accuracy"));
    assert_null(tw_compare_score(a, NULL));
}

static void the_table_has_a_column_for_it(void **state)
{
    char text[2000] = "";
    (void)state;
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    add_score(add_run("a", "healthy"), "accuracy", 0.75);
    add_run("b", "unknown");
    tw_compare_print(out, &summaries, 0);
    fclose(out);
    assert_string_equal(text,
                        "\n2 runs, worst first\n"
                        "run  verdict  loss  eval loss  best accuracy  findings  since  worst\n"
                        "a    healthy     -          -           0.75         0      -  -\n"
                        "b    unknown     -          -              -         0      -  -\n");
}

static void long_names_are_cut_where_the_table_is_too_wide(void **state)
{
    static const struct {
        unsigned width;
        const char *first, *second;
    } cases[] = {
        {0, "sweep/\xc3\xa4-learning-rate/seed-1/metrics.csv  healthy",
         "swe\xc3\xa4p/b-learning-rate/seed-2/metrics.csv  healthy"},
        {95, "sweep/\xc3\xa4-learning-rate/seed-1/metrics.csv  healthy", "sw"},
        {88, "sweep/\xc3\xa4-lea...-rate/seed-1/metrics.csv  healthy",
         "swe\xc3\xa4p/b-lea...-rate/seed-2/metrics.csv  healthy"},
        {10, "sweep/\xc3\xa4-l...e/seed-1/metrics.csv  healthy",
         "swe\xc3\xa4p/b-l...e/seed-2/metrics.csv  healthy"},
    };
    (void)state;
    add_run("sweep/\xc3\xa4-learning-rate/seed-1/metrics.csv", "healthy");
    add_run("swe\xc3\xa4p/b-learning-rate/seed-2/metrics.csv", "healthy");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2000] = "";
        FILE *out = fmemopen(text, sizeof text - 1, "w");
        tw_compare_print(out, &summaries, cases[i].width);
        fclose(out);
        assert_non_null(strstr(text, cases[i].first));
        assert_non_null(strstr(text, cases[i].second));
    }
}

static bool has_row(const char *text, const char *row)
{
    char line[200];
    snprintf(line, sizeof line, "\n%s\n", row);
    return strstr(text, line);
}

static void a_narrow_terminal_does_without_columns_and_is_told_so(void **state)
{
    static const struct {
        unsigned width;
        const char *head, *note;
    } cases[] = {
        {80, "run                             verdict  loss  eval loss  findings  since  worst",
         NULL},
        {79, "run                             verdict  loss  eval loss  since  worst",
         "no room for: findings"},
        {60, "run                             verdict  loss  since  worst",
         "no room for: findings, eval loss"},
        {50, "run                             verdict  since  worst",
         "no room for: findings, eval loss, loss"},
    };
    (void)state;
    add_run("sweep/learning-rate/seed-1/log", "healthy");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2000] = "";
        FILE *out = fmemopen(text, sizeof text - 1, "w");
        tw_compare_print(out, &summaries, cases[i].width);
        fclose(out);
        assert_true(has_row(text, cases[i].head));
        assert_true(cases[i].note ? has_row(text, cases[i].note) : !strstr(text, "no room"));
    }
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;
    for (; *text; text += strcspn(text, "\n") + 1) {
        size_t length = strcspn(text, "\n");
        longest = length > longest ? length : longest;
    }
    return longest;
}

static void values_that_differ_are_cut_where_the_table_is_too_wide(void **state)
{
    static const char long_text[] = "a-tokenizer-of-a-very-long-name-and-version-1";
    (void)state;
    set_text(add_run("a", "healthy"), "data.train.preprocessing.tokenizer_name", long_text);
    set_text(add_run("b", "problem"), "data.train.preprocessing.tokenizer_name", "other");
    for (unsigned width = 60; width <= 140; width++) {
        char text[2000] = "";
        FILE *out = fmemopen(text, sizeof text - 1, "w");
        tw_compare_print(out, &summaries, width);
        fclose(out);
        const char *table = strstr(text, "parameter");
        assert_non_null(table);
        assert_non_null(strstr(table, "no value in common\n"));
        /* 39 for the name, 45 and 7 for the values ("problem"), 18 for the note, 6 between. */
        assert_int_equal(longest_line(table), width < 115 ? width : 115);
    }
}

static void wide_characters_take_two_columns(void **state)
{
    char text[2000] = "";
    (void)state;
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    add_run("\u5b9f\u9a13\u5b66\u7fd2", "healthy");
    add_run("e\u0301t\u00e9-12345", "healthy");
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    tw_compare_print(out, &summaries, 0);
    fclose(out);
    setlocale(LC_CTYPE, "C");
    assert_non_null(strstr(text, "\n\u5b9f\u9a13\u5b66\u7fd2   healthy "));
    assert_non_null(strstr(text, "\ne\u0301t\u00e9-12345  healthy "));
}

#define TEST(name) cmocka_unit_test_setup(name, forget_runs)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_parameters_that_differ_are_told),
        TEST(ranges_that_meet_are_not_apart),
        TEST(without_two_sides_nothing_differs),
        TEST(many_texts_end_in_dots),
        TEST(the_worst_comes_first),
        TEST(the_metric_that_most_runs_have_is_compared),
        TEST(the_table_has_a_column_for_it),
        TEST(long_names_are_cut_where_the_table_is_too_wide),
        TEST(a_narrow_terminal_does_without_columns_and_is_told_so),
        TEST(values_that_differ_are_cut_where_the_table_is_too_wide),
        TEST(wide_characters_take_two_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
