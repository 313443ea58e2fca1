/* The emitter with Kafka, against librdkafka's mock broker in this process, and without any. */
#include "config.h"

#include "telemetry/emitter.h"

#include "tests/unit/temporary_directory.h"
#include "tests/unit/wire_samples.h"

#include <arpa/inet.h>
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

/* Records read back from the topic. */
struct arrived {
    rd_kafka_t *consumer;
    struct tw_record record; /* the newest */
    uint64_t messages;
    int32_t partition; /* of the newest message */
    rd_kafka_message_t *message;
    size_t offset; /* behind `record` */
};

static void begin_reading(struct arrived *arrived)
{
    *arrived = (struct arrived){.consumer = new_consumer()};
    tw_record_init(&arrived->record);
}

static const struct tw_record *read_record(struct arrived *arrived)
{
    struct tw_error error = {0};
    rd_kafka_message_t *message = arrived->message;
    if (!message || !tw_message_next(message->payload, message->len, &arrived->offset,
                                     &arrived->record, &error)) {
        if (message)
            rd_kafka_message_destroy(message);
        message = arrived->message = next_message(arrived->consumer);
        assert_non_null(message);
        check_key(message, "run-7");
        arrived->messages++;
        arrived->partition = message->partition;
        arrived->offset = 0;
        assert_int_equal(tw_message_next(message->payload, message->len, &arrived->offset,
                                         &arrived->record, &error),
                         1);
    }
    assert_int_equal(error.code, 0);
    return &arrived->record;
}

static void end_reading(struct arrived *arrived)
{
    if (arrived->message)
        rd_kafka_message_destroy(arrived->message);
    tw_record_clear(&arrived->record);
    rd_kafka_destroy(arrived->consumer);
}

/* Steps first to last - 1, in order, nothing between but headers. */
static void assert_steps_arrive(struct arrived *arrived, uint64_t first, uint64_t last)
{
    while (first < last) {
        const struct tw_record *record = read_record(arrived);
        if (record->kind != TW_KIND_HEADER)
            assert_true(record->step == first++);
    }
}

static void emit_header(struct tw_emitter *emitter)
{
    struct tw_record header;
    tw_record_init(&header);
    wire_sample(&header, TW_KIND_HEADER, 0);
    assert_int_equal(tw_emit(emitter, &header), 0);
    tw_record_clear(&header);
}

static void wait_a_moment(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
}

/* Until it is known of `n` records what became of them. */
static void wait_for_fates(const struct tw_emitter *emitter, uint64_t n)
{
    for (int i = 0; i < 1000; i++) {
        struct tw_emitter_counts counts = tw_emitter_counts(emitter);
        if (counts.delivered + counts.lost >= n)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("%s", "no answer within 10 seconds");
}

static void a_broker_that_comes_back_gets_what_waited_for_it(void **state)
{
    (void)state;
    const char *const properties[] = {"reconnect.backoff.max.ms=200", NULL};
    rd_kafka_mock_broker_set_down(cluster, -1);
    struct tw_emitter *emitter = open_emitter(
        (struct tw_emitter_options){.kafka_properties = properties, .batch_bytes = 1000});
    emit_header(emitter);
    for (uint64_t i = 0; i < 500; i++)
        emit_step(emitter, i, 0.5);
    wait_a_moment(); /* it is found to be away */
    rd_kafka_mock_broker_set_up(cluster, -1);

    struct arrived arrived;
    begin_reading(&arrived);
    assert_int_equal(read_record(&arrived)->kind, TW_KIND_HEADER);
    assert_steps_arrive(&arrived, 0, 500);
    /* And once more, from a producer that knows the broker. */
    rd_kafka_mock_broker_set_down(cluster, -1);
    for (uint64_t i = 500; i < 1000; i++)
        emit_step(emitter, i, 0.5);
    wait_a_moment();
    rd_kafka_mock_broker_set_up(cluster, -1);
    assert_steps_arrive(&arrived, 500, 1000);
    close_emitter(emitter, 1001);
    end_reading(&arrived);
}

static void what_is_urgent_takes_along_what_was_before_it(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.linger_seconds = 3600});
    struct tw_record end;
    struct arrived arrived;
    begin_reading(&arrived);
    for (uint64_t i = 0; i < 10; i++)
        emit_step(emitter, i, i == 9 ? INFINITY : 0.5);
    assert_steps_arrive(&arrived, 0, 10);
    assert_true(arrived.messages == 1);
    for (uint64_t i = 10; i < 20; i++)
        emit_step(emitter, i, 0.5);
    tw_record_init(&end);
    end.kind = TW_KIND_END;
    assert_int_equal(tw_emit(emitter, &end), 0);
    assert_steps_arrive(&arrived, 10, 20);
    assert_int_equal(read_record(&arrived)->kind, TW_KIND_END);
    assert_true(arrived.messages == 2);
    close_emitter(emitter, 21);
    end_reading(&arrived);
}

