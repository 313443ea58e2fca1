/* The context: where a run is, its segments and gates, from the records alone. */
#include "tests/unit/detector_fixture.h"

struct context {
    struct tw_context_config config;
    struct tw_context is;
};

static void start(struct context *context)
{
    struct tw_error error = {0};
    memset(context, 0, sizeof *context);
    assert_int_equal(
        tw_options_initialise(tw_context_options, tw_context_n_options, &context->config, &error),
        0);
    tw_context_start(&context->is);
    tw_context_grow(&context->is, TW_EXTENT_LAYERS, NULL);
}

static void observe(struct context *context, struct tw_record *record)
{
    tw_context_observe(&context->is, &context->config, record);
    tw_record_clear(record);
}

static void observe_rate(struct context *context, uint64_t step, double rate)
{
    struct tw_record record = step_record(step);
    tw_record_set(&record, TW_SIGNAL_LEARNING_RATE, rate);
    observe(context, &record);
}

static void observe_step(struct context *context, uint64_t step)
{
    struct tw_record record = step_record(step);
    observe(context, &record);
}

static struct tw_record header_record(void)
{
    struct tw_record record;
    tw_record_init(&record);
    record.kind = TW_KIND_HEADER;
    assert_non_null(tw_record_add_header(&record));
    return record;
}

static void a_run_begins_at_its_first_record(void **state)
{
    struct context context;
    (void)state;
    start(&context);
    observe_step(&context, 700);
    assert_int_equal(context.is.first_step, 700);
    assert_int_equal(context.is.segment, 0);
    assert_int_equal(context.is.segment_first_step, 700);
    assert_int_equal(context.is.segment_is_new, 0);
    assert_int_equal(context.is.first_time_ms, 70000);
}

static void a_step_that_goes_back_is_a_resume(void **state)
{
    struct context context;
    (void)state;
    start(&context);
    observe_step(&context, 500);
    observe_step(&context, 501);
    observe_step(&context, 400);
    assert_int_equal(context.is.step_went_back, 1);
    assert_int_equal(context.is.segment_is_new, 1);
    assert_int_equal(context.is.segment_cause, TW_SEGMENT_RESUME);
    assert_int_equal(context.is.segment_first_step, 400);
    assert_true(tw_context_is_muted(&context.is, &context.config));
    observe_step(&context, 599);
    assert_int_equal(context.is.segment_is_new, 0);
    assert_true(tw_context_is_muted(&context.is, &context.config));
    observe_step(&context, 600);
    assert_false(tw_context_is_muted(&context.is, &context.config));
}

static void two_records_of_one_step_are_no_resume(void **state)
{
    struct context context;
    (void)state;
    start(&context);
    observe_step(&context, 5);
    observe_step(&context, 5);
    assert_int_equal(context.is.segment, 0);
    /* Nor is an evaluation of an earlier step, nor another rank that lags. */
    observe_step(&context, 6);
    struct tw_record record = step_record(5);
    record.kind = TW_KIND_EVAL;
    observe(&context, &record);
    record = step_record(4);
    record.has |= TW_HAS_RANK;
    record.rank = 3;
    observe(&context, &record);
    assert_int_equal(context.is.segment, 0);
}

static void a_new_attempt_is_a_resume_and_the_first_is_not(void **state)
{
    struct context context;
    (void)state;
    start(&context);
    for (int i = 0; i < 4; i++) {
        struct tw_record record = step_record((uint64_t)(100 + i));
        record.has |= TW_HAS_ATTEMPT;
        snprintf(record.attempt, sizeof record.attempt, "a%d", i / 2);
        observe(&context, &record);
        assert_int_equal(context.is.segment_is_new, i == 2);
    }
    assert_int_equal(context.is.segment, 1);
    assert_int_equal(context.is.segment_cause, TW_SEGMENT_RESUME);
}

