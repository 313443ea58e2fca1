/* The sections of the configuration file, from the first level down. */
#include "agent/config_loader.h"

#include "sources/kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NAME_MAX_LENGTH 64

/* ---- tables ---- */

static const char *const charts_names[] = {"auto", "on", "off", NULL};

static const struct tw_option root_options[] = {
    {"state_dir", TW_OPTION_TEXT, offsetof(struct tw_config, state_dir),
     .help = "where cursors, snapshots and the advisory log live; default: "
             "$XDG_STATE_HOME/trainward"},
    {"rules", TW_OPTION_TEXTS, offsetof(struct tw_config, rules),
     .help = "files and directories of rules beside those that are built in"},
    {"charts", TW_OPTION_CHOICE, offsetof(struct tw_config, charts), TW_CHARTS_AUTO,
     .choices = charts_names,
     .help = "on: write signals in buckets of steps for sinks that draw; auto: where one of the "
             "sinks does"},
    {"charts_file_size", TW_OPTION_BYTES, offsetof(struct tw_config, charts_file_bytes),
     64 * 0x1p20, 0x1p16, 0x1p50,
     .help = "without Kafka: charts.jsonl is set aside at this size, and removed once every sink "
             "that draws has delivered it"},
    {"charts_file_age", TW_OPTION_DURATION, offsetof(struct tw_config, charts_file_seconds), 86400,
     1, 365 * 86400., .help = "the same once it was written to for so long"},
    {"shutdown_timeout", TW_OPTION_DURATION, offsetof(struct tw_config, shutdown_timeout), 10, 0,
     3600, .help = "how long SIGTERM waits for the last checkpoint and the sinks together"},
};

static const char *const level_names[] = {"error", "warning", "info", "debug", NULL};
static const char *const format_names[] = {"text", "json", NULL};

static const struct tw_option log_options[] = {
    {"level", TW_OPTION_CHOICE, offsetof(struct tw_config_loader, log.level), 2,
     .choices = level_names, .help = "lines above this level are left out"},
    {"format", TW_OPTION_CHOICE, offsetof(struct tw_config_loader, log.format), 0,
     .choices = format_names, .help = "form of the program's own log"},
};

static const struct tw_option logs_options[] = {
    {"map", TW_OPTION_PROPERTIES, offsetof(struct tw_config, log_map),
     .help = "what names in logs of other programs mean, name: signal; before the table of names"},
};

static const struct tw_option http_options[] = {
    {"listen", TW_OPTION_TEXT, offsetof(struct tw_config, http_listen),
     .help = "address:port of metrics, health and status; port 0: any free one; none: no server; "
             "default: 127.0.0.1:9464 where that is free"},
};

static const struct tw_option delivery_options[] = {
    {"backoff_first", TW_OPTION_DURATION, offsetof(struct tw_config, backoff_first), 1, .01, 3600,
     .help = "how long a sink waits after its first failure"},
    {"backoff_max", TW_OPTION_DURATION, offsetof(struct tw_config, backoff_max), 60, .01, 86400,
     .help = "the longest wait between two attempts"},
};

static const struct tw_option limits_options[] = {
    {"runs", TW_OPTION_COUNT, offsetof(struct tw_config, limits.runs), 1e6, 1, 1e9,
     .help = "most runs in memory; at 98 % those that ended go, then those silent for longest; "
             "new ones beyond it are refused and counted"},
    {"memory", TW_OPTION_BYTES, offsetof(struct tw_config, limits.memory), 8 * 0x1p30, 0x1p20,
     0x1p50, .help = "most memory that runs take; the same happens"},
    {"retire_after_end", TW_OPTION_DURATION, offsetof(struct tw_config, limits.retire_after_end),
     600, 1, 30 * 86400.,
     .help = "how long a run that ended is kept in memory, in case that it is resumed"},
    {"retire_after_silence", TW_OPTION_DURATION,
     offsetof(struct tw_config, limits.retire_after_silence), 86400, 1, 365 * 86400.,
     .help = "a run that has sent nothing for so long, and was told as stalled, is taken for "
             "interrupted"},
    {"retired", TW_OPTION_COUNT, offsetof(struct tw_config, limits.retired), 100000, 0, 1e9,
     .help = "most retired runs, for each partition, whose records are still known when they come "
             "again; for three days"},
};

static const struct tw_option checkpoint_options[] = {
    {"interval", TW_OPTION_DURATION, offsetof(struct tw_config, checkpoint.interval), 1, .1, 60,
     .help = "how often the position in the sources is saved; a run that changed is saved after "
             "that too while there is little to do"},
    {"snapshot_age", TW_OPTION_DURATION, offsetof(struct tw_config, checkpoint.snapshot_age), 30, 0,
     3600,
     .help = "Kafka: under load, a run that changed is saved after so long; what is read again "
             "after a crash is hardly older"},
    {"snapshots_per_second", TW_OPTION_NUMBER,
     offsetof(struct tw_config, checkpoint.snapshots_per_second), 5000, 1, 1e6,
     .help = "Kafka: most runs saved in a second; with more changed runs than this times "
             "snapshot_age they are saved later"},
};

