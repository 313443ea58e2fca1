/* Ids, documents and sentences of advisories. */
#include "advisories/json_text.h"
#include "sample_advisory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

/* Each id below is the first half of what sha256sum prints for the bytes shown. */
static void episode_ids_are_sha256_of_the_fields(void **state)
{
    (void)state;
    char id[TW_EVENT_ID_SIZE];
    /* printf 'r1\0a1\0overflow\0run\000812' | sha256sum */
    tw_episode_id(id, "r1", "a1", "overflow", "run", 812);
    assert_string_equal(id, "e304f3d084dc238bc1e2182d4d52a6bc");
    /* printf 'exp7\0a1\0gradient-explosion\0layer:fc2\000815' | sha256sum */
    tw_episode_id(id, "exp7", "a1", "gradient-explosion", "layer:fc2", 815);
    assert_string_equal(id, "0b7bc258f9fd8d14de511a58d1f9ad10");
}

static void transition_and_run_ids_are_sha256_of_the_fields(void **state)
{
    (void)state;
    char id[TW_EVENT_ID_SIZE];
    /* printf '0b7bc258f9fd8d14de511a58d1f9ad10\0000' | sha256sum, and with \0001 */
    tw_transition_id(id, "0b7bc258f9fd8d14de511a58d1f9ad10", 0);
    assert_string_equal(id, "ce74a43a03145a57e1cc872880377fd5");
    tw_transition_id(id, "0b7bc258f9fd8d14de511a58d1f9ad10", 1);
    assert_string_equal(id, "94257fb80df7716546044d40bdebb6e8");
    /* printf 'exp7\0a1\0003' | sha256sum */
    tw_run_event_id(id, "exp7", "a1", 3);
    assert_string_equal(id, "a092efcdcd88e233b2c257a01d31d275");
    /* printf 'run\0exp7\0a1' | sha256sum */
    tw_run_state_id(id, "exp7", "a1");
    assert_string_equal(id, "49924b55c99cf80b8f921324339e3b99");
}

static void fields_that_run_together_give_different_ids(void **state)
{
    (void)state;
    char one[TW_EVENT_ID_SIZE], other[TW_EVENT_ID_SIZE];
    tw_episode_id(one, "ab", "c", "d", "run", 1);
    tw_episode_id(other, "a", "bc", "d", "run", 1);
    assert_string_not_equal(one, other);
}

static void an_episode_document_has_every_field_in_its_order(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    strcpy(sample.advisory.causes[0], "e304f3d084dc238bc1e2182d4d52a6bc");
    sample.advisory.n_causes = 1;
    char *document = tw_episode_document(&sample.advisory);
    assert_string_equal(
        document,
        "{\"@timestamp\":\"2026-07-31T09:15:00.250Z\","
        "\"event\":{\"kind\":\"alert\",\"action\":\"opened\",\"severity\":3,"
        "\"id\":\"ce74a43a03145a57e1cc872880377fd5\"},"
        "\"message\":\"Gradient explosion in layer fc2 since step 812: gradient norm / its median "
        "is 54.25, above 10 (normal: 1.1). Change learning_rate from 0.3 to 0.03 (x0.1).\","
        "\"rule\":{\"name\":\"explosion-lower-learning-rate\","
        "\"description\":\"Lower the learning rate after an explosion\"},"
        "\"host\":{\"name\":\"node3\"},\"user\":{\"name\":\"ada\"},"
        "\"labels\":{\"project\":\"vision\"},"
        "\"trainward\":{\"kind\":\"episode\","
        "\"run\":{\"id\":\"exp7\",\"name\":\"resnet\",\"attempt\":\"a1\"},"
        "\"episode_id\":\"0b7bc258f9fd8d14de511a58d1f9ad10\",\"transition\":0,\"step\":815,"
        "\"causes\":[\"e304f3d084dc238bc1e2182d4d52a6bc\"],"
        "\"detector\":\"gradient-explosion\",\"scope\":\"layer:fc2\",\"severity\":\"critical\","
        "\"state\":\"open\",\"onset_step\":812,\"detected_step\":815,\"closed_step\":null,"
        "\"confidence\":0.97,"
        "\"evidence\":{\"statistic\":\"gradient norm / its median\",\"value\":54.25,"
        "\"threshold\":10,\"baseline\":1.1,\"window_first\":752,\"window_last\":815,"
        "\"unit\":\"ratio\",\"loss\":null,\"loss_nonfinite\":\"nan\",\"layer_kind\":\"linear\"},"
        "\"suggestions\":[{\"parameter\":\"learning_rate\",\"from\":0.3,\"to\":0.03,"
        "\"change\":{\"op\":\"multiply\",\"value\":0.1},"
        "\"why\":\"The gradient norm is 54 times its median.\","
        "\"verify\":{\"signal\":\"grad_norm\",\"below\":2.2,\"within_steps\":200},"
        "\"rule\":\"explosion-lower-learning-rate\"},"
        "{\"parameter\":\"precision\",\"from\":null,\"to\":null,"
        "\"change\":{\"op\":\"set\",\"value\":\"bf16\"},\"why\":\"Its range is wider.\","
        "\"verify\":{\"signal\":\"loss\",\"above\":-1,\"within_steps\":50},"
        "\"rule\":\"explosion-wider-precision\"}]}}");
    free(document);
}

