/* Loss spikes: told when they are over, warned of in clusters and when all was lost. */
#include "tests/unit/detector_fixture.h"

#define FAULT 1000

static void feed(struct subject *subject, uint64_t from, uint64_t to, double factor, uint64_t *seed)
{
    for (uint64_t step = from; step < to; step++)
        subject_loss(subject, step, factor * healthy_loss(step, .02, seed));
}

static void start(struct subject *subject)
{
    subject_start(subject, &tw_detector_loss_spike);
}

static void healthy_losses_have_no_spikes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        feed(&subject, 0, 5000, 1, &random);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        assert_true(subject_count(&subject, TW_SEVERITY_INFO) <= 1); /* tails of t4 are heavy */
        subject_stop(&subject);
    }
}

static void losses_that_are_no_numbers_are_not_missing(void **state)
{
    struct subject subject;
    char reason[128];
    (void)state;
    start(&subject);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "no loss in the log");
    subject_loss(&subject, 0, NAN);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "no finite loss in the log");
    subject_stop(&subject);
}

static void a_spike_is_told_once_it_is_over(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {1, 5, 40};
    for (int i = 0; i < 3; i++) {
        struct subject subject;
        uint64_t seed = 8;
        start(&subject);
        feed(&subject, 0, FAULT, 1, &seed);
        feed(&subject, FAULT, FAULT + lengths[i], 2.3, &seed);
        assert_int_equal(subject.n, 0);
        feed(&subject, FAULT + lengths[i], FAULT + 100, 1, &seed);
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_INFO);
        assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
        assert_int_equal(subject.findings[0].onset_step, FAULT);
        assert_in_range((uintmax_t)(100 * subject.findings[0].evidence.value), 200, 280);
        subject_stop(&subject);
    }
}

/* A loss that falls from 2.25 to .35; the median of 256 lags behind it. */
static enum tw_severity severity_in_a_steep_fall(double factor)
{
    struct subject subject;
    uint64_t seed = 17;
    start(&subject);
    for (uint64_t step = 0; step < 1200; step++) {
        double loss = .25 + 2 * exp(-(double)step / 250);
        bool is_high = step >= 800 && step < 810;
        subject_loss(&subject, step, (is_high ? factor : 1) * loss * exp(.03 * next_normal(&seed)));
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].onset_step, 800);
    enum tw_severity severity = subject.findings[0].severity;
    subject_stop(&subject);
    return severity;
}

static void a_spike_in_a_steep_fall_is_told_by_what_it_cost(void **state)
{
    (void)state;
    assert_int_equal(severity_in_a_steep_fall(4), TW_SEVERITY_INFO);
    assert_int_equal(severity_in_a_steep_fall(20), TW_SEVERITY_WARNING); /* 6.6, above 2.25 */
}

static void what_does_not_come_back_is_no_spike(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 8;
    start(&subject);
    feed(&subject, 0, FAULT, 1, &seed);
    feed(&subject, FAULT, 3 * FAULT, 2, &seed);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_small_bump_and_a_bump_within_noise_are_none(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 9;
    start(&subject);
    feed(&subject, 0, FAULT, 1, &seed);
    feed(&subject, FAULT, FAULT + 5, 1.35, &seed); /* below 1.5 times */
    feed(&subject, FAULT + 5, 2 * FAULT, 1, &seed);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
    start(&subject);
    for (uint64_t step = 0; step < 3000; step++) /* half of all losses are twice the others */
        subject_loss(&subject, step, next_uniform(&seed) < .5 ? 1 : 2);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void losses_next_to_zero_differ_by_factors_of_a_hundred(void **state)
{
    (void)state;
    /* One normal number in a thousand is above 3.07 = ln(100) / 1.5. */
    for (uint64_t run = 1; run <= 5; run++) {
        struct subject subject;
        uint64_t seed = run;
        start(&subject);
        for (uint64_t step = 0; step < 5000; step++) {
            double level = .005 + 2.3 * exp(-(double)step / 20);
            double noise = 1.5 * fmin((double)step / 100, 1);
            subject_loss(&subject, step, level * exp(noise * next_normal(&seed)));
        }
        assert_int_equal(subject.n, 0);
        subject_stop(&subject);
    }
}

static void spikes_that_follow_upon_each_other_are_warned_of(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 10;
    start(&subject);
    feed(&subject, 0, FAULT, 1, &seed);
    for (uint64_t i = 0; i < 6; i++) {
        uint64_t at = FAULT + 100 * i;
        feed(&subject, at, at + 5, 2.5, &seed);
        feed(&subject, at + 5, at + 100, 1, &seed);
    }
    const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_WARNING);
    assert_non_null(found);
    assert_int_equal(found->onset_step, FAULT);                      /* the first of them */
    assert_in_range(found->detected_step, FAULT + 400, FAULT + 410); /* the end of the fifth */
    assert_float_equal(found->evidence.value, 5, 0);
    assert_int_equal(found->state, TW_STATE_OPEN);
    feed(&subject, FAULT + 600, 3 * FAULT, 1, &seed); /* a thousand losses without one */
    assert_int_equal(found->state, TW_STATE_RECOVERED);
    subject_stop(&subject);
}

static void single_bad_batches_make_no_cluster(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 11;
    start(&subject);
    feed(&subject, 0, FAULT, 1, &seed);
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t at = FAULT + 50 * i;
        feed(&subject, at, at + 1, 1.8, &seed);
        feed(&subject, at + 1, at + 50, 1, &seed);
    }
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
    subject_stop(&subject);
}

