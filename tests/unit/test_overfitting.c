/* Overfitting: simulated runs, healthy and overfit, and each gate of the detector. */
#include "tests/unit/detector_fixture.h"

#define EVERY 100 /* steps between two evaluations */
#define BEST 30   /* evaluations until an overfit run is at its best */

static void start(struct subject *subject)
{
    subject_start(subject, &tw_detector_overfitting);
}

static struct tw_record eval_record(uint64_t i, double loss)
{
    struct tw_record record = step_record(i * EVERY);
    record.kind = TW_KIND_EVAL;
    tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, loss);
    return record;
}

/* The i-th evaluation with the training loss of the same time. */
static void pair(struct subject *subject, uint64_t i, double loss, double train)
{
    struct tw_record record = eval_record(i, loss);
    tw_record_set(&record, TW_SIGNAL_TRAIN_LOSS, train);
    subject_observe(subject, &record);
}

static void scored(struct subject *subject, uint64_t i, double loss, double train, double accuracy)
{
    struct tw_record record = eval_record(i, loss);
    tw_record_set(&record, TW_SIGNAL_TRAIN_LOSS, train);
    tw_record_add_metric(&record, "accuracy", accuracy);
    subject_observe(subject, &record);
}

static double train_at(uint64_t i)
{
    return 2.5 * pow((double)i + 1, -.6);
}

/* Falls to its best of .9 at evaluation BEST, and rises by .4 % an evaluation then. */
static double overfit_at(uint64_t i)
{
    double at = (double)i, best = BEST;
    return i <= BEST ? .9 + 1.2 * pow(1 - at / best, 3) : .9 * (1 + .004 * (at - best));
}

static double healthy_at(uint64_t i)
{
    return .8 + 1.5 * pow((double)i + 1, -.5);
}

static double noisy(double value, double sigma, uint64_t *random)
{
    return value * exp(sigma * next_normal(random));
}

/* ---- what it is for ---- */

static void a_rising_evaluation_loss_is_found_with_its_best_as_onset(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t i = 0; i < 80; i++)
            pair(&subject, i, noisy(overfit_at(i), .003, &random),
                 noisy(train_at(i), .02, &random));
        assert_int_equal(subject.n, 1);
        const struct tw_finding *found = &subject.findings[0];
        assert_int_equal(found->state, TW_STATE_OPEN);
        assert_int_equal(found->severity, TW_SEVERITY_CRITICAL);
        /* The curve is flat around its best: the lowest noisy point is near it. */
        assert_in_range(found->onset_step, (BEST - 8) * EVERY, (BEST + 4) * EVERY);
        /* 2 % are reached 5 evaluations after the best, 3 sigma of noise are less. */
        assert_in_range(found->detected_step, (BEST + 4) * EVERY, (BEST + 14) * EVERY);
        subject_stop(&subject);
    }
}

static void a_small_rise_is_a_warning_and_a_large_one_critical(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 80; i++) {
        pair(&subject, i, overfit_at(i), train_at(i));
        if (i == BEST + 8) {
            assert_int_equal(subject.n, 1);
            assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
        }
    }
    /* 1.004 per evaluation: the median of 3 is at 1.05 after 14, rising 4 times and more in a row.
     */
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    assert_true(subject.findings[0].evidence.value >= 1.05 - 1e-9);
    assert_true(fabs(subject.findings[0].evidence.baseline - .9) < 1e-9);
    subject_stop(&subject);
}

static void a_run_of_ten_epochs_is_judged_by_its_trend(void **state)
{
    /* Ours. Best of .62 at the fourth; at the eighth the median of 3 is .69, 1.1129 times that.
     * Three sigma of the neighbours' noise (median .03) are .094 and not reached by .07; the line
     * through .62 .64 .66 .69 .71 rises without a doubt. */
    static const double loss[] = {1.2, .9, .7, .62, .64, .66, .69, .71, .74, .78};
    static const double train[] = {1.3, .8, .6, .45, .35, .27, .2, .15, .12, .09};
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 10; i++) {
        pair(&subject, i, loss[i], train[i]);
        assert_int_equal(subject.n, i >= 7);
    }
    const struct tw_finding *found = &subject.findings[0];
    assert_int_equal(found->severity, TW_SEVERITY_WARNING);
    assert_int_equal(found->onset_step, 3 * EVERY);
    assert_int_equal(found->detected_step, 7 * EVERY);
    assert_true(fabs(found->evidence.value - .69 / .62) < 1e-12);
    assert_true(found->evidence.threshold == 1.05);
    subject_stop(&subject);
}

