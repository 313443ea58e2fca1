/* Charts as they go out: which bucket a step is in, what a bucket tells, and that a run cut by
 * snapshots tells the same documents. What the documents hold is computed anew from the records in
 * tests/test_charts.py. */
#include "tests/unit/watch_fixture.h"

#include "agent/run_chart.h"

static void a_bucket_is_a_function_of_the_step_alone(void **state)
{
    (void)state;
    /* 256 steps of 1, 256 more of 1, then 256 of 2, 256 of 4, ... */
    static const struct {
        uint64_t step, width;
    } expected[] = {
        {0, 1},    {255, 1},  {511, 1},  {512, 2},        {1023, 2},
        {1024, 4}, {2047, 4}, {2048, 8}, {1 << 20, 4096}, {UINT64_MAX, UINT64_C(1) << 55}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(tw_run_chart_width(expected[i].step, 256), expected[i].width);
}

static struct tw_record step_record(uint64_t step, double loss)
{
    struct tw_record record;
    tw_record_init(&record);
    strcpy(record.run, "r");
    record.step = step;
    record.has = TW_HAS_STEP | TW_HAS_TIME;
    record.time_ms = 1700000000000 + (int64_t)step;
    tw_record_set(&record, TW_SIGNAL_LOSS, loss);
    return record;
}

static void take(struct tw_run_chart *chart, uint64_t step, double loss)
{
    struct tw_record record = step_record(step, loss);
    tw_run_chart_take(chart, &record, step, record.time_ms);
}

static void a_spike_does_not_disappear_and_nan_is_counted(void **state)
{
    (void)state;
    struct tw_run_chart chart = {0};
    tw_run_chart_begin(&chart, "", 4096);
    take(&chart, 4096, 2);
    take(&chart, 4097, 900);
    take(&chart, 4098, NAN);
    take(&chart, 4099, 1);
    take(&chart, 4100, INFINITY);
    const struct tw_run_chart_signal *loss = &chart.signal[0];
    assert_true(loss->first == 2 && loss->min == 1 && loss->max == 900);
    assert_true(fabs(loss->mean - 301) < 1e-9 && isinf(loss->last));
    assert_int_equal(loss->count, 5);
    assert_int_equal(loss->nonfinite, 2);
    assert_int_equal(chart.signal[1].count, 0);
}

static void a_mean_of_huge_values_does_not_overflow(void **state)
{
    (void)state;
    struct tw_run_chart chart = {0};
    tw_run_chart_begin(&chart, "", 4096);
    for (uint64_t i = 0; i < 4; i++)
        take(&chart, 4096 + i, i % 2 ? 1.7e308 : -1.7e308);
    assert_true(fabs(chart.signal[0].mean) < 1e294);
}

static void a_late_reading_is_no_way_back_and_an_endless_way_back_has_an_end(void **state)
{
    (void)state;
    struct tw_run_chart chart = {0};
    tw_run_chart_begin(&chart, "a", 400);
    take(&chart, 400, 1);
    assert_false(tw_run_chart_is_next(&chart, "a", 400));
    assert_false(tw_run_chart_is_next(&chart, "a", 400 - TW_RUN_CHART_LATE));
    assert_true(tw_run_chart_is_next(&chart, "a", 401));
    assert_true(tw_run_chart_is_next(&chart, "a", 399 - TW_RUN_CHART_LATE));
    assert_true(tw_run_chart_is_next(&chart, "b", 400));
    for (int i = 0; i < 1000; i++) {
        uint64_t step = i % 2 ? 400 : 10;
        if (!tw_run_chart_is_next(&chart, "a", step))
            continue;
        tw_run_chart_begin(&chart, "a", step);
        take(&chart, step, 1);
    }
    assert_int_equal(chart.pass, TW_RUN_CHART_PASSES);
}

/* ---- through the watch ---- */

static struct tw_watch *open_drawing(const struct fixture *fixture, struct documents *documents)
{
    struct tw_watch *watch;
    struct tw_watch_options options = {.settings = &fixture->settings,
                                       .rules = fixture->rules,
                                       .chart = collect,
                                       .closure = documents};
    assert_int_equal(tw_watch_open(&watch, &options, NULL), 0);
    return watch;
}

static void feed(struct tw_watch *watch, int first, int last)
{
    for (int i = first; i <= last; i++) {
        struct tw_position position = {.offset = i + 1};
        struct tw_record record = step_record((uint64_t)i, 2 + noise((uint64_t)i));
        if (i == 1700) {
            record.kind = TW_KIND_LAYERS;
            struct tw_layers *layers = tw_record_add_layers(&record, 3);
            float *norms = tw_layers_add_column(layers, TW_LAYER_GRAD_NORM);
            norms[0] = .1f, norms[1] = INFINITY; /* the third is not measured */
        }
        assert_int_equal(tw_watch_record(watch, &record, &position, NULL), 0);
        tw_record_clear(&record);
    }
}

static void finish(struct tw_watch *watch)
{
    assert_int_equal(tw_watch_end(watch, tw_watch_find(watch, "r"), NULL), 0);
    tw_watch_close(watch);
}

static void charts_go_on_from_a_snapshot_at_any_record(void **state)
{
    const struct fixture *fixture = *state;
    struct documents expected = {0};
    struct tw_watch *watch = open_drawing(fixture, &expected);
    feed(watch, 0, 2000);
    finish(watch);
    for (int cut = 1; cut < 2000; cut += 161) {
        struct documents documents = {0};
        size_t size;
        struct tw_run *run;
        watch = open_drawing(fixture, &documents);
        feed(watch, 0, cut);
        unsigned char *bytes =
            tw_snapshot_save(tw_watch_find(watch, "r"), &fixture->settings, &size);
        tw_watch_close(watch);
        assert_int_equal(tw_snapshot_load(&run, bytes, size, &fixture->settings, NULL), 0);
        free(bytes);
        watch = open_drawing(fixture, &documents);
        assert_int_equal(tw_watch_adopt(watch, run, NULL), 0);
        feed(watch, cut > 50 ? cut - 50 : 0, 2000); /* what comes again is passed over */
        finish(watch);
        assert_string_equal(documents.text, expected.text);
        free(documents.text);
    }
    /* Every bucket once: 512 of one step, 256 of 2, 245 of 4. */
    int charts = 0;
    for (const char *at = expected.text; (at = strstr(at, "\"kind\":\"chart\"")); at++)
        charts++;
    assert_int_equal(charts, 512 + 256 + (2000 - 1024) / 4 + 1);
    assert_non_null(strstr(expected.text, "\"layer\":{\"name\":\"#0\",\"index\":0,"
                                          "\"grad_norm\":0.1}"));
    assert_non_null(strstr(expected.text, "\"name\":\"#1\",\"index\":1,\"grad_norm\":null,"
                                          "\"grad_norm_nonfinite\":\"inf\""));
    assert_null(strstr(expected.text, "\"name\":\"#2\""));
    free(expected.text);
}

static void without_a_sink_that_draws_nothing_is_kept(void **state)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_watch(*state, &documents);
    feed(watch, 0, 100);
    assert_null(tw_watch_find(watch, "r")->chart);
    tw_watch_close(watch);
    free(documents.text);
}