static void urgent_records_that_come_together_share_a_message(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.linger_seconds = 3600});
    struct arrived arrived;
    for (uint64_t i = 0; i < 1000; i++)
        emit_step(emitter, i, NAN);
    begin_reading(&arrived);
    assert_steps_arrive(&arrived, 0, 1000);
    assert_true(arrived.messages < 500);
    close_emitter(emitter, 1000);
    end_reading(&arrived);
}

static void records_wait_for_each_other_only_so_long(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.linger_seconds = 0.1});
    struct arrived arrived;
    begin_reading(&arrived);
    emit_step(emitter, 0, 0.5);
    emit_step(emitter, 1, 0.5);
    assert_steps_arrive(&arrived, 0, 2); /* without more to fill the message, and before the end */
    close_emitter(emitter, 2);
    end_reading(&arrived);
}

static void ranks_of_a_run_share_its_partition(void **state)
{
    (void)state;
    struct tw_emitter *emitters[3];
    uint64_t seen[3] = {0};
    struct arrived arrived;
    int32_t partition = -1;
    for (uint32_t rank = 0; rank < 3; rank++)
        emitters[rank] = open_emitter((struct tw_emitter_options){.rank = rank, .attempt = "a1"});
    for (uint64_t i = 0; i < 200; i++)
        emit_step(emitters[i % 3], i / 3, i % 20 ? 0.5 : NAN);
    for (int rank = 0; rank < 3; rank++)
        close_emitter(emitters[rank], rank == 2 ? 66 : 67);
    begin_reading(&arrived);
    for (int i = 0; i < 200; i++) {
        const struct tw_record *record = read_record(&arrived);
        assert_true(record->rank < 3);
        assert_true(record->seq == seen[record->rank]++);
        assert_true(record->step == record->seq);
        assert_true(partition < 0 || arrived.partition == partition);
        partition = arrived.partition;
    }
    end_reading(&arrived);
}

static void what_the_broker_refuses_is_lost_and_said(void **state)
{
    (void)state;
    struct tw_emitter *emitter =
        open_emitter((struct tw_emitter_options){.header_seconds = 1000, .linger_seconds = 1e-3});
    struct tw_emitter_counts counts;
    struct tw_error error = {0};
    emit_step(emitter, 0, NAN);
    wait_for_fates(emitter, 1); /* it is delivered; then three are not, but the producer goes on */
    for (uint64_t i = 1; i < 4; i++) {
        rd_kafka_mock_push_request_errors(cluster, 0 /* Produce */, 1,
                                          RD_KAFKA_RESP_ERR_POLICY_VIOLATION);
        emit_step(emitter, i, NAN);
        wait_for_fates(emitter, i + 1);
    }
    emit_step(emitter, 4, NAN);
    assert_int_equal(tw_emitter_close(emitter, &counts, &error), -EIO);
    assert_string_equal(error.text, "kafka: Broker: Policy violation");
    assert_int_equal(counts.emitted, 5);
    assert_int_equal(counts.lost, 3);
    assert_int_equal(counts.delivered, 2);
}

