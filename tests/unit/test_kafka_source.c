/* The source "kafka" against librdkafka's mock cluster. */
#include "sources/kafka.h"

#include "telemetry/wire.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

extern const struct tw_source tw_source_kafka;
static const struct tw_source *const source = &tw_source_kafka;

#define TOPIC "runs"
#define PARTITIONS 4
#define PATIENCE_SECONDS 30.0

struct fixture {
    rd_kafka_t *producer;
    rd_kafka_mock_cluster_t *cluster;
    struct tw_kafka_config config;
    struct tw_source_item item;
};

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void be_silent(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    (void)handle, (void)level, (void)facility, (void)text;
}

static void set_option(struct fixture *fixture, const char *name, const char *value)
{
    const struct tw_option *option = tw_option_find(source->options, source->n_options, name);
    assert_int_equal(tw_option_set(option, &fixture->config, value, NULL), 0);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char reason[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, be_silent);
    fixture->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    fixture->cluster = rd_kafka_mock_cluster_new(fixture->producer, 1);
    rd_kafka_mock_topic_create(fixture->cluster, TOPIC, PARTITIONS, 1);
    rd_kafka_brokers_add(fixture->producer, rd_kafka_mock_cluster_bootstraps(fixture->cluster));
    tw_options_initialise(source->options, source->n_options, &fixture->config, NULL);
    set_option(fixture, "brokers", rd_kafka_mock_cluster_bootstraps(fixture->cluster));
    set_option(fixture, "topic", TOPIC);
    set_option(fixture, "properties", "session.timeout.ms=6000");
    set_option(fixture, "properties", "heartbeat.interval.ms=200");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tw_options_release(source->options, source->n_options, &fixture->config);
    rd_kafka_mock_cluster_destroy(fixture->cluster);
    rd_kafka_destroy(fixture->producer);
    free(fixture);
    return 0;
}

