/* Divergence of losses that have come down to next to nothing, where ratios mean little. */
#include "tests/unit/detector_fixture.h"

/* A classifier of ten classes: from ln 10 to a best level of .01, with batches whose losses differ
 * by factors. */
#define GUESS 2.303
#define BEST .01
#define NOISE .8
#define LEARNED 600

static void start(struct subject *subject)
{
    subject_start(subject, &tw_detector_divergence);
}

static void feed(struct subject *subject, uint64_t from, uint64_t to, double level, double noise,
                 uint64_t *random)
{
    for (uint64_t step = from; step < to; step++)
        subject_loss(subject, step, level * exp(noise * next_normal(random)));
}

static void learn(struct subject *subject, uint64_t *random)
{
    for (uint64_t step = 1; step < LEARNED; step++) {
        double level = BEST + (GUESS - BEST) * exp(-(double)step / 60);
        feed(subject, step, step + 1, level, step < 10 ? .05 : NOISE, random);
    }
}

static void a_loss_near_zero_may_rise_by_a_multiple(void **state)
{
    (void)state;
    /* Six times the best is 2 % of the way back to a guess. */
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        learn(&subject, &random);
        feed(&subject, LEARNED, 900, 6 * BEST, NOISE, &random);
        feed(&subject, 900, 1200, BEST, NOISE, &random);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        subject_stop(&subject);
    }
}

static void a_quarter_of_the_way_back_is_critical(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        learn(&subject, &random);
        feed(&subject, LEARNED, 900, .6, NOISE, &random);
        const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
        assert_non_null(found);
        assert_int_equal(found->state, TW_STATE_OPEN);
        assert_true(found->onset_step >= LEARNED - 20 && found->onset_step <= LEARNED + 20);
        assert_true(found->detected_step <= LEARNED + 100);
        subject_stop(&subject);
    }
}

static void a_slow_rise_is_dated_to_where_it_begins_to_matter(void **state)
{
    (void)state;
    /* From .01 up to 1, by a factor of e in 250 steps: 5 % of the way back to a guess, .125, are
     * lost after 250 ln 12.5 = 631. */
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        learn(&subject, &random);
        for (uint64_t step = LEARNED; step < 1800; step++)
            feed(&subject, step, step + 1, BEST * exp((double)(step - LEARNED) / 250), NOISE,
                 &random);
        const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
        assert_non_null(found);
        assert_true(found->onset_step >= LEARNED + 631 - 150 &&
                    found->onset_step <= LEARNED + 631 + 150);
        subject_stop(&subject);
    }
}

static void a_second_rise_has_its_own_onset(void **state)
{
    struct subject subject;
    uint64_t random = 5;
    (void)state;
    start(&subject);
    learn(&subject, &random);
    feed(&subject, LEARNED, 800, .6, NOISE, &random);
    feed(&subject, 800, 1300, BEST, NOISE, &random);
    feed(&subject, 1300, 1500, .6, NOISE, &random);
    assert_int_equal(subject.n, 2);
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    assert_true(subject.findings[0].closed_step <= 850);
    assert_int_equal(subject.findings[1].state, TW_STATE_OPEN);
    assert_true(subject.findings[1].onset_step >= 1280 && subject.findings[1].onset_step <= 1320);
    subject_stop(&subject);
}

/* A loss that ends at a quarter of its start is not near zero: a lasting rise by an eighth stays a
 * warning. */
static void a_language_model_is_judged_by_its_ratio(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        start(&subject);
        for (uint64_t step = 1; step < 1500; step++)
            feed(&subject, step, step + 1, 3 + 7.8 * exp(-(double)step / 100), .01, &random);
        feed(&subject, 1500, 2000, 3.4, .01, &random);
        const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_WARNING);
        assert_non_null(found);
        assert_true(found->onset_step >= 1490 && found->onset_step <= 1520);
        subject_stop(&subject);
    }
}

/* ---- evaluations ---- */

static void feed_eval(struct subject *subject, uint64_t step, double loss)
{
    struct tw_record record = step_record(step);
    record.kind = TW_KIND_EVAL;
    tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, loss);
    subject_observe(subject, &record);
}

static size_t count_with_evals(double high, double train)
{
    struct subject subject;
    uint64_t random = 3;
    start(&subject);
    for (uint64_t i = 0; i < 20; i++) {
        for (uint64_t step = 0; step < 20; step++) {
            double level = i >= 12 ? train : i ? .05 : step < 8 ? GUESS : .3;
            subject_loss(&subject, 200 * i + 10 * step, level * exp(.1 * next_normal(&random)));
        }
        feed_eval(&subject, 200 * i + 199, !i ? 1 : i < 12 ? .08 : high);
    }
    size_t n = subject_count(&subject, TW_SEVERITY_WARNING);
    subject_stop(&subject);
    return n;
}

static void evaluations_near_zero_may_double(void **state)
{
    (void)state;
    assert_int_equal(count_with_evals(.2, .15), 0); /* 5 % of the way back from .08 to 2.3 */
    assert_int_equal(count_with_evals(.5, .15), 0); /* 19 %, but training is at 4 % */
    assert_int_equal(count_with_evals(.5, .25), 1); /* and at 9 % */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_near_zero_may_rise_by_a_multiple),
        cmocka_unit_test(a_quarter_of_the_way_back_is_critical),
        cmocka_unit_test(a_slow_rise_is_dated_to_where_it_begins_to_matter),
        cmocka_unit_test(a_second_rise_has_its_own_onset),
        cmocka_unit_test(a_language_model_is_judged_by_its_ratio),
        cmocka_unit_test(evaluations_near_zero_may_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
