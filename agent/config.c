/* Loading the configuration: the file, the overrides, then what only the whole can tell. */
#include "agent/config_loader.h"

#include "agent/http_server.h"

#include "sinks/elasticsearch_client.h"
#include "sources/kafka.h"
#include "telemetry/nearest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX 262144u

/* ---- mistakes ---- */

void tw_config_say(struct tw_config_loader *loader, const char *place, unsigned line,
                   unsigned column, const char *format, ...)
{
    char text[512];
    va_list arguments;
    if (loader->mistakes++ >= TW_CONFIG_MISTAKES_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct tw_error mistake = {0};
    tw_error_at(&mistake, -EINVAL, place, line, column, "%s", text);
    if (loader->mistake)
        loader->mistake(loader->closure, &mistake);
    if (loader->error && !loader->error->code)
        *loader->error = mistake;
}

const char *tw_config_unknown(const char *typed, const char *const *known, size_t n, char *ret,
                              size_t size)
{
    const char *near = tw_nearest(typed, known, n);
    if (near) {
        snprintf(ret, size, "unknown key '%.64s'; did you mean '%s'?", typed, near);
        return ret;
    }
    int used = snprintf(ret, size, "unknown key '%.64s'; known here: ", typed);
    for (size_t i = 0; i < n && used > 0 && (size_t)used < size; i++)
        used += snprintf(ret + used, size - (size_t)used, "%s%s", i ? ", " : "", known[i]);
    return ret;
}

/* ---- the file ---- */

/* For free(); NULL after a mistake. */
static char *read_file(struct tw_config_loader *loader, size_t *ret_size)
{
    struct stat status;
    char *text = malloc(FILE_BYTES_MAX + 1);
    FILE *file = text ? fopen(loader->path, "re") : NULL;
    int problem = errno;
    if (file && !fstat(fileno(file), &status) && S_ISDIR(status.st_mode)) {
        fclose(file);
        file = NULL;
        problem = EISDIR;
    }
    if (!file) {
        tw_config_say(loader, loader->path, 0, 0, "cannot be read: %s", strerror(problem));
        free(text);
        return NULL;
    }
    *ret_size = fread(text, 1, FILE_BYTES_MAX + 1, file);
    bool is_broken = ferror(file);
    fclose(file);
    if (!is_broken && *ret_size <= FILE_BYTES_MAX)
        return text;
    tw_config_say(loader, loader->path, 0, 0, "%s",
                  is_broken ? "cannot be read" : "is larger than 256 KiB");
    free(text);
    return NULL;
}

static void read_yaml(struct tw_config_loader *loader)
{
    size_t size;
    char *text = loader->path ? read_file(loader, &size) : NULL;
    if (!text)
        return;
    tw_config_parse(loader, text, size);
    tw_config_read_root(loader);
    if (loader->has_document)
        yaml_document_delete(&loader->document);
    explicit_bzero(text, size);
    free(text);
}

/* ---- what only the whole can tell ---- */

static void default_state_dir(struct tw_config_loader *loader)
{
    const char *state_home = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char **dir = &loader->config->state_dir;
    int result = -1;
    if (*dir)
        return;
    if (state_home && *state_home == '/')
        result = asprintf(dir, "%s/trainward", state_home);
    else if (geteuid() == 0)
        result = asprintf(dir, "/var/lib/trainward");
    else if (home && *home == '/')
        result = asprintf(dir, "%s/.local/state/trainward", home);
    else
        tw_config_say(loader, loader->path, 0, 0,
                      "'state_dir' is missing, and neither XDG_STATE_HOME nor HOME is set");
    if (result < 0)
        *dir = NULL;
}

static void check_listen(struct tw_config_loader *loader)
{
    char host[256];
    unsigned port;
    const char *listen = loader->config->http_listen;
    if (!listen || !*listen || !strcmp(listen, "none") ||
        !tw_http_split(listen, host, sizeof host, &port))
        return;
    tw_config_say(loader, loader->path, loader->listen.line, loader->listen.column,
                  "http.listen: '%.64s' is not ADDRESS:PORT, such as " TW_HTTP_LISTEN
                  " or [::1]:0, nor 'none'",
                  listen);
}

/* Kafka's own mistakes that need no connection. */
static void check_kafka(struct tw_config_loader *loader, const struct tw_config_object *object,
                        const struct tw_kafka_config *kafka)
{
    struct tw_error why = {0};
    if (kafka->brokers && tw_kafka_config_check(kafka, &why))
        tw_config_say(loader, loader->path, object->line, object->column, "%s", why.text);
}

static void check_all_kafka(struct tw_config_loader *loader)
{
    char name[] = "trainward";
    const struct tw_config *config = loader->config;
    struct tw_kafka_config log = {
        .brokers = config->log_brokers,
        .topic = config->log_prefix,
        .group = name,
        .properties = config->log_properties,
    };
    for (size_t i = 0; i < loader->n_objects; i++) {
        const struct tw_config_object *object = &loader->objects[i];
        if (!strcmp(object->kind, "kafka"))
            check_kafka(loader, object, object->table.config);
        else if (!strcmp(object->kind, "advisory_log.kafka"))
            check_kafka(loader, object, &log);
    }
}

/* Their runs would share PREFIX.state, partition by partition, and be taken for one another's. */
static void check_one_kafka(struct tw_config_loader *loader)
{
    const struct tw_config *config = loader->config;
    if (config->n_kafka > 1)
        tw_config_say(
            loader, loader->path, 0, 0,
            "sources: one agent reads one Kafka topic, and here are %zu; give each its own "
            "configuration, with its own advisory_log.kafka.prefix",
            config->n_kafka);
}

/* A bad address, a wrong scheme: what a sink says of its options without connecting. */
static void check_sink(struct tw_config_loader *loader, const struct tw_config_object *object,
                       const struct tw_configured_sink *sink)
{
    struct tw_error why = {0};
    char text[512];
    void *handle = NULL;
    if (!sink->sink->open(&handle, sink->config, &why))
        sink->sink->close(handle);
    else
        tw_config_say(loader, loader->path, object->line, object->column, "sink %s: %s", sink->name,
                      tw_error_message(&why, text, sizeof text));
}

static void check_sinks(struct tw_config_loader *loader)
{
    for (size_t i = 0; i < loader->n_objects; i++) {
        const struct tw_config_object *object = &loader->objects[i];
        for (size_t j = 0; j < loader->config->n_sinks; j++) {
            const struct tw_configured_sink *sink = &loader->config->sinks[j];
            /* One that is wrong already would be told twice. */
            if (object->table.config == sink->config && !object->told && !tw_config_lacks(object))
                check_sink(loader, object, sink);
        }
    }
}

/* One prefix for what is written and what is drawn. */
static void default_index_prefix(struct tw_config_loader *loader)
{
    struct tw_config *config = loader->config;
    const char *prefix = NULL;
    for (size_t i = 0; i < config->n_sinks && !prefix; i++) {
        const struct tw_elasticsearch_config *sink = config->sinks[i].config;
        if (!strcmp(config->sinks[i].sink->name, "elasticsearch"))
            prefix = sink->index_prefix;
    }
    if (!config->kibana.index_prefix)
        config->kibana.index_prefix = strdup(prefix ? prefix : "trainward");
    if (!config->kibana.index_prefix)
        tw_config_say(loader, loader->path, 0, 0, "out of memory");
}

static void check_kibana(struct tw_config_loader *loader)
{
    struct tw_error why = {0};
    default_index_prefix(loader);
    if (tw_kibana_config_check(&loader->config->kibana, &why))
        tw_config_say(loader, loader->path, 0, 0, "kibana: %s", why.text);
}

static void check_whole(struct tw_config_loader *loader)
{
    struct tw_config *config = loader->config;
    tw_config_check_required(loader);
    check_sinks(loader);
    check_kibana(loader);
    check_all_kafka(loader);
    check_one_kafka(loader);
    check_listen(loader);
    if (config->backoff_max < config->backoff_first)
        tw_config_say(loader, loader->path, 0, 0,
                      "delivery: backoff_max (%g s) is below backoff_first (%g s)",
                      config->backoff_max, config->backoff_first);
    default_state_dir(loader);
    config->log_level = loader->log.level;
    config->log_json = loader->log.format == 1;
}

/* ---- load and release ---- */

/* Links are left as they are: what they point to may go with the next version of the file. NULL
 * for what is none, such as /dev/null. */
static char *from_root(const char *path)
{
    struct stat status;
    if (!stat(path, &status) && !S_ISREG(status.st_mode))
        return NULL;
    if (path[0] == '/')
        return strdup(path);
    char *here = get_current_dir_name(), *whole = NULL;
    if (here && asprintf(&whole, "%s/%s", here, path) < 0)
        whole = NULL;
    free(here);
    return whole;
}

static int set_path(struct tw_config *config, const char *path)
{
    config->path = strdup(path);
    config->whole_path = from_root(path);
    return config->path ? 0 : -ENOMEM;
}

static int initialise(struct tw_config_loader *loader)
{
    static const char *const sections[] = {"",           "log",    "http",   "delivery",
                                           "checkpoint", "limits", "kibana", "advisory_log.kafka"};
    struct tw_config_table table;
    struct tw_error why = {0};
    int result = 0;
    for (size_t i = 0; i < sizeof sections / sizeof *sections && !result; i++) {
        tw_config_section(loader, sections[i], &table);
        result = tw_options_initialise(table.options, table.n, table.config, &why);
    }
    if (!result)
        result = tw_settings_init(&loader->config->settings, &why);
    if (!result && loader->path)
        result = set_path(loader->config, loader->path);
    if (result)
        tw_config_say(loader, loader->path, 0, 0, "out of memory");
    return result;
}

int tw_config_load(struct tw_config *ret, const char *path, const char *const *overrides,
                   size_t n_overrides, tw_config_mistake *mistake, void *closure,
                   struct tw_error *error)
{
    struct tw_config_loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return tw_error_set(error, -ENOMEM, "out of memory");
    *ret = (struct tw_config){0};
    loader->config = ret;
    loader->path = path;
    loader->mistake = mistake;
    loader->closure = closure;
    loader->error = error;
    if (!initialise(loader)) {
        read_yaml(loader);
        for (size_t i = 0; i < n_overrides; i++)
            tw_config_override(loader, overrides[i]);
        /* A file that cannot be parsed would seem to lack everything. */
        if (!path || loader->has_document || !loader->mistakes)
            check_whole(loader);
    }
    bool is_wrong = loader->mistakes > 0;
    tw_texts_release(&loader->overridden);
    free(loader);
    if (is_wrong)
        tw_config_release(ret);
    else
        tw_settings_seal(&ret->settings);
    return is_wrong ? -EINVAL : 0;
}

static void release_sources(struct tw_config *config)
{
    const struct tw_source *kafka = tw_source_find("kafka");
    for (size_t i = 0; i < config->n_kafka; i++) {
        tw_options_release(kafka->options, kafka->n_options, config->kafka[i]);
        free(config->kafka[i]);
    }
    free(config->kafka);
    for (size_t i = 0; i < config->n_directories; i++)
        free(config->directories[i].path);
    free(config->directories);
}

static void release_sinks(struct tw_config *config)
{
    for (size_t i = 0; i < config->n_sinks; i++) {
        struct tw_configured_sink *sink = &config->sinks[i];
        tw_options_release(sink->sink->options, sink->sink->n_options, sink->config);
        free(sink->config);
        free(sink->name);
    }
    free(config->sinks);
}

void tw_config_release(struct tw_config *config)
{
    release_sources(config);
    release_sinks(config);
    tw_settings_release(&config->settings);
    tw_options_release(tw_kibana_options, tw_kibana_n_options, &config->kibana);
    tw_texts_release(&config->rules);
    tw_texts_release(&config->log_map);
    tw_texts_release(&config->log_properties);
    free(config->path);
    free(config->whole_path);
    free(config->state_dir);
    free(config->log_brokers);
    free(config->log_prefix);
    free(config->http_listen);
    *config = (struct tw_config){0};
}

bool tw_config_draws(const struct tw_config *config)
{
    bool draws = config->charts == TW_CHARTS_ON;
    for (size_t i = 0; i < config->n_sinks && config->charts == TW_CHARTS_AUTO; i++)
        draws |= config->sinks[i].sink->takes_charts;
    return draws;
}

struct tw_log_location tw_config_log(const struct tw_config *config)
{
    return (struct tw_log_location){
        .dir = config->log_in_kafka ? NULL : config->state_dir,
        .brokers = config->log_in_kafka ? config->log_brokers : NULL,
        .prefix = config->log_prefix,
        .properties = &config->log_properties,
        .charts_file_bytes = config->charts_file_bytes,
        .charts_file_seconds = config->charts_file_seconds,
    };
}