static const struct tw_option log_kafka_options[] = {
    {"brokers", TW_OPTION_TEXT, offsetof(struct tw_config, log_brokers), .required = true,
     .help = "host:port of some brokers, separated by commas"},
    {"prefix", TW_OPTION_TEXT, offsetof(struct tw_config, log_prefix), .initial_text = "trainward",
     .help = "what the names of the topics begin with"},
    {"properties", TW_OPTION_PROPERTIES, offsetof(struct tw_config, log_properties),
     .help = "any other librdkafka property, key: value"},
};

const struct tw_option tw_config_directory_options[] = {
    {"path", TW_OPTION_TEXT, offsetof(struct tw_directory_config, path), .required = true,
     .help = "a directory of run directories"},
    {"recursive", TW_OPTION_BOOL, offsetof(struct tw_directory_config, recursive), 0, 0, 1,
     .help = "look at all levels below it"},
};
const size_t tw_config_n_directory_options = COUNT(tw_config_directory_options);

bool tw_config_section(struct tw_config_loader *loader, const char *name,
                       struct tw_config_table *ret)
{
    const struct {
        const char *name;
        struct tw_config_table table;
    } sections[] = {
        {"", {root_options, COUNT(root_options), loader->config}},
        {"log", {log_options, COUNT(log_options), loader}},
        {"logs", {logs_options, COUNT(logs_options), loader->config}},
        {"http", {http_options, COUNT(http_options), loader->config}},
        {"delivery", {delivery_options, COUNT(delivery_options), loader->config}},
        {"limits", {limits_options, COUNT(limits_options), loader->config}},
        {"checkpoint", {checkpoint_options, COUNT(checkpoint_options), loader->config}},
        {"kibana", {tw_kibana_options, tw_kibana_n_options, &loader->config->kibana}},
        {"advisory_log.kafka", {log_kafka_options, COUNT(log_kafka_options), loader->config}},
    };
    for (size_t i = 0; i < COUNT(sections); i++) {
        if (!strcmp(sections[i].name, name)) {
            *ret = sections[i].table;
            return true;
        }
    }
    return false;
}

static const char *const root_keys[] = {"state_dir",
                                        "sources",
                                        "advisory_log",
                                        "detectors",
                                        "rules",
                                        "sinks",
                                        "delivery",
                                        "checkpoint",
                                        "http",
                                        "limits",
                                        "log",
                                        "shutdown_timeout",
                                        "logs",
                                        "charts",
                                        "charts_file_size",
                                        "charts_file_age",
                                        "kibana"};

size_t tw_config_root_keys(const char **ret, size_t max)
{
    size_t n = COUNT(root_keys) < max ? COUNT(root_keys) : max;
    memcpy(ret, root_keys, n * sizeof *ret);
    return n;
}

static void say_unknown(struct tw_config_loader *loader, const yaml_node_t *node, const char *place,
                        const char *key, const char *const *known, size_t n)
{
    char text[512];
    tw_config_unknown(key, known, n, text, sizeof text);
    if (node)
        tw_config_say_at(loader, node, "%s", text);
    else
        tw_config_say(loader, place, 0, 0, "%s", text);
}

static void say(struct tw_config_loader *loader, const yaml_node_t *node, const char *place,
                const char *text)
{
    if (node)
        tw_config_say_at(loader, node, "%s", text);
    else
        tw_config_say(loader, place, 0, 0, "%s", text);
}

/* ---- advisory_log ---- */

struct tw_config_table tw_config_use_log_kafka(struct tw_config_loader *loader,
                                               const yaml_node_t *node)
{
    struct tw_config_table table;
    tw_config_section(loader, "advisory_log.kafka", &table);
    if (!loader->config->log_in_kafka)
        tw_config_add_object(loader, "advisory_log.kafka", &table, node);
    loader->config->log_in_kafka = true;
    return table;
}

static void read_advisory_log(struct tw_config_loader *loader, void *closure, const char *key,
                              const yaml_node_t *key_node, const yaml_node_t *value)
{
    static const char *const known[] = {"kafka"};
    (void)closure;
    if (strcmp(key, known[0])) {
        say_unknown(loader, key_node, NULL, key, known, 1);
        return;
    }
    struct tw_config_table table = tw_config_use_log_kafka(loader, key_node);
    tw_config_read_table(loader, value, "advisory_log.kafka", &table, NULL, NULL);
}

