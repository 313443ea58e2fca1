/* The record in memory. */
#include "telemetry/record.h"

#include "telemetry/text.h"
#include "tests/unit/wire_samples.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_new_record_has_nothing(void **state)
{
    (void)state;
    struct tw_record record;
    memset(&record, 0xA5, sizeof record);
    tw_record_init(&record);
    assert_int_equal(record.has, 0);
    assert_null(record.header);
    assert_null(record.layers);
    for (int i = 0; i < TW_SIGNALS; i++)
        assert_false(tw_record_has(&record, (enum tw_signal)i));
}

static void a_signal_that_is_nan_was_sent_all_the_same(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    tw_record_set(&record, TW_SIGNAL_LOSS, NAN);
    assert_true(tw_record_has(&record, TW_SIGNAL_LOSS));
    assert_false(tw_record_has(&record, TW_SIGNAL_GRAD_NORM));
}

static void a_copy_of_every_kind_is_deep_and_equal(void **state)
{
    (void)state;
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        struct tw_record record, copy;
        tw_record_init(&record);
        tw_record_init(&copy);
        wire_sample(&record, (enum tw_kind)kind, 3);
        assert_int_equal(tw_record_copy(&copy, &record), 0);
        assert_same_record(&record, &copy);
        if (record.header) {
            assert_ptr_not_equal(record.header->layers, copy.header->layers);
            /* The copy can go on growing. */
            assert_non_null(tw_header_add_layer(copy.header, "one more"));
            assert_int_equal(tw_header_set_number(copy.header, "one_more", 1), 0);
        }
        tw_record_clear(&record);
        tw_record_clear(&copy);
    }
}

static void metrics_called_like_signals_are_these_signals(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    tw_record_add_metric(&record, "loss", 2.5);
    tw_record_add_metric(&record, "samples", 100);
    tw_record_add_metric(&record, "f1", 0.5);
    tw_record_add_metric(&record, "f1", 0.75);
    assert_true(record.signal[TW_SIGNAL_EVAL_LOSS] == 2.5);
    assert_true(record.signal[TW_SIGNAL_EVAL_SAMPLES] == 100);
    assert_int_equal(record.n_metrics, 1);
    assert_true(record.metrics[0].value == 0.75);
}

static void metrics_over_the_limit_are_ignored(void **state)
{
    (void)state;
    struct tw_record record;
    char name[16];
    tw_record_init(&record);
    for (int i = 0; i < TW_METRICS_MAX + 5; i++) {
        snprintf(name, sizeof name, "m%d", i);
        tw_record_add_metric(&record, name, i);
    }
    assert_int_equal(record.n_metrics, TW_METRICS_MAX);
    assert_string_equal(record.metrics[TW_METRICS_MAX - 1].name, "m15");
}

static void hyperparameters_are_replaced_by_name_up_to_the_limit(void **state)
{
    (void)state;
    struct tw_record record;
    char name[16];
    tw_record_init(&record);
    struct tw_header *header = tw_record_add_header(&record);
    for (int i = 0; i < TW_HYPERPARAMETERS_MAX; i++) {
        snprintf(name, sizeof name, "p%d", i);
        assert_int_equal(tw_header_set_number(header, name, i), 0);
    }
    assert_int_equal(tw_header_set_number(header, "one_more", 1), -E2BIG);
    assert_int_equal(tw_header_set_text(header, "p5", "five"), 0);
    assert_int_equal(header->n_hyperparameters, TW_HYPERPARAMETERS_MAX);
    assert_true(tw_header_find(header, "p5")->is_text);
    assert_string_equal(tw_header_find(header, "p5")->text, "five");
    assert_null(tw_header_find(header, "one_more"));
    tw_record_clear(&record);
}

static void layers_over_the_limit_are_refused(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    assert_null(tw_record_add_layers(&record, TW_LAYERS_MAX + 1));
    struct tw_header *header = tw_record_add_header(&record);
    for (int i = 0; i < TW_LAYERS_MAX; i++)
        assert_non_null(tw_header_add_layer(header, "l"));
    assert_null(tw_header_add_layer(header, "l"));
    tw_record_clear(&record);
}

static void a_new_column_is_not_measured(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    struct tw_layers *layers = tw_record_add_layers(&record, 5);
    float *column = tw_layers_add_column(layers, TW_LAYER_NONFINITE);
    for (int i = 0; i < 5; i++)
        assert_true(isnan(column[i]));
    assert_null(layers->column[TW_LAYER_GRAD_NORM]);
    assert_false(tw_record_is_nonfinite(&record));
    column[3] = 1;
    assert_true(tw_record_is_nonfinite(&record));
    tw_record_clear(&record);
}