static void a_run_document_says_what_was_not_checked(void **state)
{
    (void)state;
    struct tw_not_checked not_checked[] = {{"overfitting", "no eval loss"}};
    struct tw_run_advisory advisory = {
        .run = {.run = "exp7", .attempt = "a1"},
        .time_ms = -1, /* a millisecond before the epoch */
        .step = 5000,
        .transition = 3,
        .status = "completed",
        .verdict = "healthy",
        .n_not_checked = 1,
        .not_checked = not_checked,
    };
    char *document = tw_run_document(&advisory);
    assert_string_equal(
        document,
        "{\"@timestamp\":\"1969-12-31T23:59:59.999Z\","
        "\"event\":{\"kind\":\"state\",\"action\":\"completed\",\"severity\":1,"
        "\"id\":\"a092efcdcd88e233b2c257a01d31d275\"},"
        "\"message\":\"Run exp7 completed at step 5000: healthy. Not checked: overfitting (no "
        "eval loss).\","
        "\"trainward\":{\"kind\":\"run\",\"run\":{\"id\":\"exp7\",\"attempt\":\"a1\"},"
        "\"transition\":3,\"step\":5000,\"status\":\"completed\",\"verdict\":\"healthy\","
        "\"not_checked\":[{\"detector\":\"overfitting\",\"reason\":\"no eval loss\"}]}}");
    free(document);
}

static void a_recovery_has_a_closing_step_and_asks_for_no_change(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    sample.advisory.action = TW_ACTION_RECOVERED;
    sample.finding.state = TW_STATE_RECOVERED;
    sample.finding.closed_step = 900;
    sample.advisory.transition = 1;
    char message[512];
    assert_string_equal(tw_episode_message(&sample.advisory, message, sizeof message),
                        "Gradient explosion in layer fc2 since step 812 is over at step 900: "
                        "gradient norm / its median is 54.25, above 10 (normal: 1.1).");
    char *document = tw_episode_document(&sample.advisory);
    assert_non_null(strstr(document, "\"closed_step\":900,"));
    free(document);
}

static void a_suspicion_that_passed_is_not_told_as_a_finding_that_ended(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    sample.advisory.action = TW_ACTION_RECOVERED;
    sample.advisory.transition = 0;
    sample.finding.state = TW_STATE_RECOVERED;
    sample.finding.closed_step = 900;
    char message[512];
    assert_string_equal(tw_episode_message(&sample.advisory, message, sizeof message),
                        "Gradient explosion in layer fc2 was suspected from step 812 and had "
                        "passed by step 900: gradient norm / its median is 54.25, above 10 "
                        "(normal: 1.1).");
}

static void infinities_become_null_with_a_flag(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    sample.finding.evidence.value = -INFINITY;
    sample.finding.evidence.threshold = INFINITY;
    sample.finding.evidence.baseline = NAN; /* there is none: no flag */
    sample.finding.evidence.n_extras = 0;
    char *document = tw_episode_document(&sample.advisory);
    assert_non_null(strstr(document, "\"value\":null,\"value_nonfinite\":\"-inf\","
                                     "\"threshold\":null,\"threshold_nonfinite\":\"inf\","
                                     "\"baseline\":null,\"window_first\""));
    free(document);
}

