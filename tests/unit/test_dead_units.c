/* Dead units: simulated layers of ReLU networks. */
#include "tests/unit/detector_fixture.h"

static void begin(struct subject *subject, const char *activation)
{
    struct tw_record record = step_record(0);
    static const char *const names[] = {"hidden1", "hidden2", "output"};
    subject_start(subject, &tw_detector_dead_units);
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    header->dataset_classes = 10;
    for (int i = 0; i < 3; i++)
        strcpy(tw_header_add_layer(header, names[i])->activation, activation);
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

static void send_layers(struct subject *subject, uint64_t step, const float dead[3],
                        const float norms[3])
{
    struct tw_record record = step_record(step);
    record.kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(&record, 3);
    layers->header_hash = subject->context.header_hash;
    if (dead)
        memcpy(tw_layers_add_column(layers, TW_LAYER_DEAD_FRACTION), dead, 3 * sizeof *dead);
    if (norms)
        memcpy(tw_layers_add_column(layers, TW_LAYER_GRAD_NORM), norms, 3 * sizeof *norms);
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

static const float healthy_norms[] = {.6f, .4f, .3f};

/* Steps whose second layer has `dead` of its units dead, at a loss of about `level`. */
static void train(struct subject *subject, uint64_t first, uint64_t last, uint64_t every,
                  double dead, double level, uint64_t *seed)
{
    for (uint64_t step = first; step <= last; step++) {
        float shares[] = {.05f, (float)fmin(dead + .01 * next_normal(seed), 1), NAN};
        subject_loss(subject, step, level * exp(.2 * next_heavy(seed)));
        if (step % every == 0)
            send_layers(subject, step, shares, healthy_norms);
    }
}

/* 512 units at 30 times the usual rate: .94 dead at the end, and 98 % of the digits right. */
static void a_network_that_learns_may_lose_most_of_its_units(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct subject subject;
        uint64_t random = seed;
        begin(&subject, "relu");
        for (uint64_t step = 1; step <= 2000; step++) {
            double share = .94 * (1 - exp(-(double)step / 60));
            train(&subject, step, step, 10, share, 2.3 * exp(-(double)step / 50) + .01, &random);
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
        assert_true(subject_has_judged(&subject, (char[128]){0}, 128));
        subject_stop(&subject);
    }
}

static void units_that_die_without_learning_are_a_warning(void **state)
{
    static const uint64_t intervals[] = {1, 10, 50};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct subject subject;
        uint64_t seed = 2;
        begin(&subject, "relu");
        train(&subject, 1, 499, intervals[i], .1, 2.2, &seed);
        train(&subject, 500, 1000, intervals[i], .7, 2.3, &seed);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 1);
        const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_WARNING);
        assert_int_equal(finding->severity, TW_SEVERITY_WARNING);
        assert_string_equal(finding->scope, "layer:hidden2");
        assert_int_equal(finding->onset_step, 500);
        assert_true(finding->detected_step <= 500 + 2 * (intervals[i] > 10 ? intervals[i] : 10));
        assert_float_equal(finding->evidence.baseline, .1, .05);
        subject_stop(&subject);
    }
}

