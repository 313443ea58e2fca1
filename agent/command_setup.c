/* trainward setup: creates topics and index templates; run it as often as you like. */
#include "agent/commands.h"

#include "agent/topics.h"
#include "agent/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int partitions = 12, replication = 1;

static const struct poptOption options[] = {
    {"partitions", '\0', POPT_ARG_INT | POPT_ARGFLAG_SHOW_DEFAULT, &partitions, 0,
     "kafka: partitions of a topic that is created", "N"},
    {"replication", '\0', POPT_ARG_INT | POPT_ARGFLAG_SHOW_DEFAULT, &replication, 0,
     "kafka: replicas of a topic that is created", "N"},
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

/* ---- kafka ---- */

/* Brokers learn of a new topic one after the other: an agent that starts at once shall see it. */
static int wait_for_topic(struct tw_kafka_admin *admin, const char *name, struct tw_error *error)
{
    const struct timespec pause = {0, 100000000};
    for (int tries = 0; tries < 100; tries++) {
        int32_t found = tw_kafka_admin_partitions(admin, name, error);
        if (found)
            return found < 0 ? found : 0;
        nanosleep(&pause, NULL);
    }
    return tw_error_at(error, -ETIMEDOUT, name, 0, 0, "was created but is not there yet");
}

static int set_up_topic(struct tw_kafka_admin *admin, const struct tw_kafka_topic *topic,
                        struct tw_error *error)
{
    int32_t found = tw_kafka_admin_partitions(admin, topic->name, error);
    if (found < 0)
        return found;
    if (found > 0) {
        printf("%s: exists, %d partitions\n", topic->name, (int)found);
        return 0;
    }
    int result = tw_kafka_admin_create(admin, topic, error);
    if (result && result != -EEXIST)
        return result;
    printf("%s: %s, %d partitions%s\n", topic->name, result ? "exists" : "created",
           (int)topic->partitions, topic->is_compacted ? ", compacted" : "");
    return wait_for_topic(admin, topic->name, error);
}

/* A run's state lies in the partition of its telemetry: the two numbers must agree. */
static int check_agreement(struct tw_kafka_admin *admin, struct tw_kafka_topic topics[TW_TOPICS],
                           struct tw_error *error)
{
    int32_t telemetry = tw_kafka_admin_partitions(admin, topics[0].name, error);
    int32_t state =
        telemetry < 0 ? telemetry : tw_kafka_admin_partitions(admin, topics[3].name, error);
    if (state < 0)
        return state;
    if (telemetry > 0)
        topics[3].partitions = telemetry;
    if (telemetry > 0 && state > 0 && telemetry != state)
        return tw_error_at(error, -EINVAL, topics[3].name, 0, 0,
                           "has %d partitions but %s has %d; both need the same number: delete "
                           "%s, it is made again from the telemetry",
                           (int)state, topics[0].name, (int)telemetry, topics[3].name);
    return 0;
}

static int set_up_kafka(const struct tw_config *config, struct tw_error *error)
{
    const struct tw_texts *properties;
    const char *brokers = tw_topics_brokers(config, &properties);
    struct tw_kafka_topic topics[TW_TOPICS];
    struct tw_kafka_admin *admin;
    char names[TW_TOPICS][256];
    if (!brokers)
        return tw_error_at(error, -EINVAL, config->path, 0, 0,
                           "names no Kafka; add 'sources: [{kafka: {brokers: \"HOST:9092\"}}]'");
    if (partitions < 1 || replication < 1)
        return tw_error_set(error, -EINVAL, "--partitions and --replication must be at least 1");
    tw_topics(topics, names, config, partitions, (int16_t)replication);
    int result = tw_kafka_admin_open(&admin, brokers, properties, error);
    if (result)
        return result;
    result = check_agreement(admin, topics, error);
    for (int i = 0; i < TW_TOPICS && !result; i++)
        result = set_up_topic(admin, &topics[i], error);
    tw_kafka_admin_close(admin);
    return result;
}

/* ---- elasticsearch ---- */

static int set_up_sink(const struct tw_configured_sink *configured, struct tw_error *error)
{
    void *sink;
    int result = configured->sink->open(&sink, configured->config, error);
    if (!result) {
        result = configured->sink->setup(sink, error);
        configured->sink->close(sink);
    }
    tw_error_add_place(error, configured->name);
    if (!result)
        printf("%s: index templates are in place\n", configured->name);
    return result;
}

static int set_up_elasticsearch(const struct tw_config *config, struct tw_error *error)
{
    size_t found = 0;
    int result = 0;
    for (size_t i = 0; i < config->n_sinks && !result; i++) {
        if (strcmp(config->sinks[i].sink->name, "elasticsearch"))
            continue;
        found++;
        result = set_up_sink(&config->sinks[i], error);
    }
    if (!found)
        return tw_error_at(error, -EINVAL, config->path, 0, 0,
                           "names no Elasticsearch; add 'sinks: [{elasticsearch: {urls: "
                           "[\"http://HOST:9200\"]}}]'");
    return result;
}

/* ---- the command ---- */

static const struct {
    const char *name;
    int (*run)(const struct tw_config *config, struct tw_error *error);
} words[] = {{"kafka", set_up_kafka}, {"elasticsearch", set_up_elasticsearch}};

static int run_named(size_t index)
{
    struct tw_config config;
    struct tw_error error = {0};
    if (!tw_common_options.config && !tw_common_options.overrides) {
        fputs("trainward setup: name the configuration with --config FILE\n", stderr);
        return TW_EXIT_WRONG;
    }
    if (tw_common_load(&config, "setup", false))
        return TW_EXIT_WRONG;
    int result = words[index].run(&config, &error);
    if (result)
        tw_usage_error("setup", &error);
    tw_config_release(&config);
    return result ? TW_EXIT_WRONG : 0;
}

static int run_word(const char *word)
{
    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++) {
        if (!strcmp(words[i].name, word))
            return run_named(i);
    }
    fprintf(stderr, "trainward setup: %s%sexpected 'kafka' or 'elasticsearch'\n", word ? word : "",
            word ? ": " : "");
    return TW_EXIT_WRONG;
}

static int run(int argc, const char **argv)
{
    poptContext context;
    enum tw_usage usage = tw_usage_parse(&context, &tw_command_setup, argc, argv, options);
    if (usage != TW_USAGE_GO_ON)
        return usage == TW_USAGE_HELPED ? 0 : TW_EXIT_WRONG;
    int status = run_word(poptGetArg(context));
    poptFreeContext(context);
    return status;
}

const struct tw_command tw_command_setup = {
    .name = "setup",
    .arguments = "[OPTIONS] kafka | elasticsearch",
    .summary = "create the Kafka topics, or the Elasticsearch index templates",
    .run = run,
};
