/* Walks the option tables and has libyaml write what it finds. */
#include "agent/config_print.h"

#include "agent/config_loader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REDACTED "<redacted>"

struct printer {
    yaml_document_t document;
    bool has_failed; /* out of memory */
};

/* ---- nodes ---- */

static int note(struct printer *printer, int node)
{
    printer->has_failed |= node == 0;
    return node;
}

static int add_text(struct printer *printer, const char *text)
{
    /* Plain, these would be read as "no value". */
    bool is_null = !*text || !strcmp(text, "~") || !strcmp(text, "null");
    return note(printer, yaml_document_add_scalar(
                             &printer->document, NULL, (const yaml_char_t *)text, -1,
                             is_null ? YAML_SINGLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE));
}

static int add_mapping(struct printer *printer)
{
    return note(printer,
                yaml_document_add_mapping(&printer->document, NULL, YAML_BLOCK_MAPPING_STYLE));
}

static int add_list(struct printer *printer, yaml_sequence_style_t style)
{
    return note(printer, yaml_document_add_sequence(&printer->document, NULL, style));
}

static void put(struct printer *printer, int mapping, const char *key, int value)
{
    int name = add_text(printer, key);
    if (mapping && name && value &&
        !yaml_document_append_mapping_pair(&printer->document, mapping, name, value))
        printer->has_failed = true;
}

static void append(struct printer *printer, int list, int value)
{
    if (list && value && !yaml_document_append_sequence_item(&printer->document, list, value))
        printer->has_failed = true;
}

/* ---- what is not to be shown ---- */

/* "https://user:password@host" without who. For free(); NULL: out of memory. */
static char *without_login(const char *text)
{
    const char *scheme = strstr(text, "://"), *from = scheme ? scheme + 3 : NULL;
    const char *host = from ? from + strcspn(from, "/?#") : NULL, *at = host;
    char *ret;
    while (at && at > from && at[-1] != '@')
        at--;
    if (!from || at == from)
        return strdup(text);
    return asprintf(&ret, "%.*s" REDACTED "@%s", (int)(from - text), text, at) < 0 ? NULL : ret;
}

/* A literal "${" is written "$${" in the file. For free(). */
static char *escaped(const char *text)
{
    char *ret = malloc(strlen(text) * 2 + 1), *to = ret;
    for (; ret && *text; text++) {
        if (text[0] == '$' && text[1] == '{')
            *to++ = '$';
        *to++ = *text;
    }
    if (ret)
        *to = '\0';
    return ret;
}

static int add_shown(struct printer *printer, const char *text)
{
    char *shown = without_login(text), *whole = shown ? escaped(shown) : NULL;
    int node = whole ? add_text(printer, whole) : note(printer, 0);
    free(shown);
    free(whole);
    return node;
}

/* librdkafka marks these as sensitive: passwords, keys and secrets, and options of a login. */
static bool is_secret_property(const char *name)
{
    static const char *const parts[] = {"password",           "secret",  ".key.pem",
                                        "oauthbearer.config", "ssl_key", "token",
                                        "authorization",      "cookie",  "api-key"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcasestr(name, parts[i]))
            return true;
    }
    return false;
}

/* ---- values ---- */

static int add_number(struct printer *printer, double value, const char *unit)
{
    char text[64];
    snprintf(text, sizeof text, "%.15g%s", value, unit);
    return add_text(printer, text);
}

static int add_texts(struct printer *printer, const struct tw_texts *texts)
{
    int list = add_list(printer, YAML_FLOW_SEQUENCE_STYLE);
    for (size_t i = 0; i < texts->n; i++)
        append(printer, list, add_shown(printer, texts->at[i]));
    return list;
}

static int add_properties(struct printer *printer, const struct tw_texts *properties)
{
    int mapping = add_mapping(printer);
    for (size_t i = 0; i < properties->n; i++) {
        char name[256];
        const char *equals = strchr(properties->at[i], '=');
        if (!equals)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(equals - properties->at[i]), properties->at[i]);
        put(printer, mapping, name,
            is_secret_property(name) ? add_text(printer, REDACTED)
                                     : add_shown(printer, equals + 1));
    }
    return mapping;
}

static int add_table(struct printer *printer, const struct tw_option *options, size_t n,
                     const void *config);

static int add_entries(struct printer *printer, const struct tw_option_entries *entries,
                       const struct tw_list *entry_list)
{
    int list = add_list(printer, YAML_BLOCK_SEQUENCE_STYLE);
    for (size_t i = 0; i < entry_list->n; i++)
        append(printer, list,
               add_table(printer, entries->options, entries->n_options,
                         (const char *)entry_list->at + i * entries->size));
    return list;
}

/* 0: it has no value, and its key is left out. */
static int add_value(struct printer *printer, const struct tw_option *option, const void *config)
{
    const void *value = (const char *)config + option->offset;
    char count[32];
    switch (option->type) {
    case TW_OPTION_NUMBER:
        return add_number(printer, *(const double *)value, "");
    case TW_OPTION_DURATION:
        /* Below its range: not given. */
        return *(const double *)value < option->min
                   ? 0
                   : add_number(printer, *(const double *)value, "s");
    case TW_OPTION_COUNT:
    case TW_OPTION_BYTES:
        snprintf(count, sizeof count, "%" PRIu64, *(const uint64_t *)value);
        return add_text(printer, count);
    case TW_OPTION_BOOL:
        return add_text(printer, *(const bool *)value ? "true" : "false");
    case TW_OPTION_CHOICE:
        return add_text(printer, option->choices[*(const int *)value]);
    case TW_OPTION_TEXT:
        return *(char *const *)value ? add_shown(printer, *(char *const *)value) : 0;
    case TW_OPTION_SECRET:
        return *(char *const *)value ? add_text(printer, REDACTED) : 0;
    case TW_OPTION_TEXTS:
        return ((const struct tw_texts *)value)->n ? add_texts(printer, value) : 0;
    case TW_OPTION_PROPERTIES:
        return ((const struct tw_texts *)value)->n ? add_properties(printer, value) : 0;
    case TW_OPTION_LIST:
        return ((const struct tw_list *)value)->n ? add_entries(printer, option->entries, value)
                                                  : 0;
    }
    return 0;
}

