/* The best and the newest of each metric of a run's evaluations. */
#include "agent/scores.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct tw_scores scores;

static int forget(void **state)
{
    (void)state;
    scores = (struct tw_scores){0};
    return 0;
}

static void take(uint64_t step, const char *name, double value)
{
    struct tw_record record;
    tw_record_init(&record);
    snprintf(record.metrics[0].name, sizeof record.metrics[0].name, "%s", name);
    record.metrics[0].value = value;
    record.n_metrics = 1;
    tw_scores_take(&scores, &record, step);
    record.n_metrics = 0;
    tw_record_clear(&record);
}

static const struct tw_score *score(const char *name)
{
    const struct tw_score *found = tw_scores_find(&scores, name);
    assert_non_null(found);
    return found;
}

static void more_or_less_is_better_by_the_name(void **state)
{
    (void)state;
    static const double values[] = {0.5, 0.75, 0.25, 0.75};
    for (int i = 0; i < 4; i++) {
        take((uint64_t)(i + 1) * 10, "accuracy", values[i]);
        take((uint64_t)(i + 1) * 10, "wer", values[i]);
        take((uint64_t)(i + 1) * 10, "weather", values[i]);
    }
    assert_true(score("accuracy")->has_best && score("wer")->has_best);
    assert_true(score("accuracy")->best == 0.75 && score("accuracy")->best_step == 20);
    assert_true(score("wer")->best == 0.25 && score("wer")->best_step == 30);
    assert_false(score("weather")->has_best);
    assert_true(score("weather")->newest == 0.75 && score("weather")->n == 4);
    assert_null(tw_scores_find(&scores, "loss"));
}

static void what_is_not_finite_is_never_the_best(void **state)
{
    (void)state;
    take(1, "accuracy", (double)NAN);
    assert_false(score("accuracy")->has_best);
    take(2, "accuracy", (double)INFINITY);
    take(3, "accuracy", -3);
    take(4, "accuracy", -(double)NAN);
    assert_true(score("accuracy")->best == -3 && score("accuracy")->best_step == 3);
    assert_true(isnan(score("accuracy")->newest) && !signbit(score("accuracy")->newest));
    assert_int_equal(score("accuracy")->n, 4);
}

static void further_ones_are_left_out(void **state)
{
    char name[16];
    (void)state;
    for (int i = 0; i < TW_METRICS_MAX + 5; i++) {
        snprintf(name, sizeof name, "f1_%d", i);
        take(1, name, i);
    }
    assert_int_equal(scores.n, TW_METRICS_MAX);
    take(2, "f1_0", 7);
    assert_true(score("f1_0")->newest == 7);
    assert_null(tw_scores_find(&scores, name));
}

#define TEST(name) cmocka_unit_test_setup(name, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(more_or_less_is_better_by_the_name),
        TEST(what_is_not_finite_is_never_the_best),
        TEST(further_ones_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
