/* A YAML document with the places of its nodes: the checks that every reader of one needs. */
#ifndef TW_RULES_DOCUMENT_H
#define TW_RULES_DOCUMENT_H

#include "telemetry/error.h"

#include <stdbool.h>
#include <yaml.h>

struct tw_yaml_document {
    yaml_document_t yaml;
    bool is_loaded;
    yaml_node_t *root; /* NULL: an empty file */
    const char *place; /* borrowed */
    const char *text;  /* borrowed */
    size_t size;
    struct tw_error *error;
};

/* Reads the one document of `text`. */
int tw_yaml_document_load(struct tw_yaml_document *ret, const char *text, size_t size,
                          const char *place, struct tw_error *error);
void tw_yaml_document_release(struct tw_yaml_document *document);

/* Records an error at a node. Returns -EINVAL. */
int tw_yaml_document_fail(struct tw_yaml_document *document, const yaml_node_t *node,
                          const char *format, ...) TW_PRINTF(3, 4);
/* Same at a byte of a scalar's value, as near as its style allows. */
int tw_yaml_document_fail_inside(struct tw_yaml_document *document, const yaml_node_t *node,
                                 size_t offset, unsigned line, const char *format, ...)
    TW_PRINTF(5, 6);

/* Refuses what is no mapping, keys that are not among `keys`, and keys that come twice; `what`
 * names the thing in errors. */
int tw_yaml_document_check_keys(struct tw_yaml_document *document, yaml_node_t *mapping,
                                const char *what, const char *const *keys, size_t n);
/* The value of a key, or NULL. */
yaml_node_t *tw_yaml_document_find(struct tw_yaml_document *document, const yaml_node_t *mapping,
                                   const char *key);

size_t tw_yaml_document_length(const yaml_node_t *sequence);
yaml_node_t *tw_yaml_document_item(struct tw_yaml_document *document, const yaml_node_t *sequence,
                                   size_t index);

/* The bytes of a scalar, or NULL when the node is none or holds a NUL. Never modified: libyaml
 * ends them with a NUL. */
const char *tw_yaml_document_scalar(const yaml_node_t *node, size_t *ret_size);

/* New string: the lines that a block node was written in, without its indentation and without
 * trailing blank lines and comments. NULL when out of memory. */
char *tw_yaml_document_excerpt(const struct tw_yaml_document *document, const yaml_node_t *node);

#endif
