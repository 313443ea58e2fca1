/* Fills PREFIX.state with the state of runs that have been watched for a while, so that an agent
 * starts with full memories, as one that was restarted does. */
#include "bench/harness.h"
#include "bench/kafka_tool.h"
#include "bench/warm_runs.h"

#include "agent/snapshot.h"
#include "agent/state_kafka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FLUSH_SECONDS 120
#define UNDER_WAY_MAX 500

struct seeding {
    const struct bench_kafka_options *options;
    struct bench_warm_runs runs;
    struct tw_state_topic *store;
    double bytes;
};

/* Takes the bytes over. Waits while as many as allowed are under way. */
static int put(struct seeding *seeding, long number, const char *id, unsigned char *bytes,
               size_t size, struct tw_error *error)
{
    const struct tw_state_place place = {0}; /* before the first message */
    int32_t partition = bench_kafka_partition(seeding->options, number);
    struct tw_error why = {0};
    uint64_t durable;
    int result = tw_state_topic_durable(seeding->store, &durable, error);
    if (!result && tw_state_topic_sent(seeding->store) - durable >= UNDER_WAY_MAX)
        result = tw_state_topic_flush(seeding->store, FLUSH_SECONDS, error);
    if (result) {
        free(bytes);
        return result;
    }
    result = tw_state_topic_put(seeding->store, id, partition, &place, bytes, size, &why);
    return result ? tw_error_set(error, result, "%s", why.code ? why.text : "too many under way")
                  : 0;
}

static int put_run(struct seeding *seeding, long number, struct tw_error *error)
{
    struct tw_run *run;
    size_t size;
    int result = bench_warm_run(&run, &seeding->runs, (uint32_t)number, error);
    if (result)
        return result;
    unsigned char *bytes = tw_snapshot_save(run, &seeding->runs.settings, &size);
    if (bytes)
        result = put(seeding, number, run->core.id, bytes, size, error);
    else
        result = tw_error_set(error, -ENOMEM, "out of memory");
    seeding->bytes += (double)size;
    tw_run_free(run);
    return result;
}

int bench_kafka_seed(const struct bench_kafka_options *options, struct tw_error *error)
{
    struct seeding seeding = {.options = options};
    const struct tw_state_topic_options topic = {.brokers = options->brokers,
                                                 .prefix = options->prefix,
                                                 .partitions = options->partitions,
                                                 .timeout_seconds = FLUSH_SECONDS};
    double started = bench_wall_seconds();
    int result = bench_warm_runs_open(&seeding.runs, (uint64_t)options->first_step, error);
    if (!result)
        result = tw_state_topic_open(&seeding.store, &topic, error);
    for (long run = 0; run < options->runs && !result; run++)
        result = put_run(&seeding, run, error);
    if (!result)
        result = tw_state_topic_flush(seeding.store, FLUSH_SECONDS, error);
    tw_state_topic_close(seeding.store);
    bench_warm_runs_close(&seeding.runs);
    if (!result)
        printf("{\"runs\": %ld, \"bytes\": %.0f, \"seconds\": %.3f}\n", options->runs,
               seeding.bytes, bench_wall_seconds() - started);
    return result;
}
