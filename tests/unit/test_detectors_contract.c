/* What every detector promises, walked over the one list of them. */
#include "tests/unit/detector_fixture.h"

#include <ctype.h>

#define STATE_BYTES_MAX 8192
/* Of all detectors and the context, in a run that sends step records only. */
#define STEPS_BYTES_MAX 6656

#define FOR_EACH(detector)                                                                         \
    for (const struct tw_detector *const *at = tw_detectors, *detector = *at; (detector = *at);    \
         at++)

static void names_are_unique_and_spelt_alike(void **state)
{
    (void)state;
    FOR_EACH(detector)
    {
        assert_non_null(detector->name);
        assert_non_null(detector->title);
        assert_non_null(detector->description);
        assert_ptr_equal(tw_detector_find(detector->name), detector);
        for (const char *c = detector->name; *c; c++)
            assert_true(islower((unsigned char)*c) || *c == '-');
        assert_true(strlen(detector->description) > 10);
        assert_null(strchr(detector->description, '\n'));
    }
    assert_null(tw_detector_find("no-such-detector"));
}

static void check_option(const struct tw_detector *detector, const struct tw_option *option)
{
    assert_non_null(option->name);
    print_message("# %s.%s\n", detector->name, option->name);
    assert_ptr_equal(tw_option_find(detector->options, detector->n_options, option->name), option);
    assert_non_null(option->help);
    assert_true(strlen(option->help) > 10);
    assert_true(option->offset < detector->config_size);
    if (option->min != 0 || option->max != 0) {
        assert_true(option->min < option->max);
        assert_true(option->initial >= option->min && option->initial <= option->max);
    }
}

static void options_have_help_and_initial_values_within_their_range(void **state)
{
    (void)state;
    FOR_EACH(detector)
    {
        for (size_t i = 0; i < detector->n_options; i++)
            check_option(detector, &detector->options[i]);
    }
    for (size_t i = 0; i < tw_context_n_options; i++)
        assert_true(tw_context_options[i].help && strlen(tw_context_options[i].help) > 10);
}

static void states_are_small_and_versioned(void **state)
{
    size_t steps = tw_context_size(TW_EXTENT_STEPS);
    (void)state;
    FOR_EACH(detector)
    {
        const size_t *size = detector->state_size;
        steps += size[TW_EXTENT_STEPS];
        assert_true(size[TW_EXTENTS - 1] > 0 && size[TW_EXTENTS - 1] <= STATE_BYTES_MAX);
        for (int extent = 1; extent < TW_EXTENTS; extent++)
            assert_true(size[extent - 1] <= size[extent]);
        assert_true(detector->state_version >= 1);
        assert_non_null(detector->start);
        assert_non_null(detector->observe);
        assert_non_null(detector->finish);
        assert_non_null(detector->has_judged);
    }
    assert_true(steps <= STEPS_BYTES_MAX);
}

static void an_empty_run_is_not_judged_and_the_reason_is_told(void **state)
{
    (void)state;
    FOR_EACH(detector)
    {
        struct subject subject;
        char reason[128] = "";
        struct tw_report report = {0};
        subject_start(&subject, detector);
        if (!detector->secondary)
            assert_false(subject_has_judged(&subject, reason, sizeof reason));
        assert_true(detector->secondary || reason[0]);
        detector->finish(subject.state, subject.config, &subject.context, &subject.shared, &report);
        assert_int_equal(report.n, 0);
        subject_stop(&subject);
    }
}

/* ---- any numbers at all ---- */

static const double salt[] = {NAN,    INFINITY, -INFINITY, 1e308,  -1e308, 5e-324,
                              2e-310, 0,        -0.,       1e-300, -1,     1};

static double salted(double usual, uint64_t *seed)
{
    uint64_t pick = next_random(seed) % 40;
    return pick < sizeof salt / sizeof *salt ? salt[pick] : usual;
}

static void fill_step(struct tw_record *record, uint64_t step, uint64_t *seed)
{
    for (int i = 0; i < TW_SIGNALS; i++) {
        if (next_random(seed) % 4)
            tw_record_set(record, (enum tw_signal)i, salted(1 + exp(-(double)step / 100), seed));
    }
}

