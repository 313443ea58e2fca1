/* The JSON form. */
#include "telemetry/wire.h"

#include "tests/unit/wire_samples.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int decode(const char *text, struct tw_record *ret, char *message)
{
    struct tw_error error = {0};
    int result = tw_json_decode(text, strlen(text), ret, &error);
    if (result < 0) {
        assert_int_equal(error.code, result);
        if (message)
            strcpy(message, error.text);
    }
    return result;
}

static void the_example_of_the_documentation_is_telemetry(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    assert_int_equal(decode("{\"run\":\"r1\",\"step\":10,\"loss\":0.5,\"grad_norm\":1.2,"
                            "\"learning_rate\":1e-3}",
                            &record, NULL),
                     1);
    assert_string_equal(record.run, "r1");
    assert_int_equal(record.kind, TW_KIND_STEP);
    assert_int_equal(record.has, TW_HAS_STEP);
    assert_true(record.step == 10);
    assert_int_equal(record.signals, 1u << TW_SIGNAL_LOSS | 1u << TW_SIGNAL_GRAD_NORM |
                                         1u << TW_SIGNAL_LEARNING_RATE);
    assert_true(record.signal[TW_SIGNAL_LOSS] == 0.5);
    assert_true(record.signal[TW_SIGNAL_GRAD_NORM] == 1.2);
    assert_true(record.signal[TW_SIGNAL_LEARNING_RATE] == 1e-3);
    assert_int_equal(record.grad_norm_kind, TW_GRAD_NORM_UNKNOWN);
}

static void a_record_is_one_line_of_the_contract_s_names(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    strcpy(record.run, "r\"1\"");
    record.step = 10;
    record.has = TW_HAS_STEP;
    tw_record_set(&record, TW_SIGNAL_LOSS, 0.1);
    tw_record_set(&record, TW_SIGNAL_GRAD_NORM, INFINITY);
    tw_record_set(&record, TW_SIGNAL_UPDATE_NORM, NAN);
    tw_record_set(&record, TW_SIGNAL_OVERFLOW, 1);
    tw_record_set(&record, TW_SIGNAL_SAMPLES, 1280);
    tw_record_add_metric(&record, "f1", 2.0 / 3);
    char *line = tw_json_encode(&record);
    assert_string_equal(line, "{\"v\":1,\"run\":\"r\\\"1\\\"\",\"kind\":\"step\",\"step\":10,"
                              "\"loss\":0.1,\"grad_norm\":\"inf\",\"update_norm\":\"nan\","
                              "\"overflow\":true,\"samples\":1280,"
                              "\"eval_f1\":0.6666666666666666}");
    free(line);
}

static void layer_columns_say_null_where_nothing_was_measured(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    strcpy(record.run, "r1");
    record.kind = TW_KIND_LAYERS;
    struct tw_layers *layers = tw_record_add_layers(&record, 3);
    layers->header_hash = UINT64_C(0xaf63bd4c8601b7df);
    float *column = tw_layers_add_column(layers, TW_LAYER_WEIGHT_NORM);
    column[0] = 0.1f; /* as a double it would be 0.10000000149011612 */
    column[2] = -INFINITY;
    char *line = tw_json_encode(&record);
    assert_string_equal(line, "{\"v\":1,\"run\":\"r1\",\"kind\":\"layers\",\"step\":0,"
                              "\"header_hash\":\"af63bd4c8601b7df\","
                              "\"layers\":{\"weight_norm\":[0.1,null,\"-inf\"]}}");
    free(line);
    tw_record_clear(&record);
}

static void every_kind_survives_a_round_trip(void **state)
{
    (void)state;
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        struct tw_record record, back;
        tw_record_init(&record);
        tw_record_init(&back);
        wire_sample(&record, (enum tw_kind)kind, 1);
        char *line = tw_json_encode(&record);
        assert_non_null(line);
        assert_null(strchr(line, '\n'));
        assert_int_equal(decode(line, &back, NULL), 1);
        assert_same_record(&record, &back);
        free(line);
        tw_record_clear(&record);
        tw_record_clear(&back);
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (int kind = TW_KIND_HEADER; kind <= TW_KIND_END; kind++) {
        struct tw_record record, back;
        tw_record_init(&record);
        tw_record_init(&back);
        wire_sample(&record, (enum tw_kind)kind, 1);
        char *line = tw_json_encode(&record);
        for (size_t cut = 0; cut < strlen(line); cut++) {
            char *copy = malloc(cut + 1);
            memcpy(copy, line, cut);
            assert_int_equal(tw_json_decode(copy, cut, &back, NULL), -EBADMSG);
            free(copy);
        }
        free(line);
        tw_record_clear(&record);
    }
}