static void a_retried_message_arrives_once_and_in_order(void **state)
{
    (void)state;
    const char *const properties[] = {"retry.backoff.ms=10", NULL};
    struct tw_emitter *emitter = open_emitter(
        (struct tw_emitter_options){.kafka_properties = properties, .batch_bytes = 1000});
    struct arrived arrived;
    rd_kafka_mock_push_request_errors(
        cluster, 0 /* Produce */, 4, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    for (uint64_t i = 0; i < 300; i++)
        emit_step(emitter, i, 0.5);
    close_emitter(emitter, 300);
    begin_reading(&arrived);
    assert_steps_arrive(&arrived, 0, 300);
    end_reading(&arrived);
}

/* As a broker says that lost what it had acknowledged. */
static void end_producer(void)
{
    rd_kafka_mock_push_request_errors(cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
}

static void a_producer_that_ended_itself_is_replaced_and_nothing_is_lost(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.linger_seconds = 3600});
    struct arrived arrived;
    emit_step(emitter, 0, NAN);
    wait_for_fates(emitter, 1);
    end_producer();
    for (uint64_t i = 1; i < 50; i++)
        emit_step(emitter, i, i % 10 ? 0.5 : NAN);
    close_emitter(emitter, 50);
    begin_reading(&arrived);
    assert_steps_arrive(&arrived, 0, 50);
    end_reading(&arrived);
}

/* The answer to the first ends the producer while the second is with the broker, which has it. */
static void what_the_broker_still_had_of_an_ended_producer_is_not_sent_twice(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.linger_seconds = 1e-3});
    struct arrived arrived;
    uint64_t seen = 0;
    emit_step(emitter, 0, NAN);
    wait_for_fates(emitter, 1);
    rd_kafka_mock_broker_push_request_error_rtts(cluster, 1, 0 /* Produce */, 2,
                                                 RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                                                 100, RD_KAFKA_RESP_ERR_NO_ERROR, 500);
    for (uint64_t i = 1; i < 4; i++) {
        emit_step(emitter, i, NAN);
        nanosleep(&(struct timespec){.tv_nsec = i < 2 ? 20000000 : 200000000}, NULL);
    }
    close_emitter(emitter, 4);
    begin_reading(&arrived);
    for (int i = 0; i < 4; i++)
        seen |= UINT64_C(1) << read_record(&arrived)->seq;
    assert_true(seen == 15);
    rd_kafka_message_t *more = rd_kafka_consumer_poll(arrived.consumer, 200);
    assert_null(more);
    end_reading(&arrived);
}

static void what_ended_producers_had_waits_for_the_next_in_order(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){.linger_seconds = 1e-3});
    struct arrived arrived;
    emit_step(emitter, 0, NAN);
    wait_for_fates(emitter, 1);
    for (uint64_t i = 1; i < 200; i++) {
        if (i == 20 || i == 120)
            end_producer(); /* the second before another may take its place */
        emit_step(emitter, i, 0.5);
        if (i % 10 == 0)
            wait_a_moment();
    }
    close_emitter(emitter, 200);
    begin_reading(&arrived);
    assert_steps_arrive(&arrived, 0, 200);
    end_reading(&arrived);
}

static void the_header_goes_ahead_again_after_a_loss(void **state)
{
    (void)state;
    struct tw_emitter *emitter =
        open_emitter((struct tw_emitter_options){.header_seconds = 3600, .linger_seconds = 3600});
    struct tw_error error = {0};
    struct arrived arrived;
    emit_header(emitter);
    rd_kafka_mock_push_request_errors(cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_POLICY_VIOLATION);
    emit_step(emitter, 1, NAN); /* takes the header along, and both are lost */
    wait_for_fates(emitter, 2);
    for (int i = 0; i < 4; i++)
        wait_a_moment(); /* more than the second that is let pass */
    emit_step(emitter, 2, NAN);
    assert_int_equal(tw_emitter_close(emitter, NULL, &error), -EIO);
    begin_reading(&arrived);
    assert_int_equal(read_record(&arrived)->kind, TW_KIND_HEADER);
    assert_true(read_record(&arrived)->step == 2);
    end_reading(&arrived);
}

