/* Saturation: layers of simulated runs. The shares of healthy and badly drawn networks below are
 * what a 64-128-64-10 network of tanh layers shows on the handwritten digits. */
#include "tests/unit/detector_fixture.h"

struct network {
    uint32_t n;
    const char *activation; /* of the hidden layers */
    uint64_t max_steps, warmup_steps;
    uint64_t classes;
};

static const struct network tanh_network = {.n = 3, .activation = "tanh", .classes = 10};

static uint64_t send_header(struct subject *subject, const struct network *network)
{
    struct tw_record record = step_record(0);
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    header->dataset_classes = network->classes;
    for (uint32_t i = 0; i < network->n; i++) {
        char name[16];
        snprintf(name, sizeof name, i + 1 < network->n ? "hidden%u" : "output", (unsigned)i + 1);
        struct tw_layer_info *layer = tw_header_add_layer(header, name);
        assert_non_null(layer);
        snprintf(layer->activation, sizeof layer->activation, "%s", network->activation);
    }
    if (network->max_steps)
        tw_header_set_number(header, "max_steps", (double)network->max_steps);
    if (network->warmup_steps)
        tw_header_set_number(header, "warmup_steps", (double)network->warmup_steps);
    uint64_t hash = tw_header_hash(header);
    subject_observe(subject, &record);
    tw_record_clear(&record);
    return hash;
}

/* One record of `n` layers; NULL: the column is not sent. */
static void send_layers(struct subject *subject, uint64_t step, uint32_t n,
                        const float *activations, const float *units, const float *norms)
{
    const float *values[TW_LAYER_COLUMNS] = {[TW_LAYER_SATURATED_FRACTION] = activations,
                                             [TW_LAYER_SATURATED_UNITS_FRACTION] = units,
                                             [TW_LAYER_GRAD_NORM] = norms};
    struct tw_record record = step_record(step);
    record.kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(&record, n);
    layers->header_hash = subject->context.header_hash;
    for (int i = 0; i < TW_LAYER_COLUMNS; i++) {
        if (values[i])
            memcpy(tw_layers_add_column(layers, (enum tw_layer_column)i), values[i],
                   n * sizeof(float));
    }
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

static const float healthy_norms[] = {.6f, .4f, .3f};

/* A loss that falls from `from` towards `to` with noise. */
static void send_loss(struct subject *subject, uint64_t step, double from, double to,
                      uint64_t *seed)
{
    double level = to + (from - to) * exp(-(double)step / 100);
    subject_loss(subject, step, level * exp(.2 * next_heavy(seed)));
}

static float noisy(double share, uint64_t *seed)
{
    return (float)fmin(fmax(share + .02 * next_normal(seed), 0), 1);
}

/* Trains `steps` steps whose layers have constant shares, the second layer the given ones. */
static void train(struct subject *subject, uint64_t first, uint64_t last, uint64_t every,
                  double activations, double units, double from, double to, uint64_t *seed)
{
    for (uint64_t step = first; step <= last; step++) {
        float shares[] = {noisy(activations / 2, seed), noisy(activations, seed), 1};
        float of_units[] = {noisy(units / 2, seed), noisy(units, seed), 1};
        if (step % every == 0 || step == 1)
            send_layers(subject, step, 3, shares, isnan(units) ? NULL : of_units, healthy_norms);
        send_loss(subject, step, from, to, seed);
    }
}

static void begin(struct subject *subject, const struct network *network)
{
    subject_start(subject, &tw_detector_saturation);
    send_header(subject, network);
}

/* ---- healthy ---- */

/* Activations saturate as the network learns: .65 of them at a loss of .02. */
static void layers_that_saturate_as_the_loss_falls_are_healthy(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct subject subject;
        uint64_t random = seed;
        begin(&subject, &tanh_network);
        for (uint64_t step = 1; step <= 3000; step++) {
            double share = .9 * (1 - exp(-(double)step / 150)), units = share - .2;
            float shares[] = {0, noisy(share, &random), 1},
                  of_units[] = {0, noisy(units, &random), 1};
            if (step % 10 == 0 || step == 1)
                send_layers(&subject, step, 3, shares, seed % 2 ? of_units : NULL, healthy_norms);
            send_loss(&subject, step, 2.3, .02, &random);
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
        assert_true(subject_has_judged(&subject, (char[128]){0}, 128));
        subject_stop(&subject);
    }
}

static void half_of_the_activations_need_not_mean_half_of_the_units(void **state)
{
    struct subject subject;
    uint64_t seed = 3;
    (void)state;
    begin(&subject, &tanh_network);
    train(&subject, 1, 1, 10, 0, 0, 2.3, 2.3, &seed);
    train(&subject, 2, 2000, 10, .7, .3, 2.3, 2.3, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
    subject_stop(&subject);
}

/* ---- from the start ---- */

static void weights_drawn_too_wide_are_found_with_the_onset_at_the_start(void **state)
{
    static const uint64_t intervals[] = {1, 10, 50};
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        for (int i = 0; i < 3; i++) {
            struct subject subject;
            uint64_t random = seed;
            begin(&subject, &tanh_network);
            train(&subject, 1, 600, intervals[i], .7, .2, 9.4, .06, &random);
            assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 1);
            const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_WARNING);
            assert_non_null(finding);
            assert_int_equal(finding->severity, TW_SEVERITY_WARNING);
            assert_int_equal(finding->onset_step, 1);
            assert_true(finding->detected_step >= 100 && finding->detected_step <= 150);
            assert_int_equal(finding->state, TW_STATE_OPEN);
            assert_string_equal(finding->scope, "layer:hidden2");
            subject_stop(&subject);
        }
    }
}

