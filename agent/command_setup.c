/* trainward setup: creates topics, index templates and dashboards; run it as often as you like. */
#include "agent/commands.h"

#include "agent/setup_kafka.h"
#include "agent/usage.h"

#include "sinks/kibana_setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int partitions = 12, replication, is_dry_run, exports;

static const struct poptOption options[] = {
    {"partitions", '\0', POPT_ARG_INT | POPT_ARGFLAG_SHOW_DEFAULT, &partitions, 0,
     "kafka: partitions of a topic that is created", "N"},
    {"replication", '\0', POPT_ARG_INT, &replication, 0,
     "kafka: replicas of a topic that is created (default: 3, or as many as there are brokers)",
     "N"},
    {"dry-run", '\0', POPT_ARG_NONE, &is_dry_run, 0,
     "elasticsearch, kibana: say what would be created or changed, and do nothing", NULL},
    {"export", '\0', POPT_ARG_NONE, &exports, 0,
     "connect to nothing; elasticsearch: print the requests, for Kibana's console; kibana: print "
     "the objects, for a file that is imported by hand",
     NULL},
    TW_COMMON_OPTIONS,
    POPT_AUTOHELP POPT_TABLEEND,
};

static int set_up_kafka(const struct tw_config *config, struct tw_error *error)
{
    return tw_setup_kafka(config, partitions, replication, error);
}

/* ---- elasticsearch ---- */

static int set_up_sink(const struct tw_configured_sink *configured, struct tw_error *error)
{
    void *sink;
    const struct tw_sink_setup setup = {
        .is_dry_run = is_dry_run, .exports = exports, .file = stdout};
    int result = configured->sink->open(&sink, configured->config, error);
    if (!result) {
        result = configured->sink->setup(sink, &setup, error);
        configured->sink->close(sink);
    }
    if (result)
        tw_error_add_place(error, configured->name);
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

/* ---- kibana ---- */

static int set_up_kibana(const struct tw_config *config, struct tw_error *error)
{
    const struct tw_sink_setup setup = {
        .is_dry_run = is_dry_run, .exports = exports, .file = stdout};
    if (!config->kibana.url && !exports)
        return tw_error_at(error, -EINVAL, config->path, 0, 0,
                           "names no Kibana; add 'kibana: {url: \"http://HOST:5601\"}'");
    return tw_kibana_setup(&config->kibana, &setup, error);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    int (*run)(const struct tw_config *config, struct tw_error *error);
} words[] = {
    {"kafka", set_up_kafka}, {"elasticsearch", set_up_elasticsearch}, {"kibana", set_up_kibana}};

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
    fprintf(stderr, "trainward setup: %s%sexpected 'kafka', 'elasticsearch' or 'kibana'\n",
            word ? word : "", word ? ": " : "");
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
    .arguments = "[OPTIONS] kafka | elasticsearch | kibana",
    .summary = "create Kafka topics, Elasticsearch's indices and templates, or Kibana's dashboards",
    .run = run,
};