static void events_begin_segments(void **state)
{
    static const struct {
        const char *event;
        bool is_segment;
        enum tw_segment_cause cause;
    } events[] = {
        {"resume", true, TW_SEGMENT_RESUME},
        {"data_change", true, TW_SEGMENT_DATA_CHANGE},
        {"checkpoint", false, TW_SEGMENT_START},
        {"lr_change", false, TW_SEGMENT_START},
    };
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct context context;
        start(&context);
        observe_step(&context, 10);
        struct tw_record record = step_record(11);
        record.kind = TW_KIND_EVENT;
        snprintf(record.event, sizeof record.event, "%s", events[i].event);
        observe(&context, &record);
        assert_int_equal(context.is.segment_is_new, events[i].is_segment);
        assert_int_equal(context.is.segment_cause, events[i].cause);
    }
}

static void a_learning_rate_that_jumps_begins_a_segment(void **state)
{
    static const struct {
        double from, to;
        int cause; /* -1: none */
    } jumps[] = {
        {1e-3, 1.49e-3, -1}, {1e-3, 1.51e-3, TW_SEGMENT_LR_UP},
        {1e-3, 6.7e-4, -1},  {1e-3, 6.6e-4, TW_SEGMENT_LR_DOWN},
        {1e-3, NAN, -1},     {1e-3, INFINITY, -1},
        {1e-3, 0, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        struct context context;
        start(&context);
        observe_rate(&context, 300, jumps[i].from);
        assert_int_equal(context.is.segment, 0);
        observe_rate(&context, 301, jumps[i].to);
        assert_int_equal(context.is.segment, jumps[i].cause >= 0);
        if (jumps[i].cause >= 0)
            assert_int_equal(context.is.segment_cause, jumps[i].cause);
        assert_true(isfinite(context.is.learning_rate));
    }
}

static void a_resume_explains_its_learning_rate(void **state)
{
    struct context context;
    (void)state;
    start(&context);
    observe_rate(&context, 900, 1e-4);
    observe_rate(&context, 500, 1e-3);
    assert_int_equal(context.is.segment, 1);
    assert_int_equal(context.is.segment_cause, TW_SEGMENT_RESUME);
}

static void a_schedule_that_restarts_from_zero_jumps_and_a_warm_up_does_not(void **state)
{
    struct context context;
    (void)state;
    start(&context);
    observe_rate(&context, 0, 0);
    observe_rate(&context, 1, 1e-3);
    assert_int_equal(context.is.segment, 1); /* straight to its peak: there was no warm-up */
    observe_rate(&context, 2, 0);
    observe_rate(&context, 3, 1e-5);
    assert_int_equal(context.is.segment, 1);
    observe_rate(&context, 4, 0);
    observe_rate(&context, 5, 9e-4);
    assert_int_equal(context.is.segment, 2);
    assert_true(context.is.peak_learning_rate == 1e-3);
}

static void a_rate_beyond_reason_is_no_peak(void **state)
{
    struct context context;
    (void)state;
    start(&context);
    observe_rate(&context, 1, 1e-3);
    observe_rate(&context, 2, 1e308);
    observe_rate(&context, 3, 1e-3);
    assert_int_equal(context.is.segment, 0);
    assert_true(context.is.peak_learning_rate == 1e-3);
    assert_true(context.is.learning_rate == 1e-3);
}

static void a_header_declares_the_warm_up_and_the_rest(void **state)
{
    struct context context;
    (void)state;
    start(&context);
    assert_int_equal(tw_context_warmup_end(&context.is, &context.config), 100);
    struct tw_record record = header_record();
    snprintf(record.header->objective, sizeof record.header->objective, "ctc");
    record.header->world_size = 8;
    tw_header_set_number(record.header, "max_steps", 100000);
    tw_header_set_text(record.header, "precision", "fp16");
    observe(&context, &record);
    assert_int_equal(tw_context_warmup_end(&context.is, &context.config), 2000); /* 2 % */
    assert_int_equal(context.is.objective, TW_OBJECTIVE_CTC);
    assert_int_equal(context.is.world_size, 8);
    assert_int_equal(context.is.is_fp16, 1);
    record = header_record();
    tw_header_set_number(record.header, "max_steps", 100000);
    tw_header_set_number(record.header, "warmup_steps", 3000);
    tw_header_set_text(record.header, "precision", "bf16");
    observe(&context, &record);
    assert_int_equal(tw_context_warmup_end(&context.is, &context.config), 3000);
    assert_int_equal(context.is.is_fp16, 0);
    observe_step(&context, 2999);
    assert_true(tw_context_in_warmup(&context.is, &context.config));
    observe_step(&context, 3000);
    assert_false(tw_context_in_warmup(&context.is, &context.config));
}

static void another_batch_size_begins_a_segment_and_a_repeated_header_does_not(void **state)
{
    struct context context;
    (void)state;
    start(&context);
    for (int i = 0; i < 3; i++) {
        struct tw_record record = header_record();
        tw_header_set_number(record.header, "batch_size", i < 2 ? 32 : 64);
        observe(&context, &record);
        assert_int_equal(context.is.segment, i == 2);
    }
    assert_int_equal(context.is.segment_cause, TW_SEGMENT_BATCH_CHANGE);
}

static void layers_are_called_by_their_names(void **state)
{
    struct context context;
    char scope[TW_SCOPE_MAX + 1];
    (void)state;
    start(&context);
    struct tw_record record = header_record();
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "block%d", i);
        assert_non_null(tw_header_add_layer(record.header, name));
    }
    uint64_t hash = tw_header_hash(record.header);
    observe(&context, &record);
    tw_context_layer_scope(&context.is, hash, 0, scope, sizeof scope);
    assert_string_equal(scope, "layer:block0");
    tw_context_layer_scope(&context.is, hash, 42, scope, sizeof scope);
    assert_string_equal(scope, "layer:block42");
    /* No room was left for the last ones. */
    tw_context_layer_scope(&context.is, hash, 299, scope, sizeof scope);
    assert_string_equal(scope, "layer:#299");
    tw_context_layer_scope(&context.is, hash + 1, 3, scope, sizeof scope);
    assert_string_equal(scope, "layer:#3");
}