static void numbers_read_back_the_same(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u; /* xorshift64, Marsaglia 2003 */
    for (int i = 0; i < 20000; i++) {
        struct tw_record record, back;
        double number;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        memcpy(&number, &random, sizeof number);
        tw_record_init(&record);
        tw_record_init(&back);
        strcpy(record.run, "r");
        tw_record_set(&record, TW_SIGNAL_LOSS, number);
        char *line = tw_json_encode(&record);
        assert_int_equal(decode(line, &back, NULL), 1);
        if (isnan(number))
            assert_true(isnan(back.signal[TW_SIGNAL_LOSS]));
        else
            assert_memory_equal(&back.signal[TW_SIGNAL_LOSS], &number, sizeof number);
        free(line);
    }
}

static double round_trip(double number)
{
    struct tw_record record, back;
    tw_record_init(&record);
    tw_record_init(&back);
    strcpy(record.run, "r");
    tw_record_set(&record, TW_SIGNAL_LOSS, number);
    char *line = tw_json_encode(&record);
    assert_int_equal(decode(line, &back, NULL), 1);
    free(line);
    return back.signal[TW_SIGNAL_LOSS];
}

static void extreme_numbers_keep_their_value_and_sign(void **state)
{
    (void)state;
    assert_true(signbit(round_trip(-0.0)) && round_trip(-0.0) == 0);
    assert_false(signbit(round_trip(0.0)));
    assert_true(round_trip(5e-324) == 5e-324);
    assert_true(round_trip(-1.7976931348623157e308) == -1.7976931348623157e308);
    assert_true(round_trip(9007199254740993e0) == 9007199254740992.0);
}

static void integers_up_to_64_bits_are_exact(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    assert_int_equal(decode("{\"run\":\"r\",\"seq\":9223372036854775807,\"step\":1,"
                            "\"time\":-9223372036854775808}",
                            &record, NULL),
                     1);
    assert_true(record.seq == INT64_MAX);
    assert_true(record.time_ms == INT64_MIN);
    assert_int_equal(
        decode("{\"run\":\"r\",\"seq\":9223372036854775808,\"step\":1}", &record, NULL), -EBADMSG);
    assert_int_equal(
        decode("{\"run\":\"r\",\"time\":-9223372036854775809,\"step\":1}", &record, NULL),
        -EBADMSG);
}

static void a_locale_with_a_decimal_comma_changes_nothing(void **state)
{
    (void)state;
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    struct tw_record record;
    bool found = false;
    for (size_t i = 0; !found && i < sizeof locales / sizeof *locales; i++)
        found = setlocale(LC_ALL, locales[i]) != NULL;
    if (!found)
        return; /* no such locale is installed */
    tw_record_init(&record);
    strcpy(record.run, "r");
    tw_record_set(&record, TW_SIGNAL_LOSS, 0.5);
    char *line = tw_json_encode(&record);
    assert_non_null(strstr(line, "\"loss\":0.5"));
    assert_int_equal(decode(line, &record, NULL), 1);
    assert_true(record.signal[TW_SIGNAL_LOSS] == 0.5);
    free(line);
    setlocale(LC_ALL, "C");
}

static void every_spelling_of_nan_and_infinity_is_a_reading(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } spellings[] = {
        {"\"nan\"", NAN},
        {"\"NaN\"", NAN},
        {"NaN", NAN},
        {"nan", NAN},
        {"-nan", NAN},
        {"\"-nan\"", NAN},
        {"\"inf\"", INFINITY},
        {"\"Infinity\"", INFINITY},
        {"Infinity", INFINITY},
        {"inf", INFINITY},
        {"INF", INFINITY},
        {"\"+inf\"", INFINITY},
        {"\"-inf\"", -INFINITY},
        {"-Infinity", -INFINITY},
        {"-inf", -INFINITY},
        {"\"-Infinity\"", -INFINITY},
        {"0.25", 0.25},
        {"25e-2", 0.25},
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        struct tw_record record;
        char line[128];
        tw_record_init(&record);
        /* Words inside of strings and names are left alone. */
        snprintf(line, sizeof line, "{\"run\": \"nan -inf \\\" NaN\", \"step\":1, \"loss\": %s}",
                 spellings[i].text);
        assert_int_equal(decode(line, &record, NULL), 1);
        assert_string_equal(record.run, "nan -inf \" NaN");
        assert_true(tw_record_has(&record, TW_SIGNAL_LOSS));
        if (isnan(spellings[i].value))
            assert_true(isnan(record.signal[TW_SIGNAL_LOSS]));
        else
            assert_true(record.signal[TW_SIGNAL_LOSS] == spellings[i].value);
    }
}