static void produce(struct fixture *fixture, int32_t partition, const char *text)
{
    rd_kafka_resp_err_t err = rd_kafka_producev(
        fixture->producer, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_VALUE((void *)(size_t)text, strlen(text)),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    assert_int_equal(err, 0);
    assert_int_equal(rd_kafka_flush(fixture->producer, 10000), 0);
}

static void *open_source(struct fixture *fixture)
{
    void *handle = NULL;
    struct tw_error error = {0};
    struct tw_source_request request = {.follow = true, .config = &fixture->config};
    if (source->open(&handle, &request, &error))
        print_error("%s: %s\n", error.place, error.text);
    assert_non_null(handle);
    return handle;
}

/* The next thing that is not WAIT. */
static int next_of(struct fixture *fixture, void *handle)
{
    double deadline = now_seconds() + PATIENCE_SECONDS;
    int next = TW_NEXT_WAIT;
    while (next == TW_NEXT_WAIT && now_seconds() < deadline)
        next = source->next(handle, .5, &fixture->item, NULL);
    return next;
}

static void expect_record(struct fixture *fixture, void *handle, uint64_t step, int64_t offset,
                          uint32_t index)
{
    assert_int_equal(next_of(fixture, handle), TW_NEXT_RECORD);
    assert_int_equal(fixture->item.record->step, step);
    assert_int_equal(fixture->item.position.offset, offset);
    assert_int_equal(fixture->item.position.index, index);
}

/* Takes all partitions, each from the offset that its number has in `offsets` (NULL: committed). */
static void take_all(struct fixture *fixture, void *handle, const struct tw_position *first)
{
    unsigned seen = 0;
    for (int i = 0; i < PARTITIONS; i++) {
        assert_int_equal(next_of(fixture, handle), TW_NEXT_ASSIGNED);
        struct tw_position position = {fixture->item.position.partition, -1, 0};
        if (first && position.partition == first->partition)
            position = *first;
        seen |= 1u << position.partition;
        assert_int_equal(source->start(handle, &position, NULL), 0);
    }
    assert_int_equal(seen, (1u << PARTITIONS) - 1);
}

static const char two_steps[] =
    "{\"run\":\"r\",\"step\":1,\"loss\":1}\n{\"run\":\"r\",\"step\":2,\"loss\":1}\n";
static const char third_step[] = "{\"run\":\"r\",\"step\":3,\"loss\":1}";

static void every_record_of_a_message_is_given_with_its_place(void **state)
{
    struct fixture *fixture = *state;
    produce(fixture, 2, two_steps);
    produce(fixture, 2, third_step);
    void *handle = open_source(fixture);
    take_all(fixture, handle, NULL);
    expect_record(fixture, handle, 1, 0, 1);
    assert_int_equal(fixture->item.position.partition, 2);
    expect_record(fixture, handle, 2, 1, 0); /* the message is done: behind it */
    expect_record(fixture, handle, 3, 2, 0);
    assert_int_equal(source->next(handle, 0, &fixture->item, NULL), TW_NEXT_WAIT);
    source->close(handle);
}

static void a_broken_record_ends_its_message_and_its_bytes_are_given(void **state)
{
    struct fixture *fixture = *state;
    produce(fixture, 0, "{\"run\":\"r\",\"step\":1,\"loss\":1}\n{\"run\nmore");
    produce(fixture, 0, third_step);
    void *handle = open_source(fixture);
    take_all(fixture, handle, NULL);
    expect_record(fixture, handle, 1, 0, 1);
    assert_int_equal(next_of(fixture, handle), TW_NEXT_BROKEN);
    assert_int_equal(fixture->item.n_bytes, 10); /* {"run, a newline, more */
    assert_memory_equal(fixture->item.bytes, "{\"run\nmore", 10);
    assert_int_equal(fixture->item.position.offset, 1);
    assert_int_equal(fixture->item.position.index, 0);
    assert_true(fixture->item.reason[0]);
    expect_record(fixture, handle, 3, 2, 0);
    source->close(handle);
}

static void a_start_inside_a_message_skips_the_records_before_it(void **state)
{
    struct fixture *fixture = *state;
    produce(fixture, 1, third_step);
    produce(fixture, 1, two_steps);
    void *handle = open_source(fixture);
    struct tw_position inside = {1, 1, 1};
    take_all(fixture, handle, &inside);
    expect_record(fixture, handle, 2, 2, 0);
    source->close(handle);
}

static void what_is_committed_is_not_read_again_and_the_rest_is(void **state)
{
    struct fixture *fixture = *state;
    produce(fixture, 3, third_step);
    produce(fixture, 3, two_steps);
    void *handle = open_source(fixture);
    take_all(fixture, handle, NULL);
    expect_record(fixture, handle, 3, 1, 0);
    expect_record(fixture, handle, 1, 1, 1); /* one of two: the message must be read again */
    assert_int_equal(source->commit(handle, &fixture->item.position, NULL), 0);
    source->close(handle);
    handle = open_source(fixture);
    take_all(fixture, handle, NULL);
    expect_record(fixture, handle, 1, 1, 1);
    expect_record(fixture, handle, 2, 2, 0);
    assert_int_equal(source->commit(handle, &fixture->item.position, NULL), 0);
    source->close(handle);
    handle = open_source(fixture);
    take_all(fixture, handle, NULL);
    assert_int_equal(source->next(handle, 2, &fixture->item, NULL), TW_NEXT_WAIT);
    source->close(handle);
}

/* Until nothing is left to be committed. Requests are answered in order: what was sent before a
 * confirmation is answered with it, and the next call sends what had to wait. */
static void settle_commits(struct fixture *fixture, void *handle)
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tw_kafka_source_confirm(handle, PATIENCE_SECONDS, NULL), 0);
        assert_int_equal(source->next(handle, 0, &fixture->item, NULL), TW_NEXT_WAIT);
    }
}

/* Serves both members until the second has what the first gives back. An offset that is still on
 * its way when the group has a new generation would cost the first its assignment (librdkafka takes
 * ILLEGAL_GENERATION for a lost one). */
