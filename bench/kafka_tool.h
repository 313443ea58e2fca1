/* trainward-bench-kafka: what the Kafka benchmarks (bench/kafka_bench.py) do in C. Each subcommand
 * is one file; its figures go to standard output as one line of JSON. */
#ifndef TW_BENCH_KAFKA_TOOL_H
#define TW_BENCH_KAFKA_TOOL_H

#include "telemetry/kafka_new.h"
#include "telemetry/wire.h"

struct bench_kafka_options {
    char *brokers, *topic, *prefix; /* owned, by popt's ways */
    int partitions;
    long runs, records, per_message, first_step, per_second;
    double seconds;
    enum tw_wire_format format;
};

/* 0, or negative with `error` set. */
int bench_kafka_fill(const struct bench_kafka_options *options, struct tw_error *error);
int bench_kafka_seed(const struct bench_kafka_options *options, struct tw_error *error);
int bench_kafka_noop(const struct bench_kafka_options *options, struct tw_error *error);
int bench_kafka_latency(const struct bench_kafka_options *options, struct tw_error *error);

/* A client with these settings, ended by {NULL, NULL}. */
int bench_kafka_client(rd_kafka_t **ret, const struct bench_kafka_options *options,
                       rd_kafka_type_t type, const struct tw_kafka_setting *settings,
                       struct tw_error *error);

/* Sends a message, waiting while the client's queue is full. The payload is copied. */
int bench_kafka_send(rd_kafka_t *producer, const char *topic, int32_t partition, const char *key,
                     const void *payload, size_t size, struct tw_error *error);

/* The partition that all tools put a run into. */
static inline int32_t bench_kafka_partition(const struct bench_kafka_options *options, long run)
{
    return (int32_t)(run % options->partitions);
}

#endif