static void the_kind_is_inferred_from_the_fields(void **state)
{
    (void)state;
    static const struct {
        const char *rest;
        enum tw_kind kind;
    } cases[] = {
        {"\"loss\":1", TW_KIND_STEP},
        {"\"unknown\":1", TW_KIND_STEP},
        {"\"eval_loss\":1,\"epoch\":2", TW_KIND_EVAL},
        {"\"eval_accuracy\":1", TW_KIND_EVAL},
        {"\"eval_loss\":1,\"loss\":1", TW_KIND_STEP},
        {"\"hyperparameters\":{}", TW_KIND_HEADER},
        {"\"layers\":[{\"name\":\"fc\"}]", TW_KIND_HEADER},
        {"\"layers\":{\"grad_norm\":[1]}", TW_KIND_LAYERS},
        {"\"event\":\"resume\"", TW_KIND_EVENT},
        {"\"status\":\"completed\"", TW_KIND_END},
        {"\"status\":\"failed\",\"loss\":1,\"kind\":\"step\"", TW_KIND_STEP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tw_record record;
        char line[128];
        tw_record_init(&record);
        snprintf(line, sizeof line, "{\"run\":\"r\",\"step\":1,%s}", cases[i].rest);
        assert_int_equal(decode(line, &record, NULL), 1);
        assert_int_equal(record.kind, cases[i].kind);
        assert_int_equal(record.header != NULL, record.kind == TW_KIND_HEADER);
        assert_int_equal(record.layers != NULL, record.kind == TW_KIND_LAYERS);
        tw_record_clear(&record);
    }
}

static void foreign_values_are_taken_generously(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    assert_int_equal(decode("{\"run\":\"r\",\"step\":10.0,\"time\":1709251200123.75,\"loss\":null,"
                            "\"attempt\":null,\"total_flos\":1e18,\"seed\":18446744073709551615,"
                            "\"overflow\":0,\"eval_note\":\"good\",\"betas\":[0.9,[]],"
                            "\"grad_norm_kind\":\"per_layer\"}",
                            &record, NULL),
                     1);
    assert_true(record.step == 10);
    assert_true(record.time_ms == 1709251200123);
    assert_false(tw_record_has(&record, TW_SIGNAL_LOSS));
    assert_true(tw_record_has(&record, TW_SIGNAL_OVERFLOW));
    assert_int_equal(record.n_metrics, 0);
    assert_int_equal(record.has, TW_HAS_STEP | TW_HAS_TIME);
    assert_int_equal(record.grad_norm_kind, TW_GRAD_NORM_UNKNOWN);
}

static void hyperparameters_are_numbers_or_texts(void **state)
{
    (void)state;
    struct tw_record record;
    tw_record_init(&record);
    assert_int_equal(decode("{\"run\":\"r\",\"hyperparameters\":{\"optimizer\":\"adam\","
                            "\"learning_rate\":0.001,\"amsgrad\":true,\"betas\":[0.9,0.99],"
                            "\"clip\":null,\"seed\":18446744073709551615,\"nested\":{\"a\":1},"
                            "\"max_grad_norm\":Infinity}}",
                            &record, NULL),
                     1);
    const struct tw_header *header = record.header;
    assert_int_equal(header->n_hyperparameters, 5);
    assert_string_equal(tw_header_find(header, "optimizer")->text, "adam");
    assert_true(tw_header_find(header, "learning_rate")->number == 0.001);
    assert_true(tw_header_find(header, "amsgrad")->number == 1);
    assert_true(tw_header_find(header, "seed")->number == 18446744073709551616.0);
    assert_true(tw_header_find(header, "max_grad_norm")->number == INFINITY);
    tw_record_clear(&record);
}

static void what_is_wrong_is_told_by_field(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        const char *reason;
    } cases[] = {
        {"", -EBADMSG, "not JSON"},
        {"[]", -EBADMSG, "not a record"},
        {"{\"run\":\"r\",\"step\":1} x", -EBADMSG, "not JSON"},
        {"{\"run\":\"r\",\"step\":1,\"loss\":[1]}", -EBADMSG, "loss: not a number but a list"},
        {"{\"run\":\"r\",\"step\":1,\"loss\":{}}", -EBADMSG, "loss: not a number but an object"},
        {"{\"run\":\"r\",\"step\":1,\"loss\":\"low\"}", -EBADMSG, "loss: not a number but a text"},
        {"{\"run\":\"r\",\"step\":1.5}", -EBADMSG, "step: 1.5 is not a whole number"},
        {"{\"run\":\"r\",\"step\":-1}", -EBADMSG, "step: -1 is out of range"},
        {"{\"run\":\"r\",\"step\":NaN}", -EBADMSG, "step: nan is not a whole number"},
        {"{\"run\":\"r\"}", -EBADMSG, "step: missing"},
        {"{\"step\":1}", -EBADMSG, "run: missing"},
        {"{\"run\":17,\"step\":1}", -EBADMSG, "run: not a text but a number"},
        {"{\"run\":\"r\",\"step\":1,\"step\":2}", -EBADMSG, "duplicate"},
        {"{\"run\":\"r\",\"step\":1,\"kind\":\"stop\"}", -EBADMSG, "kind: 'stop' is none of"},
        {"{\"run\":\"r\",\"status\":\"lost\"}", -EBADMSG, "status: 'lost' is none of completed"},
        {"{\"run\":\"r\",\"step\":1,\"layers\":3}", -EBADMSG, "layers: not a list or an object"},
        {"{\"run\":\"r\",\"kind\":\"header\",\"layers\":{}}", -EBADMSG, "layers:"},
        {"{\"run\":\"r\",\"step\":1,\"kind\":\"layers\",\"layers\":[{}]}", -EBADMSG, "layers:"},
        {"{\"run\":\"r\",\"layers\":[1]}", -EBADMSG, "layers: not a list of objects"},
        {"{\"run\":\"r\",\"step\":1,\"layers\":{\"grad_norm\":[\"x\"]}}", -EBADMSG, "grad_norm:"},
        {"{\"run\":\"r\",\"step\":1,\"layers\":{\"grad_norm\":[],\"nonfinite\":[1]}}", -EBADMSG,
         "nonfinite has 1 entries, others have 0"},
        {"{\"loss\":[],\"v\":2}", -EPROTONOSUPPORT, "version 2"},
        {"{\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]],\"run\":\"r\",\"step\":1}", -EBADMSG,
         "nested deeper than 16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tw_record record;
        char message[512] = "";
        tw_record_init(&record);
        int result = decode(cases[i].text, &record, message);
        if (result != cases[i].result || !strstr(message, cases[i].reason))
            fail_msg("%s: %d, '%s'", cases[i].text, result, message);
    }
}

static void deep_nesting_is_refused_before_it_is_parsed(void **state)
{
    (void)state;
    struct tw_record record;
    size_t size = 1000000;
    char *text = malloc(size);
    memset(text, '[', size);
    tw_record_init(&record);
    assert_int_equal(tw_json_decode(text, size, &record, NULL), -EBADMSG);
    free(text);
}

static void a_line_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct tw_record record;
    size_t size = TW_RECORD_BYTES_MAX + 1;
    char *text = malloc(size);
    memset(text, ' ', size);
    memcpy(text, "{\"run\":\"r\",\"step\":1}", 20);
    tw_record_init(&record);
    assert_int_equal(tw_json_decode(text, size - 1, &record, NULL), 1);
    assert_int_equal(tw_json_decode(text, size, &record, NULL), -EMSGSIZE);
    free(text);
}