/* ---- detectors ---- */

static void read_detector(struct tw_config_loader *loader, void *closure, const char *key,
                          const yaml_node_t *key_node, const yaml_node_t *value)
{
    struct tw_settings_table found;
    (void)closure;
    if (!tw_settings_find(&loader->config->settings, key, &found)) {
        const char *known[TW_DETECTORS_MAX + 1];
        say_unknown(loader, key_node, NULL, key, known,
                    tw_settings_names(known, TW_DETECTORS_MAX + 1));
        return;
    }
    struct tw_config_table table = {found.options, found.n, found.config};
    tw_config_read_table(loader, value, key, &table, NULL, NULL);
}

/* ---- sources ---- */

static void *new_config(struct tw_config_loader *loader, const struct tw_option *options, size_t n,
                        size_t size)
{
    struct tw_error why = {0};
    void *config = calloc(1, size ? size : 1);
    if (config && tw_options_initialise(options, n, config, &why)) {
        tw_options_release(options, n, config);
        free(config);
        config = NULL;
    }
    if (!config)
        tw_config_say(loader, NULL, 0, 0, "out of memory");
    return config;
}

static bool add_kafka(struct tw_config_loader *loader, struct tw_config_table *ret)
{
    struct tw_config *config = loader->config;
    const struct tw_source *source = tw_source_find("kafka");
    void *own = new_config(loader, source->options, source->n_options, source->config_size);
    void **grown = own ? realloc(config->kafka, (config->n_kafka + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(own);
        return false;
    }
    config->kafka = grown;
    config->kafka[config->n_kafka++] = own;
    *ret = (struct tw_config_table){source->options, source->n_options, own};
    return true;
}

static bool add_directory(struct tw_config_loader *loader, struct tw_config_table *ret)
{
    struct tw_config *config = loader->config;
    /* All at once: tables point into it. */
    if (!config->directories)
        config->directories = calloc(TW_CONFIG_DIRECTORIES_MAX, sizeof *config->directories);
    if (!config->directories)
        return false;
    *ret = (struct tw_config_table){tw_config_directory_options, tw_config_n_directory_options,
                                    &config->directories[config->n_directories++]};
    return true;
}

bool tw_config_add_source(struct tw_config_loader *loader, const char *kind,
                          const yaml_node_t *node, const char *place, struct tw_config_table *ret)
{
    static const char *const known[] = {"kafka", "directory"};
    bool is_kafka = !strcmp(kind, "kafka");
    if (!is_kafka && strcmp(kind, "directory")) {
        say_unknown(loader, node, place, kind, known, COUNT(known));
        return false;
    }
    bool is_full = is_kafka ? loader->config->n_kafka == TW_CONFIG_KAFKA_MAX
                            : loader->config->n_directories == TW_CONFIG_DIRECTORIES_MAX;
    if (is_full) {
        say(loader, node, place, "too many sources of this kind");
        return false;
    }
    if (!(is_kafka ? add_kafka(loader, ret) : add_directory(loader, ret)))
        return false;
    tw_config_add_object(loader, is_kafka ? known[0] : known[1], ret, node);
    return true;
}

static void read_source(struct tw_config_loader *loader, void *closure, const char *key,
                        const yaml_node_t *key_node, const yaml_node_t *value)
{
    struct tw_config_table table;
    (void)closure;
    if (tw_config_add_source(loader, key, key_node, NULL, &table))
        tw_config_read_table(loader, value, key, &table, NULL, NULL);
}

/* ---- sinks ---- */

static bool is_sink_name(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t length = strlen(name);
    return length && length <= NAME_MAX_LENGTH && strspn(name, letters) == length;
}

static void rename_sink(struct tw_config_loader *loader, struct tw_configured_sink *sink,
                        const yaml_node_t *node)
{
    char *name = tw_config_scalar(loader, node, "name");
    if (!name)
        return;
    if (!is_sink_name(name)) {
        tw_config_say_at(loader, node,
                         "name: '%.64s' must be 1 to %d letters, digits, '-' and '_': it names a "
                         "file and is part of -o sinks.NAME.option",
                         name, NAME_MAX_LENGTH);
        free(name);
        return;
    }
    free(sink->name);
    sink->name = name;
}

static bool read_sink_name(struct tw_config_loader *loader, void *closure, const char *key,
                           const yaml_node_t *key_node, const yaml_node_t *value)
{
    (void)key_node;
    if (strcmp(key, "name"))
        return false;
    rename_sink(loader, closure, value);
    return true;
}

bool tw_config_add_sink(struct tw_config_loader *loader, const char *kind, const yaml_node_t *node,
                        const char *place, struct tw_config_table *ret)
{
    struct tw_config *config = loader->config;
    const struct tw_sink *sink = tw_sink_find(kind);
    const char *known[32];
    size_t n = 0;
    for (; tw_sinks[n] && n < COUNT(known); n++)
        known[n] = tw_sinks[n]->name;
    if (!sink) {
        say_unknown(loader, node, place, kind, known, n);
        return false;
    }
    if (config->n_sinks == TW_CONFIG_SINKS_MAX) {
        say(loader, node, place, "too many sinks");
        return false;
    }
    if (!config->sinks && !(config->sinks = calloc(TW_CONFIG_SINKS_MAX, sizeof *config->sinks)))
        return false;
    struct tw_configured_sink *added = &config->sinks[config->n_sinks];
    added->name = strdup(sink->name);
    added->config = new_config(loader, sink->options, sink->n_options, sink->config_size);
    if (!added->name || !added->config) {
        free(added->name);
        free(added->config);
        return false;
    }
    added->sink = sink;
    config->n_sinks++;
    *ret = (struct tw_config_table){sink->options, sink->n_options, added->config};
    tw_config_add_object(loader, sink->name, ret, node);
    return true;
}

static void say_same_name(struct tw_config_loader *loader, const yaml_node_t *node)
{
    const struct tw_config *config = loader->config;
    const char *name = config->sinks[config->n_sinks - 1].name;
    for (size_t i = 0; i + 1 < config->n_sinks; i++) {
        if (!strcmp(config->sinks[i].name, name)) {
            tw_config_say_at(loader, node,
                             "two sinks are called '%s'; give each a 'name' of its own", name);
            return;
        }
    }
}

static void read_sink(struct tw_config_loader *loader, void *closure, const char *key,
                      const yaml_node_t *key_node, const yaml_node_t *value)
{
    struct tw_config_table table;
    (void)closure;
    if (!tw_config_add_sink(loader, key, key_node, NULL, &table))
        return;
    tw_config_read_table(loader, value, key, &table, read_sink_name,
                         &loader->config->sinks[loader->config->n_sinks - 1]);
    say_same_name(loader, key_node);
}

/* ---- lists of mappings of one key ---- */

static void read_entries(struct tw_config_loader *loader, const yaml_node_t *node,
                         const char *section, tw_config_visit *visit)
{
    if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)
        return;
    if (node->type != YAML_SEQUENCE_NODE) {
        tw_config_say_at(loader, node, "%s must be a list: '- kind: {...}'", section);
        return;
    }
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const yaml_node_t *entry = tw_config_node(loader, *item);
        if (entry->type == YAML_MAPPING_NODE &&
            entry->data.mapping.pairs.top - entry->data.mapping.pairs.start == 1)
            tw_config_mapping(loader, entry, section, visit, NULL);
        else
            tw_config_say_at(loader, entry, "an entry of %s must have one key, its kind", section);
    }
}