static void put_table(struct printer *printer, int mapping, const struct tw_option *options,
                      size_t n, const void *config)
{
    for (size_t i = 0; i < n; i++) {
        int value = add_value(printer, &options[i], config);
        if (value)
            put(printer, mapping, options[i].name, value);
    }
}

static int add_table(struct printer *printer, const struct tw_option *options, size_t n,
                     const void *config)
{
    int mapping = add_mapping(printer);
    put_table(printer, mapping, options, n, config);
    return mapping;
}

/* "- kind: {...}" */
static void append_kind(struct printer *printer, int list, const char *kind, int value)
{
    int entry = add_mapping(printer);
    put(printer, entry, kind, value);
    append(printer, list, entry);
}

/* ---- sections ---- */

static void put_sources(struct printer *printer, int root, const struct tw_config *config)
{
    const struct tw_source *kafka = tw_source_find("kafka");
    int list = add_list(printer, YAML_BLOCK_SEQUENCE_STYLE);
    for (size_t i = 0; i < config->n_kafka; i++)
        append_kind(printer, list, "kafka",
                    add_table(printer, kafka->options, kafka->n_options, config->kafka[i]));
    for (size_t i = 0; i < config->n_directories; i++)
        append_kind(printer, list, "directory",
                    add_table(printer, tw_config_directory_options, tw_config_n_directory_options,
                              &config->directories[i]));
    put(printer, root, "sources", list);
}

static void put_sinks(struct printer *printer, int root, const struct tw_config *config)
{
    int list = add_list(printer, YAML_BLOCK_SEQUENCE_STYLE);
    for (size_t i = 0; i < config->n_sinks; i++) {
        const struct tw_configured_sink *sink = &config->sinks[i];
        int mapping = add_mapping(printer);
        put(printer, mapping, "name", add_text(printer, sink->name));
        put_table(printer, mapping, sink->sink->options, sink->sink->n_options, sink->config);
        append_kind(printer, list, sink->sink->name, mapping);
    }
    put(printer, root, "sinks", list);
}

static void put_detectors(struct printer *printer, int root, const struct tw_settings *settings)
{
    const char *names[TW_DETECTORS_MAX + 1];
    size_t n = tw_settings_names(names, TW_DETECTORS_MAX + 1);
    int mapping = add_mapping(printer);
    for (size_t i = 0; i < n; i++) {
        struct tw_settings_table table;
        if (tw_settings_find(settings, names[i], &table) && table.n)
            put(printer, mapping, names[i],
                add_table(printer, table.options, table.n, table.config));
    }
    put(printer, root, "detectors", mapping);
}

static void put_section(struct printer *printer, int root, struct tw_config_loader *loader,
                        const char *name)
{
    struct tw_config_table table;
    if (tw_config_section(loader, name, &table))
        put(printer, root, name, add_table(printer, table.options, table.n, table.config));
}

static void put_all(struct printer *printer, struct tw_config_loader *loader)
{
    const struct tw_config *config = loader->config;
    struct tw_config_table table;
    int root = add_mapping(printer);
    if (tw_config_section(loader, "", &table))
        put_table(printer, root, table.options, table.n, table.config);
    put_sources(printer, root, config);
    if (config->log_in_kafka) {
        int mapping = add_mapping(printer);
        tw_config_section(loader, "advisory_log.kafka", &table);
        put(printer, mapping, "kafka", add_table(printer, table.options, table.n, table.config));
        put(printer, root, "advisory_log", mapping);
    }
    put_detectors(printer, root, &config->settings);
    put_sinks(printer, root, config);
    if (config->kibana.url)
        put_section(printer, root, loader, "kibana");
    put_section(printer, root, loader, "delivery");
    put_section(printer, root, loader, "checkpoint");
    put_section(printer, root, loader, "limits");
    put_section(printer, root, loader, "http");
    put_section(printer, root, loader, "log");
}

static int write_out(void *closure, unsigned char *buffer, size_t size)
{
    return fwrite(buffer, 1, size, closure) == size;
}

static bool emit(FILE *out, yaml_document_t *document)
{
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter))
        return false;
    yaml_emitter_set_output(&emitter, write_out, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    bool is_fine = yaml_emitter_open(&emitter) && yaml_emitter_dump(&emitter, document) &&
                   yaml_emitter_close(&emitter);
    yaml_emitter_delete(&emitter);
    return is_fine;
}

int tw_config_print(FILE *out, const struct tw_config *config, struct tw_error *error)
{
    struct printer printer = {0};
    struct tw_config copy = *config; /* only looked at: sections point into it */
    struct tw_config_loader *loader = calloc(1, sizeof *loader);
    bool is_fine = loader && yaml_document_initialize(&printer.document, NULL, NULL, NULL, 1, 1);
    if (is_fine) {
        loader->config = &copy;
        loader->log.level = config->log_level;
        loader->log.format = config->log_json;
        put_all(&printer, loader);
        is_fine = !printer.has_failed;
        if (!is_fine)
            yaml_document_delete(&printer.document);
        else
            is_fine = emit(out, &printer.document); /* which deletes it */
    }
    free(loader);
    return is_fine ? 0 : tw_error_set(error, -EIO, "the configuration cannot be printed");
}