static void training_losses_of_the_steps_do_where_evaluations_bring_none(void **state)
{
    static const uint64_t intervals[] = {1, 10, 50};
    (void)state;
    for (int k = 0; k < 3; k++) {
        struct subject subject;
        uint64_t random = 4;
        start(&subject);
        for (uint64_t step = 1; step <= 80 * EVERY; step++) {
            double loss = noisy(train_at(step / EVERY), .1, &random);
            if (step % intervals[k] == 0)
                subject_loss(&subject, step, loss);
            struct tw_record record = eval_record(step / EVERY, overfit_at(step / EVERY));
            if (step % EVERY == 0)
                subject_observe(&subject, &record);
        }
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
        assert_int_equal(subject.findings[0].onset_step, BEST * EVERY);
        assert_in_range(subject.findings[0].detected_step, (BEST + 5) * EVERY, (BEST + 9) * EVERY);
        subject_stop(&subject);
    }
}

static void without_any_training_loss_a_large_sure_rise_is_a_warning(void **state)
{
    struct subject subject;
    uint64_t random = 8;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 80; i++) {
        struct tw_record record = eval_record(i, noisy(overfit_at(i), .003, &random));
        subject_observe(&subject, &record);
        assert_true(i > BEST + 20 || subject.n == 0); /* 10 % take 25 */
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
    subject_stop(&subject);
}

/* ---- what is no overfitting ---- */

static void healthy_runs_with_a_growing_gap_raise_no_alarm(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct subject subject;
        uint64_t random = seed;
        double sigma = seed % 3 == 0 ? .03 : seed % 3 == 1 ? .01 : .002;
        start(&subject);
        for (uint64_t i = 0; i < 20 + seed; i++)
            pair(&subject, i, noisy(healthy_at(i), sigma, &random),
                 noisy(train_at(i), .02, &random));
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
    }
}

static void a_noisy_plateau_is_hardly_ever_told(void **state)
{
    int told = 0, critical = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t i = 0; i < 12 + seed % 50; i++)
            pair(&subject, i, noisy(.8 + exp(-(double)i), .05, &random), train_at(i));
        told += subject_count(&subject, TW_SEVERITY_WARNING) > 0;
        critical += subject_count(&subject, TW_SEVERITY_CRITICAL) > 0;
        subject_stop(&subject);
    }
    assert_true(told <= 6); /* 3 %; 5 % noise are more than most public runs have */
    assert_true(critical <= 2);
}

static void a_run_whose_training_loss_rises_too_does_not_overfit(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 80; i++)
        pair(&subject, i, overfit_at(i), i <= BEST ? train_at(i) : train_at(BEST) * 1.001);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_loss_near_zero_may_double(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 60; i++) {
        double loss = i <= 20 ? .01 + 2 * exp(-(double)i) : .01 + .0003 * ((double)i - 20);
        pair(&subject, i, loss, train_at(i));
    }
    /* The first three are 2.01, .746 and .281: .0117 is 1.6 % of the way from .746 to .01. */
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_run_that_came_back_before_is_given_time(void **state)
{
    struct subject subject;
    uint64_t random = 2;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 62; i++) {
        /* Up by 40 % from 10 to 22 and to a new best, and again from 40 on by 30 %. */
        bool is_up = (i > 10 && i < 22) || i > 40;
        double level = (1.5 - .002 * (double)i) * (is_up ? i < 22 ? 1.4 : 1.3 : 1);
        pair(&subject, i, noisy(level, .005, &random), train_at(i));
    }
    assert_int_equal(subject.n, 1); /* the first, taken back; the second lasts less than 2 x 12 */
    assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
    subject_stop(&subject);
}

/* ---- taking it back ---- */

static void run_to_warning(struct subject *subject)
{
    start(subject);
    for (uint64_t i = 0; i <= BEST + 8; i++)
        pair(subject, i, overfit_at(i), train_at(i));
    assert_int_equal(subject->n, 1);
    assert_int_equal(subject->findings[0].state, TW_STATE_OPEN);
}

static void a_new_best_withdraws(void **state)
{
    struct subject subject;
    (void)state;
    run_to_warning(&subject);
    pair(&subject, BEST + 9, .9 * .997, .1); /* not by half a percent */
    assert_int_equal(subject.findings[0].state, TW_STATE_OPEN);
    pair(&subject, BEST + 10, .9 * .994, .1);
    assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
    subject_stop(&subject);
}

