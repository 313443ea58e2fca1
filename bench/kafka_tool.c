/* The subcommands' options, and what they share of librdkafka. */
#include "bench/kafka_tool.h"

#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_PROBLEM = 1, EXIT_USAGE = 2 };

static const struct {
    const char *name;
    int (*run)(const struct bench_kafka_options *options, struct tw_error *error);
} commands[] = {
    {"fill", bench_kafka_fill},
    {"seed", bench_kafka_seed},
    {"noop", bench_kafka_noop},
    {"latency", bench_kafka_latency},
};

int bench_kafka_client(rd_kafka_t **ret, const struct bench_kafka_options *options,
                       rd_kafka_type_t type, const struct tw_kafka_setting *settings,
                       struct tw_error *error)
{
    const struct tw_kafka_settings all = {options->brokers, settings, NULL, NULL};
    return tw_kafka_new(ret, type, rd_kafka_conf_new(), &all, error);
}

int bench_kafka_send(rd_kafka_t *producer, const char *topic, int32_t partition, const char *key,
                     const void *payload, size_t size, struct tw_error *error)
{
    for (;;) {
        rd_kafka_resp_err_t err = rd_kafka_producev(
            producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE((void *)(size_t)payload, size),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return err ? tw_error_set(error, -EIO, "%s", rd_kafka_err2str(err)) : 0;
        rd_kafka_poll(producer, 10);
    }
}

static int run_named(const char *name, const struct bench_kafka_options *options)
{
    struct tw_error error = {0};
    for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, name))
            continue;
        if (!commands[i].run(options, &error))
            return 0;
        fprintf(stderr, "trainward-bench-kafka %s: %s\n", name, error.text);
        return EXIT_PROBLEM;
    }
    fprintf(stderr, "trainward-bench-kafka: name one of fill, seed, noop, latency\n");
    return EXIT_USAGE;
}

int main(int argc, const char **argv)
{
    struct bench_kafka_options options = {.partitions = 8,
                                          .runs = 1000,
                                          .records = 100000,
                                          .per_message = 1,
                                          .per_second = 1000,
                                          .seconds = 10};
    int json = 0;
    const struct poptOption table[] = {
        {"brokers", 0, POPT_ARG_STRING, &options.brokers, 0, "host:port,...", "BROKERS"},
        {"topic", 0, POPT_ARG_STRING, &options.topic, 0, "of the telemetry", "TOPIC"},
        {"prefix", 0, POPT_ARG_STRING, &options.prefix, 0, "of the other topics", "PREFIX"},
        {"partitions", 0, POPT_ARG_INT, &options.partitions, 0, "of the topics", "N"},
        {"runs", 0, POPT_ARG_LONG, &options.runs, 0, "trainings", "N"},
        {"records", 0, POPT_ARG_LONG, &options.records, 0, "in all", "N"},
        {"per-message", 0, POPT_ARG_LONG, &options.per_message, 0, "records a message", "N"},
        {"first-step", 0, POPT_ARG_LONG, &options.first_step, 0, "of every run", "N"},
        {"per-second", 0, POPT_ARG_LONG, &options.per_second, 0, "records (latency)", "N"},
        {"seconds", 0, POPT_ARG_DOUBLE, &options.seconds, 0, "how long (latency)", "S"},
        {"json", 0, POPT_ARG_NONE, &json, 0, "JSON instead of CBOR", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext("trainward-bench-kafka", argc, argv, table, 0);
    poptSetOtherOptionHelp(context, "[OPTION...] fill|seed|noop|latency");
    int status = EXIT_USAGE, result = poptGetNextOpt(context);
    if (!options.prefix)
        options.prefix = strdup("bench");
    options.format = json ? TW_WIRE_JSON : TW_WIRE_CBOR;
    if (result < -1)
        fprintf(stderr, "trainward-bench-kafka: %s\n", poptStrerror(result));
    else if (!options.brokers || !options.topic || options.partitions < 1 || options.runs < 1 ||
             options.per_message < 1)
        fputs("trainward-bench-kafka: --brokers and --topic are needed, and numbers above 0\n",
              stderr);
    else
        status = run_named(poptGetArg(context), &options);
    poptFreeContext(context);
    free(options.brokers);
    free(options.topic);
    free(options.prefix);
    return status;
}
