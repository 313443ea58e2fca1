/* The Kafka log against librdkafka's mock cluster. */
#include "config.h"

#include "advisories/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

struct bench {
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *cluster;
    struct tw_texts properties;
    struct tw_log_location location;
};

static int set_up(void **state)
{
    char why[256];
    struct bench *bench = calloc(1, sizeof *bench);
    bench->client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
    bench->cluster = rd_kafka_mock_cluster_new(bench->client, 1);
    rd_kafka_mock_topic_create(bench->cluster, "test.advisories", 2, 1);
    bench->location.brokers = rd_kafka_mock_cluster_bootstraps(bench->cluster);
    bench->location.prefix = "test";
    bench->location.properties = &bench->properties;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    rd_kafka_mock_cluster_destroy(bench->cluster);
    rd_kafka_destroy(bench->client);
    tw_texts_release(&bench->properties);
    free(bench);
    return 0;
}

static void append(const struct bench *bench, unsigned first, unsigned last)
{
    struct tw_log *log = NULL;
    struct tw_error error = {0};
    char document[32];
    if (tw_log_open(&log, &bench->location, &error))
        fail_msg("%s", error.text);
    for (unsigned i = first; i <= last; i++) {
        snprintf(document, sizeof document, "{\"n\":%u}", i);
        assert_int_equal(tw_log_append(log, "id", "run-7", document, NULL), 0);
    }
    if (tw_log_flush(log, 10, &error))
        fail_msg("%s", error.text);
    tw_log_close(log);
}

static struct tw_log_reader *open_reader(const struct bench *bench)
{
    struct tw_log_reader *reader = NULL;
    struct tw_error error = {0};
    if (tw_log_reader_open(&reader, &bench->location, "sink", &error))
        fail_msg("%s", error.text);
    return reader;
}

/* Reads up to `max`, waiting until there is something, up to 20 s: joining a group takes a while.
 */
static long read_some(struct tw_log_reader *reader, struct tw_log_item *items, size_t max)
{
    long n = 0;
    for (int i = 0; i < 200 && n <= 0; i++)
        n = tw_log_read(reader, items, max, 0.1, NULL);
    return n;
}

/* Reads one document and checks its number: a run's documents keep their order. */
static void expect_next(struct tw_log_reader *reader, unsigned number)
{
    struct tw_log_item item;
    char expected[32];
    assert_int_equal(read_some(reader, &item, 1), 1);
    int n = snprintf(expected, sizeof expected, "{\"n\":%u}", number);
    assert_int_equal(item.size, n);
    assert_memory_equal(item.document, expected, (size_t)n);
}

/* What the brokers hold as the sink's cursor in the partition of run-7, without joining its group:
 * the mock cluster does not answer the first join after the last member left. */
static int64_t committed_offset(const struct bench *bench)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bench->location.brokers, why, sizeof why);
    rd_kafka_conf_set(conf, "group.id", "test.sink.sink", why, sizeof why);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    rd_kafka_topic_partition_list_add_range(list, "test.advisories", 0, 1);
    assert_int_equal(rd_kafka_committed(client, list, 10000), 0);
    int64_t newest = -1;
    for (int i = 0; i < list->cnt; i++)
        newest = list->elems[i].offset > newest ? list->elems[i].offset : newest;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
    return newest;
}

static void the_cursor_is_what_was_committed_and_not_what_was_read(void **state)
{
    struct bench *bench = *state;
    append(bench, 1, 4);
    struct tw_log_reader *reader = open_reader(bench);
    expect_next(reader, 1);
    expect_next(reader, 2);
    assert_int_equal(tw_log_commit(reader, NULL), 0);
    expect_next(reader, 3);
    assert_int_equal(tw_log_lag(reader), 1);
    tw_log_reader_close(reader); /* 3 was not committed */
    assert_int_equal(committed_offset(bench), 2);
}

