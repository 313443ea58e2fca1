/* From the moment a bad record is handed to the producer to the moment its advisory comes out of
 * PREFIX.advisories, beside a steady stream of healthy records. Every 20th record is the first of a
 * run of its own and has a loss of NaN, which is told at once. Needs an agent at work. */
#include "bench/harness.h"
#include "bench/kafka_tool.h"
#include "bench/synthetic_stream.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROBE_EVERY 20
/* So long the last advisories may take before they count as missing. */
#define PATIENCE_SECONDS 10
#define PROBE_PREFIX "probe-"

static const struct tw_kafka_setting producer_properties[] = {
    {"linger.ms", "0"}, {"enable.idempotence", "true"}, {NULL, NULL}};
static const struct tw_kafka_setting consumer_properties[] = {{"group.id", "bench-latency"},
                                                              {"enable.auto.commit", "false"},
                                                              {"fetch.wait.max.ms", "500"},
                                                              {"fetch.min.bytes", "1"},
                                                              {NULL, NULL}};

struct probe {
    double sent;
    _Atomic double seen; /* 0: not yet */
};

struct latency {
    const struct bench_kafka_options *options;
    rd_kafka_t *producer, *consumer;
    struct probe *probes;
    long n_probes;
    _Atomic long n_seen;
    _Atomic bool is_over;
    pthread_t reader;
};

static void take(struct latency *latency, const rd_kafka_message_t *message)
{
    char key[TW_RUN_ID_MAX + 1];
    const size_t prefix = sizeof PROBE_PREFIX - 1;
    if (message->err || message->key_len >= sizeof key || message->key_len <= prefix ||
        memcmp(message->key, PROBE_PREFIX, prefix))
        return;
    memcpy(key, message->key, message->key_len);
    key[message->key_len] = '\0';
    long number = strtol(key + prefix, NULL, 10);
    /* The first document of the run is the one that people wait for. */
    if (number < 0 || number >= latency->n_probes || atomic_load(&latency->probes[number].seen) > 0)
        return;
    atomic_store(&latency->probes[number].seen, bench_wall_seconds());
    atomic_fetch_add(&latency->n_seen, 1);
}

static void *read_advisories(void *closure)
{
    struct latency *latency = closure;
    while (!atomic_load(&latency->is_over)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(latency->consumer, 100);
        if (!message)
            continue;
        take(latency, message);
        rd_kafka_message_destroy(message);
    }
    return NULL;
}