/* A port where connections are taken and nothing is ever answered. */
static void a_mute_broker_holds_nothing_up(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char brokers[64];
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(brokers, sizeof brokers, "127.0.0.1:%d", ntohs(address.sin_port));
    struct tw_emitter *emitter =
        open_emitter((struct tw_emitter_options){.kafka_brokers = brokers, .close_seconds = 0.3});
    struct tw_emitter_counts counts;
    struct tw_error error = {0};
    for (uint64_t i = 0; i < 100; i++)
        emit_step(emitter, i, 0.5);
    double start = now();
    assert_int_equal(tw_emitter_close(emitter, &counts, &error), -EIO);
    assert_true(now() - start < 4);
    assert_string_equal(error.text, "kafka: the brokers did not answer in time");
    assert_int_equal(counts.lost, 100);
    close(fd);
}

static void a_broker_that_never_was_is_not_waited_for(void **state)
{
    (void)state;
    struct tw_emitter *emitter = open_emitter(
        (struct tw_emitter_options){.kafka_brokers = DEAD_BROKER, .close_seconds = 10});
    struct tw_emitter_counts counts;
    struct tw_error error = {0};
    emit_step(emitter, 0, 0.5);
    assert_int_equal(tw_emitter_close(emitter, &counts, &error), -EIO);
    assert_non_null(strstr(error.text, "Connection refused"));
    assert_null(strstr(error.text, "Purged"));
    assert_int_equal(counts.lost, 1);
}

static void a_full_queue_is_waited_for_only_so_long(void **state)
{
    (void)state;
    const char *const properties[] = {"queue.buffering.max.messages=2", NULL};
    struct tw_emitter *emitter = open_emitter((struct tw_emitter_options){
        .kafka_brokers = DEAD_BROKER, .kafka_properties = properties, .close_seconds = 0.3});
    struct tw_emitter_counts counts;
    struct tw_error error = {0};
    for (uint64_t i = 0; i < 6; i++) {
        emit_step(emitter, i, NAN); /* each a message */
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
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
        cmocka_unit_test_setup_teardown(a_broker_that_comes_back_gets_what_waited_for_it,
                                        start_broker, stop_broker),
        cmocka_unit_test_setup_teardown(what_is_urgent_takes_along_what_was_before_it, start_broker,
                                        stop_broker),
        cmocka_unit_test_setup_teardown(urgent_records_that_come_together_share_a_message,
                                        start_broker, stop_broker),
        cmocka_unit_test_setup_teardown(records_wait_for_each_other_only_so_long, start_broker,
                                        stop_broker),
        cmocka_unit_test_setup_teardown(ranks_of_a_run_share_its_partition, start_broker,
                                        stop_broker),
        cmocka_unit_test_setup_teardown(what_the_broker_refuses_is_lost_and_said, start_broker,
                                        stop_broker),
        cmocka_unit_test_setup_teardown(a_retried_message_arrives_once_and_in_order, start_broker,
                                        stop_broker),
        cmocka_unit_test_setup_teardown(
            a_producer_that_ended_itself_is_replaced_and_nothing_is_lost, start_broker,
            stop_broker),
        cmocka_unit_test_setup_teardown(
            what_the_broker_still_had_of_an_ended_producer_is_not_sent_twice, start_broker,
            stop_broker),
        cmocka_unit_test_setup_teardown(what_ended_producers_had_waits_for_the_next_in_order,
                                        start_broker, stop_broker),
        cmocka_unit_test_setup_teardown(the_header_goes_ahead_again_after_a_loss, start_broker,
                                        stop_broker),
        cmocka_unit_test(a_mute_broker_holds_nothing_up),
        cmocka_unit_test(a_broker_that_never_was_is_not_waited_for),
        cmocka_unit_test(a_dead_broker_costs_the_records_but_not_the_time),
        cmocka_unit_test(a_full_queue_is_waited_for_only_so_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