static void idling_loses_nothing(void **state)
{
    struct bench *bench = *state;
    append(bench, 1, 3);
    struct tw_log_reader *reader = open_reader(bench);
    expect_next(reader, 1);
    for (int i = 0; i < 20; i++)
        tw_log_idle(reader);
    append(bench, 4, 4);
    for (int i = 0; i < 20; i++)
        tw_log_idle(reader);
    for (unsigned i = 2; i <= 4; i++)
        expect_next(reader, i);
    tw_log_reader_close(reader);
}

/* Ends the test by a signal where it hangs: it waits for this long nowhere. */
#define HANGS_SECONDS 50

static void brokers_that_fall_silent_keep_nobody(void **state)
{
    struct bench *bench = *state;
    struct tw_error error = {0};
    append(bench, 1, 2);
    struct tw_log_reader *reader = open_reader(bench);
    expect_next(reader, 1);
    rd_kafka_mock_broker_set_rtt(bench->cluster, 1, 3600 * 1000);
    alarm(HANGS_SECONDS);
    assert_int_equal(tw_log_commit(reader, &error), -EAGAIN);
    assert_non_null(strstr(error.text, "cannot save the cursor"));
    tw_log_reader_close(reader);
    alarm(0);
    rd_kafka_mock_broker_set_rtt(bench->cluster, 1, 0);
    assert_true(committed_offset(bench) <= 1);
}

static void a_broker_that_is_away_makes_the_flush_time_out_and_not_fail(void **state)
{
    struct bench *bench = *state;
    struct tw_log *log;
    struct tw_error error = {0};
    assert_int_equal(tw_log_open(&log, &bench->location, NULL), 0);
    rd_kafka_mock_broker_set_down(bench->cluster, 1);
    assert_int_equal(tw_log_append(log, "id", "run", "{}", NULL), 0);
    assert_int_equal(tw_log_flush(log, 0.5, &error), -ETIMEDOUT);
    assert_string_equal(error.place, "test.advisories");
    rd_kafka_mock_broker_set_up(bench->cluster, 1);
    assert_int_equal(tw_log_flush(log, 20, NULL), 0); /* the same message, now acknowledged */
    tw_log_close(log);
}

static void a_message_that_is_refused_fails_the_flush(void **state)
{
    struct bench *bench = *state;
    struct tw_log *log;
    struct tw_error error = {0};
    assert_int_equal(tw_log_open(&log, &bench->location, NULL), 0);
    rd_kafka_mock_push_request_errors(bench->cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(tw_log_append(log, "id", "run", "{}", NULL), 0);
    int result = tw_log_flush(log, 10, &error);
    assert_int_equal(result, -EIO);
    assert_non_null(strstr(error.text, "authorization"));
    tw_log_close(log);
}

static void an_error_about_a_property_does_not_show_its_value(void **state)
{
    struct bench *bench = *state;
    struct tw_log *log;
    struct tw_error error = {0};
    tw_texts_add(&bench->properties, "security.protocol=my-secret");
    assert_int_equal(tw_log_open(&log, &bench->location, &error), -EINVAL);
    assert_non_null(strstr(error.text, "'security.protocol'"));
    assert_null(strstr(error.text, "my-secret"));
    error = (struct tw_error){0};
    tw_texts_release(&bench->properties);
    tw_texts_add(&bench->properties, "no.such.thing=1");
    assert_int_equal(tw_log_open(&log, &bench->location, &error), -EINVAL);
    assert_non_null(strstr(error.text, "'no.such.thing'"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_cursor_is_what_was_committed_and_not_what_was_read),
        TEST(idling_loses_nothing),
        TEST(brokers_that_fall_silent_keep_nobody),
        TEST(a_broker_that_is_away_makes_the_flush_time_out_and_not_fail),
        TEST(a_message_that_is_refused_fails_the_flush),
        TEST(an_error_about_a_property_does_not_show_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