static void a_message_of_lines_is_read_until_one_is_broken(void **state)
{
    (void)state;
    const char *message =
        "\n{\"run\":\"r\",\"step\":1}\r\n\n  {\"run\":\"r\",\"step\":2}\n{\"run\":";
    size_t size = strlen(message), offset = 0;
    struct tw_record record;
    struct tw_error error = {0};
    tw_record_init(&record);
    assert_int_equal(tw_wire_format_of(message, size), TW_WIRE_JSON);
    assert_int_equal(tw_message_next(message, size, &offset, &record, &error), 1);
    assert_true(record.step == 1);
    assert_int_equal(tw_message_next(message, size, &offset, &record, &error), 1);
    assert_true(record.step == 2);
    assert_int_equal(tw_message_next(message, size, &offset, &record, &error), -EBADMSG);
    assert_string_equal(message + offset, "{\"run\":");
    assert_int_equal(tw_message_next("\n \n", 3, &(size_t){0}, &record, NULL), 0);
    assert_int_equal(tw_message_next("", 0, &(size_t){0}, &record, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_documentation_is_telemetry),
        cmocka_unit_test(a_record_is_one_line_of_the_contract_s_names),
        cmocka_unit_test(layer_columns_say_null_where_nothing_was_measured),
        cmocka_unit_test(every_kind_survives_a_round_trip),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(numbers_read_back_the_same),
        cmocka_unit_test(extreme_numbers_keep_their_value_and_sign),
        cmocka_unit_test(integers_up_to_64_bits_are_exact),
        cmocka_unit_test(a_locale_with_a_decimal_comma_changes_nothing),
        cmocka_unit_test(every_spelling_of_nan_and_infinity_is_a_reading),
        cmocka_unit_test(the_kind_is_inferred_from_the_fields),
        cmocka_unit_test(foreign_values_are_taken_generously),
        cmocka_unit_test(hyperparameters_are_numbers_or_texts),
        cmocka_unit_test(what_is_wrong_is_told_by_field),
        cmocka_unit_test(deep_nesting_is_refused_before_it_is_parsed),
        cmocka_unit_test(a_line_over_the_limit_is_refused),
        cmocka_unit_test(a_message_of_lines_is_read_until_one_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
