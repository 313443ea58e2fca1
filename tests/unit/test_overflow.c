/* Overflow: numbers that are not finite are found at once, the daily work of a loss scaler is not.
 */
#include "tests/unit/detector_fixture.h"

static void start(struct subject *subject)
{
    subject_start(subject, &tw_detector_overflow);
}

static void subject_header(struct subject *subject, const char *precision, const char *objective)
{
    struct tw_record record = step_record(0);
    record.kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(&record);
    snprintf(header->objective, sizeof header->objective, "%s", objective);
    if (precision)
        assert_int_equal(tw_header_set_text(header, "precision", precision), 0);
    assert_non_null(tw_header_add_layer(header, "embed"));
    assert_non_null(tw_header_add_layer(header, "block1"));
    assert_non_null(tw_header_add_layer(header, "head"));
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

static void subject_step(struct subject *subject, uint64_t step, double loss, double grad_norm)
{
    struct tw_record record = loss_record(step, loss);
    tw_record_set(&record, TW_SIGNAL_GRAD_NORM, grad_norm);
    tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, 1e-3);
    subject_observe(subject, &record);
}

static const char *text_of(const struct tw_finding *finding, const char *name)
{
    for (uint32_t i = 0; i < finding->evidence.n_extras; i++) {
        if (!strcmp(finding->evidence.extras[i].name, name))
            return finding->evidence.extras[i].text;
    }
    return "";
}

static double number_of(const struct tw_finding *finding, const char *name)
{
    for (uint32_t i = 0; i < finding->evidence.n_extras; i++) {
        if (!strcmp(finding->evidence.extras[i].name, name))
            return finding->evidence.extras[i].value;
    }
    return NAN;
}

/* ---- without a scaler ---- */

static void the_first_loss_that_is_no_number_is_critical(void **state)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct subject subject;
        start(&subject);
        for (uint64_t step = 1; step <= 200; step++)
            subject_step(&subject, step, step < 150 ? 2 : bad[i], step < 150 ? 1 : NAN);
        assert_int_equal(subject.n, 1);
        const struct tw_finding *found = &subject.findings[0];
        assert_int_equal(found->severity, TW_SEVERITY_CRITICAL);
        assert_int_equal(found->state, TW_STATE_OPEN);
        assert_int_equal(found->onset_step, 150);
        assert_int_equal(found->onset_time_ms, 15000);
        assert_int_equal(found->detected_step, 150);
        assert_string_equal(text_of(found, "phase"), "loss");
        assert_true(number_of(found, "first_nonfinite_step") == 150);
        assert_true(number_of(found, "last_finite_loss") == 2);
        assert_true(number_of(found, "learning_rate") == 1e-3);
        subject_stop(&subject);
    }
}

static void a_loss_that_never_was_a_number_is_critical(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    subject_loss(&subject, 0, NAN);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_CRITICAL), 1);
    assert_int_equal(subject.findings[0].onset_step, 0);
    subject_stop(&subject);
}

static void a_gradient_before_the_loss_names_the_gradient(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    subject_header(&subject, "bf16", "");
    for (uint64_t step = 1; step <= 30; step++)
        subject_step(&subject, step, step < 20 ? 2 : NAN, step < 19 ? 1 : INFINITY);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    assert_int_equal(subject.findings[0].detected_step, 19);
    assert_string_equal(text_of(&subject.findings[0], "phase"), "gradient");
    subject_stop(&subject);
}

static void a_lone_gradient_of_unknown_precision_is_withdrawn_when_all_goes_on(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t step = 1; step <= 60; step++)
        subject_step(&subject, step, 2, step == 20 ? NAN : 1);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].detected_step, 20);
    assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
    subject_stop(&subject);
}

static void it_is_over_after_a_hundred_finite_steps(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t step = 1; step <= 200; step++) {
        subject_step(&subject, step, step == 50 ? NAN : 2, 1);
        if (step == 149)
            assert_int_equal(subject.findings[0].state, TW_STATE_OPEN);
    }
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    assert_int_equal(subject.findings[0].closed_step, 150);
    subject_stop(&subject);
}

static struct tw_record layer_record(uint64_t step, uint64_t hash)
{
    struct tw_record record = step_record(step);
    record.kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(&record, 3);
    layers->header_hash = hash;
    return record;
}