static void the_hash_of_layer_names_is_the_published_fnv_1a(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    struct tw_header *header = tw_record_add_header(&record);
    /* Test vectors of the authors' test_fnv.c: no bytes; "" with its NUL; "a" with its NUL. */
    assert_true(tw_header_hash(header) == UINT64_C(0xcbf29ce484222325));
    tw_header_add_layer(header, "");
    assert_true(tw_header_hash(header) == UINT64_C(0xaf63bd4c8601b7df));
    header->n_layers = 0;
    tw_header_add_layer(header, "a");
    assert_true(tw_header_hash(header) == UINT64_C(0x089be207b544f1e4));
    tw_record_clear(&record);
}

static void a_cleared_record_is_like_a_new_one(void **state)
{
    (void)state;
    struct tw_record record, new;
    tw_record_init(&new);
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        tw_record_init(&record);
        wire_sample(&record, (enum tw_kind)kind, 1);
        for (int i = 0; kind == TW_KIND_EVAL && i < TW_METRICS_MAX; i++)
            tw_record_add_metric(&record, (char[]){(char)('a' + i), 0}, i);
        tw_record_clear(&record);
        assert_memory_equal(&record, &new, sizeof new);
    }
}

static void overflow_and_infinities_make_a_record_nonfinite(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    tw_record_set(&record, TW_SIGNAL_LOSS, 0.5);
    tw_record_set(&record, TW_SIGNAL_OVERFLOW, 0);
    tw_record_add_metric(&record, "f1", 0.5);
    assert_false(tw_record_is_nonfinite(&record));
    tw_record_set(&record, TW_SIGNAL_OVERFLOW, 1);
    assert_true(tw_record_is_nonfinite(&record));
    tw_record_set(&record, TW_SIGNAL_OVERFLOW, 0);
    tw_record_set(&record, TW_SIGNAL_TRAIN_LOSS, -INFINITY);
    assert_true(tw_record_is_nonfinite(&record));
    tw_record_set(&record, TW_SIGNAL_TRAIN_LOSS, 1);
    tw_record_add_metric(&record, "f1", NAN);
    assert_true(tw_record_is_nonfinite(&record));
}

static void texts_are_cut_at_a_character(void **state)
{
    (void)state;
    char text[6];
    tw_text_copy(text, sizeof text, "abc\xE2\x82\xAC", 6); /* abc and the euro sign, 3 bytes */
    assert_string_equal(text, "abc");
    tw_text_copy(text, sizeof text, "ab\xE2\x82\xAC", 5);
    assert_string_equal(text, "ab\xE2\x82\xAC");
    tw_text_copy(text, sizeof text, "a\xFF\xC3", 3);
    assert_string_equal(text, "a??");
}

static void ill_formed_utf8_is_recognised(void **state)
{
    (void)state;
    /* The boundary cases of table 3-7 of the Unicode standard. */
    static const char *const bad[] = {"\x80",
                                      "\xC1\xBF",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xE2\x82"};
    static const char *const good[] = {"\x7F",         "\xC2\x80",         "\xE0\xA0\x80",
                                       "\xED\x9F\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(tw_text_is_utf8(bad[i], strlen(bad[i])));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(tw_text_is_utf8(good[i], strlen(good[i])));
}

static void names_are_those_of_the_wire(void **state)
{
    (void)state;
    assert_string_equal(tw_kind_name(TW_KIND_END), "end");
    assert_string_equal(tw_signal_name(TW_SIGNAL_EPOCH), "epoch");
    assert_string_equal(tw_signal_name(TW_SIGNAL_DROPPED_RECORDS), "dropped_records");
    assert_string_equal(tw_signal_name(TW_SIGNAL_TRAIN_LOSS), "train_loss");
    assert_string_equal(tw_layer_column_name(TW_LAYER_NONFINITE), "nonfinite");
    assert_string_equal(tw_grad_norm_kind_name(TW_GRAD_NORM_PRE_CLIP), "pre_clip");
    assert_string_equal(tw_end_status_name(TW_END_FAILED), "failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_record_has_nothing),
        cmocka_unit_test(a_signal_that_is_nan_was_sent_all_the_same),
        cmocka_unit_test(a_copy_of_every_kind_is_deep_and_equal),
        cmocka_unit_test(metrics_called_like_signals_are_these_signals),
        cmocka_unit_test(metrics_over_the_limit_are_ignored),
        cmocka_unit_test(hyperparameters_are_replaced_by_name_up_to_the_limit),
        cmocka_unit_test(layers_over_the_limit_are_refused),
        cmocka_unit_test(a_new_column_is_not_measured),
        cmocka_unit_test(the_hash_of_layer_names_is_the_published_fnv_1a),
        cmocka_unit_test(a_cleared_record_is_like_a_new_one),
        cmocka_unit_test(overflow_and_infinities_make_a_record_nonfinite),
        cmocka_unit_test(texts_are_cut_at_a_character),
        cmocka_unit_test(ill_formed_utf8_is_recognised),
        cmocka_unit_test(names_are_those_of_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