/* The newest end of each partition, asked for: what "the end" means later would be later. */
static int assign_ends(struct latency *latency, const char *topic, struct tw_error *error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(latency->consumer, topic, NULL);
    rd_kafka_resp_err_t err = rd_kafka_metadata(latency->consumer, 0, handle, &metadata, 10000);
    rd_kafka_topic_destroy(handle);
    if (err)
        return tw_error_set(error, -EIO, "%s: %s", topic, rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (int i = 0; i < metadata->topics[0].partition_cnt; i++) {
        int64_t low, high = 0;
        rd_kafka_query_watermark_offsets(latency->consumer, topic, i, &low, &high, 10000);
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = high;
    }
    rd_kafka_metadata_destroy(metadata);
    err = rd_kafka_assign(latency->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return err ? tw_error_set(error, -EIO, "%s: %s", topic, rd_kafka_err2str(err)) : 0;
}

static void sleep_until(double seconds)
{
    struct timespec at = {.tv_sec = (time_t)seconds,
                          .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static int send_record(struct latency *latency, long number, struct tw_error *error)
{
    const struct bench_kafka_options *options = latency->options;
    unsigned char buffer[4096];
    struct tw_record record;
    long probe = number % PROBE_EVERY ? -1 : number / PROBE_EVERY;
    long run = bench_scatter((uint64_t)number, (uint32_t)options->runs);
    tw_record_init(&record);
    bench_step_record(&record, (uint32_t)run, (uint64_t)(number / options->runs));
    if (probe >= 0) {
        snprintf(record.run, sizeof record.run, PROBE_PREFIX "%ld", probe);
        tw_record_set(&record, TW_SIGNAL_LOSS, NAN);
    }
    long size = tw_cbor_encode(&record, buffer, sizeof buffer);
    if (probe >= 0)
        latency->probes[probe].sent = bench_wall_seconds();
    int result = bench_kafka_send(latency->producer, options->topic,
                                  bench_kafka_partition(options, probe >= 0 ? probe : run),
                                  record.run, buffer, (size_t)size, error);
    rd_kafka_poll(latency->producer, 0);
    tw_record_clear(&record);
    return result;
}

static int send_stream(struct latency *latency, struct tw_error *error)
{
    const struct bench_kafka_options *options = latency->options;
    long n = (long)(options->seconds * (double)options->per_second);
    double started = bench_wall_seconds();
    int result = 0;
    for (long i = 0; i < n && !result; i++) {
        sleep_until(started + (double)i / (double)options->per_second);
        result = send_record(latency, i, error);
    }
    double deadline = bench_wall_seconds() + PATIENCE_SECONDS;
    while (!result && latency->n_seen < latency->n_probes && bench_wall_seconds() < deadline)
        sleep_until(bench_wall_seconds() + .01);
    return result;
}

static int print_quantiles(const struct latency *latency, struct tw_error *error)
{
    double *ms = malloc((size_t)latency->n_probes * sizeof *ms);
    size_t n = 0;
    if (!ms)
        return tw_error_set(error, -ENOMEM, "out of memory");
    /* The first second finds connections that are being made. */
    for (long i = latency->options->per_second / PROBE_EVERY; i < latency->n_probes; i++) {
        if (latency->probes[i].seen > 0)
            ms[n++] = (latency->probes[i].seen - latency->probes[i].sent) * 1e3;
    }
    if (n)
        printf("{\"advisories\": %zu, \"missing\": %ld, \"p50_ms\": %.3f, \"p90_ms\": %.3f, "
               "\"p99_ms\": %.3f, \"p999_ms\": %.3f, \"max_ms\": %.3f}\n",
               n, latency->n_probes - latency->n_seen, bench_quantile(ms, n, .5),
               bench_quantile(ms, n, .9), bench_quantile(ms, n, .99), bench_quantile(ms, n, .999),
               bench_quantile(ms, n, 1));
    free(ms);
    return n ? 0 : tw_error_set(error, -EIO, "no advisory came; is an agent at work?");
}

static int open_clients(struct latency *latency, struct tw_error *error)
{
    char topic[256];
    snprintf(topic, sizeof topic, "%s.advisories", latency->options->prefix);
    int result = bench_kafka_client(&latency->producer, latency->options, RD_KAFKA_PRODUCER,
                                    producer_properties, error);
    if (!result)
        result = bench_kafka_client(&latency->consumer, latency->options, RD_KAFKA_CONSUMER,
                                    consumer_properties, error);
    if (!result)
        result = assign_ends(latency, topic, error);
    if (!result && pthread_create(&latency->reader, NULL, read_advisories, latency))
        result = tw_error_set(error, -EAGAIN, "no thread can be started");
    return result;
}

static void close_clients(struct latency *latency)
{
    if (latency->consumer) {
        rd_kafka_consumer_close(latency->consumer);
        rd_kafka_destroy(latency->consumer);
    }
    if (latency->producer)
        rd_kafka_destroy(latency->producer);
}

int bench_kafka_latency(const struct bench_kafka_options *options, struct tw_error *error)
{
    struct latency latency = {.options = options};
    latency.n_probes =
        ((long)(options->seconds * (double)options->per_second) + PROBE_EVERY - 1) / PROBE_EVERY;
    latency.probes = calloc((size_t)latency.n_probes + 1, sizeof *latency.probes);
    if (!latency.probes)
        return tw_error_set(error, -ENOMEM, "out of memory");
    int result = open_clients(&latency, error);
    if (!result) {
        result = send_stream(&latency, error);
        atomic_store(&latency.is_over, true);
        pthread_join(latency.reader, NULL);
        if (!result)
            result = print_quantiles(&latency, error);
    }
    close_clients(&latency);
    free(latency.probes);
    return result;
}