static void the_first_bad_layer_is_named(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    subject_header(&subject, "fp32", "");
    subject_step(&subject, 9, 2, 1);
    struct tw_record record = layer_record(10, subject.context.header_hash);
    float *counts = tw_layers_add_column(record.layers, TW_LAYER_NONFINITE);
    counts[0] = 0;
    counts[1] = 7;
    counts[2] = 9;
    subject_observe(&subject, &record);
    tw_record_clear(&record);
    subject_step(&subject, 10, NAN, NAN);
    assert_int_equal(subject.n, 1);
    assert_string_equal(text_of(&subject.findings[0], "layer"), "block1");
    assert_string_equal(text_of(&subject.findings[0], "phase"), "layer");
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    assert_true(subject.findings[0].evidence.value == 2);
    subject_stop(&subject);
}

static void a_bad_evaluation_alone_is_a_warning(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    subject_step(&subject, 100, 2, 1);
    struct tw_record record = step_record(100);
    record.kind = TW_KIND_EVAL;
    tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, NAN);
    subject_observe(&subject, &record);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
    assert_string_equal(text_of(&subject.findings[0], "phase"), "evaluation");
    record.step = 200;
    tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, 2);
    subject_observe(&subject, &record);
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    subject_stop(&subject);
}

/* ---- with a scaler ---- */

struct scaler { /* as PyTorch's GradScaler: halve on overflow, double after `interval` clean steps
                 */
    double scale;
    uint64_t clean, interval;
};

/* One step; returns what the record tells. */
static struct tw_record scaled_step(struct scaler *scaler, uint64_t step, bool overflows)
{
    struct tw_record record = loss_record(step, 2);
    if (overflows) {
        scaler->scale /= 2;
        scaler->clean = 0;
    } else if (++scaler->clean == scaler->interval) {
        scaler->scale *= 2;
        scaler->clean = 0;
    }
    tw_record_set(&record, TW_SIGNAL_LOSS_SCALE, scaler->scale);
    tw_record_set(&record, TW_SIGNAL_GRAD_NORM, overflows ? INFINITY : 1);
    return record;
}

static void feed_scaled(struct subject *subject, struct scaler *scaler, uint64_t step,
                        bool overflows, bool tells)
{
    struct tw_record record = scaled_step(scaler, step, overflows);
    if (tells) {
        tw_record_set(&record, TW_SIGNAL_OVERFLOW, overflows);
        tw_record_set(&record, TW_SIGNAL_SKIPPED_STEPS, overflows);
    }
    subject_observe(subject, &record);
}

static void calibration_and_probing_are_normal(void **state)
{
    (void)state;
    for (int tells = 0; tells < 2; tells++) {
        for (int big = 0; big < 2; big++) {
            struct subject subject;
            struct scaler scaler = {.scale = big ? 4294967296. : 65536, .interval = 2000};
            double fits = big ? 262144 : 4; /* 14 halvings either way */
            start(&subject);
            for (uint64_t step = 0; step < 40000; step++)
                feed_scaled(&subject, &scaler, step, scaler.scale > fits, tells);
            assert_int_equal(subject.n, 0);
            subject_stop(&subject);
        }
    }
}

static void a_rare_skip_elsewhere_is_normal_too(void **state)
{
    struct subject subject;
    struct scaler scaler = {.scale = 65536, .interval = 1000};
    uint64_t random = 4;
    (void)state;
    start(&subject);
    for (uint64_t step = 0; step < 100000; step++)
        feed_scaled(&subject, &scaler, step,
                    scaler.scale > 65536 || next_uniform(&random) < 1. / 5000, true);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
    subject_stop(&subject);
}

