/* Fills the telemetry topic with records of many runs. */
#include "bench/harness.h"
#include "bench/kafka_tool.h"
#include "bench/synthetic_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FLUSH_MS 120000

static const struct tw_kafka_setting properties[] = {
    {"linger.ms", "50"},
    {"batch.size", "950000"},
    {"queue.buffering.max.messages", "500000"},
    {"queue.buffering.max.kbytes", "262144"},
    {"message.max.bytes", "1000000"},
    {NULL, NULL},
};

static int send_all(rd_kafka_t *producer, const struct bench_kafka_options *options, void *buffer,
                    double *ret_bytes, struct tw_error *error)
{
    char id[TW_RUN_ID_MAX + 1];
    long messages = options->records / options->per_message;
    int result = 0;
    for (long turn = 0; turn < messages && !result; turn++) {
        long run = bench_scatter((uint64_t)turn, (uint32_t)options->runs);
        long step = options->first_step + turn / options->runs * options->per_message;
        long size = bench_message(buffer, BENCH_MESSAGE_BYTES_MAX, (uint32_t)run, (uint64_t)step,
                                  (unsigned)options->per_message, options->format);
        if (size < 0)
            return tw_error_set(error, (int)size, "a message does not fit");
        bench_run_id(id, (uint32_t)run);
        *ret_bytes += (double)size;
        result = bench_kafka_send(producer, options->topic, bench_kafka_partition(options, run), id,
                                  buffer, (size_t)size, error);
        if (turn % 1024 == 0)
            rd_kafka_poll(producer, 0);
    }
    return result;
}

int bench_kafka_fill(const struct bench_kafka_options *options, struct tw_error *error)
{
    rd_kafka_t *producer;
    double bytes = 0, started = bench_wall_seconds();
    void *buffer = malloc(BENCH_MESSAGE_BYTES_MAX);
    if (!buffer)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = bench_kafka_client(&producer, options, RD_KAFKA_PRODUCER, properties, error);
    if (!result) {
        result = send_all(producer, options, buffer, &bytes, error);
        if (!result && rd_kafka_flush(producer, FLUSH_MS))
            result = tw_error_set(error, -ETIMEDOUT, "the brokers did not take everything");
        rd_kafka_destroy(producer);
    }
    free(buffer);
    if (!result)
        printf("{\"records\": %ld, \"bytes\": %.0f, \"seconds\": %.3f}\n", options->records, bytes,
               bench_wall_seconds() - started);
    return result;
}