static void fill_layers(struct tw_record *record, uint64_t *seed)
{
    record->kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(record, 4);
    for (int column = 0; column < TW_LAYER_COLUMNS; column++) {
        if (next_random(seed) % 4 == 0)
            continue;
        float *values = tw_layers_add_column(layers, (enum tw_layer_column)column);
        for (int i = 0; i < 4; i++)
            values[i] = (float)salted(.5, seed);
    }
}

static void fill_header(struct tw_record *record, uint64_t *seed)
{
    static const char *const names[] = {"max_steps",    "warmup_steps", "batch_size",
                                        "warmup_ratio", "precision",    "loss_scale_window"};
    record->kind = TW_KIND_HEADER;
    struct tw_header *header = tw_record_add_header(record);
    header->world_size = next_random(seed);
    header->dataset_classes = next_random(seed) % 3;
    for (int i = 0; i < 6; i++)
        assert_int_equal(tw_header_set_number(header, names[i], salted(100, seed)), 0);
    for (int i = 0; i < 4; i++)
        assert_non_null(tw_header_add_layer(header, i % 2 ? "a" : ""));
}

static struct tw_record salted_record(uint64_t step, uint64_t *seed)
{
    uint64_t kind = next_random(seed) % 100;
    struct tw_record record = step_record(next_random(seed) % 500 ? step : next_random(seed));
    if (kind == 0) {
        fill_header(&record, seed);
    } else if (kind < 5) {
        fill_layers(&record, seed);
    } else if (kind < 8) {
        record.kind = TW_KIND_EVENT;
        snprintf(record.event, sizeof record.event, "%s", kind < 6 ? "resume" : "data_change");
    } else {
        record.kind = kind < 12 ? TW_KIND_EVAL : TW_KIND_STEP;
        fill_step(&record, step, seed);
    }
    return record;
}

static void check_condition(const struct tw_condition *condition)
{
    const struct tw_evidence *evidence = &condition->evidence;
    assert_true(condition->scope[0]);
    assert_true(condition->confidence >= 0 && condition->confidence <= 1);
    assert_true(condition->severity <= TW_SEVERITY_CRITICAL);
    assert_true(condition->state == TW_STATE_WITHDRAWN || evidence->statistic[0]);
    assert_true(isfinite(evidence->value));
    assert_true(isfinite(evidence->threshold));
    for (uint32_t i = 0; i < evidence->n_extras; i++)
        assert_true(evidence->extras[i].text[0] || isfinite(evidence->extras[i].value));
}

static void salted_records_leave_no_number_that_is_none_in_what_is_said(void **state)
{
    (void)state;
    FOR_EACH(detector)
    {
        for (uint64_t run = 1; run <= 4; run++) {
            struct subject subject;
            uint64_t seed = run;
            char reason[128];
            subject_start(&subject, detector);
            for (uint64_t step = 0; step < 20000; step++) {
                struct tw_record record = salted_record(step, &seed);
                struct tw_report report = {0};
                tw_context_observe(&subject.context, &subject.shared, &record);
                detector->observe(subject.state, subject.config, &subject.context, &subject.shared,
                                  &record, &report);
                for (uint32_t i = 0; i < report.n; i++)
                    check_condition(&report.conditions[i]);
                tw_record_clear(&record);
            }
            subject_has_judged(&subject, reason, sizeof reason);
            subject_stop(&subject);
        }
    }
}

/* A NaN or infinity that got in as a double has all bits of its exponent set and, as arithmetic
 * makes it, none of the fraction's but the first. States also hold integers, but none as large as
 * that, and windows hold the ranks of their values in bytes, each another. */
static bool is_no_number(const void *at)
{
    uint64_t bits;
    memcpy(&bits, at, sizeof bits);
    return (bits & 0x7ff7ffffffffffffu) == 0x7ff0000000000000u;
}

static void no_number_that_is_none_enters_a_state(void **state)
{
    (void)state;
    FOR_EACH(detector)
    {
        struct subject subject;
        uint64_t seed = 99;
        subject_start(&subject, detector);
        for (uint64_t step = 0; step < 20000; step++) {
            struct tw_record record = step_record(step);
            fill_step(&record, step, &seed);
            subject.n = 0;
            subject_observe(&subject, &record);
            if (step % 100)
                continue;
            for (size_t i = 0; i + 8 <= subject_state_size(&subject); i += 8)
                assert_false(is_no_number((char *)subject.state + i));
        }
        subject_stop(&subject);
    }
}