static double extra(const struct tw_evidence *evidence, const char *name)
{
    for (uint32_t i = 0; i < evidence->n_extras; i++) {
        if (!strcmp(evidence->extras[i].name, name))
            return evidence->extras[i].value;
    }
    return NAN;
}

/* 70 % of N(0, s) lie beyond .3853 s and 5 % beyond 1.9600 s (tables of the normal distribution),
 * so that the spread has to shrink to .3853 / 1.9600 = .1966. */
static void the_evidence_tells_how_much_narrower_the_weights_should_be(void **state)
{
    struct subject subject;
    const float shares[] = {.3f, .7f, 1};
    (void)state;
    begin(&subject, &tanh_network);
    for (uint64_t step = 1; step <= 101; step += 10)
        send_layers(&subject, step, 3, shares, NULL, healthy_norms);
    const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_WARNING);
    assert_non_null(finding);
    assert_float_equal(extra(&finding->evidence, "init_factor"), .1966, 1e-3);
    assert_float_equal(extra(&finding->evidence, "from_start"), 1, 0);
    assert_float_equal(extra(&finding->evidence, "layers"), 1, 0);
    assert_float_equal(finding->evidence.value, .7, 1e-6);
    assert_float_equal(finding->evidence.threshold, .5, 0);
    subject_stop(&subject);
}

static void a_quarter_from_the_start_is_an_information(void **state)
{
    struct subject subject;
    uint64_t seed = 5;
    (void)state;
    begin(&subject, &tanh_network);
    train(&subject, 1, 600, 10, .4, .1, 2.5, .06, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 1);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
    subject_stop(&subject);
}

