/* What users may set of librdkafka, and how they are told that they may not. */
#include "telemetry/kafka_properties.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct tw_kafka_setting defaults[] = {
    {"linger.ms", "5"}, {"message.max.bytes", "8000000"}, {NULL, NULL}};
static const struct tw_kafka_setting fixed[] = {{"compression.codec", "lz4"}, {NULL, NULL}};

struct outcome {
    int result;
    struct tw_error error;
    char value[256]; /* of the property that was asked for */
};

/* What becomes of one property of the user's, and of `asked`. */
static struct outcome outcome_of(const char *property, const struct tw_kafka_setting *own,
                                 const char *asked)
{
    struct outcome outcome = {0};
    struct tw_texts properties = {0};
    size_t size = sizeof outcome.value;
    if (property)
        assert_int_equal(tw_texts_add(&properties, property), 0);
    const struct tw_kafka_settings settings = {"a:1,b:2", defaults, &properties, own, false};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    outcome.result = tw_kafka_configure(conf, &settings, &outcome.error);
    if (asked)
        assert_int_equal(rd_kafka_conf_get(conf, asked, outcome.value, &size), RD_KAFKA_CONF_OK);
    rd_kafka_conf_destroy(conf);
    tw_texts_release(&properties);
    return outcome;
}

/* What a client does with the properties of another one. */
static void expect_of_anothers(const char *property, const char *asked, const char *value)
{
    struct tw_texts properties = {0};
    char found[256];
    size_t size = sizeof found;
    assert_int_equal(tw_texts_add(&properties, property), 0);
    const struct tw_kafka_settings settings = {"a:1,b:2", defaults, &properties, fixed, true};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(tw_kafka_configure(conf, &settings, NULL), 0);
    assert_int_equal(rd_kafka_conf_get(conf, asked, found, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(found, value);
    rd_kafka_conf_destroy(conf);
    tw_texts_release(&properties);
}

static void expect_setting(const char *property, const char *asked, const char *value)
{
    struct outcome outcome = outcome_of(property, fixed, asked);
    assert_int_equal(outcome.result, 0);
    assert_string_equal(outcome.value, value);
}

static void expect_refusal(const char *property, const char *text)
{
    struct outcome outcome = outcome_of(property, fixed, NULL);
    assert_int_equal(outcome.result, -EINVAL);
    assert_string_equal(outcome.error.text, text);
}

static void the_users_word_is_above_our_defaults_and_below_our_promises(void **state)
{
    (void)state;
    expect_setting(NULL, "bootstrap.servers", "a:1,b:2");
    expect_setting(NULL, "client.id", "trainward");
    expect_setting("client.id=mine", "client.id", "mine");
    expect_setting(NULL, "linger.ms", "5");
    expect_setting("linger.ms=20", "linger.ms", "20");
    expect_setting(NULL, "compression.codec", "lz4");
    expect_setting("sasl.password=a=b", "sasl.password", "a=b");
}

static void what_is_ours_to_set_is_refused(void **state)
{
    (void)state;
    expect_refusal("bootstrap.servers=c:3",
                   "properties: 'bootstrap.servers' is set by the key 'brokers'");
    expect_refusal("enable.auto.commit=true",
                   "properties: 'enable.auto.commit' is always false here");
    expect_refusal("acks=1", "properties: 'acks' is always 'all' here");
    expect_refusal("compression.codec=none", "properties: 'compression.codec' is always lz4 here");
    expect_refusal("allow.auto.create.topics=true",
                   "properties: 'allow.auto.create.topics' is always false here: 'trainward setup "
                   "kafka' creates topics");
}

static void an_emitter_may_promise_less(void **state)
{
    (void)state;
    struct outcome outcome = outcome_of("enable.idempotence=false", NULL, "enable.idempotence");
    assert_int_equal(outcome.result, 0);
    assert_string_equal(outcome.value, "false");
    assert_int_equal(outcome_of("bootstrap.servers=c:3", NULL, NULL).result, -EINVAL);
}

static void no_client_creates_a_topic_by_asking_for_it(void **state)
{
    (void)state;
    expect_setting(NULL, "allow.auto.create.topics", "false");
    struct outcome outcome = outcome_of(NULL, NULL, "allow.auto.create.topics");
    assert_string_equal(outcome.value, "false");
    /* Who runs no agent may want it. */
    outcome = outcome_of("allow.auto.create.topics=true", NULL, "allow.auto.create.topics");
    assert_string_equal(outcome.value, "true");
}

static void the_nearest_name_is_suggested(void **state)
{
    (void)state;
    expect_refusal("sasl.pasword=hunter2", "properties: 'sasl.pasword' is not a librdkafka "
                                           "property; did you mean 'sasl.password'?");
    /* Told by librdkafka as one of a topic. */
    expect_refusal("mesage.timeout.ms=1", "properties: 'mesage.timeout.ms' is not a librdkafka "
                                          "property; did you mean 'message.timeout.ms'?");
    expect_refusal("brightness=1", "properties: 'brightness' is not a librdkafka property");
}

static void a_value_is_never_shown(void **state)
{
    (void)state;
    expect_refusal("security.protocol=hunter2",
                   "properties: librdkafka refuses the value of 'security.protocol'");
    expect_refusal("=hunter2", "properties: one is written name=value");
    expect_refusal("hunter2", "properties: one is written name=value");
}

static void anothers_word_is_below_our_promises_and_no_mistake(void **state)
{
    (void)state;
    expect_of_anothers("compression.codec=gzip", "compression.codec", "lz4");
    expect_of_anothers("linger.ms=7", "linger.ms", "7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_users_word_is_above_our_defaults_and_below_our_promises),
        cmocka_unit_test(what_is_ours_to_set_is_refused),
        cmocka_unit_test(anothers_word_is_below_our_promises_and_no_mistake),
        cmocka_unit_test(an_emitter_may_promise_less),
        cmocka_unit_test(no_client_creates_a_topic_by_asking_for_it),
        cmocka_unit_test(the_nearest_name_is_suggested),
        cmocka_unit_test(a_value_is_never_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