static void a_jump_that_cost_all_progress_is_warned_of_when_it_is_over(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 12;
    start(&subject);
    feed(&subject, 0, FAULT, 1, &seed); /* from 4.8 to 2.6 */
    feed(&subject, FAULT, FAULT + 4, 20, &seed);
    assert_int_equal(subject.n, 0);
    feed(&subject, FAULT + 4, FAULT + 50, 1, &seed);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    subject_stop(&subject);
}

/* Ten epochs whose losses jump by decades, as in runs of dlfaults/HowRealAreThey. */
static void a_log_of_ten_losses_shows_jumps_by_decades(void **state)
{
    static const double losses[] = {2.3, 5433, 63018, 2.1, 2.7, 33272, 2.07, 2.5, 2.2, 2.0};
    char reason[128];
    (void)state;
    struct subject subject;
    start(&subject);
    for (uint64_t i = 0; i < 10; i++)
        subject_loss(&subject, i + 1, losses[i]);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    assert_int_equal(subject.findings[0].onset_step, 2);
    assert_true(subject_has_judged(&subject, reason, sizeof reason));
    subject_stop(&subject);
}

static void the_first_steps_and_a_resume_are_not_told(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 13;
    start(&subject);
    feed(&subject, 0, 60, 1, &seed);
    feed(&subject, 60, 65, 2, &seed); /* warm-up lasts to step 100 */
    feed(&subject, 65, FAULT, 1, &seed);
    subject_event(&subject, FAULT, "resume");
    feed(&subject, FAULT, FAULT + 100, 1, &seed);
    feed(&subject, FAULT + 100, FAULT + 105, 2, &seed);
    feed(&subject, FAULT + 105, FAULT + 500, 1, &seed);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_loss_that_is_none_disables_nothing(void **state)
{
    static const double none[] = {NAN, INFINITY, -INFINITY, 0};
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        for (uint64_t at = 0; at < 60; at += 20) {
            struct subject subject;
            uint64_t seed = 14;
            start(&subject);
            for (uint64_t step = 0; step < FAULT; step++)
                subject_loss(&subject, step,
                             step == at ? none[kind] : healthy_loss(step, .02, &seed));
            feed(&subject, FAULT, FAULT + 5, 2.5, &seed);
            feed(&subject, FAULT + 5, FAULT + 50, 1, &seed);
            assert_int_equal(subject.n, 1);
            subject_stop(&subject);
        }
    }
}

static void the_same_log_says_the_same_at_each_interval(void **state)
{
    static const uint64_t strides[] = {1, 10, 50};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct subject subject;
        uint64_t seed = 15;
        start(&subject);
        for (uint64_t record = 0; record < 1200; record++) {
            double factor = record >= 1000 && record < 1005 ? 2.5 : 1;
            subject_loss(&subject, strides[i] * record, factor * healthy_loss(record, .02, &seed));
        }
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].onset_step, 1000 * strides[i]);
        subject_stop(&subject);
    }
}

static void few_losses_are_not_checked(void **state)
{
    char reason[128];
    (void)state;
    struct subject subject;
    uint64_t seed = 16;
    start(&subject);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "no loss in the log");
    feed(&subject, 0, 15, 1, &seed);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "only 15 losses");
    feed(&subject, 15, 16, 1, &seed);
    assert_true(subject_has_judged(&subject, reason, sizeof reason));
    subject_stop(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_losses_have_no_spikes),
        cmocka_unit_test(losses_that_are_no_numbers_are_not_missing),
        cmocka_unit_test(a_spike_is_told_once_it_is_over),
        cmocka_unit_test(a_spike_in_a_steep_fall_is_told_by_what_it_cost),
        cmocka_unit_test(what_does_not_come_back_is_no_spike),
        cmocka_unit_test(a_small_bump_and_a_bump_within_noise_are_none),
        cmocka_unit_test(losses_next_to_zero_differ_by_factors_of_a_hundred),
        cmocka_unit_test(spikes_that_follow_upon_each_other_are_warned_of),
        cmocka_unit_test(single_bad_batches_make_no_cluster),
        cmocka_unit_test(a_jump_that_cost_all_progress_is_warned_of_when_it_is_over),
        cmocka_unit_test(a_log_of_ten_losses_shows_jumps_by_decades),
        cmocka_unit_test(the_first_steps_and_a_resume_are_not_told),
        cmocka_unit_test(a_loss_that_is_none_disables_nothing),
        cmocka_unit_test(the_same_log_says_the_same_at_each_interval),
        cmocka_unit_test(few_losses_are_not_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
