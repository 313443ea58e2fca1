/* Filling structs by their option tables, from YAML nodes and from overrides. */
#include "agent/config_loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 64

/* ---- names ---- */

/* The option that `key` sets; `*ret_is_file` for the twin of a secret. */
static const struct tw_option *find_option(const struct tw_config_table *table, const char *key,
                                           bool *ret_is_file)
{
    char name[64];
    const struct tw_option *option = tw_option_find(table->options, table->n, key);
    size_t length = strlen(key);
    *ret_is_file = false;
    if (option || length < 6 || length >= sizeof name || strcmp(key + length - 5, "_file"))
        return option;
    snprintf(name, sizeof name, "%.*s", (int)length - 5, key);
    option = tw_option_find(table->options, table->n, name);
    *ret_is_file = true;
    return option && option->type == TW_OPTION_SECRET ? option : NULL;
}

static const char *unknown_option(const struct tw_config_table *table, const char *key, char *ret,
                                  size_t size)
{
    char files[8][64];
    const char *known[KEYS_MAX];
    size_t n = 0, n_files = 0;
    for (size_t i = 0; i < table->n && n < KEYS_MAX - 1; i++) {
        known[n++] = table->options[i].name;
        if (table->options[i].type != TW_OPTION_SECRET || n_files == 8)
            continue;
        snprintf(files[n_files], sizeof files[0], "%.50s_file", table->options[i].name);
        known[n++] = files[n_files++];
    }
    return tw_config_unknown(key, known, n, ret, size);
}

/* ---- properties ---- */

/* A librdkafka property whose name ends in "_file" is the file's first line, under the name without
 * it: passwords are properties too. None of librdkafka's own names ends so. */
static char *property_text(const char *name, const char *value, struct tw_error *error)
{
    char *text = NULL, *secret = NULL;
    size_t length = strlen(name);
    bool is_file = length > 5 && !strcmp(name + length - 5, "_file");
    if (is_file) {
        struct tw_option option = {.name = "properties", .type = TW_OPTION_SECRET};
        if (tw_option_set_file(&option, &secret, value, error))
            return NULL;
        length -= 5;
    }
    if (asprintf(&text, "%.*s=%s", (int)length, name, is_file ? secret : value) < 0) {
        tw_error_set(error, -ENOMEM, "out of memory");
        text = NULL;
    }
    free(secret);
    return text;
}

static void set_property(const struct tw_option *option, void *config, const char *name,
                         const char *value, struct tw_error *error)
{
    char *text = property_text(name, value, error);
    if (text)
        tw_option_set(option, config, text, error);
    free(text);
}

struct reading {
    const struct tw_config_table *table;
    const struct tw_option *option;
    tw_config_own_key *own;
    void *closure;
};

static void read_property(struct tw_config_loader *loader, void *closure, const char *key,
                          const yaml_node_t *key_node, const yaml_node_t *value)
{
    const struct reading *reading = closure;
    struct tw_error why = {0};
    (void)key_node;
    char *text = tw_config_scalar(loader, value, key);
    if (!text)
        return;
    set_property(reading->option, reading->table->config, key, text, &why);
    if (why.code)
        tw_config_say_at(loader, value, "%s", why.text);
    free(text);
}

/* ---- values ---- */

static void note_wrong(struct tw_config_loader *loader, const struct tw_config_table *table,
                       const struct tw_option *option)
{
    size_t index = (size_t)(option - table->options);
    for (size_t i = 0; i < loader->n_objects && index < 64; i++) {
        if (loader->objects[i].table.config == table->config)
            loader->objects[i].told |= UINT64_C(1) << index;
    }
}

static void read_scalar(struct tw_config_loader *loader, const struct tw_config_table *table,
                        const struct tw_option *option, bool is_file, const yaml_node_t *node)
{
    struct tw_error why = {0};
    char *text = tw_config_scalar(loader, node, option->name);
    if (!text) {
        note_wrong(loader, table, option);
        return;
    }
    int result = is_file ? tw_option_set_file(option, table->config, text, &why)
                         : tw_option_set(option, table->config, text, &why);
    if (result) {
        note_wrong(loader, table, option);
        tw_config_say_at(loader, node, "%s", why.text);
    }
    free(text);
}

/* Entries of a LIST, each a mapping of its own table. */
static void read_entries(struct tw_config_loader *loader, const struct tw_config_table *table,
                         const struct tw_option *option, const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        tw_config_say_at(loader, node, "%s must be a list of mappings", option->name);
        return;
    }
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const yaml_node_t *place = tw_config_node(loader, *item);
        struct tw_config_table entry = {option->entries->options, option->entries->n_options, NULL};
        struct tw_error why = {0};
        if (tw_option_list_add(option, table->config, &entry.config, &why)) {
            tw_config_say_at(loader, place, "%s", why.text);
            return;
        }
        tw_config_add_object(loader, option->name, &entry, place);
        tw_config_read_table(loader, place, option->name, &entry, NULL, NULL);
    }
}

static void read_list(struct tw_config_loader *loader, const struct tw_config_table *table,
                      const struct tw_option *option, const yaml_node_t *node)
{
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++)
        read_scalar(loader, table, option, false, tw_config_node(loader, *item));
}

void tw_config_read_option(struct tw_config_loader *loader, const struct tw_config_table *table,
                           const char *key, const yaml_node_t *key_node, const yaml_node_t *value)
{
    char text[512];
    bool is_file;
    const struct tw_option *option = find_option(table, key, &is_file);
    struct reading reading = {.table = table, .option = option};
    if (!option)
        tw_config_say_at(loader, key_node, "%s", unknown_option(table, key, text, sizeof text));
    else if (option->type == TW_OPTION_PROPERTIES)
        tw_config_mapping(loader, value, key, read_property, &reading);
    else if (option->type == TW_OPTION_LIST)
        read_entries(loader, table, option, value);
    else if (option->type == TW_OPTION_TEXTS && value->type == YAML_SEQUENCE_NODE)
        read_list(loader, table, option, value);
    else if (option->type == TW_OPTION_SECRET &&
             *(char **)(void *)((char *)table->config + option->offset))
        tw_config_say_at(loader, key_node, "'%s' and '%s_file' are both given", option->name,
                         option->name);
    else
        read_scalar(loader, table, option, is_file, value);
}

