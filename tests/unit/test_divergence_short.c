/* Divergence in short runs, in warm-up, and in runs that never learn. */
#include "tests/unit/detector_fixture.h"

#define STEPS 4000
#define FAULT 2500

static void start(struct subject *subject)
{
    subject_start(subject, &tw_detector_divergence);
}

static void a_loss_that_explodes_in_the_first_steps_is_critical(void **state)
{
    (void)state;
    /* 30 epochs of 45 steps at far too high a rate: 2.3, then 1e2 to 1e6. */
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t step = 1; step <= 1350; step++) {
            double exploded = pow(10, 2 + 4 * next_uniform(&random));
            subject_loss(&subject, step, step < 4 ? 2.3 + .1 * (double)step : exploded);
        }
        const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
        assert_non_null(found);
        assert_true(found->detected_step <= 60);
        assert_true(found->onset_step <= 5);
        assert_int_equal(found->state, TW_STATE_OPEN);
        subject_stop(&subject);
    }
}

static void a_loss_that_settles_above_its_start_is_critical(void **state)
{
    struct subject subject;
    uint64_t random = 3;
    (void)state;
    start(&subject);
    for (uint64_t step = 1; step <= 300; step++) {
        double level = step < 10 ? 2.3 : 7;
        subject_loss(&subject, step, level * exp(.1 * next_normal(&random)));
    }
    const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
    assert_non_null(found);
    assert_true(found->detected_step <= 130);
    subject_stop(&subject);
}

static void an_early_hump_that_halves_again_is_no_alarm(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t step = 1; step <= 1350; step++) {
            double hump = 1 + 1.5 * exp(-pow(((double)step - 25) / 12, 2));
            subject_loss(&subject, step, hump * healthy_loss(step, .03, &random));
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
    }
}

static void a_short_log_is_judged_by_size_and_noise(void **state)
{
    struct subject subject;
    uint64_t random = 11;
    (void)state;
    start(&subject);
    /* 60 logs, one each 25 steps: down to 0.12, then up to 0.3 and staying there. */
    for (uint64_t i = 1; i <= 60; i++) {
        double level =
            i < 12 ? .12 + .8 * exp(-(double)i / 2) : fmin(.3, .12 + .02 * ((double)i - 12));
        subject_loss(&subject, 25 * i, level * exp(.05 * next_normal(&random)));
    }
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_WARNING);
    assert_int_equal(found->state, TW_STATE_OPEN);
    assert_in_range(found->onset_step, 25 * 10, 25 * 20);
    subject_stop(&subject);
}

static void short_noisy_healthy_logs_raise_no_alarm(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t i = 1; i <= 20 + seed; i++)
            subject_loss(&subject, i * (seed % 3 ? 50 : 1),
                         (.5 + 2 * exp(-(double)i / 10)) *
                             exp((seed % 2 ? .3 : 1.5) * next_normal(&random)));
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
    }
}

static void a_short_bump_in_a_short_log_is_no_alarm(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t i = 1; i <= 60; i++)
            subject_loss(&subject, 100 * i,
                         (i > 25 && i < 31 ? 3.2 : 2) * exp(.01 * next_normal(&random)));
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
    }
}

static void a_hump_of_the_first_steps_that_was_told_is_withdrawn(void **state)
{
    struct subject subject;
    uint64_t random = 6;
    (void)state;
    start(&subject);
    for (uint64_t step = 1; step <= 400; step++) {
        double level = step < 20 ? 2.3 : step < 60 ? 12 : 2 - .003 * (double)step;
        subject_loss(&subject, step, level * exp(.02 * next_normal(&random)));
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
    subject_stop(&subject);
}

/* The first losses of a ReLU network of 64-128-64-10 units on handwritten digits, Adam at a rate of
 * 0.5, measured; afterwards it sits at ln 10 or, here, learns after all. */
static void run_collapsed(struct subject *subject, uint64_t learns_from)
{
    static const double first[] = {2.40924, 628.601, 538.018, 229.163, 47.2205, 26.8896,
                                   44.9444, 97.8452, 39.4767, 14.45,   12.0723, 3.86658,
                                   3.33839, 3.18999, 2.97969, 3.00036};
    uint64_t random = 19;
    start(subject);
    for (uint64_t step = 1; step <= 1350; step++) {
        double level = log(10);
        if (step > learns_from)
            level *= .2 + .8 * exp(-((double)step - (double)learns_from) / 100);
        subject_loss(subject, step,
                     step <= 16 ? first[step - 1] : level * exp(.02 * next_normal(&random)));
    }
}

static void a_network_that_blows_up_and_then_sits_at_chance_is_critical(void **state)
{
    struct subject subject;
    (void)state;
    run_collapsed(&subject, UINT64_MAX);
    assert_int_equal(subject.n, 1);
    const struct tw_finding *found = &subject.findings[0];
    assert_int_equal(found->severity, TW_SEVERITY_CRITICAL);
    assert_int_equal(found->state, TW_STATE_OPEN);
    assert_int_equal(found->onset_step, 2);
    assert_true(found->detected_step <= 150);
    subject_stop(&subject);
    run_collapsed(&subject, 20); /* a wild start and nothing more */
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
    subject_stop(&subject);
    run_collapsed(&subject, 300); /* told too early */
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
    subject_stop(&subject);
}

static void wild_noise_that_does_not_fall_is_no_blow_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t step = 1; step <= 2000; step++)
            subject_loss(&subject, step, exp(.7 * next_normal(&random)));
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
    }
}

static void the_initial_loss_is_the_second_smallest_of_eight(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t step = 1; step <= 100; step++)
        subject_loss(&subject, step, step <= 8 ? 9 - (double)step : 500 + (double)step);
    const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
    assert_non_null(found);
    assert_string_equal(found->evidence.extras[3].name, "initial_loss");
    assert_true(fabs(found->evidence.extras[3].value - 2) < 1e-9);
    subject_stop(&subject);
}

static void start_with_warmup(struct subject *subject, double warmup_steps)
{
    start(subject);
    struct tw_record record = step_record(0);
    record.kind = TW_KIND_HEADER;
    assert_non_null(tw_record_add_header(&record));
    assert_int_equal(tw_header_set_number(record.header, "warmup_steps", warmup_steps), 0);
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

static void in_warm_up_only_critical_findings_open(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct subject subject;
        uint64_t random = 14;
        start_with_warmup(&subject, 5000);
        for (uint64_t step = 0; step < STEPS; step++)
            subject_loss(&subject, step,
                         (step < FAULT ? 1
                          : big        ? 3
                                       : 1.3) *
                             healthy_loss(step, .02, &random));
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), big);
        subject_stop(&subject);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_that_explodes_in_the_first_steps_is_critical),
        cmocka_unit_test(a_loss_that_settles_above_its_start_is_critical),
        cmocka_unit_test(an_early_hump_that_halves_again_is_no_alarm),
        cmocka_unit_test(a_short_log_is_judged_by_size_and_noise),
        cmocka_unit_test(short_noisy_healthy_logs_raise_no_alarm),
        cmocka_unit_test(a_short_bump_in_a_short_log_is_no_alarm),
        cmocka_unit_test(a_hump_of_the_first_steps_that_was_told_is_withdrawn),
        cmocka_unit_test(a_network_that_blows_up_and_then_sits_at_chance_is_critical),
        cmocka_unit_test(wild_noise_that_does_not_fall_is_no_blow_up),
        cmocka_unit_test(the_initial_loss_is_the_second_smallest_of_eight),
        cmocka_unit_test(in_warm_up_only_critical_findings_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