static void a_loss_that_comes_back_to_its_best_recovers(void **state)
{
    struct subject subject;
    (void)state;
    run_to_warning(&subject);
    for (uint64_t i = BEST + 9; i < BEST + 12; i++)
        pair(&subject, i, .9 * 1.003, .1);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    subject_stop(&subject);
}

static void going_back_to_before_the_best_recovers(void **state)
{
    struct subject subject;
    (void)state;
    run_to_warning(&subject);
    subject_loss(&subject, (BEST + 8) * EVERY + 1, .2);
    subject_event(&subject, (BEST + 9) * EVERY, "resume"); /* goes on from where it was */
    assert_int_equal(subject.findings[0].state, TW_STATE_OPEN);
    subject_loss(&subject, BEST * EVERY, .2); /* the step index went back */
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    subject_stop(&subject);
}

/* ---- severity ---- */

static void an_accuracy_that_improves_makes_it_calibration_drift(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 100; i++) {
        scored(&subject, i, overfit_at(i), train_at(i), .5 + .004 * (double)i);
        if (i == BEST + 10)
            assert_int_equal(subject.findings[0].severity, TW_SEVERITY_INFO);
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING); /* 28 %: no critical */
    assert_string_equal(subject.findings[0].evidence.extras[0].name, "kind");
    assert_string_equal(subject.findings[0].evidence.extras[0].text, "calibration drift");
    subject_stop(&subject);
}

static void an_accuracy_that_stands_still_changes_nothing(void **state)
{
    struct subject subject;
    uint64_t random = 3;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 80; i++)
        scored(&subject, i, overfit_at(i), train_at(i), noisy(.6, .01, &random));
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    subject_stop(&subject);
}

static void one_sample_more_is_no_better_accuracy(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 80; i++) {
        struct tw_record record = eval_record(i, overfit_at(i));
        tw_record_set(&record, TW_SIGNAL_TRAIN_LOSS, train_at(i));
        tw_record_set(&record, TW_SIGNAL_EVAL_SAMPLES, 114);
        /* From 107 right answers at the best to 109: 2 of 114 are .0175, and two standard errors of
         * a share of .956 are .0384. */
        tw_record_add_metric(&record, "accuracy", (106 + (double)(i / 20)) / 114);
        subject_observe(&subject, &record);
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    assert_string_equal(subject.findings[0].evidence.extras[0].text, "overfitting");
    subject_stop(&subject);
}

static void an_accuracy_that_improved_long_ago_is_no_excuse(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 80; i++) /* up by .2 right after the best, and still from there */
        scored(&subject, i, overfit_at(i), train_at(i), i <= BEST + 1 ? .6 : .8);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    subject_stop(&subject);
}

static void declared_early_stopping_is_waited_for(void **state)
{
    struct subject subject;
    struct tw_record header = step_record(0);
    (void)state;
    start(&subject);
    header.kind = TW_KIND_HEADER;
    assert_non_null(tw_record_add_header(&header));
    assert_int_equal(tw_header_set_number(header.header, "early_stopping_patience", 12), 0);
    subject_observe(&subject, &header);
    tw_record_clear(&header);
    for (uint64_t i = 0; i <= BEST + 12; i++)
        pair(&subject, i, overfit_at(i), train_at(i));
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_INFO);
    pair(&subject, BEST + 13, overfit_at(BEST + 13), .1); /* it did not stop */
    assert_true(subject.findings[0].severity >= TW_SEVERITY_WARNING);
    subject_stop(&subject);
}

/* ---- gates ---- */

static void rate(struct subject *subject, uint64_t i, double rate)
{
    struct tw_record record = step_record(i * EVERY + 1);
    tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, rate);
    subject_observe(subject, &record);
}

static uint64_t detected_with_drop_at(uint64_t drop)
{
    struct subject subject;
    start(&subject);
    for (uint64_t i = 0; i < 80; i++) {
        rate(&subject, i, i < drop ? .1 : .01);
        pair(&subject, i, overfit_at(i), train_at(i));
    }
    assert_int_equal(subject.n, 1);
    uint64_t detected = subject.findings[0].detected_step / EVERY;
    subject_stop(&subject);
    return detected;
}

static void after_a_drop_of_the_learning_rate_three_evaluations_pass(void **state)
{
    uint64_t usual = detected_with_drop_at(80);
    (void)state;
    assert_int_equal(detected_with_drop_at(10), usual);
    assert_int_equal(detected_with_drop_at(usual), usual + 3);
}