static void numbers_are_short_and_read_back_the_same(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {0.1 + 0.2, "0.30000000000000004"}, /* what Python's repr() prints */
                 {3e-05, "3e-05"},
                 {1e22, "1e+22"},
                 {5, "5"},
                 {5e-324, "4.94065645841247e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"}};
    char text[TW_NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(tw_number_text(cases[i].value, text), cases[i].text);
        assert_true(strtod(text, NULL) == cases[i].value);
    }
}

static void bytes_that_are_no_utf8_do_not_spoil_a_document(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    /* a good two-byte character, a lone continuation byte, a surrogate, a cut-off sequence */
    sample.advisory.run.name = "\xc3\xa9|\x80|\xed\xa0\x80|\xe2\x82";
    char *document = tw_episode_document(&sample.advisory);
    json_t *root = json_loads(document, 0, NULL);
    assert_non_null(root);
    const json_t *run = json_object_get(json_object_get(root, "trainward"), "run");
    assert_string_equal(json_string_value(json_object_get(run, "name")),
                        "\xc3\xa9|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"
                        "\xef\xbf\xbd\xef\xbf\xbd");
    json_decref(root);
    free(document);
}

static void a_detector_cannot_replace_the_fixed_fields_of_evidence(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    strcpy(sample.finding.evidence.extras[0].name, "value");
    json_t *object = tw_finding_json(&sample.advisory);
    const json_t *evidence = json_object_get(object, "evidence");
    assert_true(json_number_value(json_object_get(evidence, "value")) == 54.25);
    assert_string_equal(json_string_value(json_object_get(object, "id")),
                        "0b7bc258f9fd8d14de511a58d1f9ad10");
    json_decref(object);
}

static void suggestions_read_as_sentences(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    struct tw_suggestion suggestion = sample.suggestions[0];
    char text[128];
    suggestion.from.type = suggestion.to.type = TW_VALUE_NULL;
    assert_string_equal(tw_suggestion_text(&suggestion, text, sizeof text),
                        "Multiply learning_rate by 0.1");
    suggestion.op = TW_CHANGE_ADD;
    assert_string_equal(tw_suggestion_text(&suggestion, text, sizeof text),
                        "Add 0.1 to learning_rate");
    assert_string_equal(tw_suggestion_text(&sample.suggestions[1], text, sizeof text),
                        "Set precision to bf16");
    assert_string_equal(tw_suggestion_text(&sample.suggestions[0], text, 12), "Change lear");
}

static void one_of_a_unit_is_no_plural(void **state)
{
    (void)state;
    assert_int_equal(tw_evidence_unit_length("records", 1), strlen("record"));
    assert_int_equal(tw_evidence_unit_length("records", 2), strlen("records"));
    assert_int_equal(tw_evidence_unit_length("records", 0), strlen("records"));
    assert_int_equal(tw_evidence_unit_length("sigma", 1), strlen("sigma"));
    assert_int_equal(tw_evidence_unit_length("", 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(episode_ids_are_sha256_of_the_fields),
        cmocka_unit_test(transition_and_run_ids_are_sha256_of_the_fields),
        cmocka_unit_test(fields_that_run_together_give_different_ids),
        cmocka_unit_test(an_episode_document_has_every_field_in_its_order),
        cmocka_unit_test(a_run_document_says_what_was_not_checked),
        cmocka_unit_test(a_recovery_has_a_closing_step_and_asks_for_no_change),
        cmocka_unit_test(a_suspicion_that_passed_is_not_told_as_a_finding_that_ended),
        cmocka_unit_test(one_of_a_unit_is_no_plural),
        cmocka_unit_test(infinities_become_null_with_a_flag),
        cmocka_unit_test(numbers_are_short_and_read_back_the_same),
        cmocka_unit_test(bytes_that_are_no_utf8_do_not_spoil_a_document),
        cmocka_unit_test(a_detector_cannot_replace_the_fixed_fields_of_evidence),
        cmocka_unit_test(suggestions_read_as_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
