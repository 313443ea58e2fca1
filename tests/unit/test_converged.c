/* Converged: runs that are done, and runs that are not. */
#include "tests/unit/detector_fixture.h"

static void start(struct subject *subject, double max_steps, const char *schedule)
{
    struct tw_record header = step_record(0);
    subject_start(subject, &tw_detector_converged);
    header.kind = TW_KIND_HEADER;
    assert_non_null(tw_record_add_header(&header));
    assert_int_equal(tw_header_set_number(header.header, "max_steps", max_steps), 0);
    if (schedule)
        assert_int_equal(tw_header_set_text(header.header, "schedule", schedule), 0);
    subject_observe(subject, &header);
    tw_record_clear(&header);
}

static void step(struct subject *subject, uint64_t step, double loss, double rate)
{
    struct tw_record record = loss_record(step, loss);
    tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, rate);
    subject_observe(subject, &record);
}

static void eval(struct subject *subject, uint64_t step, double loss)
{
    struct tw_record record = step_record(step);
    record.kind = TW_KIND_EVAL;
    tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, loss);
    subject_observe(subject, &record);
}

/* Down to .5 within some 600 steps, and flat from there. */
static double done_at(uint64_t step, uint64_t *random)
{
    return (.5 + 2 * exp(-(double)step / 100)) * exp(.01 * next_normal(random));
}

static void a_flat_run_is_told_once_and_how_much_it_saves(void **state)
{
    static const uint64_t intervals[] = {1, 10, 50};
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        for (int k = 0; k < 3; k++) {
            struct subject subject;
            uint64_t random = seed;
            start(&subject, 20000, "constant");
            for (uint64_t i = 1; i <= 10000; i++) {
                double loss = done_at(i, &random);
                if (i % intervals[k] == 0)
                    step(&subject, i, loss, .1);
            }
            assert_int_equal(subject.n, 1);
            const struct tw_finding *found = &subject.findings[0];
            assert_int_equal(found->severity, TW_SEVERITY_INFO);
            assert_int_equal(found->state, TW_STATE_OPEN);
            assert_in_range(found->onset_step, 300, 6000);
            assert_in_range(found->detected_step, 6000, 10000); /* from .3 of the budget on */
            assert_true(fabs(found->evidence.baseline - .5) < .01);
            /* 20,000 steps less those of the finding. */
            for (uint32_t i = 0; i < found->evidence.n_extras; i++) {
                if (!strcmp(found->evidence.extras[i].name, "steps_saved"))
                    assert_true(found->evidence.extras[i].value ==
                                20000 - (double)found->detected_step);
            }
            subject_stop(&subject);
        }
    }
}

static void a_run_that_still_improves_is_left_alone(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject, 20000, NULL);
        for (uint64_t i = 1; i <= 10000; i++)
            step(&subject, i, healthy_loss(i, .02, &random), .1);
        assert_int_equal(subject.n, 0);
        subject_stop(&subject);
    }
}

static void expect_silence(double max_steps, const char *schedule, double rate_after,
                           double level_of_start, double eval_slope)
{
    struct subject subject;
    uint64_t random = 5;
    start(&subject, max_steps, schedule);
    for (uint64_t i = 1; i <= 10000; i++) {
        double loss = level_of_start * .5 + (done_at(i, &random) - .5);
        step(&subject, i, loss, .1 - rate_after * (double)i);
        if (i % 250 == 0)
            eval(&subject, i, 1 + eval_slope * (double)i / 250);
    }
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void the_gates_hold(void **state)
{
    (void)state;
    expect_silence(10000, "cosine", 0, 1, .0001); /* its learning rate is still to fall */
    expect_silence(20000, NULL, 9e-6, 1, .0001);  /* and here it is falling */
    expect_silence(20000, NULL, 0, 16, .0001);    /* from 10 to 8: it never learned much */
    expect_silence(40000, NULL, 0, 1, .0001);     /* a quarter of the budget is no time to stop */
    expect_silence(20000, NULL, 0, 1, -.001);     /* the evaluation still improves */
    expect_silence(20000, NULL, 0, 1, .02);       /* it gets worse: overfitting */
}

static void evaluations_without_a_new_best_go_with_it(void **state)
{
    struct subject subject;
    uint64_t random = 5;
    (void)state;
    start(&subject, 20000, NULL);
    for (uint64_t i = 1; i <= 10000; i++) {
        step(&subject, i, done_at(i, &random), .1);
        if (i % 250 == 0)
            eval(&subject, i, i == 1000 ? .6 : .605);
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].state, TW_STATE_OPEN);
    subject_stop(&subject);
}

static void the_last_tenth_is_not_worth_saving(void **state)
{
    struct subject subject;
    uint64_t random = 6;
    (void)state;
    start(&subject, 2000, NULL);
    for (uint64_t i = 1; i <= 2000; i++)
        step(&subject, i, i < 1300 ? 3 - .002 * (double)i : .4 * exp(.01 * next_normal(&random)),
             .1);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_loss_that_falls_after_all_or_a_new_rate_withdraws(void **state)
{
    (void)state;
    for (int rate = 0; rate < 2; rate++) {
        struct subject subject;
        uint64_t random = 7;
        start(&subject, 25000, NULL);
        for (uint64_t i = 1; i <= 20000; i++) {
            double loss = done_at(i, &random) * (i > 8000 && !rate ? .8 : 1);
            step(&subject, i, loss, rate && i > 8000 ? .01 : .1);
            if (i == 8000)
                assert_int_equal(subject.n, 1);
        }
        assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
        subject_stop(&subject);
    }
}

static void a_nan_anywhere_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t broken = 1; broken <= 4096; broken *= 4) {
        struct subject subject;
        uint64_t random = 9;
        start(&subject, 20000, NULL);
        for (uint64_t i = 1; i <= 10000; i++) {
            double loss = done_at(i, &random);
            step(&subject, i, i == broken ? NAN : loss, i == broken + 1 ? NAN : .1);
        }
        assert_int_equal(subject.n, 1);
        subject_stop(&subject);
    }
}

static void few_losses_are_not_judged_yet(void **state)
{
    struct subject subject;
    (void)state;
    subject_start(&subject, &tw_detector_converged);
    for (uint64_t i = 1; i <= 60; i++) {
        subject_loss(&subject, i, i < 4 ? 10 : 1 + .001 * (double)(i % 2));
        assert_true(i >= 48 || subject.n == 0);
    }
    assert_int_equal(subject.n, 1);
    subject_stop(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flat_run_is_told_once_and_how_much_it_saves),
        cmocka_unit_test(a_run_that_still_improves_is_left_alone),
        cmocka_unit_test(the_gates_hold),
        cmocka_unit_test(evaluations_without_a_new_best_go_with_it),
        cmocka_unit_test(the_last_tenth_is_not_worth_saving),
        cmocka_unit_test(a_loss_that_falls_after_all_or_a_new_rate_withdraws),
        cmocka_unit_test(a_nan_anywhere_changes_nothing),
        cmocka_unit_test(few_losses_are_not_judged_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