static void one_skip_after_each_doubling_is_the_scalers_way(void **state)
{
    struct subject subject;
    struct scaler scaler = {.scale = 65536, .interval = 50};
    (void)state;
    start(&subject);
    /* One step in 50 is skipped, twice the share worth telling, but each just after the scale was
     * doubled. */
    for (uint64_t step = 0; step < 10000; step++)
        feed_scaled(&subject, &scaler, step, scaler.scale > 65536, true);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void a_collapse_of_the_scale_is_critical(void **state)
{
    (void)state;
    for (int tells = 0; tells < 2; tells++) {
        struct subject subject;
        struct scaler scaler = {.scale = 65536, .interval = 2000};
        start(&subject);
        /* 65536 to 128 is 9 halvings, one each 22 steps, from step 1,000 on. */
        for (uint64_t step = 0; step < 1200; step++)
            feed_scaled(&subject, &scaler, step, step >= 1000 && (step - 1000) % 22 == 0, tells);
        const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
        assert_non_null(found);
        assert_int_equal(found->onset_step, 1000);
        /* The sixth halving: 1000 + 5 * 22. */
        assert_int_equal(found->detected_step, 1110);
        assert_true(number_of(found, "loss_scale") == 1024);
        assert_true(number_of(found, "halvings") == 6);
        subject_stop(&subject);
    }
}

static void declare(struct subject *subject, const char *name, double value)
{
    struct tw_record record = step_record(0);
    record.kind = TW_KIND_HEADER;
    tw_header_set_number(tw_record_add_header(&record), name, value);
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

/* 65536 / 2^7 = 512: at a floor of 512 a scaler can only skip, and one without a floor goes on. */
static void a_scale_at_its_declared_floor_is_critical(void **state)
{
    (void)state;
    for (int has_floor = 0; has_floor < 2; has_floor++) {
        struct subject subject;
        struct scaler scaler = {.scale = 65536, .interval = 2000};
        start(&subject);
        if (has_floor)
            declare(&subject, "min_loss_scale", 512);
        for (uint64_t step = 0; step < 1000; step++) /* a halving each 100 steps */
            feed_scaled(&subject, &scaler, step, step >= 300 && step % 100 == 0, true);
        assert_int_equal(scaler.scale, 512);
        const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_WARNING);
        assert_non_null(found);
        assert_int_equal(found->severity, has_floor ? TW_SEVERITY_CRITICAL : TW_SEVERITY_WARNING);
        subject_stop(&subject);
    }
}

/* Two skips in 100 are normal for a scaler that doubles its scale each 100 steps: 2 % is what
 * info_rate would tell of. */
static void a_declared_window_says_how_many_skips_are_normal(void **state)
{
    (void)state;
    for (int is_declared = 0; is_declared < 2; is_declared++) {
        struct subject subject;
        start(&subject);
        if (is_declared)
            declare(&subject, "loss_scale_window", 100);
        for (uint64_t step = 50; step < 20000; step += 50) {
            struct tw_record record = loss_record(step, 2);
            tw_record_set(&record, TW_SIGNAL_LOSS_SCALE, 65536);
            tw_record_set(&record, TW_SIGNAL_SKIPPED_STEPS, 1);
            subject_observe(&subject, &record);
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), is_declared ? 0 : 1);
        subject_stop(&subject);
    }
}

static void skips_in_a_row_are_a_warning_then_critical(void **state)
{
    struct subject subject;
    struct scaler scaler = {.scale = 65536, .interval = 2000};
    (void)state;
    start(&subject);
    subject_set(&subject, "halvings_within", "6");
    for (uint64_t step = 0; step < 507; step++) {
        feed_scaled(&subject, &scaler, step, step >= 500, true);
        if (step == 501)
            assert_int_equal(subject.n, 0);
        if (step == 502)
            assert_int_equal(subject.findings[0].severity, TW_SEVERITY_WARNING);
    }
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    subject_stop(&subject);
}

static void a_skip_rate_of_ten_percent_is_a_warning_and_gets_over(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    /* A constant scale: only skipped_steps tells. */
    for (uint64_t step = 10; step <= 8000; step += 10) {
        struct tw_record record = loss_record(step, 2);
        tw_record_set(&record, TW_SIGNAL_LOSS_SCALE, 65536);
        tw_record_set(&record, TW_SIGNAL_SKIPPED_STEPS, step > 2000 && step <= 4000);
        subject_observe(&subject, &record);
    }
    const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_WARNING);
    assert_non_null(found);
    assert_in_range(found->detected_step, 2110, 2130); /* 11 of 1,000, first as information */
    assert_in_range(found->evidence.window_last, 2510, 2530); /* 51 of 1,000 */
    assert_in_range(found->onset_step, 2000, 2020);
    assert_int_equal(found->state, TW_STATE_RECOVERED);
    subject_stop(&subject);
}

