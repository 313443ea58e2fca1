/* The emitter with Kafka, against librdkafka's mock broker in this process, and without any. */
#include "config.h"

#include "telemetry/emitter.h"

#include "tests/unit/temporary_directory.h"
#include "tests/unit/wire_samples.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#ifdef __SANITIZE_THREAD__
#include <pthread.h>
#include <threads.h>

/* librdkafka starts its threads by C11's functions, which gcc 12's ThreadSanitizer does not know:
 * they would run without its state and crash. glibc's are the same threads under another name. */
struct start {
    thrd_start_t function;
    void *argument;
};

static void *run_start(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    return (void *)(intptr_t)start.function(start.argument);
}

int thrd_create(thrd_t *ret, thrd_start_t function, void *argument)
{
    struct start *start = malloc(sizeof *start);
    if (!start)
        return thrd_nomem;
    *start = (struct start){function, argument};
    return pthread_create(ret, NULL, run_start, start) ? thrd_error : thrd_success;
}

int thrd_join(thrd_t thread, int *ret)
{
    void *value;
    if (pthread_join(thread, &value))
        return thrd_error;
    if (ret)
        *ret = (int)(intptr_t)value;
    return thrd_success;
}
#endif

#define TOPIC "trainward.telemetry" /* the default */
/* No one listens there: port 1 is tcpmux, which nobody runs. */
#define DEAD_BROKER "127.0.0.1:1"

static rd_kafka_t *mock_owner;
static rd_kafka_mock_cluster_t *cluster;

static rd_kafka_t *new_client(rd_kafka_type_t type, const char *brokers)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof reason);
    if (type == RD_KAFKA_CONSUMER)
        rd_kafka_conf_set(conf, "group.id", "test", reason, sizeof reason);
    if (brokers)
        rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason, sizeof reason);
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
    assert_non_null(client);
    return client;
}

static int start_broker(void **state)
{
    (void)state;
    mock_owner = new_client(RD_KAFKA_PRODUCER, NULL);
    cluster = rd_kafka_mock_cluster_new(mock_owner, 1);
    assert_non_null(cluster);
    return rd_kafka_mock_topic_create(cluster, TOPIC, 2, 1) ? -1 : 0;
}

static int stop_broker(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(mock_owner);
    return 0;
}

static rd_kafka_t *new_consumer(void)
{
    rd_kafka_t *consumer = new_client(RD_KAFKA_CONSUMER, rd_kafka_mock_cluster_bootstraps(cluster));
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(2);
    rd_kafka_poll_set_consumer(consumer);
    for (int32_t i = 0; i < 2; i++)
        rd_kafka_topic_partition_list_add(partitions, TOPIC, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(consumer, partitions), 0);
    rd_kafka_topic_partition_list_destroy(partitions);
    return consumer;
}

/* The next message, or NULL after 5 seconds. */
static rd_kafka_message_t *next_message(rd_kafka_t *consumer)
{
    for (int i = 0; i < 50; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        if (message && !message->err)
            return message;
        if (message)
            rd_kafka_message_destroy(message);
    }
    return NULL;
}

static void check_key(const rd_kafka_message_t *message, const char *run)
{
    assert_int_equal(message->key_len, strlen(run));
    assert_memory_equal(message->key, run, message->key_len);
}

static void emit_step(struct tw_emitter *emitter, uint64_t step, double loss)
{
    struct tw_record record;
    tw_record_init(&record);
    record.step = step;
    record.has = TW_HAS_STEP;
    tw_record_set(&record, TW_SIGNAL_LOSS, loss);
    assert_int_equal(tw_emit(emitter, &record), 0);
}

static struct tw_emitter *open_emitter(struct tw_emitter_options options)
{
    struct tw_emitter *emitter = NULL;
    struct tw_error error = {0};
    options.run = "run-7";
    options.kafka_brokers =
        options.kafka_brokers ? options.kafka_brokers : rd_kafka_mock_cluster_bootstraps(cluster);
    if (tw_emitter_open(&emitter, &options, &error))
        fail_msg("%s", error.text);
    return emitter;
}

static void close_emitter(struct tw_emitter *emitter, uint64_t delivered)
{
    struct tw_emitter_counts counts;
    struct tw_error error = {0};
    if (tw_emitter_close(emitter, &counts, &error))
        fail_msg("%s", error.text);
    assert_int_equal(counts.emitted, delivered);
    assert_int_equal(counts.delivered, delivered);
    assert_int_equal(counts.lost, 0);
    assert_int_equal(counts.dropped, 0);
}