/* The first layer only gets what the dead one lets through: nothing. */
static void a_layer_that_lets_no_gradient_through_is_critical(void **state)
{
    struct subject subject;
    const float few[] = {.1f, .1f, NAN}, all[] = {.7f, 1, NAN}, none[] = {0, 0, .5f};
    (void)state;
    begin(&subject, "relu");
    for (uint64_t step = 10; step <= 400; step += 10) {
        subject_loss(&subject, step, 2.3);
        send_layers(&subject, step, step < 200 ? few : all, step < 200 ? healthy_norms : none);
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    assert_string_equal(subject.findings[0].scope, "layer:hidden2");
    assert_int_equal(subject.findings[0].onset_step, 200);
    assert_int_equal(subject.findings[0].detected_step, 220);
    subject_stop(&subject);
}

static void dead_from_the_first_count_on_is_told_apart(void **state)
{
    struct subject subject;
    uint64_t seed = 4;
    (void)state;
    begin(&subject, "relu");
    train(&subject, 1, 200, 10, .8, 2.3, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    assert_string_equal(subject.findings[0].evidence.extras[0].name, "from_start");
    assert_true(subject.findings[0].evidence.extras[0].value == 1);
    assert_int_equal(subject.findings[0].onset_step, 10);
    subject_stop(&subject);
}

static void a_loss_that_comes_down_all_the_same_withdraws_it(void **state)
{
    struct subject subject;
    uint64_t seed = 5;
    (void)state;
    begin(&subject, "relu");
    train(&subject, 1, 200, 10, .7, 2.3, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    train(&subject, 201, 300, 10, .7, .2, &seed);
    assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
    subject_stop(&subject);
}

/* A tenth of 2,000 steps is 200. While the loss comes down by a tenth now and then, a network can
 * do without the units that it lost. */
static void a_warning_waits_for_a_tenth_of_the_budget_without_progress(void **state)
{
    (void)state;
    for (int learns = 0; learns < 2; learns++) {
        struct subject subject;
        uint64_t seed = 21;
        begin(&subject, "relu");
        subject.context.declared_max_steps = 2000;
        train(&subject, 1, 100, 10, 0, 2.3, &seed);
        for (uint64_t i = 0; i < 4; i++)
            train(&subject, 101 + 70 * i, 170 + 70 * i, 10, .8,
                  learns ? 2.3 * pow(.85, (double)i) : 2.3, &seed);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), !learns);
        if (!learns)
            assert_true(subject.findings[0].detected_step >= 310);
        subject_stop(&subject);
    }
}

static void units_with_a_slope_below_zero_cannot_die(void **state)
{
    static const char *const others[] = {"leaky_relu", "gelu", "tanh", "none", ""};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct subject subject;
        uint64_t seed = 6;
        begin(&subject, others[i]);
        train(&subject, 1, 500, 10, .99, 2.3, &seed);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
        assert_true(subject_has_judged(&subject, (char[128]){0}, 128));
        subject_stop(&subject);
    }
}

static void relu_layers_without_a_count_are_not_checked(void **state)
{
    struct subject subject;
    char reason[128] = "";
    (void)state;
    begin(&subject, "relu");
    for (uint64_t step = 10; step <= 400; step += 10)
        send_layers(&subject, step, NULL, healthy_norms);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "no share of dead units in the log");
    subject_stop(&subject);
}

static void numbers_that_are_none_do_not_end_the_watch(void **state)
{
    struct subject subject;
    const float nans[] = {NAN, NAN, NAN}, odd[] = {-1, INFINITY, 2};
    uint64_t seed = 7;
    (void)state;
    begin(&subject, "relu");
    send_layers(&subject, 1, nans, nans);
    subject_loss(&subject, 1, NAN);
    send_layers(&subject, 2, odd, odd);
    train(&subject, 3, 300, 10, .1, 2.3, &seed);
    send_layers(&subject, 300, nans, odd);
    train(&subject, 301, 500, 10, .8, 2.3, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    subject_stop(&subject);
}

static void a_copied_state_goes_on_the_same(void **state)
{
    struct subject whole, first, second;
    uint64_t seeds[] = {8, 8};
    (void)state;
    begin(&whole, "relu");
    begin(&first, "relu");
    begin(&second, "relu");
    train(&whole, 1, 250, 10, .7, 2.3, &seeds[0]);
    train(&whole, 251, 600, 10, .1, 2.3, &seeds[0]);
    train(&first, 1, 250, 10, .7, 2.3, &seeds[1]);
    memcpy(second.state, first.state, subject_state_size(&second));
    second.context = first.context;
    second.reports = first.reports;
    train(&second, 251, 600, 10, .1, 2.3, &seeds[1]);
    assert_true(whole.reports == second.reports);
    assert_memory_equal(whole.state, second.state, subject_state_size(&whole));
    assert_int_equal(whole.findings[0].state, TW_STATE_RECOVERED);
    subject_stop(&whole);
    subject_stop(&first);
    subject_stop(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_that_learns_may_lose_most_of_its_units),
        cmocka_unit_test(units_that_die_without_learning_are_a_warning),
        cmocka_unit_test(a_layer_that_lets_no_gradient_through_is_critical),
        cmocka_unit_test(dead_from_the_first_count_on_is_told_apart),
        cmocka_unit_test(a_loss_that_comes_down_all_the_same_withdraws_it),
        cmocka_unit_test(a_warning_waits_for_a_tenth_of_the_budget_without_progress),
        cmocka_unit_test(units_with_a_slope_below_zero_cannot_die),
        cmocka_unit_test(relu_layers_without_a_count_are_not_checked),
        cmocka_unit_test(numbers_that_are_none_do_not_end_the_watch),
        cmocka_unit_test(a_copied_state_goes_on_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