static void a_loss_that_is_no_number_three_times_is_critical_with_a_scaler_too(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t step = 0; step < 503; step++) {
        struct tw_record record = loss_record(step, step < 500 ? 2 : NAN);
        tw_record_set(&record, TW_SIGNAL_LOSS_SCALE, 65536);
        subject_observe(&subject, &record);
        if (step == 501)
            assert_int_equal(subject_count(&subject, TW_SEVERITY_CRITICAL), 0);
    }
    assert_int_equal(subject_count(&subject, TW_SEVERITY_CRITICAL), 1);
    subject_stop(&subject);
}

static void a_resumed_run_may_calibrate_again(void **state)
{
    struct subject subject;
    struct scaler scaler = {.scale = 65536, .interval = 2000};
    (void)state;
    start(&subject);
    for (uint64_t step = 0; step < 6000; step++) {
        if (step == 3000) {
            subject_event(&subject, step, "resume");
            scaler = (struct scaler){.scale = 65536, .interval = 2000};
        }
        feed_scaled(&subject, &scaler, step, scaler.scale > 64, true);
    }
    assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
    subject_stop(&subject);
}

static void a_scale_of_one_is_no_scaler(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t step = 0; step < 20; step++) {
        struct tw_record record = loss_record(step, step == 15 ? NAN : 2);
        tw_record_set(&record, TW_SIGNAL_LOSS_SCALE, 1);
        subject_observe(&subject, &record);
    }
    assert_int_equal(subject_count(&subject, TW_SEVERITY_CRITICAL), 1);
    subject_stop(&subject);
}

static void an_unlogged_scaler_is_recognised_by_what_it_skips(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    /* One gradient in 700 is infinite and all goes on: withdrawn once, then normal. */
    for (uint64_t step = 1; step <= 10000; step++)
        subject_step(&subject, step, 2, step % 700 ? 1 : INFINITY);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].state, TW_STATE_WITHDRAWN);
    /* Now none is finite any more. */
    for (uint64_t step = 10001; step <= 10020; step++)
        subject_step(&subject, step, 2, INFINITY);
    assert_int_equal(subject_count(&subject, TW_SEVERITY_CRITICAL), 1);
    subject_stop(&subject);
}

static void a_rollback_is_no_recovery_yet(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    subject_header(&subject, "bf16", "");
    for (uint64_t step = 1; step <= 510; step++)
        subject_step(&subject, step, step < 500 ? 2 : NAN, 1);
    for (uint64_t step = 300; step <= 420; step++) {
        subject_step(&subject, step, 2, 1);
        assert_int_equal(subject.findings[0].state,
                         step < 400 ? TW_STATE_OPEN : TW_STATE_RECOVERED);
    }
    subject_stop(&subject);
}

static void a_loss_that_breaks_after_a_bad_evaluation_names_the_loss(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    subject_step(&subject, 1, 2, 1);
    struct tw_record record = step_record(2);
    record.kind = TW_KIND_EVAL;
    tw_record_set(&record, TW_SIGNAL_EVAL_LOSS, INFINITY);
    subject_observe(&subject, &record);
    subject_step(&subject, 3, NAN, 1);
    assert_int_equal(subject.n, 1);
    assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
    assert_string_equal(text_of(&subject.findings[0], "phase"), "loss");
    subject_stop(&subject);
}

/* ---- special objectives and precursors ---- */

static void a_rare_infinite_ctc_loss_is_normal_and_many_are_not(void **state)
{
    (void)state;
    for (int many = 0; many < 2; many++) {
        struct subject subject;
        start(&subject);
        subject_header(&subject, "fp32", "ctc");
        for (uint64_t step = 1; step <= 2000; step++)
            subject_step(&subject, step, step % (many ? 20 : 500) ? 2 : INFINITY, 1);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), many);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_CRITICAL), 0);
        subject_stop(&subject);
    }
}

static void a_layer_near_the_end_of_fp16_is_warned_of(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    subject_header(&subject, "fp16", "");
    for (uint64_t i = 1; i <= 10; i++) {
        struct tw_record record = layer_record(10 * i, subject.context.header_hash);
        float *largest = tw_layers_add_column(record.layers, TW_LAYER_ACTIVATION_ABS_MAX);
        largest[1] = i < 4 ? 1e4f : i < 8 ? 4e4f : 1e3f;
        subject_observe(&subject, &record);
        tw_record_clear(&record);
        assert_int_equal(subject.n, i >= 6);
    }
    assert_string_equal(subject.findings[0].scope, "layer:block1");
    assert_int_equal(subject.findings[0].onset_step, 40);
    assert_int_equal(subject.findings[0].state, TW_STATE_RECOVERED);
    subject_stop(&subject);
}