/* The header comes long before the first layers record, which is what makes room for names. */
static void names_that_came_before_there_was_room_are_known_with_it(void **state)
{
    struct context whole, grown;
    char scope[TW_SCOPE_MAX + 1];
    struct tw_record record = header_record();
    size_t size = tw_context_size(TW_EXTENT_STEPS);
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct tw_layer_info *layer = tw_header_add_layer(record.header, i ? "gate" : "dense");
        snprintf(layer->activation, sizeof layer->activation, "tanh");
    }
    uint64_t hash = tw_header_hash(record.header);
    start(&whole);
    start(&grown);
    grown.is.extent = TW_EXTENT_STEPS;
    memset((char *)&grown.is + size, 0xa5, sizeof grown.is - size);
    tw_context_observe(&whole.is, &whole.config, &record);
    tw_context_observe(&grown.is, &grown.config, &record);
    tw_context_layer_scope(&grown.is, hash, 1, scope, sizeof scope);
    assert_string_equal(scope, "layer:#1");
    for (size_t i = size; i < sizeof grown.is; i++)
        assert_int_equal(((unsigned char *)&grown.is)[i], 0xa5);
    memset((char *)&grown.is + size, 0, sizeof grown.is - size);
    tw_context_grow(&grown.is, TW_EXTENT_LAYERS, record.header);
    tw_context_layer_scope(&grown.is, hash, 1, scope, sizeof scope);
    assert_string_equal(scope, "layer:gate");
    assert_memory_equal(&whole.is, &grown.is, sizeof whole.is);
    tw_record_clear(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_begins_at_its_first_record),
        cmocka_unit_test(a_step_that_goes_back_is_a_resume),
        cmocka_unit_test(two_records_of_one_step_are_no_resume),
        cmocka_unit_test(a_new_attempt_is_a_resume_and_the_first_is_not),
        cmocka_unit_test(events_begin_segments),
        cmocka_unit_test(a_learning_rate_that_jumps_begins_a_segment),
        cmocka_unit_test(a_resume_explains_its_learning_rate),
        cmocka_unit_test(a_schedule_that_restarts_from_zero_jumps_and_a_warm_up_does_not),
        cmocka_unit_test(a_rate_beyond_reason_is_no_peak),
        cmocka_unit_test(a_header_declares_the_warm_up_and_the_rest),
        cmocka_unit_test(another_batch_size_begins_a_segment_and_a_repeated_header_does_not),
        cmocka_unit_test(layers_are_called_by_their_names),
        cmocka_unit_test(names_that_came_before_there_was_room_are_known_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