static void records_share_messages_and_keep_their_order(void **state)
{
    (void)state;
    for (int format = TW_WIRE_CBOR; format <= TW_WIRE_JSON; format++) {
        stop_broker(state);
        start_broker(state);
        struct tw_emitter *emitter =
            open_emitter((struct tw_emitter_options){.format = (enum tw_wire_format)format});
        for (uint64_t i = 0; i < 3000; i++)
            emit_step(emitter, i, 0.5);
        close_emitter(emitter, 3000);

        rd_kafka_t *consumer = new_consumer();
        uint64_t step = 0, messages = 0;
        while (step < 3000) {
            rd_kafka_message_t *message = next_message(consumer);
            assert_non_null(message);
            struct tw_record record;
            struct tw_error error = {0};
            size_t offset = 0;
            check_key(message, "run-7");
            assert_true(message->len <= 64 << 10);
            assert_int_equal(tw_wire_format_of(message->payload, message->len), format);
            tw_record_init(&record);
            while (tw_message_next(message->payload, message->len, &offset, &record, &error) > 0)
                assert_true(record.step == step++);
            assert_int_equal(error.code, 0);
            messages++;
            rd_kafka_message_destroy(message);
        }
        /* 3000 records of about 100 bytes are a handful of messages of 64 KiB. */
        assert_true(messages < 100);
        rd_kafka_destroy(consumer);
    }
}

static void the_header_is_repeated_as_it_was(void **state)
{
    (void)state;
    struct tw_emitter *emitter =
        open_emitter((struct tw_emitter_options){.header_seconds = 1e-9, .attempt = "a1"});
    struct tw_record header, record;
    tw_record_init(&header);
    tw_record_init(&record);
    wire_sample(&header, TW_KIND_HEADER, 0);
    assert_int_equal(tw_emit(emitter, &header), 0);
    emit_step(emitter, 1, NAN); /* urgent: a message of its own, with the header before it */
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    emit_step(emitter, 2, NAN);
    close_emitter(emitter, 3);

    rd_kafka_t *consumer = new_consumer();
    uint64_t headers = 0, steps = 0;
    while (steps < 2) {
        rd_kafka_message_t *message = next_message(consumer);
        size_t offset = 0;
        assert_non_null(message);
        check_key(message, "run-7");
        while (tw_message_next(message->payload, message->len, &offset, &record, NULL) > 0) {
            if (record.kind == TW_KIND_HEADER) {
                assert_same_record(&header, &record);
                headers++;
            } else {
                assert_true(record.step == ++steps);
                assert_true(record.seq == steps);
                assert_true(headers > 0);
            }
        }
        rd_kafka_message_destroy(message);
    }
    assert_true(headers >= 2);
    rd_kafka_destroy(consumer);
    tw_record_clear(&header);
    tw_record_clear(&record);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void a_dead_broker_costs_the_records_but_not_the_time(void **state)
{
    (void)state;
    char *dir = make_directory();
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){
        .kafka_brokers = DEAD_BROKER, .run_dir = dir, .close_seconds = 0.5});
    struct tw_emitter_counts counts;
    struct tw_error error = {0};
    double start = now();
    for (uint64_t i = 0; i < 1000; i++)
        emit_step(emitter, i, 0.5);
    assert_true(now() - start < 1);
    start = now();
    assert_int_equal(tw_emitter_close(emitter, &counts, &error), -EIO);
    assert_true(now() - start < 4);
    assert_non_null(strstr(error.text, "kafka: "));
    assert_int_equal(counts.emitted, 1000);
    assert_int_equal(counts.lost, 1000);
    assert_int_equal(counts.delivered, 0);

    /* The run directory has them all the same. */
    char path[128], *bytes = malloc(1 << 20);
    snprintf(path, sizeof path, "%s/telemetry.cbor", dir);
    FILE *file = fopen(path, "rb");
    size_t size = fread(bytes, 1, 1 << 20, file), offset = 0;
    struct tw_record record;
    int n = 0;
    fclose(file);
    tw_record_init(&record);
    while (tw_message_next(bytes, size, &offset, &record, NULL) > 0)
        n++;
    assert_int_equal(n, 1000);
    free(bytes);
    remove_directory(dir);
}

static void a_full_queue_is_waited_for_only_so_long(void **state)
{
    (void)state;
    const char *const properties[] = {"queue.buffering.max.messages=2", NULL};
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){
        .kafka_brokers = DEAD_BROKER, .kafka_properties = properties, .close_seconds = 0.3});
    struct tw_emitter_counts counts;
    struct tw_error error = {0};
    for (uint64_t i = 0; i < 6; i++)
        emit_step(emitter, i, NAN); /* each a message */
    double start = now();
    assert_int_equal(tw_emitter_close(emitter, &counts, &error), -EIO);
    assert_true(now() - start < 4);
    assert_int_equal(counts.lost, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_share_messages_and_keep_their_order, start_broker,
                                        stop_broker),
        cmocka_unit_test_setup_teardown(the_header_is_repeated_as_it_was, start_broker,
                                        stop_broker),
        cmocka_unit_test(a_dead_broker_costs_the_records_but_not_the_time),
        cmocka_unit_test(a_full_queue_is_waited_for_only_so_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