static void a_layer_near_the_end_is_no_news_once_numbers_overflow(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    subject_header(&subject, "fp16", "");
    for (uint64_t i = 1; i <= 10; i++) {
        subject_step(&subject, 10 * i, INFINITY, INFINITY);
        struct tw_record record = layer_record(10 * i, subject.context.header_hash);
        tw_layers_add_column(record.layers, TW_LAYER_ACTIVATION_ABS_MAX)[1] = i < 5 ? 1e3f : 4e4f;
        subject_observe(&subject, &record);
        tw_record_clear(&record);
    }
    assert_int_equal(subject.n, 1);
    assert_string_equal(subject.findings[0].scope, "run");
    assert_int_equal(subject.findings[0].state, TW_STATE_OPEN);
    subject_stop(&subject);
}

static void layers_that_take_turns_near_the_end_of_fp16_are_not_warned_of(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    subject_header(&subject, "fp16", "");
    for (uint64_t i = 1; i <= 20; i++) {
        struct tw_record record = layer_record(10 * i, subject.context.header_hash);
        tw_layers_add_column(record.layers, TW_LAYER_ACTIVATION_ABS_MAX)[i % 2] = 4e4f;
        subject_observe(&subject, &record);
        tw_record_clear(&record);
    }
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void feed_abs_max(struct subject *subject, uint64_t step, float abs_max)
{
    struct tw_record record = step_record(step);
    record.kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(&record, 2);
    layers->header_hash = subject->context.header_hash;
    float *values = tw_layers_add_column(layers, TW_LAYER_ACTIVATION_ABS_MAX);
    values[0] = 3;
    values[1] = abs_max;
    subject_observe(subject, &record);
    tw_record_clear(&record);
}

static void activations_beyond_fp16_are_critical(void **state)
{
    static const float beyond[] = {70000.f, 65504.f, INFINITY};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct subject subject;
        start(&subject);
        subject_header(&subject, "fp16", "supervised");
        for (uint64_t step = 10; step <= 100; step += 10)
            feed_abs_max(&subject, step, 40000);
        for (uint64_t step = 110; step <= 130; step += 10)
            feed_abs_max(&subject, step, beyond[i]);
        assert_int_equal(subject.n, 1);
        assert_int_equal(subject.findings[0].severity, TW_SEVERITY_CRITICAL);
        assert_int_equal(subject.findings[0].onset_step, 10);
        assert_float_equal(subject.findings[0].evidence.threshold, 65504, 0);
        subject_stop(&subject);
    }
}

/* From 5,000 on, four doublings from the end, by 1 % a record; and the same at a tenth of that. */
static void activations_that_grow_towards_the_end_are_an_information(void **state)
{
    (void)state;
    for (int is_small = 0; is_small < 2; is_small++) {
        struct subject subject;
        uint64_t seed = 4;
        start(&subject);
        subject_header(&subject, "fp16", "supervised");
        for (uint64_t step = 1; step <= 300; step++) {
            double level =
                (is_small ? 500 : 5000) * exp(step > 200 ? .01 * (double)(step - 200) : 0);
            feed_abs_max(&subject, step, (float)(level * exp(.05 * next_normal(&seed))));
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_INFO), !is_small);
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), 0);
        if (!is_small)
            assert_true(subject.findings[0].onset_step > 195);
        subject_stop(&subject);
    }
}