static void a_second_member_takes_over_what_the_first_has_committed(void **state)
{
    struct fixture *fixture = *state;
    for (int32_t i = 0; i < PARTITIONS; i++)
        produce(fixture, i, third_step);
    void *first = open_source(fixture), *second;
    take_all(fixture, first, NULL);
    for (int i = 0; i < PARTITIONS; i++) {
        assert_int_equal(next_of(fixture, first), TW_NEXT_RECORD);
        assert_int_equal(source->commit(first, &fixture->item.position, NULL), 0);
    }
    settle_commits(fixture, first);
    second = open_source(fixture);
    double deadline = now_seconds() + PATIENCE_SECONDS;
    int revoked = 0, assigned = 0;
    while (assigned < PARTITIONS / 2 && now_seconds() < deadline) {
        int next = source->next(first, .1, &fixture->item, NULL);
        assert_true(next == TW_NEXT_WAIT || next == TW_NEXT_REVOKED);
        if (next == TW_NEXT_REVOKED) {
            assert_false(fixture->item.is_lost);
            revoked++;
        }
        next = source->next(second, .1, &fixture->item, NULL);
        assert_true(next == TW_NEXT_WAIT || next == TW_NEXT_ASSIGNED);
        if (next == TW_NEXT_ASSIGNED) {
            assigned++;
            assert_true(assigned <= revoked); /* never by two at once */
        }
    }
    assert_int_equal(assigned, PARTITIONS / 2);
    assert_int_equal(revoked, PARTITIONS / 2);
    /* All was committed: nothing is read twice. */
    assert_int_equal(source->next(second, 2, &fixture->item, NULL), TW_NEXT_WAIT);
    source->close(second);
    source->close(first);
}

static void a_missing_topic_is_an_error_with_the_remedy(void **state)
{
    struct fixture *fixture = *state;
    void *handle;
    int32_t partitions;
    struct tw_error error = {0};
    struct tw_source_request request = {.follow = true, .config = &fixture->config};
    assert_int_equal(tw_kafka_partition_count(&fixture->config, &partitions, &error), 0);
    assert_int_equal(partitions, PARTITIONS);
    set_option(fixture, "topic", "other");
    assert_int_equal(source->open(&handle, &request, &error), -ENOENT);
    assert_string_equal(error.place, "other");
    assert_non_null(strstr(error.text, "trainward setup kafka --config FILE"));
}

static void a_broker_that_is_away_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    char why[256];
    produce(fixture, 0, third_step);
    void *handle = open_source(fixture);
    take_all(fixture, handle, NULL);
    expect_record(fixture, handle, 3, 1, 0);
    rd_kafka_mock_broker_set_down(fixture->cluster, 1);
    double deadline = now_seconds() + PATIENCE_SECONDS;
    do
        assert_int_equal(source->next(handle, .2, &fixture->item, NULL), TW_NEXT_WAIT);
    while (!*tw_kafka_source_last_error(handle, why, sizeof why) && now_seconds() < deadline);
    assert_true(why[0] != '\0');
    rd_kafka_mock_broker_set_up(fixture->cluster, 1);
    produce(fixture, 0, two_steps);
    expect_record(fixture, handle, 1, 1, 1);
    source->close(handle);
}

static void closing_without_a_broker_takes_seconds_not_minutes(void **state)
{
    struct fixture *fixture = *state;
    produce(fixture, 0, third_step);
    void *handle = open_source(fixture);
    take_all(fixture, handle, NULL);
    expect_record(fixture, handle, 3, 1, 0);
    rd_kafka_mock_broker_set_down(fixture->cluster, 1);
    source->commit(handle, &fixture->item.position, NULL);
    double start = now_seconds();
    source->close(handle);
    assert_true(now_seconds() - start < 15);
}

/* Whatever its group is doing: between being taken into the group and being told its partitions,
 * librdkafka 2.0 aborts the process when it is destroyed. */
static void a_source_can_be_closed_at_any_time(void **state)
{
    struct fixture *fixture = *state;
    rd_kafka_mock_broker_set_rtt(fixture->cluster, 1, 150);
    for (int i = 0; i < 12; i++) {
        void *handle = open_source(fixture);
        double deadline = now_seconds() + .2 * i;
        while (now_seconds() < deadline)
            source->next(handle, .05, &fixture->item, NULL);
        source->close(handle);
    }
}

