/* Divergence that something else than the newest losses shows: the end of a short log, a cut of the
 * learning rate, evaluations, the loss of a guess. */
#include "detectors/divergence/state.h"
#include "tests/unit/detector_fixture.h"

static void start(struct subject *subject)
{
    subject_start(subject, &tw_detector_divergence);
}

/* Feeds a whole log and ends it. */
static void run_log(struct subject *subject, const double *losses, size_t n)
{
    struct tw_report report = {0};
    start(subject);
    for (size_t i = 0; i < n; i++)
        subject_loss(subject, i + 1, losses[i]);
    subject->detector->finish(subject->state, subject->config, &subject->context, &subject->shared,
                              &report);
    for (uint32_t i = 0; i < report.n; i++)
        subject_apply(subject, &report.conditions[i]);
}

static void check_short(const double *losses, size_t n, bool is_found, uint64_t onset)
{
    struct subject subject;
    char reason[128];
    run_log(&subject, losses, n);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), is_found);
    assert_int_equal(subject_has_judged(&subject, reason, sizeof reason), is_found);
    if (is_found) {
        assert_int_equal(subject.findings[0].onset_step, onset);
        assert_true(subject.findings[0].confidence <= .5);
    }
    subject_stop(&subject);
}

#define CHECK_SHORT(losses, is_found, onset)                                                       \
    check_short(losses, sizeof losses / sizeof *losses, is_found, onset)

static void a_short_log_that_ends_far_above_its_start_has_diverged(void **state)
{
    static const double rising[] = {6.4, 6.6, 7.3, 9.1, 10.2}; /* each above the one before */
    static const double ending[] = {2, 1.5, 1.6, 1.7, 1.9, 1.9, 3.3, 3.3, 4.2, 7.4};
    static const double jumped[] = {3.06, 3.11, 7.7};
    static const double absurd[] = {2.5, 540, 3, 5e5, 5.8, 2e4};
    (void)state;
    CHECK_SHORT(rising, true, 2);
    CHECK_SHORT(ending, true, 3);
    CHECK_SHORT(jumped, true, 2);
    CHECK_SHORT(absurd, true, 2);
}

static void other_short_logs_are_not_checked(void **state)
{
    static const double falling[] = {2.3, 2, 1.7, 1.5, 1.4, 1.3, 1.25, 1.2};
    static const double flat[] = {2.3, 2.31, 2.29, 2.3, 2.3, 2.32};
    static const double noisy[] = {2.3, 1.1, 2.2, .9, 1.8, 1, 2.4}; /* never above its noise */
    static const double spiky[] = {2.3, 2, 90, 1.9, 1.8, 1.7};
    static const double two[] = {2.3, 2e6};
    (void)state;
    CHECK_SHORT(falling, false, 0);
    CHECK_SHORT(flat, false, 0);
    CHECK_SHORT(noisy, false, 0);
    CHECK_SHORT(spiky, false, 0);
    CHECK_SHORT(two, false, 0);
}

/* 60 epochs, of which the newest grow by a quarter each. */
static void run_epochs(struct subject *subject, unsigned growing, uint64_t seed)
{
    double losses[60];
    for (unsigned i = 0; i < 60; i++) {
        unsigned grown = i + growing > 60 ? i + growing - 60 : 0;
        losses[i] =
            (.4 + 1.1 * exp(-(double)i / 15)) * exp(.03 * next_normal(&seed)) * pow(1.25, grown);
    }
    run_log(subject, losses, 60);
}

static void a_log_that_ends_while_it_blows_up_has_diverged(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct subject subject;
        run_epochs(&subject, 24, seed);
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
        assert_in_range(subject.findings[0].onset_step, 36, 44);
        subject_stop(&subject);
        run_epochs(&subject, 6, seed); /* as many may be bad batches */
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
        run_epochs(&subject, 0, seed);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
    }
}

/* ---- a cut of the learning rate ---- */

static void feed_rated(struct subject *subject, uint64_t from, uint64_t to, double loss,
                       double rate, uint64_t *seed)
{
    for (uint64_t i = from; i < to; i++) {
        struct tw_record record = loss_record(200 * i, loss * exp(.02 * next_normal(seed)));
        tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, rate);
        subject_observe(subject, &record);
    }
}

static void a_loss_that_halves_once_the_rate_is_cut_had_been_held_up_by_it(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 1;
    start(&subject);
    feed_rated(&subject, 1, 60, 18, 20, &seed);
    assert_int_equal(subject.n, 0);
    feed_rated(&subject, 60, 90, 8.4, 5, &seed);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    assert_int_equal(subject.findings[0].onset_step, 200);
    subject_stop(&subject);
}