/* ---- http ---- */

static bool note_listen(struct tw_config_loader *loader, void *closure, const char *key,
                        const yaml_node_t *key_node, const yaml_node_t *value)
{
    (void)closure, (void)key_node;
    if (!strcmp(key, "listen")) { /* no other section has such a key */
        loader->listen.line = (unsigned)value->start_mark.line + 1;
        loader->listen.column = (unsigned)value->start_mark.column + 1;
    }
    return false;
}

/* ---- the first level ---- */

static void read_root_key(struct tw_config_loader *loader, void *closure, const char *key,
                          const yaml_node_t *key_node, const yaml_node_t *value)
{
    struct tw_config_table table;
    (void)closure;
    if (!strcmp(key, "sources")) {
        read_entries(loader, value, key, read_source);
    } else if (!strcmp(key, "sinks")) {
        read_entries(loader, value, key, read_sink);
    } else if (!strcmp(key, "detectors")) {
        tw_config_mapping(loader, value, key, read_detector, NULL);
    } else if (!strcmp(key, "advisory_log")) {
        tw_config_mapping(loader, value, key, read_advisory_log, NULL);
    } else if (*key && !strchr(key, '.') && tw_config_section(loader, key, &table)) {
        tw_config_read_table(loader, value, key, &table, note_listen, NULL);
    } else if (tw_option_find(root_options, COUNT(root_options), key)) {
        tw_config_section(loader, "", &table);
        tw_config_read_option(loader, &table, key, key_node, value);
    } else {
        say_unknown(loader, key_node, NULL, key, root_keys, COUNT(root_keys));
    }
}

void tw_config_read_root(struct tw_config_loader *loader)
{
    const yaml_node_t *root =
        loader->has_document ? yaml_document_get_root_node(&loader->document) : NULL;
    if (root)
        tw_config_mapping(loader, root, "the configuration", read_root_key, NULL);
}