static void a_schedule_that_runs_out_evenly_drops_nothing(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    uint64_t usual = detected_with_drop_at(80), end = usual + 1;
    for (uint64_t i = 0; i <= end; i++) {
        rate(&subject, i, .001 * (double)(end - i)); /* ..., .003, .002, .001, 0 */
        pair(&subject, i, overfit_at(i), train_at(i));
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].detected_step, usual * EVERY);
    subject_stop(&subject);
}

static void other_data_make_a_new_best(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t i = 0; i < 60; i++) {
        if (i == BEST)
            subject_event(&subject, i * EVERY, "data_change");
        pair(&subject, i, i < BEST ? healthy_at(i) : 2 * healthy_at(i - BEST), train_at(i));
    }
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void too_few_evaluations_and_other_objectives_are_not_judged(void **state)
{
    struct subject subject;
    char reason[128];
    (void)state;
    start(&subject);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "no evaluation loss in the log");
    for (uint64_t i = 0; i < 5; i++)
        pair(&subject, i, 1 + .5 * (double)i, train_at(i));
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "only 5 evaluations of the loss");
    assert_int_equal(subject.n, 0);
    pair(&subject, 5, 1, .1);
    assert_true(subject_has_judged(&subject, reason, sizeof reason));
    subject_stop(&subject);

    struct tw_record header = step_record(0);
    start(&subject);
    header.kind = TW_KIND_HEADER;
    assert_non_null(tw_record_add_header(&header));
    strcpy(header.header->objective, "adversarial");
    subject_observe(&subject, &header);
    tw_record_clear(&header);
    for (uint64_t i = 0; i < 80; i++)
        pair(&subject, i, overfit_at(i), train_at(i));
    assert_int_equal(subject.n, 0);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_non_null(strstr(reason, "adversarial"));
    subject_stop(&subject);
}

/* ---- NaN, and being saved ---- */

static void no_nan_keeps_it_from_finding(void **state)
{
    (void)state;
    for (uint64_t broken = 0; broken < BEST + 3; broken++) {
        struct subject subject;
        start(&subject);
        for (uint64_t i = 0; i < 80; i++) {
            pair(&subject, i, i == broken ? NAN : overfit_at(i),
                 i == broken + 1 ? INFINITY : train_at(i));
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_CRITICAL), 1);
        subject_stop(&subject);
    }
}

static void a_state_that_was_saved_goes_on_as_if_nothing_had_happened(void **state)
{
    struct subject whole, halves;
    (void)state;
    start(&whole);
    start(&halves);
    for (uint64_t i = 0; i < 80; i++) {
        pair(&whole, i, overfit_at(i), train_at(i));
        pair(&halves, i, overfit_at(i), train_at(i));
        void *saved = malloc(subject_state_size(&halves));
        memcpy(saved, halves.state, subject_state_size(&halves));
        free(halves.state);
        halves.state = saved;
    }
    assert_true(whole.reports == halves.reports);
    assert_memory_equal(whole.state, halves.state, subject_state_size(&whole));
    subject_stop(&whole);
    subject_stop(&halves);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_rising_evaluation_loss_is_found_with_its_best_as_onset),
        TEST(a_small_rise_is_a_warning_and_a_large_one_critical),
        TEST(a_run_of_ten_epochs_is_judged_by_its_trend),
        TEST(training_losses_of_the_steps_do_where_evaluations_bring_none),
        TEST(without_any_training_loss_a_large_sure_rise_is_a_warning),
        TEST(healthy_runs_with_a_growing_gap_raise_no_alarm),
        TEST(a_noisy_plateau_is_hardly_ever_told),
        TEST(a_run_whose_training_loss_rises_too_does_not_overfit),
        TEST(a_loss_near_zero_may_double),
        TEST(a_run_that_came_back_before_is_given_time),
        TEST(a_new_best_withdraws),
        TEST(a_loss_that_comes_back_to_its_best_recovers),
        TEST(going_back_to_before_the_best_recovers),
        TEST(an_accuracy_that_improves_makes_it_calibration_drift),
        TEST(an_accuracy_that_stands_still_changes_nothing),
        TEST(one_sample_more_is_no_better_accuracy),
        TEST(an_accuracy_that_improved_long_ago_is_no_excuse),
        TEST(declared_early_stopping_is_waited_for),
        TEST(after_a_drop_of_the_learning_rate_three_evaluations_pass),
        TEST(a_schedule_that_runs_out_evenly_drops_nothing),
        TEST(other_data_make_a_new_best),
        TEST(too_few_evaluations_and_other_objectives_are_not_judged),
        TEST(no_nan_keeps_it_from_finding),
        TEST(a_state_that_was_saved_goes_on_as_if_nothing_had_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