/* A step schedule is followed by such falls in any good run. */
static void a_run_that_had_learned_before_the_cut_is_well(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 2;
    start(&subject);
    feed_rated(&subject, 1, 20, 18, 20, &seed);
    feed_rated(&subject, 20, 80, 9, 20, &seed);
    feed_rated(&subject, 80, 140, 4, 2, &seed);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* ---- evaluations ---- */

static void feed_eval(struct subject *subject, uint64_t step, double loss)
{
    struct tw_record record = step_record(step);
    record.kind = TW_KIND_EVAL;
    tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, loss);
    subject_observe(subject, &record);
}

/* Ten evaluations, of which the last five are `last`; the training loss ends at `train`. */
static void feed_evals(struct subject *subject, double last, double train, bool has_train)
{
    uint64_t seed = 3;
    start(subject);
    for (uint64_t i = 0; i < 10; i++) {
        for (uint64_t step = 0; has_train && step < 20; step++)
            subject_loss(subject, 200 * i + step * 10,
                         (i < 5 ? 2 : train) * exp(.01 * next_normal(&seed)));
        feed_eval(subject, 200 * i + 199, i < 5 ? 2.5 - .1 * (double)i : last);
    }
}

static void evaluations_that_rise_while_training_does_not_fall_are_divergence(void **state)
{
    (void)state;
    struct subject subject;
    feed_evals(&subject, 8, 2, true);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    assert_int_equal(subject.findings[0].state, TW_STATE_OPEN);
    assert_int_equal(subject.findings[0].onset_step, 1199); /* the sixth evaluation */
    feed_eval(&subject, 2500, 2.1);
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    subject_stop(&subject);
}

static void while_it_falls_they_are_overfitting_and_not_ours(void **state)
{
    (void)state;
    struct subject subject;
    feed_evals(&subject, 8, 1.5, true);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void without_training_losses_they_must_exceed_the_first_one(void **state)
{
    (void)state;
    struct subject subject;
    feed_evals(&subject, 4, 0, false); /* less than twice the first, 2.5 */
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
    feed_evals(&subject, 80, 0, false);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    subject_stop(&subject);
}

static void one_bad_evaluation_is_none(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 4;
    start(&subject);
    for (uint64_t i = 0; i < 10; i++) {
        for (uint64_t step = 0; step < 20; step++)
            subject_loss(&subject, 200 * i + step * 10, 2 * exp(.01 * next_normal(&seed)));
        feed_eval(&subject, 200 * i + 199, i == 6 || i == 7 ? 9 : 2);
    }
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* ---- the loss of a guess ---- */

/* 300 losses about `level`, which begins at `first`; the header tells ten classes: ln 10 = 2.303.
 */
static size_t count_over_guess(double first, double level, bool is_told)
{
    struct subject subject;
    uint64_t seed = 5;
    start(&subject);
    if (is_told) {
        struct tw_record record = step_record(0);
        record.kind = TW_KIND_HEADER;
        tw_record_add_header(&record)->dataset_classes = 10;
        subject_observe(&subject, &record);
        tw_record_clear(&record);
    }
    for (uint64_t i = 0; i < 300; i++)
        subject_loss(&subject, i, (i < 10 ? first : level) * exp(.02 * next_normal(&seed)));
    size_t n = subject_count(&subject, TW_SEVERITY_CRITICAL);
    subject_stop(&subject);
    return n;
}

static void a_run_worse_than_guessing_has_diverged(void **state)
{
    (void)state;
    assert_int_equal(count_over_guess(4, 5, true), 1);
    assert_int_equal(count_over_guess(4, 5, false), 0); /* a rise by a quarter alone */
    assert_int_equal(count_over_guess(4, 4, true), 0);  /* flat: it does not learn, that is all */
    assert_int_equal(count_over_guess(2.3, 2.5, true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_log_that_ends_far_above_its_start_has_diverged),
        cmocka_unit_test(other_short_logs_are_not_checked),
        cmocka_unit_test(a_log_that_ends_while_it_blows_up_has_diverged),
        cmocka_unit_test(a_loss_that_halves_once_the_rate_is_cut_had_been_held_up_by_it),
        cmocka_unit_test(a_run_that_had_learned_before_the_cut_is_well),
        cmocka_unit_test(evaluations_that_rise_while_training_does_not_fall_are_divergence),
        cmocka_unit_test(while_it_falls_they_are_overfitting_and_not_ours),
        cmocka_unit_test(without_training_losses_they_must_exceed_the_first_one),
        cmocka_unit_test(one_bad_evaluation_is_none),
        cmocka_unit_test(a_run_worse_than_guessing_has_diverged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