static void read_key(struct tw_config_loader *loader, void *closure, const char *key,
                     const yaml_node_t *key_node, const yaml_node_t *value)
{
    const struct reading *reading = closure;
    if (reading->own && reading->own(loader, reading->closure, key, key_node, value))
        return;
    tw_config_read_option(loader, reading->table, key, key_node, value);
}

void tw_config_read_table(struct tw_config_loader *loader, const yaml_node_t *node,
                          const char *what, const struct tw_config_table *table,
                          tw_config_own_key *own, void *closure)
{
    struct reading reading = {.table = table, .own = own, .closure = closure};
    tw_config_mapping(loader, node, what, read_key, &reading);
}

/* ---- overrides ---- */

/* The first override of a list replaces what the file says; further ones add to it. */
static void empty_once(struct tw_config_loader *loader, const struct tw_config_table *table,
                       const struct tw_option *option, const char *place)
{
    for (size_t i = 0; i < loader->overridden.n; i++) {
        if (!strcmp(loader->overridden.at[i], place))
            return;
    }
    tw_texts_release((struct tw_texts *)(void *)((char *)table->config + option->offset));
    tw_texts_add(&loader->overridden, place);
}

/* "routes.NAME.key": an entry by its name. */
static void set_entry(struct tw_config_loader *loader, const struct tw_config_table *table,
                      const struct tw_option *option, const char *place, const char *path,
                      const char *value)
{
    char name[128];
    const char *dot = strchr(path, '.');
    snprintf(name, sizeof name, "%.*s", dot ? (int)(dot - path) : 127, path);
    struct tw_config_table entry = {option->entries->options, option->entries->n_options,
                                    tw_option_list_find(option, table->config, name)};
    if (!entry.config)
        tw_config_say(loader, place, 0, 0, "no entry of %s is called '%s'", option->name, name);
    else if (!dot)
        tw_config_say(loader, place, 0, 0, "is not written as %s.NAME.key=value", option->name);
    else
        tw_config_set_option(loader, &entry, place, dot + 1, value);
}

void tw_config_set_option(struct tw_config_loader *loader, const struct tw_config_table *table,
                          const char *place, const char *option_path, const char *value)
{
    char name[128], text[512];
    bool is_file;
    struct tw_error why = {0};
    const char *dot = strchr(option_path, '.');
    snprintf(name, sizeof name, "%.*s", dot ? (int)(dot - option_path) : 127, option_path);
    const struct tw_option *option = find_option(table, name, &is_file);
    bool is_properties = option && option->type == TW_OPTION_PROPERTIES;
    if (dot && option && option->type == TW_OPTION_LIST) {
        set_entry(loader, table, option, place, dot + 1, value);
        return;
    }
    if (!option || (dot && !is_properties)) {
        tw_config_say(loader, place, 0, 0, "%s",
                      unknown_option(table, option ? option_path : name, text, sizeof text));
        return;
    }
    if (option->type == TW_OPTION_TEXTS)
        empty_once(loader, table, option, place);
    if (is_properties && dot)
        set_property(option, table->config, dot + 1, value, &why);
    else if (is_file)
        tw_option_set_file(option, table->config, value, &why);
    else
        tw_option_set(option, table->config, value, &why);
    if (why.code)
        tw_config_say(loader, place, 0, 0, "%s", why.text);
}

/* ---- what is missing ---- */

void tw_config_add_object(struct tw_config_loader *loader, const char *kind,
                          const struct tw_config_table *table, const yaml_node_t *node)
{
    if (loader->n_objects == TW_CONFIG_OBJECTS_MAX)
        return;
    loader->objects[loader->n_objects++] = (struct tw_config_object){
        .kind = kind,
        .table = *table,
        .line = node ? (unsigned)node->start_mark.line + 1 : 0,
        .column = node ? (unsigned)node->start_mark.column + 1 : 0,
    };
}

static bool is_set(const struct tw_option *option, const void *config)
{
    const void *value = (const char *)config + option->offset;
    switch (option->type) {
    case TW_OPTION_TEXT:
    case TW_OPTION_SECRET:
        return *(char *const *)value != NULL;
    case TW_OPTION_TEXTS:
    case TW_OPTION_PROPERTIES:
        return ((const struct tw_texts *)value)->n > 0;
    case TW_OPTION_LIST:
        return ((const struct tw_list *)value)->n > 0;
    default:
        return true;
    }
}

bool tw_config_lacks(const struct tw_config_object *object)
{
    for (size_t i = 0; i < object->table.n; i++) {
        if (object->table.options[i].required &&
            !is_set(&object->table.options[i], object->table.config))
            return true;
    }
    return false;
}

void tw_config_check_required(struct tw_config_loader *loader)
{
    for (size_t i = 0; i < loader->n_objects; i++) {
        const struct tw_config_object *object = &loader->objects[i];
        for (size_t j = 0; j < object->table.n; j++) {
            const struct tw_option *option = &object->table.options[j];
            bool is_told = j < 64 && (object->told >> j & 1);
            if (option->required && !is_told && !is_set(option, object->table.config))
                tw_config_say(loader, loader->path, object->line, object->column,
                              "%s: '%s' is missing (%s)", object->kind, option->name, option->help);
        }
    }
}