static void a_run_that_goes_on_after_its_end_repeats_no_id(void **state)
{
    struct documents documents = {0};
    struct tw_watch *watch = open_drawing(*state, &documents);
    feed(watch, 0, 700);
    assert_int_equal(tw_watch_end(watch, tw_watch_find(watch, "r"), NULL), 0);
    for (uint64_t step = 690; step < 720; step++) {
        struct tw_record record = step_record(step, 1);
        struct tw_position position = {.offset = (int64_t)(1000 + step)};
        record.time_ms += 100000;
        assert_int_equal(tw_watch_record(watch, &record, &position, NULL), 0);
    }
    finish(watch);
    for (char *line = documents.text, *next; (next = strchr(line, '\n')); line = next + 1) {
        char *id = strstr(line, "\"id\":\"");
        char key[48];
        snprintf(key, sizeof key, "%.39s", id);
        assert_null(strstr(next, key));
    }
    free(documents.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_is_a_function_of_the_step_alone),
        cmocka_unit_test(a_spike_does_not_disappear_and_nan_is_counted),
        cmocka_unit_test(a_mean_of_huge_values_does_not_overflow),
        cmocka_unit_test(a_late_reading_is_no_way_back_and_an_endless_way_back_has_an_end),
        TEST(charts_go_on_from_a_snapshot_at_any_record),
        TEST(without_a_sink_that_draws_nothing_is_kept),
        TEST(a_run_that_goes_on_after_its_end_repeats_no_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
