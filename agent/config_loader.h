/* What the files of the configuration loader share: the YAML document, the mistakes found so far,
 * and the structs that are being filled. */
#ifndef TW_CONFIG_LOADER_H
#define TW_CONFIG_LOADER_H

#include "agent/config.h"

#include <yaml.h>

#define TW_CONFIG_MISTAKES_MAX 100
#define TW_CONFIG_OBJECTS_MAX 400
#define TW_CONFIG_SINKS_MAX 64
#define TW_CONFIG_KAFKA_MAX 16
#define TW_CONFIG_DIRECTORIES_MAX 256

/* Something that is filled by an option table. */
struct tw_config_table {
    const struct tw_option *options;
    size_t n;
    void *config;
};

/* A table with where it stands in the file, for what is found missing at the end. */
struct tw_config_object {
    const char *kind; /* "kafka", "email" */
    struct tw_config_table table;
    unsigned line, column; /* 0: made by an override */
    uint64_t told;         /* bit i: options[i] is there, but wrong: not missing too */
};

struct tw_config_loader {
    struct tw_config *config;
    const char *path;
    yaml_document_t document;
    bool has_document;

    tw_config_mistake *mistake;
    void *closure;
    struct tw_error *error;
    unsigned mistakes;

    size_t n_objects;
    struct tw_config_object objects[TW_CONFIG_OBJECTS_MAX];
    struct tw_texts overridden; /* list keys that an override has emptied */
    struct {
        int level, format;
    } log;
    struct {
        unsigned line, column;
    } listen; /* where http.listen stands */
};

/* ---- mistakes (config.c) ---- */

void tw_config_say(struct tw_config_loader *loader, const char *place, unsigned line,
                   unsigned column, const char *format, ...) TW_PRINTF(5, 6);
/* At a node of the file. */
#define tw_config_say_at(loader, node, ...)                                                        \
    tw_config_say(loader, (loader)->path, (unsigned)(node)->start_mark.line + 1,                   \
                  (unsigned)(node)->start_mark.column + 1, __VA_ARGS__)
/* "unknown key 'x'; did you mean 'y'?", or the list of known ones. Returns `ret`. */
const char *tw_config_unknown(const char *typed, const char *const *known, size_t n, char *ret,
                              size_t size);

/* ---- YAML (config_yaml.c) ---- */

/* Parses the whole text into loader->document; syntax mistakes are told. */
void tw_config_parse(struct tw_config_loader *loader, const char *text, size_t size);
yaml_node_t *tw_config_node(struct tw_config_loader *loader, int index);
/* Calls `visit` for each key of a mapping; whatever else `node` is, and keys that appear twice, are
 * told. `what` names the node in mistakes. */
typedef void tw_config_visit(struct tw_config_loader *loader, void *closure, const char *key,
                             const yaml_node_t *key_node, const yaml_node_t *value);
void tw_config_mapping(struct tw_config_loader *loader, const yaml_node_t *node, const char *what,
                       tw_config_visit *visit, void *closure);
/* The text of a scalar with ${NAME} replaced, for free(). NULL after a mistake, which is told. */
char *tw_config_scalar(struct tw_config_loader *loader, const yaml_node_t *node, const char *what);

/* "a${NAME}b$${c" with the environment put in, for free(). NULL: `reason` says why. */
char *tw_config_expand(const char *text, char *reason, size_t size);

/* ---- option tables (config_table.c) ---- */

/* Reads a mapping by a table. `own`, which may be NULL, is asked first and returns true for a key
 * that it dealt with. */
typedef bool tw_config_own_key(struct tw_config_loader *loader, void *closure, const char *key,
                               const yaml_node_t *key_node, const yaml_node_t *value);
void tw_config_read_table(struct tw_config_loader *loader, const yaml_node_t *node,
                          const char *what, const struct tw_config_table *table,
                          tw_config_own_key *own, void *closure);
/* Reads one key's value. */
void tw_config_read_option(struct tw_config_loader *loader, const struct tw_config_table *table,
                           const char *key, const yaml_node_t *key_node, const yaml_node_t *value);
/* Sets "option" or "properties.NAME" from an override; `place` names it in mistakes. */
void tw_config_set_option(struct tw_config_loader *loader, const struct tw_config_table *table,
                          const char *place, const char *option, const char *value);
/* Remembers a table, so that what is required and missing is told at the end. */
void tw_config_add_object(struct tw_config_loader *loader, const char *kind,
                          const struct tw_config_table *table, const yaml_node_t *node);
void tw_config_check_required(struct tw_config_loader *loader);
/* Something required is missing. */
bool tw_config_lacks(const struct tw_config_object *object);

/* ---- sections (config_sections.c) ---- */

void tw_config_read_root(struct tw_config_loader *loader);
/* Keys of the first level. */
size_t tw_config_root_keys(const char **ret, size_t max);
/* The table of "" (the first level), "log", "http", "delivery", "limits", "checkpoint". False: none
 * is called so. */
bool tw_config_section(struct tw_config_loader *loader, const char *name,
                       struct tw_config_table *ret);
/* The table of `advisory_log: {kafka: ...}`, which becomes where the log is. */
struct tw_config_table tw_config_use_log_kafka(struct tw_config_loader *loader,
                                               const yaml_node_t *node);
/* A new source ("kafka", "directory") or sink, initialised; false after a mistake, which is told.
 * `node` and `place` as in tw_config_set_option(); node NULL: made by an override. */
bool tw_config_add_source(struct tw_config_loader *loader, const char *kind,
                          const yaml_node_t *node, const char *place, struct tw_config_table *ret);
bool tw_config_add_sink(struct tw_config_loader *loader, const char *kind, const yaml_node_t *node,
                        const char *place, struct tw_config_table *ret);
extern const struct tw_option tw_config_directory_options[];
extern const size_t tw_config_n_directory_options;

/* ---- overrides (config_override.c) ---- */

void tw_config_override(struct tw_config_loader *loader, const char *override);

#endif