static void messages_in_the_queue_are_dropped_at_the_end(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 2000; i++) {
        rd_kafka_producev(fixture->producer, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(i % 4),
                          RD_KAFKA_V_VALUE((void *)(size_t)third_step, strlen(third_step)),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    }
    assert_int_equal(rd_kafka_flush(fixture->producer, 10000), 0);
    void *handle = open_source(fixture);
    take_all(fixture, handle, NULL);
    assert_int_equal(next_of(fixture, handle), TW_NEXT_RECORD);
    source->close(handle);
}

struct ahead {
    char keys[64][8];
    int expected, near; /* how many were told in either way */
};

static uint64_t expect_key(void *closure, int32_t partition, const void *key, size_t size)
{
    struct ahead *ahead = closure;
    assert_in_range(partition, 0, PARTITIONS - 1);
    assert_true(size < sizeof ahead->keys[0] && ahead->expected < 64);
    memcpy(ahead->keys[ahead->expected], key, size);
    return (uint64_t)++ahead->expected;
}

/* In the order in which they were expected. */
static void take_near(void *closure, int32_t partition, uint64_t told)
{
    struct ahead *ahead = closure;
    (void)partition;
    assert_int_equal(told, ++ahead->near);
}

static void keys_are_told_before_their_records(void **state)
{
    struct fixture *fixture = *state;
    struct ahead ahead = {0};
    for (int i = 0; i < 64; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        rd_kafka_producev(fixture->producer, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(1),
                          RD_KAFKA_V_KEY(key, strlen(key)),
                          RD_KAFKA_V_VALUE((void *)(size_t)third_step, strlen(third_step)),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    }
    assert_int_equal(rd_kafka_flush(fixture->producer, 10000), 0);
    void *handle = open_source(fixture);
    tw_kafka_source_look_ahead(handle, expect_key, take_near, &ahead);
    take_all(fixture, handle, NULL);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(next_of(fixture, handle), TW_NEXT_RECORD);
        assert_int_equal(fixture->item.position.offset, i + 1);
        assert_true(ahead.near <= ahead.expected);
    }
    /* All but the first ones of a batch, which stand too near already. */
    assert_true(ahead.expected >= 16);
    int first = atoi(ahead.keys[0] + 1);
    for (int i = 0; i < 8; i++)
        assert_int_equal(atoi(ahead.keys[i] + 1), first + i);
    source->close(handle);
}

static void properties_that_trainward_sets_itself_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct tw_error error = {0};
    set_option(fixture, "properties", "enable.auto.commit=true");
    assert_true(tw_kafka_config_check(&fixture->config, &error) < 0);
    assert_string_equal(error.text, "properties: 'enable.auto.commit' is always false here");
}

static void a_bad_property_is_told_without_its_value(void **state)
{
    struct fixture *fixture = *state;
    struct tw_error error = {0};
    set_option(fixture, "properties", "security.protocol=hunter2");
    assert_true(tw_kafka_config_check(&fixture->config, &error) < 0);
    assert_string_equal(error.text,
                        "properties: librdkafka refuses the value of 'security.protocol'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_record_of_a_message_is_given_with_its_place),
        TEST(a_broken_record_ends_its_message_and_its_bytes_are_given),
        TEST(a_start_inside_a_message_skips_the_records_before_it),
        TEST(what_is_committed_is_not_read_again_and_the_rest_is),
        TEST(a_second_member_takes_over_what_the_first_has_committed),
        TEST(a_missing_topic_is_an_error_with_the_remedy),
        TEST(a_broker_that_is_away_is_waited_for),
        TEST(closing_without_a_broker_takes_seconds_not_minutes),
        TEST(a_source_can_be_closed_at_any_time),
        TEST(messages_in_the_queue_are_dropped_at_the_end),
        TEST(keys_are_told_before_their_records),
        TEST(properties_that_trainward_sets_itself_are_refused),
        TEST(a_bad_property_is_told_without_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