static void what_is_over_before_step_100_is_not_told(void **state)
{
    struct subject subject;
    uint64_t seed = 5;
    (void)state;
    begin(&subject, &tanh_network);
    train(&subject, 1, 80, 10, .7, .6, 2.5, 2, &seed);
    train(&subject, 81, 400, 10, .1, .02, 2.5, 1, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
    subject_stop(&subject);
}

static void finish(struct subject *subject)
{
    struct tw_report report = {0};
    subject->detector->finish(subject->state, subject->config, &subject->context, &subject->shared,
                              &report);
    for (uint32_t i = 0; i < report.n; i++)
        subject_apply(subject, &report.conditions[i]);
}

static void a_run_shorter_than_the_warm_up_is_told_at_its_end(void **state)
{
    struct subject subject;
    uint64_t seed = 6;
    (void)state;
    begin(&subject, &tanh_network);
    train(&subject, 1, 60, 10, .7, .2, 9, 5, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
    finish(&subject);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    assert_int_equal(subject.findings[0].onset_step, 1);
    subject_stop(&subject);
}

/* A log that begins in the middle: that a trained layer is saturated says nothing of its start. */
static void a_run_joined_late_was_not_saturated_from_the_start(void **state)
{
    struct subject subject;
    uint64_t seed = 7;
    (void)state;
    begin(&subject, &tanh_network);
    for (uint64_t step = 5000; step <= 6000; step++) {
        const float shares[] = {0, .7f, 1}, units[] = {0, .3f, 1};
        subject_loss(&subject, step, .05 * exp(.2 * next_heavy(&seed)));
        if (step % 10 == 0)
            send_layers(&subject, step, 3, shares, units, healthy_norms);
    }
    assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
    subject_stop(&subject);
}

/* ---- later ---- */

static void units_that_go_to_their_ends_without_learning_are_a_warning(void **state)
{
    static const uint64_t intervals[] = {1, 10, 50};
    (void)state;
    for (int i = 0; i < 3; i++) {
        for (int has_units = 0; has_units < 2; has_units++) {
            struct subject subject;
            uint64_t seed = 8;
            begin(&subject, &tanh_network);
            train(&subject, 1, 499, intervals[i], .1, has_units ? 0 : NAN, 2.3, 1, &seed);
            train(&subject, 500, 1000, intervals[i], .95, has_units ? .7 : NAN, 2.3, 2.3, &seed);
            assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
            const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_WARNING);
            assert_true(finding->onset_step >= 500 && finding->onset_step <= 550);
            assert_true(finding->detected_step <=
                        500 + 3 * (intervals[i] > 10 ? intervals[i] : 20));
            assert_int_equal(finding->state, TW_STATE_OPEN);
            assert_float_equal(extra(&finding->evidence, "from_start"), 0, 0);
            subject_stop(&subject);
        }
    }
}

static void a_loss_that_comes_down_all_the_same_withdraws_it(void **state)
{
    struct subject subject;
    uint64_t seed = 9;
    (void)state;
    begin(&subject, &tanh_network);
    train(&subject, 1, 9, 10, 0, 0, 2.3, 2.3, &seed);
    train(&subject, 10, 200, 10, .9, .7, 2.3, 2.3, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    train(&subject, 201, 300, 10, .9, .7, .1, .1, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
    assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
    subject_stop(&subject);
}

static void it_is_over_when_the_layers_are_well_below_the_line(void **state)
{
    struct subject subject;
    uint64_t seed = 10;
    (void)state;
    begin(&subject, &tanh_network);
    train(&subject, 1, 300, 10, .8, .7, 2.3, 2.3, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    train(&subject, 301, 400, 10, .1, .02, 2.3, 2.3, &seed);
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    assert_true(subject.findings[0].closed_step <= 340);
    subject_stop(&subject);
}

/* ---- gradients ---- */

/* All hidden layers are saturated, and only the output still has a gradient. */
static void layers_that_let_no_gradient_through_are_critical(void **state)
{
    struct subject subject;
    const float shares[] = {.95f, .99f, 0}, units[] = {.84f, .97f, 0}, norms[] = {1e-5f, 4e-5f, 1};
    (void)state;
    begin(&subject, &tanh_network);
    for (uint64_t step = 1; step <= 200; step++) {
        subject_loss(&subject, step, 2.4);
        if (step % 10 == 0)
            send_layers(&subject, step, 3, shares, units, norms);
    }
    assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 1);
    const struct tw_finding *finding = subject_first(&subject, TW_SEVERITY_CRITICAL);
    assert_non_null(finding);
    assert_string_equal(finding->scope, "layer:hidden2");
    assert_int_equal(finding->onset_step, 10);
    assert_float_equal(extra(&finding->evidence, "layers"), 2, 0);
    assert_float_equal(extra(&finding->evidence, "reference_gradient_norm"), 1, 0);
    subject_stop(&subject);
}

/* A large first step throws units to their ends, and they come back. */
static void a_layer_that_is_blocked_for_less_than_100_steps_is_not_critical(void **state)
{
    struct subject subject;
    const float shares[] = {.95f, .99f, 0}, units[] = {.84f, .97f, 0}, norms[] = {1e-5f, 4e-5f, 1};
    (void)state;
    begin(&subject, &tanh_network);
    for (uint64_t step = 210; step <= 700; step += 10) {
        subject_loss(&subject, step, 2.4);
        send_layers(&subject, step, 3, shares, units, step % 200 < 90 ? norms : healthy_norms);
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
    subject_stop(&subject);
}

static void it_grows_critical_without_a_second_finding(void **state)
{
    struct subject subject;
    const float shares[] = {.7f, .9f, 0}, units[] = {.6f, .7f, 0};
    const float worse[] = {.9f, .95f, 0}, units_worse[] = {.85f, .9f, 0},
                gone[] = {1e-6f, 1e-5f, 1};
    (void)state;
    begin(&subject, &tanh_network);
    for (uint64_t step = 10; step <= 400; step += 10) {
        subject_loss(&subject, step, 2.4);
        if (step < 200)
            send_layers(&subject, step, 3, shares, units, healthy_norms);
        else
            send_layers(&subject, step, 3, worse, units_worse, gone);
    }
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    assert_int_equal(subject.findings[0].onset_step, 10);
    subject_stop(&subject);
}

/* ---- a declared budget ---- */

/* From step 10 on all layers are saturated and let nothing through. */
static void stand_still(struct subject *subject, uint64_t first, uint64_t last, double loss)
{
    const float shares[] = {.95f, .99f, 0}, units[] = {.84f, .97f, 0}, norms[] = {1e-5f, 4e-5f, 1};
    for (uint64_t step = first; step <= last; step++) {
        subject_loss(subject, step, loss);
        if (step == 1)
            send_layers(subject, step, 3, (const float[3]){0}, (const float[3]){0}, healthy_norms);
        if (step % 10 == 0)
            send_layers(subject, step, 3, shares, units, norms);
    }
}

/* Four sigmoid layers of 64 units at Adam's rate of .03: a loss of 2.3 for 300 of 2,700 steps. */
static void a_plateau_at_the_beginning_of_the_budget_is_left_alone(void **state)
{
    struct network network = tanh_network;
    struct subject subject;
    (void)state;
    network.max_steps = 2700;
    begin(&subject, &network);
    stand_still(&subject, 1, 300, 2.3);
    for (int i = 0; i < 10; i++)
        stand_still(&subject, 301 + 100 * (uint64_t)i, 400 + 100 * (uint64_t)i, 2 * pow(.8, i));
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* .2 and .3 of 2,700 steps are 540 and 810, counted from the first layers record, step 10. */
static void what_stands_still_is_a_warning_first_and_critical_then(void **state)
{
    struct network network = tanh_network;
    struct subject subject;
    (void)state;
    network.max_steps = 2700;
    begin(&subject, &network);
    stand_still(&subject, 1, 549, 2.3);
    assert_int_equal(subject.n, 0);
    stand_still(&subject, 550, 819, 2.3);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
    assert_int_equal(subject.findings[0].detected_step, 550);
    stand_still(&subject, 820, 820, 2.3);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    assert_int_equal(subject.findings[0].onset_step, 10);
    subject_stop(&subject);
}

/* 60 % of the activations: too wide for tanh, and no harm to sigmoid units. */
static void sigmoid_units_may_begin_more_saturated_than_tanh_units(void **state)
{
    static const char *const activations[] = {"tanh", "sigmoid"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct network network = tanh_network;
        struct subject subject;
        uint64_t seed = 15;
        network.activation = activations[i];
        begin(&subject, &network);
        train(&subject, 1, 600, 10, .6, .2, 2.5, .06, &seed);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 1);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), !i);
        subject_stop(&subject);
    }
}

/* With a squared loss, targets whose noise is .6 of their variance leave a level of .6 to the best
 * of models. */
static void noise_of_the_targets_is_no_failure(void **state)
{
    (void)state;
    for (int is_squared = 0; is_squared < 2; is_squared++) {
        struct subject subject;
        struct tw_record record = step_record(0);
        record.kind = TW_KIND_HEADER;
        subject_start(&subject, &tw_detector_saturation);
        struct tw_header *header = tw_record_add_header(&record);
        tw_header_set_number(header, is_squared ? "target_variance" : "label_entropy", 1);
        header->dataset_classes = is_squared ? 0 : 3;
        for (int i = 0; i < 3; i++)
            strcpy(tw_header_add_layer(header, (const char *[]){"a", "b", "c"}[i])->activation,
                   "tanh");
        subject_observe(&subject, &record);
        tw_record_clear(&record);
        stand_still(&subject, 1, 400, .6);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), !is_squared);
        subject_stop(&subject);
    }
}

