/* The consumer that does nothing: reads the telemetry topic once, by the cheapest call that
 * librdkafka has, and counts. What an agent could reach at most. */
#include "bench/harness.h"
#include "bench/kafka_tool.h"

#include <errno.h>
#include <stdio.h>

#define SILENCE_SECONDS 60

static const struct tw_kafka_setting properties[] = {
    {"group.id", "bench-noop"},
    {"enable.auto.commit", "false"},
    {"auto.offset.reset", "earliest"},
    {NULL, NULL},
};

struct count {
    long messages;
    double bytes;
};

static void take(rd_kafka_message_t *message, void *closure)
{
    struct count *count = closure;
    if (message->err)
        return;
    count->messages++;
    count->bytes += (double)message->len;
}

static int assign(rd_kafka_t *consumer, const struct bench_kafka_options *options,
                  struct tw_error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(options->partitions);
    for (int i = 0; i < options->partitions; i++)
        rd_kafka_topic_partition_list_add(list, options->topic, i)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t err = rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return err ? tw_error_set(error, -EIO, "%s", rd_kafka_err2str(err)) : 0;
}

static int read_all(rd_kafka_t *consumer, const struct bench_kafka_options *options,
                    struct tw_error *error)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    struct count count = {0};
    long messages = options->records / options->per_message, first = 0;
    double started = 0, cpu = 0, newest = bench_wall_seconds();
    while (count.messages < messages && bench_wall_seconds() - newest < SILENCE_SECONDS) {
        rd_kafka_consume_callback_queue(queue, 100, take, &count);
        if (!count.messages)
            continue;
        newest = bench_wall_seconds();
        if (first)
            continue;
        first = count.messages;
        started = newest;
        cpu = bench_cpu_seconds();
    }
    rd_kafka_queue_destroy(queue);
    if (count.messages < messages)
        return tw_error_set(error, -EIO, "only %ld of %ld messages came", count.messages, messages);
    printf("{\"records\": %ld, \"bytes\": %.0f, \"wall\": %.6f, \"cpu\": %.6f}\n",
           (count.messages - first) * options->per_message, count.bytes, newest - started,
           bench_cpu_seconds() - cpu);
    return 0;
}

int bench_kafka_noop(const struct bench_kafka_options *options, struct tw_error *error)
{
    rd_kafka_t *consumer;
    int result = bench_kafka_client(&consumer, options, RD_KAFKA_CONSUMER, properties, error);
    if (result)
        return result;
    rd_kafka_poll_set_consumer(consumer);
    result = assign(consumer, options, error);
    if (!result)
        result = read_all(consumer, options, error);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return result;
}
