/* Vanishing gradients: told of runs that do not learn, and of no others. */
#include "tests/unit/detector_fixture.h"

#define LAYERS 4

static void start(struct subject *subject)
{
    subject_start(subject, &tw_detector_vanishing_gradient);
}

static void feed_layers(struct subject *subject, uint64_t step, float first, float last)
{
    struct tw_record record = step_record(step);
    record.kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(&record, LAYERS);
    float *norms = tw_layers_add_column(layers, TW_LAYER_GRAD_NORM);
    for (int i = 0; i < LAYERS; i++)
        norms[i] = first * powf(last / first, (float)i / (LAYERS - 1));
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

/* A run of 600 steps with a layers record each `every`; the loss falls from 2.3 to `to`. */
static void feed(struct subject *subject, double to, float first, float last, uint64_t every)
{
    uint64_t seed = 3;
    for (uint64_t step = 0; step < 600; step++) {
        double loss = to + (2.3 - to) * exp(-(double)step / 60);
        subject_loss(subject, step, loss * exp(.01 * next_normal(&seed)));
        if (step % every == 0)
            feed_layers(subject, step, first, last);
    }
}

static void a_stuck_run_whose_first_layer_gets_nothing_is_warned_of(void **state)
{
    static const uint64_t intervals[] = {1, 10, 50};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct subject subject;
        start(&subject);
        feed(&subject, 2.29, 1e-6f, .1f, intervals[i]);
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
        assert_int_equal(subject.findings[0].state, TW_STATE_OPEN);
        assert_int_equal(subject.findings[0].onset_step, 100); /* the end of the warm-up */
        assert_float_equal(subject.findings[0].evidence.value, 1e-5, 1e-7);
        subject_stop(&subject);
    }
}

static void a_run_that_learns_is_left_in_peace(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    feed(&subject, .2, 1e-6f, .1f, 10);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void both_the_share_and_the_norm_have_to_be_small(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    feed(&subject, 2.29, 1e-3f, 10, 10); /* a ratio of 1e-4, but 1e-3 arrives */
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
    start(&subject);
    feed(&subject, 2.29, 1e-5f, 1e-3f, 10); /* small everywhere: a ratio of a hundredth */
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_frozen_first_layer_is_passed_over(void **state)
{
    (void)state;
    struct subject subject;
    uint64_t seed = 4;
    start(&subject);
    for (uint64_t step = 0; step < 600; step++) {
        struct tw_record record = step_record(step);
        record.kind = TW_KIND_LAYERS;
        float *norms =
            tw_layers_add_column(tw_record_add_layers(&record, LAYERS), TW_LAYER_GRAD_NORM);
        norms[0] = 0;
        norms[1] = norms[2] = norms[3] = .1f;
        subject_loss(&subject, step, 2.3 * exp(.01 * next_normal(&seed)));
        subject_observe(&subject, &record);
        tw_record_clear(&record);
    }
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void norms_of_next_to_nothing_are_told_without_layers(void **state)
{
    (void)state;
    for (int is_stuck = 0; is_stuck < 2; is_stuck++) {
        struct subject subject;
        start(&subject);
        for (uint64_t step = 0; step < 400; step++) {
            double loss = is_stuck ? 2.3 : 2.3 * exp(-(double)step / 40);
            struct tw_record record = loss_record(step, loss);
            tw_record_set(&record, TW_SIGNAL_GRAD_NORM, 2e-9);
            subject_observe(&subject, &record);
        }
        assert_int_equal(subject.n, is_stuck);
        subject_stop(&subject);
    }
}

static void it_is_over_when_gradients_arrive(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    feed(&subject, 2.29, 1e-6f, .1f, 10);
    assert_int_equal(subject.findings[0].state, TW_STATE_OPEN);
    for (uint64_t step = 600; step < 700; step += 10)
        feed_layers(&subject, step, .05f, .1f);
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    subject_stop(&subject);
}

static void what_is_missing_is_told(void **state)
{
    char reason[128];
    (void)state;
    struct subject subject;
    start(&subject);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "no gradient norms of layers in the log");
    for (uint64_t step = 0; step < 10; step++)
        feed_layers(&subject, step, .1f, .1f);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "only 0 losses");
    feed(&subject, 1, .1f, .1f, 10);
    assert_true(subject_has_judged(&subject, reason, sizeof reason));
    subject_stop(&subject);
}

static void a_number_that_is_none_disables_nothing(void **state)
{
    (void)state;
    struct subject subject;
    start(&subject);
    feed_layers(&subject, 0, NAN, NAN);
    subject_loss(&subject, 0, NAN);
    feed_layers(&subject, 0, INFINITY, .1f);
    feed(&subject, 2.29, 1e-6f, .1f, 10);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    subject_stop(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stuck_run_whose_first_layer_gets_nothing_is_warned_of),
        cmocka_unit_test(a_run_that_learns_is_left_in_peace),
        cmocka_unit_test(both_the_share_and_the_norm_have_to_be_small),
        cmocka_unit_test(a_frozen_first_layer_is_passed_over),
        cmocka_unit_test(norms_of_next_to_nothing_are_told_without_layers),
        cmocka_unit_test(it_is_over_when_gradients_arrive),
        cmocka_unit_test(what_is_missing_is_told),
        cmocka_unit_test(a_number_that_is_none_disables_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