/* ---- gates and missing signals ---- */

static void must_not_be_judged(struct subject *subject, const char *reason)
{
    char told[128] = "";
    assert_false(subject_has_judged(subject, told, sizeof told));
    assert_string_equal(told, reason);
    assert_int_equal(subject_count(subject, TW_SEVERITY_INFO), 0);
    subject_stop(subject);
}

static void what_cannot_be_judged_is_said(void **state)
{
    struct network network = tanh_network;
    struct subject subject;
    uint64_t seed = 11;
    (void)state;
    begin(&subject, &network);
    subject_loss(&subject, 1, 2.3);
    must_not_be_judged(&subject, "no figures of layers in the log");

    subject_start(&subject, &tw_detector_saturation);
    train(&subject, 1, 300, 10, .9, .9, 2.3, 2.3, &seed);
    must_not_be_judged(&subject, "no header tells the layers' activations");

    static const char *const others[] = {"", "relu", "gelu", "softmax", "none"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        network.activation = others[i];
        begin(&subject, &network);
        train(&subject, 1, 300, 10, .9, .9, 2.3, 2.3, &seed);
        must_not_be_judged(&subject, "no hidden layer is known to be tanh or sigmoid");
    }
    begin(&subject, &tanh_network);
    train(&subject, 1, 19, 10, .9, .9, 2.3, 2.3, &seed);
    must_not_be_judged(&subject, "only 1 records of the layers");
}