/* ---- nothing is remembered elsewhere ---- */

static void two_runs_taken_in_turns_do_not_meet(void **state)
{
    (void)state;
    FOR_EACH(detector)
    {
        struct subject alone, first, second;
        uint64_t seeds[] = {5, 5, 6};
        subject_start(&alone, detector);
        subject_start(&first, detector);
        subject_start(&second, detector);
        for (uint64_t step = 0; step < 5000; step++) {
            struct subject *subjects[] = {&first, &alone, &second};
            for (int i = 0; i < 3; i++) {
                struct tw_record record = salted_record(step, &seeds[i]);
                subjects[i]->n = 0;
                subject_observe(subjects[i], &record);
                tw_record_clear(&record);
            }
        }
        assert_true(alone.reports == first.reports);
        size_t size = subject_state_size(&alone);
        assert_memory_equal(alone.state, first.state, size);
        /* And a state that is started again is a new one. */
        memset(first.state, 0, size);
        memset(second.state, 0, size);
        detector->start(first.state, first.config);
        detector->start(second.state, second.config);
        assert_memory_equal(first.state, second.state, size);
        subject_stop(&alone);
        subject_stop(&first);
        subject_stop(&second);
    }
}

/* ---- reports and names ---- */

static void a_full_report_counts_what_it_drops(void **state)
{
    struct tw_report report = {0};
    (void)state;
    for (int i = 0; i < TW_REPORT_CONDITIONS + 3; i++) {
        struct tw_condition *condition =
            tw_report_add(&report, "run", TW_STATE_OPEN, TW_SEVERITY_WARNING);
        assert_non_null(condition);
        condition->onset_step = (uint64_t)i;
    }
    assert_int_equal(report.n, TW_REPORT_CONDITIONS);
    assert_int_equal(report.n_dropped, 3);
    for (int i = 0; i < TW_REPORT_CONDITIONS; i++)
        assert_int_equal(report.conditions[i].onset_step, i);
}

static void severities_and_states_have_names(void **state)
{
    enum tw_severity severity;
    (void)state;
    assert_string_equal(tw_severity_name(TW_SEVERITY_INFO), "info");
    assert_string_equal(tw_severity_name(TW_SEVERITY_WARNING), "warning");
    assert_string_equal(tw_severity_name(TW_SEVERITY_CRITICAL), "critical");
    assert_string_equal(tw_state_name(TW_STATE_STILL_OPEN), "still_open");
    assert_string_equal(tw_state_name(TW_STATE_SUSPECT), "suspect");
    assert_int_equal(tw_severity_parse("warning", &severity), 0);
    assert_int_equal(severity, TW_SEVERITY_WARNING);
    assert_int_equal(tw_severity_parse("warnin", &severity), -1);
}

static void evidence_takes_so_many_extras_and_no_more(void **state)
{
    struct tw_evidence evidence = {0};
    (void)state;
    for (int i = 0; i < TW_EVIDENCE_EXTRAS + 2; i++)
        tw_evidence_add(&evidence, "a name that is longer than thirty-one bytes", i);
    tw_evidence_add_text(&evidence, "phase", "loss");
    assert_int_equal(evidence.n_extras, TW_EVIDENCE_EXTRAS);
    assert_int_equal(strlen(evidence.extras[0].name), sizeof evidence.extras[0].name - 1);
    assert_true(evidence.extras[TW_EVIDENCE_EXTRAS - 1].value == TW_EVIDENCE_EXTRAS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_and_spelt_alike),
        cmocka_unit_test(options_have_help_and_initial_values_within_their_range),
        cmocka_unit_test(states_are_small_and_versioned),
        cmocka_unit_test(an_empty_run_is_not_judged_and_the_reason_is_told),
        cmocka_unit_test(salted_records_leave_no_number_that_is_none_in_what_is_said),
        cmocka_unit_test(no_number_that_is_none_enters_a_state),
        cmocka_unit_test(two_runs_taken_in_turns_do_not_meet),
        cmocka_unit_test(a_full_report_counts_what_it_drops),
        cmocka_unit_test(severities_and_states_have_names),
        cmocka_unit_test(evidence_takes_so_many_extras_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