static void bad_layers_are_a_scalers_daily_bread(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    subject_header(&subject, "fp16", "");
    struct tw_record record = layer_record(10, subject.context.header_hash);
    tw_layers_add_column(record.layers, TW_LAYER_NONFINITE)[1] = 5;
    subject_observe(&subject, &record);
    tw_record_clear(&record);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* ---- disguises ---- */

static void zeros_that_hide_a_nan_are_found(void **state)
{
    struct subject subject;
    (void)state;
    /* transformers with logging_nan_inf_filter: loss 0.0, grad_norm nan; fp16, so that the gradient
     * alone is no reason. */
    start(&subject);
    subject_header(&subject, "fp16", "");
    for (uint64_t step = 10; step <= 130; step += 10)
        subject_step(&subject, step, step <= 100 ? 2 : 0, step <= 100 ? 1 : NAN);
    const struct tw_finding *found = subject_first(&subject, TW_SEVERITY_CRITICAL);
    assert_non_null(found);
    assert_int_equal(found->onset_step, 110);
    assert_string_equal(text_of(found, "disguise"), "zero loss");
    subject_stop(&subject);
}

static void a_perfect_fit_that_reaches_zero_is_no_disguise(void **state)
{
    struct subject subject;
    uint64_t step = 0;
    (void)state;
    start(&subject);
    for (double loss = 2; loss > 1e-4; loss *= .9)
        subject_step(&subject, ++step, round(loss * 1e4) / 1e4, loss);
    for (int i = 0; i < 200; i++)
        subject_step(&subject, ++step, 0, 0);
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

static void the_number_of_caffe_is_found(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    /* -ln(FLT_MIN) = 126 ln 2 = 87.33654... */
    for (uint64_t step = 1; step <= 53; step++)
        subject_loss(&subject, step, step <= 50 ? 3 : 126 * log(2));
    assert_int_equal(subject_count(&subject, TW_SEVERITY_CRITICAL), 1);
    assert_int_equal(subject.findings[0].onset_step, 51);
    subject_stop(&subject);
}

static void a_loss_that_freezes_at_once_is_warned_of_and_a_slow_one_not(void **state)
{
    (void)state;
    for (int slowly = 0; slowly < 2; slowly++) {
        struct subject subject;
        start(&subject);
        for (uint64_t step = 1; step <= 400; step++) {
            double loss = .25 + exp(-(double)step / 10);
            subject_step(&subject, step, slowly || step < 30 ? loss : 4.5, 1 + 1. / (double)step);
        }
        assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), !slowly);
        subject_stop(&subject);
    }
}

/* A log of one decimal, and one of four: 0.8 becomes 0.7, and 0.0012 becomes 0.0011. */
static void a_loss_that_few_decimals_are_told_of_is_not_frozen(void **state)
{
    (void)state;
    for (int jumps = 0; jumps < 2; jumps++) {
        for (double unit = .1; unit > 1e-5; unit /= 1000) {
            struct subject subject;
            start(&subject);
            for (uint64_t step = 1; step <= 120; step++) {
                double loss = unit * (double)(jumps && step > 60 ? 2 : 8 - (int)(step / 40));
                subject_step(&subject, step, loss, 1 + 1. / (double)step);
            }
            assert_int_equal(subject_count(&subject, TW_SEVERITY_WARNING), jumps);
            subject_stop(&subject);
        }
    }
}

static void a_loss_that_freezes_without_a_learning_rate_is_explained(void **state)
{
    struct subject subject;
    (void)state;
    start(&subject);
    for (uint64_t step = 1; step <= 400; step++) {
        struct tw_record record = loss_record(step, step < 30 ? 3 - .05 * (double)step : 4.5);
        tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, step < 30 ? 1e-3 : 0);
        subject_observe(&subject, &record);
    }
    assert_int_equal(subject.n, 0);
    subject_stop(&subject);
}

/* ---- state ---- */

static void it_says_when_there_is_nothing_to_judge(void **state)
{
    struct subject subject;
    char reason[128];
    (void)state;
    start(&subject);
    struct tw_record record = step_record(1);
    tw_record_set(&record, TW_SIGNAL_EPOCH, 1);
    subject_observe(&subject, &record);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "no loss or gradient norm in the log");
    for (uint64_t step = 2; step < 17; step++)
        subject_loss(&subject, step, 1);
    assert_false(subject_has_judged(&subject, reason, sizeof reason));
    assert_string_equal(reason, "only 15 losses or gradient norms");
    subject_loss(&subject, 17, 1);
    assert_true(subject_has_judged(&subject, reason, sizeof reason));
    subject_stop(&subject);
}

static void a_nonfinite_loss_is_judged_however_short_the_log(void **state)
{
    struct subject subject;
    char reason[128];
    (void)state;
    start(&subject);
    subject_loss(&subject, 1, NAN);
    assert_true(subject_has_judged(&subject, reason, sizeof reason));
    subject_stop(&subject);
}