static void output_layers_and_gates_may_saturate(void **state)
{
    struct subject subject;
    struct tw_record record = step_record(0);
    const float shares[] = {1, 1}, norms[] = {.1f, .1f};
    (void)state;
    subject_start(&subject, &tw_detector_saturation);
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    strcpy(tw_header_add_layer(header, "lstm.gates")->activation, "sigmoid");
    strcpy(tw_header_add_layer(header, "probability")->activation, "sigmoid");
    subject_observe(&subject, &record);
    tw_record_clear(&record);
    for (uint64_t step = 1; step <= 500; step += 10)
        send_layers(&subject, step, 2, shares, shares, norms);
    must_not_be_judged(&subject, "no hidden layer is known to be tanh or sigmoid");
}

static void a_declared_warm_up_holds_a_warning_back(void **state)
{
    struct network network = tanh_network;
    struct subject subject;
    uint64_t seed = 12;
    (void)state;
    network.warmup_steps = 400;
    begin(&subject, &network);
    train(&subject, 1, 390, 10, .8, .7, 2.3, 2.3, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), 0);
    train(&subject, 391, 420, 10, .8, .7, 2.3, 2.3, &seed);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
    subject_stop(&subject);
}

static void numbers_that_are_none_do_not_end_the_watch(void **state)
{
    struct subject subject;
    const float nans[] = {NAN, NAN, NAN}, odd[] = {INFINITY, -1, 7};
    uint64_t seed = 13;
    (void)state;
    for (int place = 0; place < 4; place++) {
        begin(&subject, &tanh_network);
        if (place & 1) {
            send_layers(&subject, 1, 3, nans, nans, nans);
            subject_loss(&subject, 1, NAN);
        }
        train(&subject, 2, 9, 10, .1, 0, 2.3, 2.3, &seed);
        train(&subject, 10, 300, 10, .1, 0, 2.3, 2.3, &seed);
        if (place & 2) {
            send_layers(&subject, 300, 3, odd, odd, odd);
            subject_loss(&subject, 300, INFINITY);
        }
        train(&subject, 301, 500, 10, .9, .8, 2.3, 2.3, &seed);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 1);
        subject_stop(&subject);
    }
}

