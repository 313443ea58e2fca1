/* Fills PREFIX.state with the state of runs that have been watched for a while, so that an agent
 * starts with full memories, as one that was restarted does. */
#include "bench/harness.h"
#include "bench/kafka_tool.h"
#include "bench/synthetic_stream.h"

#include "agent/snapshot.h"
#include "agent/state_kafka.h"
#include "agent/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* So many runs are really judged; the others are copies of them with ids of their own. */
#define TEMPLATES 256
#define FLUSH_SECONDS 120
#define UNDER_WAY_MAX 500

struct template
{
    unsigned char *bytes;
    size_t size;
};

struct seeding {
    const struct bench_kafka_options *options;
    struct tw_settings settings;
    struct tw_rules *rules;
    struct tw_watch *watch;
    struct tw_state_topic *store;
    struct template templates[TEMPLATES];
    double bytes;
};

static int judge_templates(struct seeding *seeding, struct tw_error *error)
{
    struct tw_record record;
    int result = 0;
    tw_record_init(&record);
    for (uint32_t run = 0; run < TEMPLATES; run++) {
        for (long step = 0; step < seeding->options->first_step && !result; step++) {
            bench_step_record(&record, run, (uint64_t)step);
            result = tw_watch_record(seeding->watch, &record, NULL, error);
        }
    }
    tw_record_clear(&record);
    return result;
}

static int take_templates(struct seeding *seeding, struct tw_error *error)
{
    int result = judge_templates(seeding, error);
    size_t n = 0;
    struct tw_run *run = NULL;
    while (!result && n < TEMPLATES && (run = tw_watch_next(seeding->watch, run))) {
        struct template *template = &seeding->templates[n++];
        template->bytes = tw_snapshot_save(run, &seeding->settings, &template->size);
        if (!template->bytes)
            result = tw_error_set(error, -ENOMEM, "out of memory");
    }
    if (!result && n < TEMPLATES)
        result = tw_error_set(error, -EINVAL, "--first-step: runs that have seen nothing");
    return result;
}

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
    const struct template *template = &seeding->templates[number % TEMPLATES];
    struct tw_run *run;
    size_t size;
    int result = tw_snapshot_load(&run, template->bytes, template->size, &seeding->settings, error);
    if (result)
        return result;
    bench_run_id(run->core.id, (uint32_t)number);
    unsigned char *bytes = tw_snapshot_save(run, &seeding->settings, &size);
    if (bytes)
        result = put(seeding, number, run->core.id, bytes, size, error);
    else
        result = tw_error_set(error, -ENOMEM, "out of memory");
    seeding->bytes += (double)size;
    tw_run_free(run);
    return result;
}

static int open_parts(struct seeding *seeding, struct tw_error *error)
{
    const struct bench_kafka_options *options = seeding->options;
    struct tw_watch_options watch = {.settings = &seeding->settings};
    const struct tw_state_topic_options topic = {.brokers = options->brokers,
                                                 .prefix = options->prefix,
                                                 .partitions = options->partitions,
                                                 .timeout_seconds = FLUSH_SECONDS};
    int result = tw_settings_init(&seeding->settings, error);
    if (result)
        return result;
    tw_settings_seal(&seeding->settings);
    watch.rules = seeding->rules = tw_rules_new();
    if (!seeding->rules)
        return tw_error_set(error, -ENOMEM, "out of memory");
    result = tw_rules_load_shipped(seeding->rules, error);
    if (!result)
        result = tw_watch_open(&seeding->watch, &watch, error);
    if (!result)
        result = tw_state_topic_open(&seeding->store, &topic, error);
    return result;
}

static void close_parts(struct seeding *seeding)
{
    tw_state_topic_close(seeding->store);
    tw_watch_close(seeding->watch);
    tw_rules_free(seeding->rules);
    tw_settings_release(&seeding->settings);
    for (size_t i = 0; i < TEMPLATES; i++)
        free(seeding->templates[i].bytes);
}

int bench_kafka_seed(const struct bench_kafka_options *options, struct tw_error *error)
{
    struct seeding seeding = {.options = options};
    double started = bench_wall_seconds();
    int result = open_parts(&seeding, error);
    if (!result)
        result = take_templates(&seeding, error);
    for (long run = 0; run < options->runs && !result; run++)
        result = put_run(&seeding, run, error);
    if (!result)
        result = tw_state_topic_flush(seeding.store, FLUSH_SECONDS, error);
    close_parts(&seeding);
    if (!result)
        printf("{\"runs\": %ld, \"bytes\": %.0f, \"seconds\": %.3f}\n", options->runs,
               seeding.bytes, bench_wall_seconds() - started);
    return result;
}