static void a_state_saved_and_restored_at_every_record_changes_nothing(void **state)
{
    struct subject plain, moved;
    struct scaler one = {.scale = 65536, .interval = 300}, two = one;
    uint64_t random = 5;
    size_t size = tw_detector_overflow.state_size[TW_EXTENT_LAYERS];
    (void)state;
    start(&plain);
    start(&moved);
    for (uint64_t step = 0; step < 3000; step++) {
        bool overflows = one.scale > 65536 || (step > 1000 && next_uniform(&random) < .05);
        void *copy = malloc(size);
        memcpy(copy, moved.state, size);
        memset(moved.state, 0xAA, size);
        free(moved.state);
        moved.state = copy;
        feed_scaled(&plain, &one, step, overflows, step % 2);
        feed_scaled(&moved, &two, step, overflows, step % 2);
        assert_memory_equal(plain.state, moved.state, size);
        assert_true(plain.reports == moved.reports);
    }
    assert_true(plain.n > 0);
    subject_stop(&plain);
    subject_stop(&moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_loss_that_is_no_number_is_critical),
        cmocka_unit_test(a_loss_that_never_was_a_number_is_critical),
        cmocka_unit_test(a_gradient_before_the_loss_names_the_gradient),
        cmocka_unit_test(a_lone_gradient_of_unknown_precision_is_withdrawn_when_all_goes_on),
        cmocka_unit_test(it_is_over_after_a_hundred_finite_steps),
        cmocka_unit_test(the_first_bad_layer_is_named),
        cmocka_unit_test(a_bad_evaluation_alone_is_a_warning),
        cmocka_unit_test(calibration_and_probing_are_normal),
        cmocka_unit_test(a_rare_skip_elsewhere_is_normal_too),
        cmocka_unit_test(one_skip_after_each_doubling_is_the_scalers_way),
        cmocka_unit_test(a_collapse_of_the_scale_is_critical),
        cmocka_unit_test(a_scale_at_its_declared_floor_is_critical),
        cmocka_unit_test(a_declared_window_says_how_many_skips_are_normal),
        cmocka_unit_test(skips_in_a_row_are_a_warning_then_critical),
        cmocka_unit_test(a_skip_rate_of_ten_percent_is_a_warning_and_gets_over),
        cmocka_unit_test(a_loss_that_is_no_number_three_times_is_critical_with_a_scaler_too),
        cmocka_unit_test(a_resumed_run_may_calibrate_again),
        cmocka_unit_test(a_scale_of_one_is_no_scaler),
        cmocka_unit_test(an_unlogged_scaler_is_recognised_by_what_it_skips),
        cmocka_unit_test(a_rollback_is_no_recovery_yet),
        cmocka_unit_test(a_loss_that_breaks_after_a_bad_evaluation_names_the_loss),
        cmocka_unit_test(a_rare_infinite_ctc_loss_is_normal_and_many_are_not),
        cmocka_unit_test(a_layer_near_the_end_of_fp16_is_warned_of),
        cmocka_unit_test(a_layer_near_the_end_is_no_news_once_numbers_overflow),
        cmocka_unit_test(layers_that_take_turns_near_the_end_of_fp16_are_not_warned_of),
        cmocka_unit_test(activations_beyond_fp16_are_critical),
        cmocka_unit_test(activations_that_grow_towards_the_end_are_an_information),
        cmocka_unit_test(bad_layers_are_a_scalers_daily_bread),
        cmocka_unit_test(zeros_that_hide_a_nan_are_found),
        cmocka_unit_test(a_perfect_fit_that_reaches_zero_is_no_disguise),
        cmocka_unit_test(the_number_of_caffe_is_found),
        cmocka_unit_test(a_loss_that_freezes_at_once_is_warned_of_and_a_slow_one_not),
        cmocka_unit_test(a_loss_that_few_decimals_are_told_of_is_not_frozen),
        cmocka_unit_test(a_loss_that_freezes_without_a_learning_rate_is_explained),
        cmocka_unit_test(it_says_when_there_is_nothing_to_judge),
        cmocka_unit_test(a_nonfinite_loss_is_judged_however_short_the_log),
        cmocka_unit_test(a_state_saved_and_restored_at_every_record_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