/* ---- state ---- */

static void a_copied_state_goes_on_the_same(void **state)
{
    struct subject whole, first, second;
    uint64_t seeds[] = {14, 14};
    (void)state;
    begin(&whole, &tanh_network);
    train(&whole, 1, 250, 10, .6, .55, 2.3, 2.3, &seeds[0]);
    train(&whole, 251, 600, 10, .95, .9, 2.3, 2.3, &seeds[0]);
    begin(&first, &tanh_network);
    train(&first, 1, 250, 10, .6, .55, 2.3, 2.3, &seeds[1]);
    begin(&second, &tanh_network);
    memcpy(second.state, first.state, subject_state_size(&second));
    second.context = first.context;
    second.reports = first.reports;
    train(&second, 251, 600, 10, .95, .9, 2.3, 2.3, &seeds[1]);
    assert_true(whole.reports == second.reports);
    assert_memory_equal(whole.state, second.state, subject_state_size(&whole));
    subject_stop(&whole);
    subject_stop(&first);
    subject_stop(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_that_saturate_as_the_loss_falls_are_healthy),
        cmocka_unit_test(half_of_the_activations_need_not_mean_half_of_the_units),
        cmocka_unit_test(weights_drawn_too_wide_are_found_with_the_onset_at_the_start),
        cmocka_unit_test(the_evidence_tells_how_much_narrower_the_weights_should_be),
        cmocka_unit_test(a_quarter_from_the_start_is_an_information),
        cmocka_unit_test(what_is_over_before_step_100_is_not_told),
        cmocka_unit_test(a_run_shorter_than_the_warm_up_is_told_at_its_end),
        cmocka_unit_test(a_run_joined_late_was_not_saturated_from_the_start),
        cmocka_unit_test(units_that_go_to_their_ends_without_learning_are_a_warning),
        cmocka_unit_test(a_loss_that_comes_down_all_the_same_withdraws_it),
        cmocka_unit_test(it_is_over_when_the_layers_are_well_below_the_line),
        cmocka_unit_test(layers_that_let_no_gradient_through_are_critical),
        cmocka_unit_test(a_layer_that_is_blocked_for_less_than_100_steps_is_not_critical),
        cmocka_unit_test(it_grows_critical_without_a_second_finding),
        cmocka_unit_test(a_plateau_at_the_beginning_of_the_budget_is_left_alone),
        cmocka_unit_test(what_stands_still_is_a_warning_first_and_critical_then),
        cmocka_unit_test(sigmoid_units_may_begin_more_saturated_than_tanh_units),
        cmocka_unit_test(noise_of_the_targets_is_no_failure),
        cmocka_unit_test(what_cannot_be_judged_is_said),
        cmocka_unit_test(output_layers_and_gates_may_saturate),
        cmocka_unit_test(a_declared_warm_up_holds_a_warning_back),
        cmocka_unit_test(numbers_that_are_none_do_not_end_the_watch),
        cmocka_unit_test(a_copied_state_goes_on_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
